//! Where the LiDAR's pose comes from: known before the rest is judged, since the transforms may have to be waited for.

use super::{ConfigError, Params, Value, Values, check};

/// Where the LiDAR's pose on the robot comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// The parameter `base_from_laser`.
    Parameter,
    /// The fixed transforms between these frames.
    Transforms {
        /// The robot.
        base_frame: String,
        /// The LiDAR.
        laser_frame: String,
    },
}

impl MountSource {
    /// What the parameters say. Where they cannot be used, [`super::Config::from_params`] tells why.
    pub fn of(params: &Params) -> MountSource {
        let (checked, _) = check::check_each(params);
        MountSource::read(&Values(&checked)).unwrap_or(MountSource::Parameter)
    }

    pub(super) fn read(values: &Values<'_>) -> Result<MountSource, ConfigError> {
        Ok(match values.text("base_from_laser_source")?.as_str() {
            "tf_static" => MountSource::Transforms {
                base_frame: values.text("base_frame")?,
                laser_frame: values.text("laser_frame")?,
            },
            _ => MountSource::Parameter,
        })
    }

    /// The parameters as if the LiDAR stood where the robot's base frame is: to be judged before the transforms come.
    pub fn assume_origin(params: &Params) -> Params {
        let mut params = params.clone();
        params.insert(MOUNT.to_owned(), Value::DoubleArray(vec![0.0; 3]));
        params
    }
}

/// The parameter that says where the LiDAR stands.
pub const MOUNT: &str = "base_from_laser";
