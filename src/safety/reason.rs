//! Why the robot does what it does, and why a command was not carried out.

use std::{fmt, sync::Arc};

use super::LinkLoss;

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
    /// No fresh scan.
    ScanStale,
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
    /// A motion is carried out below what was asked.
    Limited,
    /// The docking controller drives.
    Docking,
    /// A motion is carried out as asked.
    Moving,
    /// Nothing is asked.
    Idle,
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
    /// No fresh scan.
    #[error("No fresh LiDAR scan")]
    ScanStale,
    /// Nobody listens on `cmd_vel`.
    #[error("The drive is not listening on cmd_vel")]
    DriveAbsent,
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
            Reason::ScanStale => "scan_stale",
            Reason::LinkClosed => "link_closed",
            Reason::LinkSilent => "link_silent",
            Reason::TokenExpired => "token_expired",
            Reason::TakenOver => "taken_over",
            Reason::Released => "released",
            Reason::Unattended => "unattended",
            Reason::Stopped => "stopped",
            Reason::DockingTimeout => "docking_timeout",
            Reason::Finished => "finished",
            Reason::Limited => "limited",
            Reason::Docking => "docking",
            Reason::Moving => "moving",
            Reason::Idle => "idle",
        }
    }
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
