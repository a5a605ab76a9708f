//! Why the robot does what it does, and why a command was not carried out.

use std::{fmt, sync::Arc};

use super::{LinkLoss, facts::HardwareStop, zone};

/// Why the Gate decided as it did, from the most restrictive to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The emergency stop is latched.
    EmergencyStop,
    /// The bridge is stopping.
    ShuttingDown,
    /// The bridge did not run for a while: what it knew is void.
    Suspended,
    /// Nobody listens on `cmd_vel`.
    DriveAbsent,
    /// Somebody else publishes on `cmd_vel`.
    CmdVelShared,
    /// More than one publishes on `scan`.
    ScanShared,
    /// Something is in a critical zone, the motion leads to where nobody sees, or the scans cannot be believed.
    Held(zone::Stop),
    /// The driver's connection was closed or reset.
    LinkClosed,
    /// The driver fell silent.
    LinkSilent,
    /// The driver's token ran out.
    TokenExpired,
    /// An administrator took control.
    TakenOver,
    /// The driver gave control back.
    Released,
    /// A long motion, and no message from its driver.
    Unattended,
    /// Somebody sent `stop`.
    Stopped,
    /// Docking took too long.
    DockingTimeout,
    /// The motion ran its time.
    Finished,
    /// The surroundings allow less than was asked.
    Slowed(zone::Cause),
    /// A motion is carried out below what was asked: by the robot's limits, or not yet.
    Limited,
    /// The docking controller drives.
    Docking,
    /// A motion is carried out as asked.
    Moving,
    /// Nothing is asked.
    Idle,
}

/// What a decision does to what was asked, from harmless to severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Action {
    /// All of it.
    Go,
    /// Less of it.
    Limit,
    /// Nothing of it.
    #[default]
    Stop,
    /// Nothing, until somebody resets the emergency stop.
    EmergencyStop,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else drives.
    #[error("{0} is in control")]
    NotInControl(Arc<str>),
    /// This connection does not drive.
    #[error("You are not in control")]
    NotYours,
    /// The last driver's link was lost: what comes now may be old.
    #[error("The driver's connection was lost: send stop or acquire control first")]
    DriverLost,
    /// Somebody else has just stopped this driver.
    #[error("Somebody else stopped the robot a moment ago")]
    StoppedByOther,
    /// The emergency stop is latched.
    #[error("Emergency stop is active")]
    EmergencyStopActive,
    /// What the LiDAR shows does not allow it; the zone, where one is behind it.
    #[error("{}{}", .0.in_words(), zone_in_words(.1))]
    Held(zone::Stop, Option<Arc<str>>),
    /// Nobody listens on `cmd_vel`.
    #[error("The drive is not listening on cmd_vel")]
    DriveAbsent,
    /// Somebody else publishes on `cmd_vel`.
    #[error("Another node publishes on cmd_vel")]
    CmdVelShared,
    /// More than one publishes on `scan`.
    #[error("More than one node publishes on scan")]
    ScanShared,
    /// The robot's own emergency stop is pressed, or says nothing.
    #[error("The robot's own emergency stop is {}", match .0 { HardwareStop::Pressed => "pressed", HardwareStop::Silent => "silent" })]
    HardwareStop(HardwareStop),
    /// Nothing steers docking.
    #[error("This robot has no docking controller")]
    NoDocking,
    /// What is done could not be put on record.
    #[error("The audit log cannot be written")]
    AuditUnavailable,
    /// Docking or undocking goes on.
    #[error("Docking is in progress")]
    Docking,
    /// The emergency stop is not latched, so there is nothing to reset.
    #[error("Emergency stop is not active")]
    NotLatched,
    /// The robot moves, or nobody knows whether it does.
    #[error("The robot is not known to stand still")]
    NotAtRest,
    /// The motion ended before its first velocity was published.
    #[error("Aborted: {0}")]
    Aborted(Reason),
    /// A newer command took its place before it had begun.
    #[error("Replaced by a newer command")]
    Replaced,
    /// The bridge is stopping.
    #[error("The bridge is stopping")]
    ShuttingDown,
}

impl Reason {
    /// The name on the wire and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::EmergencyStop => "emergency_stop",
            Reason::ShuttingDown => "shutting_down",
            Reason::Suspended => "suspended",
            Reason::DriveAbsent => "drive_absent",
            Reason::CmdVelShared => "cmd_vel_shared",
            Reason::ScanShared => "scan_shared",
            Reason::Held(stop) => stop.as_str(),
            Reason::LinkClosed => "link_closed",
            Reason::LinkSilent => "link_silent",
            Reason::TokenExpired => "token_expired",
            Reason::TakenOver => "taken_over",
            Reason::Released => "released",
            Reason::Unattended => "unattended",
            Reason::Stopped => "stopped",
            Reason::DockingTimeout => "docking_timeout",
            Reason::Finished => "finished",
            Reason::Slowed(cause) => cause.as_str(),
            Reason::Limited => "limited",
            Reason::Docking => "docking",
            Reason::Moving => "moving",
            Reason::Idle => "idle",
        }
    }
}

impl Reason {
    /// The zone behind it.
    pub fn zone(self) -> Option<zone::ZoneId> {
        match self {
            Reason::Held(stop) => stop.zone(),
            Reason::Slowed(cause) => cause.zone(),
            _ => None,
        }
    }

    /// What it does to the robot.
    pub fn action(self) -> Action {
        match self {
            Reason::EmergencyStop => Action::EmergencyStop,
            Reason::Idle | Reason::Moving | Reason::Finished => Action::Go,
            Reason::Slowed(_) | Reason::Limited | Reason::Docking => Action::Limit,
            _ => Action::Stop,
        }
    }
}

fn zone_in_words(zone: &Option<Arc<str>>) -> String {
    zone.as_ref().map(|name| format!(" (zone {name})")).unwrap_or_default()
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<LinkLoss> for Reason {
    fn from(loss: LinkLoss) -> Reason {
        match loss {
            LinkLoss::Left | LinkLoss::Closed => Reason::LinkClosed,
            LinkLoss::Silent => Reason::LinkSilent,
            LinkLoss::TokenExpired => Reason::TokenExpired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reason_does_to_the_robot() {
        let limit = Reason::Slowed(zone::Cause::Sight);
        let rows = [
            (Reason::EmergencyStop, Action::EmergencyStop, "emergency_stop"),
            (Reason::Stopped, Action::Stop, "stopped"),
            (Reason::Held(zone::Stop::NoScan), Action::Stop, "no_scan"),
            (Reason::Docking, Action::Limit, "docking"),
            (Reason::Limited, Action::Limit, "limited"),
            (limit, Action::Limit, "sight"),
            (Reason::Moving, Action::Go, "moving"),
            (Reason::Finished, Action::Go, "finished"),
            (Reason::Idle, Action::Go, "idle"),
        ];
        for (reason, action, name) in rows {
            assert_eq!((reason.action(), reason.to_string().as_str()), (action, name));
        }
    }
}
