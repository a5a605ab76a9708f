//! The time that ROS messages are stamped with: the system's, or that of `/clock` under `use_sim_time`.
//!
//! r2r has a time source of its own, behind a `cfg` that its build script prints only when it generates messages anew:
//! with a warm build folder it can be missing. One subscription does the same.

use std::sync::{Arc, Mutex, PoisonError};

use r2r::{QosProfile, builtin_interfaces::msg::Time, rosgraph_msgs::msg::Clock as ClockMessage};
use tokio::sync::watch;

use super::{RosError, at_once, failed};

/// Tells the ROS time; cheap to clone.
#[derive(Clone)]
pub(super) enum RosTime {
    /// The machine's clock.
    System(Arc<Mutex<r2r::Clock>>),
    /// What `/clock` told last; zero until it told anything, as everywhere in ROS.
    Simulated(watch::Receiver<Time>),
}

impl RosTime {
    /// The system's time.
    pub(super) fn system(node: &r2r::Node) -> RosTime {
        RosTime::System(node.get_ros_clock())
    }

    /// The time of `/clock`. r2r takes in the order of subscription, so subscribe to what asks for the time later.
    pub(super) fn simulated(node: &mut r2r::Node) -> Result<RosTime, RosError> {
        // As rclcpp's ClockQoS.
        let profile = QosProfile::default().keep_last(1).best_effort();
        let stream = node
            .subscribe::<ClockMessage>("/clock", profile)
            .map_err(failed("subscribing to /clock"))?;
        let (slot, newest) = watch::channel(Time { sec: 0, nanosec: 0 });
        let take = move |message: ClockMessage| {
            slot.send_replace(message.clock);
        };
        at_once(stream, take);
        Ok(RosTime::Simulated(newest))
    }

    /// Now.
    pub(super) fn now(&self) -> Result<Time, r2r::Error> {
        match self {
            RosTime::System(clock) => {
                let mut clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(r2r::Clock::to_builtin_time(&clock.get_now()?))
            }
            RosTime::Simulated(newest) => Ok(newest.borrow().clone()),
        }
    }
}
