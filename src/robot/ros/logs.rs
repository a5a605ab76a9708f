//! The bridge's log lines on `/rosout`, where ROS collects those of all nodes.
//!
//! Published on the node's thread, out of a bounded queue: whoever logs does not wait for the middleware. What goes wrong
//! here is not logged, since that would be one more line.

use r2r::{QosProfile, rcl_interfaces::msg::Log};
use tracing::Level;

use super::{Drain, RosError, RosTime, failed, names::Names};
use crate::telemetry::logs::{Line, Lines};

/// Advertises `/rosout`; the drain publishes what waits.
pub(super) fn publish(
    node: &mut r2r::Node,
    names: &Names,
    lines: Lines,
    time: &RosTime,
) -> Result<Drain, RosError> {
    let publisher = node.create_publisher::<Log>("/rosout", profile());
    let publisher = publisher.map_err(failed("advertising /rosout"))?;
    let logger = logger(&names.resolve("~"));
    let time = time.clone();
    Ok(Box::new(move || {
        while let Some(line) = lines.next() {
            let Ok(stamp) = time.now() else { return };
            // Nobody is to be told where telling fails.
            let _ = publisher.publish(&message(line, stamp, &logger));
        }
    }))
}

fn message(line: Line, stamp: r2r::builtin_interfaces::msg::Time, logger: &str) -> Log {
    Log {
        stamp,
        level: level(line.level),
        name: logger.to_owned(),
        msg: line.text,
        file: line.file.to_owned(),
        function: String::new(),
        line: line.line,
    }
}

/// `rcl_interfaces/msg/Log` has no level below DEBUG.
fn level(level: Level) -> u8 {
    match level {
        Level::ERROR => Log::ERROR as u8,
        Level::WARN => Log::WARN as u8,
        Level::INFO => Log::INFO as u8,
        Level::DEBUG | Level::TRACE => Log::DEBUG as u8,
    }
}

/// A node's logger has points where its full name has slashes.
fn logger(node: &str) -> String {
    node.trim_start_matches('/').replace('/', ".")
}

/// As rcl's own publisher on `/rosout`: who comes late reads what was said in the last seconds.
fn profile() -> QosProfile {
    QosProfile::default()
        .keep_last(1000)
        .reliable()
        .transient_local()
        .lifespan(std::time::Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_loggers_are_those_of_ros() {
        let rows = [(Level::TRACE, 10), (Level::DEBUG, 10), (Level::INFO, 20), (Level::WARN, 30)];
        for (ours, number) in rows {
            assert_eq!(level(ours), number);
        }
        assert_eq!(level(Level::ERROR), 40);
        assert_eq!(logger("/oht50_bridge"), "oht50_bridge");
        assert_eq!(logger("/hall/robot1/oht50_bridge"), "hall.robot1.oht50_bridge");
    }
}
