//! How the bridge is: the facts of all its parts, judged when somebody asks.
//!
//! One function a part, and `Health::parts` lists them: a new fact is one more. It decides nothing about motion: the Gate
//! does, by the same facts.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    auth::Role,
    clock::Clock,
    hub::Hub,
    robot::{Battery, Newest, Odometry, Received},
    safety::{Reason, StopSource, zone::Stop},
    server::{Certificate, Renewal, Standing},
    telemetry::{
        audit::Audit,
        vitals::{Level, Part, Pulse, Vitals},
    },
};

use super::motion::Report;

mod certificate;

/// What is looked at.
pub struct Health {
    /// What the motion task reports.
    pub report: watch::Receiver<Report>,
    /// Beats with each decision.
    pub pulse: Pulse,
    /// Arrival of the newest valid scan.
    pub scanned: watch::Receiver<Option<Duration>>,
    /// Position and speed.
    pub odometry: Newest<Odometry>,
    /// Older odometry counts as silent.
    pub odom_timeout: Duration,
    /// State of charge.
    pub battery: Newest<Battery>,
    /// Degrees Celsius.
    pub temperature: Newest<f64>,
    /// Who is connected.
    pub hub: Hub,
    /// How many can be.
    pub max_connections: usize,
    /// What was asked and done.
    pub audit: Audit,
    /// True while a file of keys, or the deny list, cannot be used.
    pub access_is_stale: watch::Receiver<bool>,
    /// The certificate, where the server speaks TLS.
    pub tls: Option<Arc<Renewal>>,
    /// True when the bridge stops.
    pub stopping: watch::Receiver<bool>,
    /// The time.
    pub clock: Clock,
}

impl Health {
    /// Everything at this moment.
    pub fn vitals(&self) -> Vitals {
        let now = self.clock.now();
        let report = self.report.borrow().clone();
        let age = |at: Option<Duration>| at.map(|at| now.saturating_sub(at));
        let counts = self.hub.roles();
        let certificate = self.tls.as_ref().map(|tls| tls.certificate());
        let mut vitals = Vitals {
            uptime: now,
            connections: Role::ALL.map(|role| (role.as_str(), counts[role as usize])),
            operators: Role::ALL
                .into_iter()
                .filter(|role| *role >= Role::Operator)
                .map(|role| counts[role as usize])
                .sum(),
            holder: report.holder.as_ref().map(|holder| holder.caller.username.clone()),
            emergency_stop: report.emergency_stop.is_some(),
            scan_age: age(*self.scanned.borrow()),
            odometry_age: age(arrival(&self.odometry)),
            battery_age: age(arrival(&self.battery)),
            temperature_age: age(arrival(&self.temperature)),
            audit: self.audit.kept(),
            certificate_end: certificate.as_ref().and_then(Certificate::end),
            certificate_is_stale: certificate
                .as_ref()
                .is_some_and(|certificate| certificate.standing == Standing::Stale),
            parts: Vec::new(),
        };
        vitals.parts = self.parts(&vitals, &report, now);
        vitals.parts.push(certificate::part(certificate.as_ref(), self.clock.unix()));
        vitals
    }

    fn parts(&self, vitals: &Vitals, report: &Report, now: Duration) -> Vec<Part> {
        vec![
            self.server(vitals),
            scan(vitals, report),
            self.odometry(vitals),
            drive(report),
            safety(vitals, report, now.saturating_sub(self.pulse.last())),
            audit(vitals),
            keys(*self.access_is_stale.borrow()),
        ]
    }

    fn server(&self, vitals: &Vitals) -> Part {
        let count = vitals.all_connections();
        let (level, message) = match () {
            () if *self.stopping.borrow() => (Level::Error, "The bridge is stopping".to_owned()),
            () if count >= self.max_connections => (Level::Warn, "All places are taken".to_owned()),
            () => (Level::Ok, format!("{count} connected")),
        };
        let mut values = vec![("max_connections", self.max_connections.to_string())];
        values.extend(vitals.connections.map(|(role, count)| (role, count.to_string())));
        Part { name: "server", level, message, values }
    }

    fn odometry(&self, vitals: &Vitals) -> Part {
        let fresh = vitals.odometry_age.is_some_and(|age| age < self.odom_timeout);
        let (level, message) =
            if fresh { (Level::Ok, "Fresh") } else { (Level::Stale, Stop::NoOdometry.in_words()) };
        let values = vec![("age_s", seconds(vitals.odometry_age))];
        Part { name: "odometry", level, message: message.to_owned(), values }
    }
}

/// Whether the zones can work with the scans, in the Gate's own words.
fn scan(vitals: &Vitals, report: &Report) -> Part {
    let (level, message) = match report.scan_fault {
        _ if report.graph.scan_shared => (Level::Error, "More than one node publishes on scan"),
        Some(stop @ (Stop::NoScan | Stop::ScanStale)) => (Level::Stale, stop.in_words()),
        Some(stop) => (Level::Error, stop.in_words()),
        None => (Level::Ok, "Fresh and believable"),
    };
    let fault = report.scan_fault.map_or("none", Stop::as_str).to_owned();
    let values = vec![("age_s", seconds(vitals.scan_age)), ("fault", fault)];
    Part { name: "scan", level, message: message.to_owned(), values }
}

fn drive(report: &Report) -> Part {
    let graph = report.graph;
    let (level, message) = match () {
        () if graph.cmd_vel_shared => (Level::Error, "Another node publishes on cmd_vel"),
        () if !graph.drive_present => (Level::Error, "The drive is not listening on cmd_vel"),
        () => (Level::Ok, "Listening"),
    };
    let values = vec![
        ("listens", graph.drive_present.to_string()),
        ("shared", graph.cmd_vel_shared.to_string()),
    ];
    Part { name: "drive", level, message: message.to_owned(), values }
}

/// A latched emergency stop is somebody's decision, unless it is the robot that does not obey.
fn safety(vitals: &Vitals, report: &Report, silent: Duration) -> Part {
    let reason = report.safety.reason;
    let (level, message) = match (&report.emergency_stop, reason) {
        _ if silent > DECIDED_WITHIN => (Level::Stale, "No decision is made".to_owned()),
        (Some(stop), _) if stop.source == StopSource::Disobeyed => {
            (Level::Error, stop.reason.clone())
        }
        (Some(stop), _) => (Level::Warn, format!("Emergency stop: {}", stop.reason)),
        (None, Some(Reason::Held(stop @ (Stop::Zone(_) | Stop::NotCovered)))) => {
            (Level::Warn, stop.in_words().to_owned())
        }
        (None, _) => (Level::Ok, reason.map_or("", Reason::as_str).to_owned()),
    };
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let values = vec![
        ("reason", text(reason.map(Reason::as_str))),
        ("zone", text(report.safety.zone.as_deref())),
        ("holder", text(vitals.holder.as_deref())),
        ("emergency_stop", vitals.emergency_stop.to_string()),
    ];
    Part { name: "safety", level, message, values }
}

/// The last good ones stay in force, so everything works but what was meant to change.
fn keys(stale: bool) -> Part {
    let (level, message) = if stale {
        (Level::Warn, "A file of keys or the deny list cannot be used")
    } else {
        (Level::Ok, "As in their files")
    };
    Part {
        name: "keys",
        level,
        message: message.to_owned(),
        values: vec![("stale", stale.to_string())],
    }
}

fn audit(vitals: &Vitals) -> Part {
    let kept = vitals.audit;
    let (level, message) = if kept.writable {
        (Level::Ok, "Being written")
    } else {
        (Level::Error, "The audit log cannot be written")
    };
    let values = vec![
        ("written", kept.written.to_string()),
        ("waiting", kept.waiting.to_string()),
        ("lost", kept.lost.to_string()),
    ];
    Part { name: "audit", level, message: message.to_owned(), values }
}

fn arrival<T>(input: &Newest<T>) -> Option<Duration> {
    input.borrow().as_ref().map(|Received { at, .. }| *at)
}

fn seconds(age: Option<Duration>) -> String {
    age.map_or_else(|| "never".to_owned(), |age| format!("{:.3}", age.as_secs_f64()))
}

/// Decisions are made every 20 ms; a task that makes none for this long is stuck.
const DECIDED_WITHIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hub::Member,
        safety::{ConnectionId, EmergencyStop, facts::Graph, zone::ZoneId},
    };

    const NOW: Duration = Duration::from_secs(100);

    fn report() -> Report {
        let graph = Graph { drive_present: true, ..Graph::default() };
        Report { graph, ..Report::default() }
    }

    fn stop(source: StopSource) -> Option<EmergencyStop> {
        Some(EmergencyStop { source, by: None, since: NOW, reason: "why".to_owned() })
    }

    fn reason(reason: Reason) -> crate::safety::Summary {
        crate::safety::Summary { reason: Some(reason), ..Default::default() }
    }

    #[test]
    fn scan_and_drive_are_judged_as_the_gate_judges_them() {
        use Level::{Error, Ok, Stale};
        let scan_of = |scan_fault, scan_shared| {
            let graph = Graph { scan_shared, ..report().graph };
            let vitals = Vitals::unknown();
            scan(&vitals, &Report { scan_fault, graph, ..report() }).level
        };
        for (fault, shared, expected) in [
            (None, false, Ok),
            (None, true, Error),
            (Some(Stop::NoScan), false, Stale),
            (Some(Stop::ScanStale), false, Stale),
            (Some(Stop::ScanStale), true, Error),
            (Some(Stop::StampOld), false, Error),
            (Some(Stop::Frozen), false, Error),
            (Some(Stop::WrongFrame), false, Error),
        ] {
            assert_eq!(scan_of(fault, shared), expected, "{fault:?} {shared}");
        }
        for (drive_present, cmd_vel_shared, expected) in
            [(true, false, Ok), (false, false, Error), (true, true, Error)]
        {
            let graph = Graph { drive_present, cmd_vel_shared, scan_shared: false };
            assert_eq!(drive(&Report { graph, ..report() }).level, expected);
        }
    }

    #[test]
    fn safety_fails_where_nothing_is_decided_or_the_robot_does_not_obey() {
        use Level::{Error, Ok, Stale, Warn};
        let near = Reason::Held(Stop::Zone(ZoneId(0)));
        let quick = Duration::from_millis(500);
        for (source, why, silent, expected) in [
            (None, Reason::Idle, quick, Ok),
            (None, Reason::Stopped, quick, Ok),
            (None, near, quick, Warn),
            (None, Reason::Held(Stop::ScanStale), quick, Ok),
            (Some(StopSource::Web), Reason::EmergencyStop, quick, Warn),
            (Some(StopSource::Restored { unix: NOW }), Reason::EmergencyStop, quick, Warn),
            (Some(StopSource::Disobeyed), Reason::EmergencyStop, quick, Error),
            (None, Reason::Idle, quick + Duration::from_millis(1), Stale),
            (Some(StopSource::Web), Reason::EmergencyStop, NOW, Stale),
        ] {
            let emergency_stop = source.and_then(stop);
            let report = Report { emergency_stop, safety: reason(why), ..report() };
            let part = safety(&Vitals::unknown(), &report, silent);
            assert_eq!(part.level, expected, "{source:?} {why:?} {silent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn everything_is_looked_at_when_somebody_asks() {
        let (report_sender, report) = watch::channel(report());
        let (scanned, scanned_end) = watch::channel(None);
        let (odometry, odometry_end) = watch::channel(None);
        let (stopping, stopping_end) = watch::channel(false);
        let (stale, access_is_stale) = watch::channel(false);
        let (hub, pulse, clock) = (Hub::new(), Pulse::default(), Clock::virtual_from(NOW));
        let health = Health {
            report,
            pulse: pulse.clone(),
            scanned: scanned_end,
            odometry: odometry_end,
            odom_timeout: Duration::from_millis(500),
            battery: watch::channel(None).1,
            temperature: watch::channel(None).1,
            hub: hub.clone(),
            max_connections: 2,
            audit: Audit::default(),
            access_is_stale,
            tls: None,
            stopping: stopping_end,
            clock: clock.clone(),
        };
        let level = |name: &str| {
            let parts = health.vitals().parts;
            parts.into_iter().find(|part| part.name == name).map(|part| part.level)
        };
        let pass = |milliseconds| tokio::time::advance(Duration::from_millis(milliseconds));
        assert_eq!(level("odometry"), Some(Level::Stale));
        assert_eq!(level("audit"), Some(Level::Error), "nothing was written yet");
        let measured = Odometry {
            position: [0.0; 3],
            yaw: 0.0,
            linear: 0.0,
            lateral: 0.0,
            angular: 0.0,
            stamp: 0.0,
        };
        odometry.send_replace(Some(Received { value: measured, at: clock.now() }));
        scanned.send_replace(Some(clock.now()));
        pass(499).await;
        assert_eq!((level("odometry"), level("safety")), (Some(Level::Ok), Some(Level::Ok)));
        assert_eq!(health.vitals().scan_age, Some(Duration::from_millis(499)));
        pass(2).await;
        assert_eq!((level("odometry"), level("safety")), (Some(Level::Stale), Some(Level::Stale)));
        pulse.beat(clock.now());
        assert_eq!(level("safety"), Some(Level::Ok));

        let join = |number, role| {
            hub.join(Member { connection: ConnectionId(number), user_id: number, role })
        };
        let _seats = (join(1, Role::Viewer), join(2, Role::Administrator));
        let vitals = health.vitals();
        assert_eq!((vitals.all_connections(), vitals.operators), (2, 1));
        assert_eq!(vitals.connections, [("viewer", 1), ("operator", 0), ("administrator", 1)]);
        assert_eq!(level("server"), Some(Level::Warn));
        assert_eq!(level("keys"), Some(Level::Ok));
        stale.send_replace(true);
        assert_eq!(level("keys"), Some(Level::Warn));
        stopping.send_replace(true);
        assert_eq!(level("server"), Some(Level::Error));
        assert!(!health.vitals().is_ready());
        report_sender.send_modify(|report| report.emergency_stop = stop(StopSource::Web));
        assert!(health.vitals().emergency_stop);
    }
}
