//! Events: what happened, once, to whom it concerns.

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use super::{Nothing, StopSource, ZoneKind, encode, number, timestamp};
use crate::safety::MotionKind;

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What.
    pub name: EventName,
    /// How bad.
    pub severity: Severity,
    /// For people.
    pub message: String,
    /// For programs.
    pub data: EventData,
}

wire_names! {
    /// What happened; the closed list of the protocol.
    #[allow(missing_docs)] // each says what its wire name says
    pub enum EventName {
        EmergencyStopEngaged = "emergency_stop_engaged",
        EmergencyStopReset = "emergency_stop_reset",
        ControlChanged = "control_changed",
        MotionFinished = "motion_finished",
        MotionAborted = "motion_aborted",
        DockingProgress = "docking_progress",
        DockingFinished = "docking_finished",
        DockingFailed = "docking_failed",
        ZoneEntered = "zone_entered",
        ZoneCleared = "zone_cleared",
        ScanLost = "scan_lost",
        ScanRestored = "scan_restored",
        BatteryLow = "battery_low",
        TokenExpiring = "token_expiring",
        ServerStopping = "server_stopping",
        Notice = "notice",
    }
}

wire_names! {
    /// How bad it is.
    #[allow(missing_docs)]
    pub enum Severity {
        Info = "info",
        Warning = "warning",
        Critical = "critical",
    }
}

/// What an event tells programs.
#[derive(Debug, Clone, PartialEq)]
pub enum EventData {
    /// Nothing but its name.
    None,
    /// `emergency_stop_engaged`
    EmergencyStop {
        /// Where it came from.
        source: StopSource,
        /// The user's name, if it was one.
        by: Option<Arc<str>>,
    },
    /// `emergency_stop_reset`
    EmergencyStopReset {
        /// The user's name, if it was one.
        by: Option<Arc<str>>,
    },
    /// `control_changed`
    Control {
        /// Name and `user_id` of who drives now; `None`: nobody.
        holder: Option<(Arc<str>, u64)>,
        /// Why it changed.
        cause: ControlCause,
    },
    /// `motion_finished`, `motion_aborted`
    Motion {
        /// Which.
        command: MotionKind,
        /// Why it was aborted; a name in small letters with underscores.
        reason: Option<&'static str>,
        /// The zone that did it, if one did.
        zone: Option<Arc<str>>,
    },
    /// `docking_progress`, `docking_finished`, `docking_failed`
    Docking {
        /// Which way.
        command: DockingCommand,
        /// Since it began.
        elapsed: Duration,
    },
    /// `scan_lost`, `scan_restored`
    Scan {
        /// Of the newest scan; `None`: none ever came.
        age: Option<Duration>,
        /// What is wrong; a name in small letters with underscores.
        reason: Option<&'static str>,
    },
    /// `zone_entered`, `zone_cleared`
    Zone {
        /// As configured.
        zone: Arc<str>,
        /// What follows from something inside.
        kind: ZoneKind,
    },
    /// `battery_low`
    Battery {
        /// Percent.
        level: u8,
    },
    /// `token_expiring`
    TokenExpiring {
        /// Since the Unix epoch.
        expires_at: Duration,
    },
}

wire_names! {
    /// Why control changed.
    pub enum ControlCause {
        /// Somebody drives.
        Command = "command",
        /// No command came for a while.
        Idle = "idle",
        /// The driver's connection is gone.
        LinkLost = "link_lost",
        /// The driver's token ran out.
        TokenExpired = "token_expired",
        /// Somebody else stopped the robot.
        Stop = "stop",
        /// The driver gave it back.
        Released = "released",
        /// An administrator took it.
        TakenOver = "taken_over",
        /// The bridge itself did not run for a while.
        Suspended = "suspended",
    }
}

wire_names! {
    /// Onto the dock or off it.
    #[allow(missing_docs)]
    pub enum DockingCommand {
        Dock = "dock",
        Undock = "undock",
    }
}

/// `event`
pub fn event(event: &Event, unix: Duration) -> String {
    #[derive(Serialize)]
    struct Documented<'a> {
        event: EventName,
        severity: Severity,
        message: &'a str,
        data: Data<'a>,
    }
    let documented = Documented {
        event: event.name,
        severity: event.severity,
        message: &event.message,
        data: Data::of(&event.data),
    };
    encode("event", documented, unix, Nothing {})
}

/// `data` of an event, as it is written.
pub(in crate::protocol) fn event_data(data: &EventData) -> impl Serialize {
    Data::of(data)
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    None {},
    EmergencyStop { source: StopSource, by: Option<&'a str> },
    EmergencyStopReset { by: Option<&'a str> },
    Control { holder: Option<&'a str>, user_id: Option<u64>, cause: ControlCause },
    Motion { command: &'static str, reason: Option<&'static str>, zone: Option<&'a str> },
    Docking { command: DockingCommand, elapsed: Option<f64> },
    Scan { age: Option<f64>, reason: Option<&'static str> },
    Zone { zone: &'a str, r#type: ZoneKind },
    Battery { level: u8 },
    TokenExpiring { expires_at: String },
}

impl Data<'_> {
    fn of(data: &EventData) -> Data<'_> {
        match data {
            EventData::None => Data::None {},
            EventData::EmergencyStop { source, by } => {
                Data::EmergencyStop { source: *source, by: by.as_deref() }
            }
            EventData::EmergencyStopReset { by } => Data::EmergencyStopReset { by: by.as_deref() },
            EventData::Control { holder, cause } => Data::Control {
                holder: holder.as_ref().map(|(name, _)| &**name),
                user_id: holder.as_ref().map(|(_, user_id)| *user_id),
                cause: *cause,
            },
            EventData::Motion { command, reason, zone } => {
                Data::Motion { command: command.as_str(), reason: *reason, zone: zone.as_deref() }
            }
            EventData::Docking { command, elapsed } => {
                Data::Docking { command: *command, elapsed: number::seconds(*elapsed) }
            }
            EventData::Scan { age, reason } => {
                Data::Scan { age: age.and_then(number::seconds), reason: *reason }
            }
            EventData::Zone { zone, kind } => Data::Zone { zone, r#type: *kind },
            EventData::Battery { level } => Data::Battery { level: *level },
            EventData::TokenExpiring { expires_at } => {
                Data::TokenExpiring { expires_at: timestamp(*expires_at) }
            }
        }
    }
}
