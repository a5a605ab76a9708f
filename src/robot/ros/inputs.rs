//! Subscriptions: each message becomes the robot port's own type and goes into its newest-value slot.

use std::{sync::Arc, time::Duration};

use r2r::{
    WrappedTypesupport,
    geometry_msgs::msg::Twist,
    nav_msgs::msg::Odometry,
    oht50_bridge::msg::Notice,
    sensor_msgs::msg::{BatteryState, LaserScan, Temperature},
};
use tokio::sync::{Notify, mpsc, watch};

use super::{Drain, RosError, RosTime, at_once, convert, drain, failed, qos, stops::Asked};
use crate::{
    clock::Clock,
    robot::{
        Inputs, Newest, Received,
        topics::{self, Topic},
    },
};

/// Subscribes to every input besides what stops the robot, which was `asked` for elsewhere.
pub(super) fn subscribe(
    node: &mut r2r::Node,
    asked: Asked,
    time: &RosTime,
    clock: &Clock,
) -> Result<(Inputs, Vec<Drain>), RosError> {
    let Asked { resets, hardware_stop } = asked;
    let mut slots = Slots { node, clock, drains: Vec::new() };
    let ros_time = time.clone();
    let scan = slots.newest_at_once::<LaserScan, _>(topics::SCAN, move |scan| {
        // Without a clock the scan's age is not known, which is what NaN says.
        let ros_now = ros_time.now().map_or(f64::NAN, |now| convert::seconds_of(&now));
        Some(Arc::new(convert::scan(scan, ros_now)))
    })?;
    let odometry = slots.newest::<Odometry, _>(topics::ODOM, |odom| convert::odometry(&odom))?;
    let battery = slots
        .newest::<BatteryState, _>(topics::BATTERY_STATE, |state| Some(convert::battery(&state)))?;
    let temperature = slots.newest::<Temperature, _>(topics::TEMPERATURE, |message| {
        Some(message.temperature).filter(|value| value.is_finite())
    })?;
    let dock_velocity =
        slots.newest::<Twist, _>(topics::CMD_VEL_DOCK, |twist| convert::dock_velocity(&twist))?;
    let notices = slots.notices()?;
    let drains = slots.drains;
    let inputs = Inputs {
        scan,
        odometry,
        battery,
        temperature,
        dock_velocity,
        hardware_stop,
        notices,
        resets,
        caught_up: Arc::<Notify>::default(),
    };
    Ok((inputs, drains))
}

struct Slots<'a> {
    node: &'a mut r2r::Node,
    clock: &'a Clock,
    drains: Vec<Drain>,
}

impl Slots<'_> {
    /// A slot that holds the newest value; a message that `convert` refuses leaves the value before it, which ages.
    fn newest<M, T>(
        &mut self,
        topic: Topic,
        convert: impl Fn(M) -> Option<T> + Send + 'static,
    ) -> Result<Newest<T>, RosError>
    where
        M: WrappedTypesupport + Send + 'static,
        T: Send + Sync + 'static,
    {
        let (newest, drain) = newest(self.node, topic.name, topic, self.clock, convert)?;
        self.drains.push(drain);
        Ok(newest)
    }

    /// The same for a topic that somebody waits for.
    fn newest_at_once<M, T>(
        &mut self,
        topic: Topic,
        convert: impl Fn(M) -> Option<T> + Send + 'static,
    ) -> Result<Newest<T>, RosError>
    where
        M: WrappedTypesupport + Send + 'static,
        T: Send + Sync + 'static,
    {
        let stream = self.node.subscribe::<M>(topic.name, qos::profile(topic));
        let (take, newest) = slot(topic, convert, self.clock.clone());
        at_once(stream.map_err(failed("subscribing"))?, take);
        Ok(newest)
    }

    /// Notices, each of which counts. When nobody takes them, new ones are dropped and the log says so.
    fn notices(&mut self) -> Result<mpsc::Receiver<crate::robot::Notice>, RosError> {
        let topic = topics::NOTICE;
        let stream = self.node.subscribe::<Notice>(topic.name, qos::profile(topic));
        let (queue, notices) = mpsc::channel(topic.depth);
        let clock = self.clock.clone();
        let mut warning = Warning::default();
        let take = move |notice| {
            if queue.try_send(convert::notice(notice)).is_err() && warning.is_due(clock.now()) {
                tracing::warn!(topic = topic.name, "dropped: too many at once");
            }
        };
        self.drains.push(drain(stream.map_err(failed("subscribing"))?, take));
        Ok(notices)
    }
}

/// The newest value of a topic, whose name may be configured, and what puts it there.
pub(super) fn newest<M, T>(
    node: &mut r2r::Node,
    name: &str,
    topic: Topic,
    clock: &Clock,
    convert: impl Fn(M) -> Option<T> + Send + 'static,
) -> Result<(Newest<T>, Drain), RosError>
where
    M: WrappedTypesupport + Send + 'static,
    T: Send + Sync + 'static,
{
    let stream = node.subscribe::<M>(name, qos::profile(topic));
    let (take, newest) = slot(topic, convert, clock.clone());
    Ok((newest, drain(stream.map_err(failed("subscribing"))?, take)))
}

/// Where the newest value is, and what puts it there.
fn slot<M, T>(
    topic: Topic,
    convert: impl Fn(M) -> Option<T>,
    clock: Clock,
) -> (impl FnMut(M), Newest<T>) {
    let (slot, newest) = watch::channel(None);
    let mut warning = Warning::default();
    let take = move |message| {
        let at = clock.now();
        match convert(message) {
            Some(value) => {
                slot.send_replace(Some(Received { value, at }));
            }
            None if warning.is_due(at) => {
                tracing::warn!(topic = topic.name, "dropped: not a finite value");
            }
            None => {}
        }
    };
    (take, newest)
}

/// Keeps a message that repeats from filling the log.
#[derive(Default)]
struct Warning {
    last: Option<Duration>,
}

impl Warning {
    fn is_due(&mut self, now: Duration) -> bool {
        let due = self.last.is_none_or(|last| now.saturating_sub(last) >= WARNING_INTERVAL);
        if due {
            self.last = Some(now);
        }
        due
    }
}

/// Least time between two warnings about one topic.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);
