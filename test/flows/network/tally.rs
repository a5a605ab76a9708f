//! What happened how often: a scenario in which nothing happens proves nothing.

use std::{fmt, time::Duration};

use oht50_bridge::sim::Velocity;

use super::{
    record::{Message, Run, Said},
    rules::{FRESH, moving, names},
};

/// Of many runs.
#[derive(Debug, Default)]
pub struct Tally {
    connections: usize,
    motions: usize,
    /// Motions that were seen at their goal.
    executed: usize,
    /// Motions that came late, and moved nothing.
    late: usize,
    /// Those, by 2 s or more.
    very_late: usize,
    stops: usize,
    late_stops: usize,
    stops_while_moving: usize,
    emergency_stops: usize,
    resets: usize,
    take_overs: usize,
    /// Drivers whose link broke while the robot moved.
    broken_while_moving: usize,
    /// Drivers that fell silent while the robot moved.
    silent_while_moving: usize,
    slowest_stop: Duration,
    slowest_after_break: Duration,
    /// From the newest pong, or from when it began to drive.
    slowest_after_silence: Duration,
}

impl Tally {
    pub fn of(run: &Run) -> Tally {
        let arrived = |wanted: fn(&Said) -> bool| {
            run.messages.iter().filter(move |it| it.arrived.is_some() && wanted(&it.said))
        };
        let motion = |said: &Said| matches!(said, Said::Motion(_));
        let stop = |said: &Said| matches!(said, Said::Stop | Said::EmergencyStop);
        let later =
            |by: Duration| move |it: &&Message| it.arrived.is_some_and(|at| at > it.sent + by);
        let event = |name: &str| run.events.iter().filter(|event| event.name == name).count();
        let mut tally = Tally {
            connections: run.connections.len(),
            motions: arrived(motion).count(),
            executed: arrived(motion)
                .filter(|it| moving(run).any(|(_, velocity)| names(it, velocity)))
                .count(),
            late: arrived(motion).filter(later(FRESH)).count(),
            very_late: arrived(motion).filter(later(Duration::from_millis(1950))).count(),
            stops: arrived(stop).count(),
            late_stops: arrived(stop).filter(later(FRESH)).count(),
            emergency_stops: event("emergency_stop_engaged"),
            resets: event("emergency_stop_reset"),
            take_overs: run.events.iter().filter(|event| event.cause == "taken_over").count(),
            ..Tally::default()
        };
        for message in arrived(stop) {
            if let Some(took) = message.arrived.and_then(|at| until_zero(run, at, at)) {
                tally.stops_while_moving += 1;
                tally.slowest_stop = tally.slowest_stop.max(took);
            }
        }
        tally.count_losses(run);
        tally
    }

    fn count_losses(&mut self, run: &Run) {
        let mut driver: Option<(usize, Duration)> = None;
        for event in run.events.iter().filter(|event| event.name == "control_changed") {
            let now = event.holder.map(|holder| (holder, event.at));
            let before = std::mem::replace(&mut driver, now);
            let Some((lost, since)) = before.filter(|_| event.cause == "link_lost") else {
                continue;
            };
            let gone = run.connections[lost].gone.filter(|at| *at <= event.at);
            let pongs =
                run.messages.iter().filter(|it| it.connection == lost && it.said == Said::Pong);
            let pong = pongs.filter_map(|it| it.arrived).filter(|at| *at <= event.at).max();
            let sign_of_life = gone.or(pong.max(Some(since))).unwrap_or_default();
            let Some(took) = until_zero(run, event.at, sign_of_life) else { continue };
            if gone.is_some() {
                self.broken_while_moving += 1;
                self.slowest_after_break = self.slowest_after_break.max(took);
            } else {
                self.silent_while_moving += 1;
                self.slowest_after_silence = self.slowest_after_silence.max(took);
            }
        }
    }

    /// Whether enough happened for the rules to mean something; of each about half of what usually does, in a hundred seeds.
    pub fn check(&self, seeds: u64) {
        if seeds < 50 {
            return;
        }
        let seeds = usize::try_from(seeds).unwrap();
        for (what, times, least) in [
            ("executed motions", self.executed, 500),
            ("late motions", self.late, 200),
            ("motions late by 2 s", self.very_late, 150),
            ("late stops", self.late_stops, 15),
            ("stops of a moving robot", self.stops_while_moving, 70),
            ("emergency stops", self.emergency_stops, 25),
            ("resets", self.resets, 20),
            ("take-overs", self.take_overs, 8),
            ("drivers whose link broke", self.broken_while_moving, 40),
            ("drivers that fell silent", self.silent_while_moving, 35),
        ] {
            assert!(100 * times >= least * seeds, "only {times} {what} in {seeds} seeds");
        }
    }

    pub fn add(&mut self, other: &Tally) {
        self.connections += other.connections;
        self.motions += other.motions;
        self.executed += other.executed;
        self.late += other.late;
        self.very_late += other.very_late;
        self.stops += other.stops;
        self.late_stops += other.late_stops;
        self.stops_while_moving += other.stops_while_moving;
        self.emergency_stops += other.emergency_stops;
        self.resets += other.resets;
        self.take_overs += other.take_overs;
        self.broken_while_moving += other.broken_while_moving;
        self.silent_while_moving += other.silent_while_moving;
        self.slowest_stop = self.slowest_stop.max(other.slowest_stop);
        self.slowest_after_break = self.slowest_after_break.max(other.slowest_after_break);
        self.slowest_after_silence = self.slowest_after_silence.max(other.slowest_after_silence);
    }
}

/// If the robot moved just before `at`: from `since` to the first zero from `at` on.
fn until_zero(run: &Run, at: Duration, since: Duration) -> Option<Duration> {
    let from = run.published.partition_point(|(published, _)| *published < at);
    let before = run.published[..from].last().filter(|(_, it)| *it != Velocity::default());
    before?;
    let zero = run.published[from..].iter().find(|(_, it)| *it == Velocity::default());
    zero.map(|(published, _)| published.saturating_sub(since))
}

impl fmt::Display for Run {
    /// In the order of time.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for message in self.messages.iter().filter(|it| it.said != Said::Pong) {
            lines.push((message.arrived.unwrap_or(message.sent), format!("{message:?}")));
        }
        for event in &self.events {
            lines.push((event.at, format!("{event:?}")));
        }
        for (number, connection) in self.connections.iter().enumerate() {
            if let Some(gone) = connection.gone {
                lines.push((gone, format!("connection {number} ({:?}) is gone", connection.role)));
            }
        }
        let mut before = Velocity::default();
        for (at, velocity) in &self.published {
            if *velocity != before {
                lines.push((*at, format!("{velocity:?}")));
            }
            before = *velocity;
        }
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().try_for_each(|(at, line)| writeln!(formatter, "{at:?} {line}"))
    }
}
