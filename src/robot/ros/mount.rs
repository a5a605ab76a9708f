//! Where the LiDAR stands, from `/tf_static`: asked once, before the configuration is judged.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use r2r::{
    Parameter, ParameterValue, QosProfile, geometry_msgs::msg::TransformStamped,
    tf2_msgs::msg::TFMessage,
};

use super::{RosError, RosNode, failed};
use crate::{
    clock::Clock,
    config::{MOUNT, MountSource},
    robot::transforms::{MountError, Transforms},
};

impl RosNode {
    /// Where the parameters want it from the transforms: waits for them, and makes it the value of `base_from_laser`. Blocks
    /// for up to 10 s.
    ///
    /// # Errors
    /// When the transforms that come until then do not lead to the LiDAR.
    pub fn find_mount(&mut self, source: &MountSource, clock: &Clock) -> Result<(), RosError> {
        let MountSource::Transforms { base_frame, laser_frame } = source else {
            return Ok(());
        };
        // As tf2_ros's StaticListenerQoS.
        let profile = QosProfile::default().keep_last(100).transient_local();
        let told = self.0.subscribe::<TFMessage>("/tf_static", profile);
        let mut told = told.map_err(failed("subscribing to /tf_static"))?;
        let deadline = clock.now() + PATIENCE;
        let mut transforms = Transforms::default();
        let pose = loop {
            self.0.spin_once(WAIT);
            while let Some(Some(message)) = told.next().now_or_never() {
                message.transforms.iter().for_each(|each| insert(&mut transforms, each));
            }
            match transforms.mount(base_frame, laser_frame) {
                Ok(pose) => break pose,
                Err(error @ MountError::Tilted { .. }) => return Err(RosError::Mount(error)),
                Err(error) if clock.now() >= deadline => return Err(RosError::Mount(error)),
                Err(MountError::Unknown { .. }) => {}
            }
        };
        let value = vec![pose.translation.x, pose.translation.y, pose.rotation.angle()];
        tracing::info!("base_from_laser is {value:?}, from /tf_static");
        let mut params = self.0.params.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let value = ParameterValue::DoubleArray(value);
        params.insert(MOUNT.to_owned(), Parameter::new(value));
        Ok(())
    }
}

fn insert(transforms: &mut Transforms, told: &TransformStamped) {
    let (at, turn) = (&told.transform.translation, &told.transform.rotation);
    let turn = Quaternion::new(turn.w, turn.x, turn.y, turn.z);
    let numbers = [at.x, at.y, at.z, turn.norm()];
    if numbers.iter().all(|number| number.is_finite()) && turn.norm() > LEAST_NORM {
        let rotation = UnitQuaternion::from_quaternion(turn);
        let pose = Isometry3::from_parts(Translation3::new(at.x, at.y, at.z), rotation);
        transforms.insert(&told.header.frame_id, &told.child_frame_id, pose);
    }
}

/// How long the transforms may take: longer than a robot that starts at the same time.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const WAIT: Duration = Duration::from_millis(50);
/// A quaternion with a smaller norm is none.
const LEAST_NORM: f64 = 0.01;
