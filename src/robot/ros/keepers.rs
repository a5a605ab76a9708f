//! How the bridge is, for those who keep the robot: `/diagnostics` and `~/status`.

use std::time::Duration;

use r2r::{
    diagnostic_msgs::msg::{DiagnosticArray, DiagnosticStatus, KeyValue},
    oht50_bridge::msg::BridgeStatus,
    std_msgs::msg::Header,
};

use super::{RosError, RosTime, failed, outputs::Sender};
use crate::{
    robot::{PublishError, topics},
    telemetry::vitals::{Level, Part, Vitals},
};

/// The publishers.
pub(super) struct Keepers {
    diagnostics: Sender<DiagnosticArray>,
    status: Sender<BridgeStatus>,
    time: RosTime,
    /// Before each part's name, as monitors group by it.
    node: String,
    hardware: String,
}

impl Keepers {
    /// Advertises both.
    pub(super) fn create(
        node: &mut r2r::Node,
        robot_id: u64,
        time: &RosTime,
    ) -> Result<Keepers, RosError> {
        let name = node.name().map_err(failed("asking the node for its name"))?;
        Ok(Keepers {
            diagnostics: Sender::create(node, topics::DIAGNOSTICS)?,
            status: Sender::create(node, topics::STATUS)?,
            time: time.clone(),
            node: name,
            hardware: format!("oht50 {robot_id}"),
        })
    }

    /// Whether anybody listens.
    pub(super) fn are_asked(&self) -> bool {
        self.diagnostics.has_listeners() || self.status.has_listeners()
    }

    /// A status for each part.
    pub(super) fn diagnostics(&self, vitals: &Vitals) -> Result<(), PublishError> {
        let header = self.header().map_err(|error| self.diagnostics.failed(&error))?;
        let status = vitals.parts.iter().map(|part| self.diagnosis(part)).collect();
        self.diagnostics.publish(&DiagnosticArray { header, status })
    }

    /// The bridge in one message.
    pub(super) fn status(&self, vitals: &Vitals) -> Result<(), PublishError> {
        let header = self.header().map_err(|error| self.status.failed(&error))?;
        self.status.publish(&BridgeStatus {
            header,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            connections: count(vitals.all_connections()),
            operators: count(vitals.operators),
            holder: vitals.holder.as_deref().unwrap_or_default().to_owned(),
            scan_age: seconds(vitals.scan_age),
            odom_age: seconds(vitals.odometry_age),
            battery_age: seconds(vitals.battery_age),
            temperature_age: seconds(vitals.temperature_age),
        })
    }

    fn diagnosis(&self, part: &Part) -> DiagnosticStatus {
        let level = match part.level {
            Level::Ok => DiagnosticStatus::OK as u8,
            Level::Warn => DiagnosticStatus::WARN as u8,
            Level::Error => DiagnosticStatus::ERROR as u8,
            Level::Stale => DiagnosticStatus::STALE as u8,
        };
        let pair = |(key, value): &(&str, String)| KeyValue {
            key: (*key).to_owned(),
            value: value.clone(),
        };
        DiagnosticStatus {
            level,
            name: format!("{}: {}", self.node, part.name),
            message: part.message.clone(),
            hardware_id: self.hardware.clone(),
            values: part.values.iter().map(pair).collect(),
        }
    }

    fn header(&self) -> Result<Header, r2r::Error> {
        Ok(Header { stamp: self.time.now()?, frame_id: String::new() })
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn seconds(age: Option<Duration>) -> f32 {
    age.map_or(f32::NAN, |age| age.as_secs_f32())
}
