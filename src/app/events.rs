//! Events: what happened becomes a message to whom it concerns.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    hub::{Audience, Frame, Hub},
    protocol::{
        Stream, audit,
        server::{
            self, ControlCause, DockingCommand, Event, EventData, EventName, Severity, ZoneKind,
        },
    },
    robot::Notice,
    safety::{Caller, Reason, SafetyEvent, StopSource, zone::Kind},
    telemetry::{audit::Audit, metrics::Metrics},
};

/// Tells events; cheap to clone.
#[derive(Clone)]
pub struct Teller {
    /// To whom.
    pub hub: Hub,
    /// When.
    pub clock: Clock,
    /// Keeps them, but for notices.
    pub audit: Audit,
    /// Counts them.
    pub metrics: Arc<Metrics>,
}

impl Teller {
    /// What the Gate reports. Docking that ended early is told by [`docking`](Teller::docking).
    pub fn safety(&self, event: &SafetyEvent) {
        let subscribers = Audience::Subscribers(Stream::RobotStatus);
        match event {
            SafetyEvent::EmergencyStopEngaged(stop) => self.tell(
                &Audience::All,
                EventName::EmergencyStopEngaged,
                Severity::Critical,
                format!("Emergency stop: {}", stop.reason),
                EventData::EmergencyStop { source: wire_source(stop.source), by: name(&stop.by) },
            ),
            SafetyEvent::EmergencyStopReset(by) => self.tell(
                &Audience::All,
                EventName::EmergencyStopReset,
                Severity::Warning,
                match by {
                    Some(caller) => format!("{} released the emergency stop", caller.username),
                    None => "A ROS service released the emergency stop".to_owned(),
                },
                EventData::EmergencyStopReset { by: name(by) },
            ),
            SafetyEvent::ControlChanged(holder, reason) => self.tell(
                &subscribers,
                EventName::ControlChanged,
                Severity::Info,
                match holder {
                    Some(caller) => format!("{} is in control", caller.username),
                    None => "Nobody is in control".to_owned(),
                },
                EventData::Control {
                    holder: holder.as_ref().map(|caller| (caller.username.clone(), caller.user_id)),
                    cause: cause(*reason),
                },
            ),
            SafetyEvent::MotionFinished(command) => self.tell(
                &subscribers,
                EventName::MotionFinished,
                Severity::Info,
                format!("{}: finished", command.in_words()),
                EventData::Motion { command: *command, reason: None, zone: None },
            ),
            SafetyEvent::MotionAborted(command, reason, zone) => self.tell(
                &subscribers,
                EventName::MotionAborted,
                Severity::Warning,
                format!("{} aborted: {reason}", command.in_words()),
                EventData::Motion {
                    command: *command,
                    reason: Some(reason.as_str()),
                    zone: zone.clone(),
                },
            ),
            SafetyEvent::DockingAborted(_) => {}
            SafetyEvent::ScanLost(stop, age) => self.tell(
                &subscribers,
                EventName::ScanLost,
                Severity::Critical,
                format!("{}: motion is blocked", stop.in_words()),
                EventData::Scan { age: *age, reason: Some(stop.as_str()) },
            ),
            SafetyEvent::ScanRestored => self.tell(
                &subscribers,
                EventName::ScanRestored,
                Severity::Info,
                "The LiDAR scans".to_owned(),
                EventData::Scan { age: Some(Duration::ZERO), reason: None },
            ),
            SafetyEvent::ZoneEntered(zone, kind) => self.tell(
                &subscribers,
                EventName::ZoneEntered,
                match kind {
                    Kind::Critical => Severity::Critical,
                    Kind::Warning => Severity::Warning,
                    Kind::Safe => Severity::Info,
                },
                format!("Something is in zone {zone}"),
                EventData::Zone { zone: zone.clone(), kind: wire_kind(*kind) },
            ),
            SafetyEvent::ZoneCleared(zone, kind) => self.tell(
                &subscribers,
                EventName::ZoneCleared,
                Severity::Info,
                format!("Zone {zone} is clear"),
                EventData::Zone { zone: zone.clone(), kind: wire_kind(*kind) },
            ),
        }
    }

    /// How docking or undocking ended, and why if it failed.
    pub fn docking(&self, command: DockingCommand, elapsed: Duration, error: Option<String>) {
        let (name, severity, message) = match error {
            None => (
                EventName::DockingFinished,
                Severity::Info,
                format!("{} finished", command.as_str()),
            ),
            Some(error) => (
                EventName::DockingFailed,
                Severity::Warning,
                format!("{} failed: {error}", command.as_str()),
            ),
        };
        let data = EventData::Docking { command, elapsed };
        self.tell(&Audience::Subscribers(Stream::RobotStatus), name, severity, message, data);
    }

    /// Docking or undocking goes on.
    pub fn docking_progress(&self, command: DockingCommand, elapsed: Duration) {
        self.tell(
            &Audience::Subscribers(Stream::RobotStatus),
            EventName::DockingProgress,
            Severity::Info,
            format!("{} goes on", command.as_str()),
            EventData::Docking { command, elapsed },
        );
    }

    /// The battery has not much left, percent.
    pub fn battery_low(&self, level: u8) {
        self.tell(
            &Audience::Subscribers(Stream::RobotStatus),
            EventName::BatteryLow,
            Severity::Warning,
            format!("The battery is at {level} %"),
            EventData::Battery { level },
        );
    }

    /// From the robot's side to one user, to one group, or to all.
    pub fn notice(&self, notice: Notice) {
        let audience = match notice {
            Notice { user_id, .. } if user_id != 0 => Audience::User(user_id),
            Notice { ref group, .. } if !group.is_empty() => Audience::Group(group.clone()),
            _ => Audience::All,
        };
        let severity = match notice.severity {
            0 => Severity::Info,
            1 => Severity::Warning,
            _ => Severity::Critical,
        };
        let text = notice.text.chars().take(LONGEST_NOTICE).collect();
        self.tell(&audience, EventName::Notice, severity, text, EventData::None);
    }

    /// The bridge is about to stop.
    pub fn stopping(&self) {
        let message = "The bridge is stopping".to_owned();
        self.tell(
            &Audience::All,
            EventName::ServerStopping,
            Severity::Warning,
            message,
            EventData::None,
        );
    }

    fn tell(
        &self,
        audience: &Audience,
        name: EventName,
        severity: Severity,
        message: String,
        data: EventData,
    ) {
        tracing::info!(event = name.as_str(), "{message}");
        self.metrics.event(name.as_str());
        let event = Event { name, severity, message, data };
        let unix = self.clock.unix();
        let text = server::event(&event, unix);
        self.hub.notify(audience, &Frame::text(&text));
        match name {
            EventName::Notice => {}
            _ if !audit::is_kept(&event) => {}
            _ if audit::is_stop(&event) => self.audit.record_stop(audit::event(&event, unix)),
            _ => self.audit.record(audit::event(&event, unix)),
        }
    }
}

/// The source as the protocol names it.
pub fn wire_source(source: StopSource) -> server::StopSource {
    match source {
        StopSource::Web => server::StopSource::Web,
        StopSource::Service => server::StopSource::Service,
        StopSource::Hardware => server::StopSource::Hardware,
        StopSource::Disobeyed | StopSource::Restored { .. } | StopSource::StateUnreadable => {
            server::StopSource::Bridge
        }
    }
}

/// A zone's kind as the protocol names it.
pub fn wire_kind(kind: Kind) -> ZoneKind {
    match kind {
        Kind::Critical => ZoneKind::Critical,
        Kind::Warning => ZoneKind::Warning,
        Kind::Safe => ZoneKind::Safe,
    }
}

fn cause(reason: Reason) -> ControlCause {
    match reason {
        Reason::Moving => ControlCause::Command,
        Reason::LinkClosed | Reason::LinkSilent => ControlCause::LinkLost,
        Reason::TokenExpired => ControlCause::TokenExpired,
        Reason::Suspended => ControlCause::Suspended,
        Reason::Released => ControlCause::Released,
        Reason::TakenOver => ControlCause::TakenOver,
        Reason::Stopped => ControlCause::Stop,
        _ => ControlCause::Idle,
    }
}

fn name(caller: &Option<Caller>) -> Option<Arc<str>> {
    caller.as_ref().map(|caller| caller.username.clone())
}

/// Characters of a notice that operators get.
const LONGEST_NOTICE: usize = 1000;

#[cfg(test)]
mod tests {
    use std::{io, sync::Mutex};

    use super::*;
    use crate::{
        safety::{EmergencyStop, MotionKind},
        telemetry::audit::{CHECK, Sink, keep},
    };

    /// What was kept, and how often it was synced.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<(String, usize)>>);

    impl Sink for Kept {
        fn append(&mut self, lines: &[u8]) -> io::Result<()> {
            self.0.lock().unwrap().0.push_str(std::str::from_utf8(lines).unwrap());
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.0.lock().unwrap().1 += 1;
            Ok(())
        }
    }

    async fn check(tell: impl FnOnce(&Teller), expected: &str, syncs: usize) {
        let (kept, audit) = (Kept::default(), Audit::default());
        let clock = Clock::virtual_from(Duration::from_secs(1_750_000_000));
        let metrics = Arc::default();
        tell(&Teller { hub: Hub::new(), clock, audit: audit.clone(), metrics });
        audit.close();
        keep(audit, Box::new(kept.clone()), |_| String::new(), || CHECK).await.unwrap();
        let (text, synced) = &*kept.0.lock().unwrap();
        assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{text}");
        assert_eq!((text.lines().count(), *synced), (usize::from(!expected.is_empty()), syncs));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_is_kept_but_notices_and_a_latched_emergency_stop_is_synced() {
        let stop = EmergencyStop {
            source: StopSource::Restored { unix: Duration::ZERO },
            by: None,
            since: Duration::ZERO,
            reason: "hardware".to_owned(),
        };
        let engaged = SafetyEvent::EmergencyStopEngaged(stop);
        check(|teller| teller.safety(&engaged), "\"emergency_stop_engaged\"", 1).await;
        let aborted = SafetyEvent::MotionAborted(MotionKind::Drive, Reason::LinkSilent, None);
        check(|teller| teller.safety(&aborted), "\"link_silent\"", 0).await;
        let failed = Some("aborted: stopped".to_owned());
        let second = Duration::from_secs(1);
        check(
            |teller| teller.docking(DockingCommand::Dock, second, failed),
            "\"docking_failed\"",
            0,
        )
        .await;
        check(Teller::stopping, "\"server_stopping\"", 0).await;
        let (text, group) = ("door open".to_owned(), String::new());
        let notice = Notice { severity: 1, text, user_id: 0, group };
        check(|teller| teller.notice(notice), "", 0).await;
    }
}
