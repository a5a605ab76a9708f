//! What must hold, judged from the record alone: an independent and much simpler idea of the bridge than its code.
//!
//! A velocity other than zero needs a message that explains it ([`Judge::allows`]); the rest is zero on time.

use std::time::Duration;

use oht50_bridge::sim::Velocity;

use super::record::{Event, Message, Role, Run, Said, Wanted};

/// Judges one run.
pub struct Judge<'a> {
    pub run: &'a Run,
    motions: Vec<&'a Message>,
    /// What stops, in the order of arrival.
    pub stops: Vec<&'a Message>,
    pongs: Vec<Vec<Duration>>,
    words: Vec<Vec<Duration>>,
    /// Who drives, from when on.
    pub control: Vec<&'a Event>,
    resets: Vec<Duration>,
    pub violations: Vec<String>,
}

impl Judge<'_> {
    pub fn new(run: &Run) -> Judge<'_> {
        let arrived = |said: fn(&Said) -> bool| {
            let mut found: Vec<&Message> = run
                .messages
                .iter()
                .filter(|message| said(&message.said) && message.arrived.is_some())
                .collect();
            found.sort_by_key(|message| message.arrived);
            found
        };
        let times = |said: fn(&Said) -> bool| {
            let mut times = vec![Vec::new(); run.connections.len()];
            for message in arrived(said) {
                times[message.connection].extend(message.arrived);
            }
            times
        };
        Judge {
            run,
            motions: arrived(|said| matches!(said, Said::Motion(_))),
            stops: arrived(|said| matches!(said, Said::Stop | Said::EmergencyStop)),
            pongs: times(|said| *said == Said::Pong),
            words: times(|said| !matches!(said, Said::Pong | Said::Close)),
            control: run.events.iter().filter(|event| event.name == "control_changed").collect(),
            resets: of_name(&run.events, "emergency_stop_reset"),
            violations: Vec::new(),
        }
    }

    /// Every rule.
    pub fn judge(&mut self) {
        self.every_velocity_is_somebodys();
        self.velocities_grow_slowly_and_are_repeated();
        self.every_stop_is_executed();
        self.a_latch_is_released_only_by_a_fresh_reset();
        self.control_changes_hands_by_the_rules();
        self.late_motions_are_refused();
    }

    fn every_velocity_is_somebodys(&mut self) {
        let mut violations = Vec::new();
        for (at, velocity) in moving(self.run) {
            // While it ramps, a velocity may come from several; at its goal it names the motion.
            let named: Vec<_> = self.motions.iter().filter(|it| names(it, velocity)).collect();
            let able: Vec<_> = self.motions.iter().filter(|it| explains(it, velocity)).collect();
            let candidates = if named.is_empty() { able } else { named };
            if candidates.iter().any(|it| self.allows(it, at).is_ok()) {
                continue;
            }
            let mut why: Vec<_> = candidates
                .iter()
                .filter(|it| it.arrived.is_some_and(|arrived| arrived <= at))
                .map(|it| format!("{it:?}: {}", self.allows(it, at).unwrap_err()))
                .collect();
            let last = why.split_off(why.len().saturating_sub(3));
            violations.push(format!("{velocity:?} at {at:?}, for which nobody may ask: {last:#?}"));
            if violations.len() == 3 {
                break;
            }
        }
        self.violations.append(&mut violations);
    }

    /// Whether this motion may still move the robot at `at`.
    fn allows(&self, motion: &Message, at: Duration) -> Result<(), String> {
        let connection = motion.connection;
        let arrived = motion.arrived.ok_or("never arrived")?;
        let Said::Motion(wanted) = motion.said else { return Err("no motion".to_owned()) };
        if arrived > at {
            return Err("not there yet".to_owned());
        }
        if self.run.connections[connection].role < Role::Operator {
            return Err("only an operator may".to_owned());
        }
        let age = arrived - motion.sent;
        let oldest = self.oldest(connection, arrived);
        if age > oldest {
            return Err(format!("it was {age:?} old when it came, more than {oldest:?}"));
        }
        if at > arrived + wanted.runs_for {
            return Err(format!("it was over at {:?}", arrived + wanted.runs_for));
        }
        if let Some(stop) = self.stops.iter().find(|stop| overtakes(stop, motion, at)) {
            return Err(format!("stopped by {stop:?}"));
        }
        if let Some(newer) = self.motions.iter().find(|newer| replaces(newer, motion, at)) {
            return Err(format!("replaced by {newer:?}"));
        }
        if let Some(stop) = self.latched(arrived, at) {
            return Err(format!("latched by {stop:?}"));
        }
        let Some(since) = self.drives(connection, at) else {
            return Err(format!("connection {connection} is not in control"));
        };
        let gone = self.run.connections[connection].gone;
        if gone.is_some_and(|gone| at > gone + AT_ONCE) {
            return Err(format!("its connection was gone at {gone:?}"));
        }
        let pong = newest(&self.pongs[connection], at);
        if at > pong.max(since) + LINK_TIMEOUT + AT_ONCE {
            return Err(format!("silent: driver since {since:?}, newest pong {pong:?}"));
        }
        let word = newest(&self.words[connection], at);
        if at > arrived + UNATTENDED + AT_ONCE && at > word + ATTENTION + AT_ONCE {
            return Err(format!("unattended since {word:?}"));
        }
        Ok(())
    }

    /// The emergency stop that held at `at`, for a motion that came at `arrived`.
    fn latched(&self, arrived: Duration, at: Duration) -> Option<&Message> {
        self.stops.iter().copied().find(|stop| {
            stop.said == Said::EmergencyStop
                && stop.arrived.is_some_and(|stopped| {
                    stopped + AT_ONCE < at
                        && !self.resets.iter().any(|reset| stopped <= *reset && *reset <= arrived)
                })
        })
    }

    fn velocities_grow_slowly_and_are_repeated(&mut self) {
        let mut violations = Vec::new();
        let mut before = (Duration::ZERO, Velocity::default());
        for &(at, now) in &self.run.published {
            let silent = at.saturating_sub(before.0);
            let moved = before.1 != Velocity::default();
            if moved && silent > AT_ONCE {
                violations.push(format!("silence for {silent:?} at {at:?} while the robot moved"));
            }
            for (was, is, most) in [
                (before.1.linear, now.linear, LINEAR_STEP),
                (before.1.angular, now.angular, ANGULAR_STEP),
            ] {
                let was = if was * is < 0.0 { 0.0 } else { was };
                if is.abs() > 1.0 || is.abs() > was.abs() + most + 1e-9 || !is.is_finite() {
                    violations.push(format!("{is} after {was} at {at:?}"));
                }
            }
            before = (at, now);
        }
        if before.1 != Velocity::default() {
            violations.push("the robot was left moving".to_owned());
        }
        self.violations.append(&mut violations);
    }

    fn every_stop_is_executed(&mut self) {
        let published = &self.run.published;
        for stop in self.stops.clone() {
            let Some(came) = stop.arrived else { continue };
            let after = published.partition_point(|(at, _)| *at < came);
            let zero = published[after..].iter().find(|(_, it)| *it == Velocity::default());
            if zero.is_none_or(|(at, _)| *at > came + STOPPED) {
                self.violations.push(format!("no zero in time after {stop:?}: {zero:?}"));
            }
        }
        // While latched, zero is repeated.
        let engaged = of_name(&self.run.events, "emergency_stop_engaged");
        for begin in &engaged {
            let end = self.resets.iter().find(|reset| *reset >= begin);
            let end = end.copied().unwrap_or(published.last().map_or(*begin, |(at, _)| *at));
            let times = published.iter().map(|(at, _)| *at);
            let mut last = *begin;
            for at in times.filter(|at| at > begin && *at <= end).chain([end]) {
                if at > last + AT_ONCE {
                    self.violations.push(format!("latched, and silent from {last:?} to {at:?}"));
                }
                last = at;
            }
        }
        for stop in self.stops.iter().filter(|stop| stop.said == Said::EmergencyStop) {
            let Some(came) = stop.arrived else { continue };
            let known = came + AT_ONCE;
            let last = engaged.iter().rfind(|at| **at <= known);
            let released = |at: &Duration| self.resets.iter().any(|it| it >= at && *it < came);
            if last.is_none_or(released) {
                self.violations.push(format!("not latched by {stop:?}"));
            }
        }
    }

    fn a_latch_is_released_only_by_a_fresh_reset(&mut self) {
        for reset in self.resets.clone() {
            let justified = self.run.messages.iter().any(|message| {
                message.said == Said::Reset
                    && self.run.connections[message.connection].role >= Role::Operator
                    && message.arrived.is_some_and(|arrived| {
                        arrived <= reset
                            && reset <= arrived + AT_ONCE
                            && arrived <= message.sent + FRESH
                    })
            });
            if !justified {
                self.violations.push(format!("the latch was released at {reset:?} by nobody"));
            }
        }
    }

    fn late_motions_are_refused(&mut self) {
        for motion in &self.motions {
            if let (Some(arrived), Some((answered, true))) = (motion.arrived, motion.answered) {
                let oldest = self.oldest(motion.connection, arrived);
                if arrived > motion.sent + oldest || answered > arrived + AT_ONCE {
                    self.violations.push(format!("success for {motion:?}"));
                }
            }
        }
    }
}

/// The instants at which the robot is told to move.
pub fn moving(run: &Run) -> impl Iterator<Item = (Duration, Velocity)> + '_ {
    run.published.iter().copied().filter(|(_, velocity)| *velocity != Velocity::default())
}

fn wanted(motion: &Message) -> Option<Wanted> {
    match motion.said {
        Said::Motion(wanted) => Some(wanted),
        _ => None,
    }
}

/// Whether the velocity is on the way to what this motion wants.
fn explains(motion: &Message, velocity: Velocity) -> bool {
    let within = |is: f64, goal: f64| is == 0.0 || (is * goal > 0.0 && is.abs() <= goal.abs());
    wanted(motion).is_some_and(|Wanted { velocity: goal, .. }| {
        within(velocity.linear, goal.linear) && within(velocity.angular, goal.angular)
    })
}

/// Whether the velocity is what this motion wants and no other, on an axis at least.
pub fn names(motion: &Message, velocity: Velocity) -> bool {
    let is = |is: f64, goal: f64| is != 0.0 && is == goal;
    wanted(motion).is_some_and(|Wanted { velocity: goal, unique, .. }| {
        unique && (is(velocity.linear, goal.linear) || is(velocity.angular, goal.angular))
    })
}

/// Whether this stop came after the motion, and early enough to have ended it by `at`.
fn overtakes(stop: &Message, motion: &Message, at: Duration) -> bool {
    let (Some(stopped), Some(arrived)) = (stop.arrived, motion.arrived) else { return false };
    let behind = stop.connection == motion.connection && stop.end > motion.end;
    (stopped > arrived || (stopped == arrived && behind)) && at > stopped + AT_ONCE
}

/// Whether this motion came after the other, and had begun early enough to have replaced it by `at`.
fn replaces(newer: &Message, older: &Message, at: Duration) -> bool {
    newer.connection == older.connection
        && newer.end > older.end
        && newer.answered.is_some_and(|(began, success)| success && at > began + AT_ONCE)
}

fn newest(times: &[Duration], at: Duration) -> Duration {
    let until = times.partition_point(|time| *time <= at);
    times[..until].last().copied().unwrap_or_default()
}

fn of_name(events: &[Event], name: &str) -> Vec<Duration> {
    events.iter().filter(|event| event.name == name).map(|event| event.at).collect()
}

/// What happens at once may wait for one decision.
pub const AT_ONCE: Duration = Duration::from_millis(20);

/// From a stop's arrival to zero, two decisions at most.
const STOPPED: Duration = Duration::from_millis(40);

/// A motion that is older when it comes moves nothing (protocol B5).
pub const FRESH: Duration = Duration::from_millis(1500);

/// `link_timeout` as shipped: from a driver's newest pong to zero. The time runs from the pong's arrival, so that no
/// period of pings is added; a cut link is noticed earlier, by the time since that pong.
pub const LINK_TIMEOUT: Duration = Duration::from_millis(600);

/// `max_unattended_move` as shipped, and how often a word must come then.
const UNATTENDED: Duration = Duration::from_secs(10);
const ATTENTION: Duration = Duration::from_secs(1);

/// `linear_acceleration` and `angular_acceleration` as shipped, in one decision, m/s and rad/s.
const LINEAR_STEP: f64 = 0.5 * 0.02;
const ANGULAR_STEP: f64 = 1.0 * 0.02;
