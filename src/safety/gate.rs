//! The Gate: everything that wants to move the robot comes here, and a velocity that may be published comes out.

use std::time::Duration;

use super::{
    Caller, ConnectionId, Decision, DockingController, EmergencyStop, GateConfig, MotionRequest,
    Outcome, Reason, Refusal, SafeVelocity, SafetyEvent, Surroundings, Velocity,
    control::Control,
    facts::Facts,
    limit,
    surroundings::FieldSet,
    zone::{Limit, Stop, Verdict},
};
use crate::auth::Operator;

mod activity;
mod docking;
mod driving;
mod feeding;
mod latching;
mod obedience;
mod ticks;
mod view;

#[cfg(test)]
mod tests;

use activity::{Activity, Docking, Motion};
pub use activity::{MotionState, Ticket};
use obedience::Obedience;
use ticks::Ticks;
pub use ticks::{QUIET_TICK, SUSPENDED, TICK};

/// Decides what the robot does. One owner (`app/motion.rs`) feeds it and publishes its decisions.
///
/// Scans, odometry and who else is on the graph are facts that are put in; commands are accepted or refused at once;
/// [`tick`](Gate::tick) decides. A stop of any cause ends the motion: nothing resumes by itself. Of several reasons the
/// first in [`Reason`] wins.
#[derive(Debug)]
pub struct Gate {
    config: GateConfig,
    control: Control,
    emergency_stop: Option<EmergencyStop>,
    activity: Activity,
    output: Velocity,
    ticks: Ticks,
    /// A stop that was not published yet: whatever was asked since waits for it.
    owes_zero: bool,
    /// Zeros go out until then.
    zero_until: Duration,
    /// Why the last activity ended, and the field set that counted then; told until the next one.
    ended: Reason,
    ended_in: FieldSet,
    /// After a suspension, commands are void until then.
    void_until: Duration,
    /// The newest stop; commands that were on their way before it are void.
    stopped_at: u64,
    facts: Facts,
    surroundings: Surroundings,
    /// What others were told of the scans: that they are good.
    scans_were_good: bool,
    /// A critical zone ended the last motion.
    held: bool,
    obedience: Obedience,
    shutting_down: bool,
    outcomes: Vec<Outcome>,
    events: Vec<SafetyEvent>,
}

impl Gate {
    /// A gate at rest with nobody in control, latched if `emergency_stop` says so.
    pub fn new(
        config: GateConfig,
        surroundings: Surroundings,
        emergency_stop: Option<EmergencyStop>,
    ) -> Gate {
        Gate {
            config,
            control: Control::default(),
            emergency_stop,
            activity: Activity::Idle,
            output: Velocity::default(),
            ticks: Ticks::default(),
            owes_zero: false,
            zero_until: Duration::ZERO,
            ended: Reason::Idle,
            ended_in: FieldSet::Driving,
            void_until: Duration::ZERO,
            stopped_at: 0,
            facts: Facts::default(),
            surroundings,
            scans_were_good: false,
            held: false,
            obedience: Obedience::default(),
            shutting_down: false,
            outcomes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A motion command. Accepted, it is answered through [`take_outcomes`](Gate::take_outcomes) at the first
    /// velocity other than zero; a motion of no speed or no time succeeds at once, and takes no control.
    pub fn command(
        &mut self,
        caller: &Caller,
        ticket: Ticket,
        _proof: Operator,
        request: MotionRequest,
        now: Duration,
    ) -> Result<(), Refusal> {
        self.admit(caller, ticket, now)?;
        if matches!(self.activity, Activity::Docking(_)) {
            return Err(Refusal::Docking);
        }
        let asked = self.config.asked(&request);
        let target = limit::clamp(asked, &self.config);
        let duration = self.config.runs_for(&request);
        if target.is_zero() || duration.is_zero() {
            // Somebody who asks for no speed while driving wants to stand.
            if self.activity.driver() == Some(ticket.connection) {
                self.end(Reason::Stopped, now);
            }
            self.answer(ticket, Ok("Nothing to move".to_owned()));
            return Ok(());
        }
        self.is_on_record()?;
        self.allows(target, now)?;
        self.replace_motion();
        let until = now.saturating_add(duration);
        self.take_control(caller, until.saturating_add(self.config.control_hold), now);
        self.activity =
            Activity::Motion(Motion::new(ticket, request.kind, asked, target, duration, now));
        Ok(())
    }

    /// Somebody sent `stop`, with this number in the latch; anybody may. From somebody else than the driver it also
    /// takes control away for a while.
    pub fn stop(&mut self, caller: ConnectionId, sequence: u64, now: Duration) {
        self.stopped_at = self.stopped_at.max(sequence);
        self.halt(Reason::Stopped, now);
        if self.control.stopped_by(caller, now) {
            self.events.push(SafetyEvent::ControlChanged(None, Reason::Stopped));
        }
    }

    /// The bridge stops: zero, and nothing is accepted any more.
    pub fn shut_down(&mut self, now: Duration) {
        self.shutting_down = true;
        self.halt(Reason::ShuttingDown, now);
    }

    /// Decides what to publish now. Called every [`TICK`], seldomer after [`doze`](Gate::doze), and at once after a command or a stop.
    pub fn tick(&mut self, now: Duration) -> Decision {
        if self.ticks.is_first() {
            self.facts.listens(now);
        }
        let (since, suspended) = self.ticks.tick(now);
        // Out of idleness it stands for one period.
        let elapsed = if self.output.is_zero() { since.max(TICK) } else { since };
        if suspended {
            self.suspended(now);
        }
        self.look_around(now);
        self.look_at_hardware(now);
        self.look_at_drive(now);
        if matches!(self.activity, Activity::Idle) && self.control.expire(now) {
            self.events.push(SafetyEvent::ControlChanged(None, Reason::Idle));
        }
        let target = match std::mem::take(&mut self.owes_zero) {
            true => Velocity::default(),
            false => self.activity.target(&self.config, now),
        };
        let within = self.within_limits(target);
        let next = limit::ramp(self.output, within, elapsed.min(TICK).as_secs_f64(), &self.config);
        let verdict = self.verdict(if next.is_zero() { within } else { next }, now);
        let decision = match self.reason_to_end(verdict, now) {
            Some(reason) => {
                self.end(reason, now);
                self.owes_zero = false;
                self.decision(Velocity::default(), verdict, now)
            }
            None => {
                self.output = limit_of(verdict).map_or(next, |limit| limit.of(next));
                self.decision(target, verdict, now)
            }
        };
        self.obedience.decided(self.output, &self.config, now);
        self.announce(limit_of(verdict));
        decision
    }

    /// The next tick may come as late as [`QUIET_TICK`]: this decision [is quiet](Gate::is_quiet), and nobody is connected, so
    /// that there is nothing for a gap to end.
    pub fn doze(&mut self) {
        self.ticks.doze();
    }

    /// Answers that became due; to be fetched after the decision was published.
    pub fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    /// What happened since the last call.
    pub fn take_events(&mut self) -> Vec<SafetyEvent> {
        std::mem::take(&mut self.events)
    }

    /// What every command must meet, from the most restrictive on.
    fn admit(&self, caller: &Caller, ticket: Ticket, now: Duration) -> Result<(), Refusal> {
        if self.emergency_stop.is_some() {
            return Err(Refusal::EmergencyStopActive);
        }
        self.is_current(ticket, now)?;
        self.control.admits(caller.connection, false, now)?;
        if let Some(problem) = self.hardware_problem(now) {
            return Err(Refusal::HardwareStop(problem));
        }
        let graph = self.facts.graph;
        if !graph.drive_present {
            return Err(Refusal::DriveAbsent);
        }
        if graph.cmd_vel_shared {
            return Err(Refusal::CmdVelShared);
        }
        if graph.scan_shared {
            return Err(Refusal::ScanShared);
        }
        Ok(())
    }

    /// What moves the robot must be put on record; what makes it stand need not be.
    fn is_on_record(&self) -> Result<(), Refusal> {
        if self.facts.audited { Ok(()) } else { Err(Refusal::AuditUnavailable) }
    }

    /// Whether a command may count at all: the bridge goes on, and neither a stop nor a suspension has overtaken it.
    fn is_current(&self, ticket: Ticket, now: Duration) -> Result<(), Refusal> {
        if self.shutting_down {
            return Err(Refusal::ShuttingDown);
        }
        if ticket.after < self.stopped_at {
            return Err(Refusal::Aborted(Reason::Stopped));
        }
        if now < self.void_until {
            return Err(Refusal::Aborted(Reason::Suspended));
        }
        Ok(())
    }

    fn take_control(&mut self, caller: &Caller, until: Duration, now: Duration) {
        if self.control.hold(caller, until, now) {
            self.events.push(SafetyEvent::ControlChanged(Some(caller.clone()), Reason::Moving));
        }
    }

    fn replace_motion(&mut self) {
        if let Activity::Motion(motion) = std::mem::replace(&mut self.activity, Activity::Idle)
            && motion.announcement.is_some()
        {
            self.answer(motion.ticket, Err(Refusal::Replaced));
        }
    }

    /// Why what goes on must end now; the most restrictive reason wins.
    fn reason_to_end(&self, verdict: Verdict, now: Duration) -> Option<Reason> {
        let over = match &self.activity {
            Activity::Idle => return None,
            Activity::Motion(motion) if motion.has_run(now) => Some(Reason::Finished),
            Activity::Motion(motion) => motion
                .is_unattended(self.config.max_unattended_move, now)
                .then_some(Reason::Unattended),
            Activity::Docking(docking) => (now >= docking.until).then_some(Reason::DockingTimeout),
        };
        let held = stop_of(verdict).map(Reason::Held);
        [self.graph_fault(), held, over].into_iter().flatten().min()
    }

    /// What is wrong on the graph.
    fn graph_fault(&self) -> Option<Reason> {
        let graph = self.facts.graph;
        let shared = graph.cmd_vel_shared && !self.docks_by_itself();
        let faults = [
            (!graph.drive_present).then_some(Reason::DriveAbsent),
            shared.then_some(Reason::CmdVelShared),
            graph.scan_shared.then_some(Reason::ScanShared),
        ];
        faults.into_iter().flatten().min()
    }

    /// Whether a docking controller drives without the Gate.
    fn docks_by_itself(&self) -> bool {
        matches!(self.activity, Activity::Docking(_))
            && self.config.docking_controller == DockingController::Cancellable
    }

    /// What the robot's limits leave of a velocity; while docking, of its fastest point.
    fn within_limits(&self, target: Velocity) -> Velocity {
        let within = limit::clamp(target, &self.config);
        match &self.activity {
            Activity::Docking(_) => {
                let docking = self.surroundings.zones(FieldSet::Docking);
                docking.no_faster(within, self.config.docking_speed)
            }
            Activity::Idle | Activity::Motion(_) => within,
        }
    }

    /// The process did not run for a while: what it knew is old, and what it finds in its sockets is, too.
    fn suspended(&mut self, now: Duration) {
        self.end(Reason::Suspended, now);
        if self.control.lose() {
            self.events.push(SafetyEvent::ControlChanged(None, Reason::Suspended));
        }
        self.facts.listens(now);
        self.void_until = now + VOID_AFTER_SUSPENSION;
    }

    /// Ends what goes on, and says zero even if nothing does.
    fn halt(&mut self, reason: Reason, now: Duration) {
        self.end(reason, now);
        // Zero is said before anything else, whatever is asked in between.
        self.owes_zero = true;
        self.ended = reason;
        self.zero_until = now + ZEROS;
    }

    /// Ends what goes on, answers for it and tells others.
    fn end(&mut self, reason: Reason, now: Duration) {
        self.ended_in = self.field_set();
        let zone = reason.zone().and_then(|zone| self.surroundings.name(self.ended_in, zone));
        if self.docks_by_itself() {
            self.obedience.called_back(now);
        }
        match std::mem::replace(&mut self.activity, Activity::Idle) {
            Activity::Idle => return,
            Activity::Motion(motion) => {
                if motion.announcement.is_some() {
                    self.answer(motion.ticket, Err(Refusal::Aborted(reason)));
                }
                self.events.push(match reason {
                    Reason::Finished => SafetyEvent::MotionFinished(motion.kind),
                    _ => SafetyEvent::MotionAborted(motion.kind, reason, zone),
                });
            }
            Activity::Docking(docking) => {
                self.answer(docking.ticket, Err(Refusal::Aborted(reason)));
                self.events.push(SafetyEvent::DockingAborted(reason));
            }
        }
        self.rest(reason, now);
    }

    fn rest(&mut self, reason: Reason, now: Duration) {
        self.activity = Activity::Idle;
        self.held = matches!(reason, Reason::Held(Stop::Zone(_)));
        self.owes_zero |= !self.output.is_zero();
        self.output = Velocity::default();
        self.ended = reason;
        self.zero_until = now + ZEROS;
        self.control.keep(now + self.config.control_hold);
    }

    fn decision(&self, target: Velocity, verdict: Verdict, now: Duration) -> Decision {
        let limit = limit_of(verdict);
        let slowed = limit.filter(|limit| limit.of(target) != target);
        let reason = if self.emergency_stop.is_some() {
            Reason::EmergencyStop
        } else {
            match (&self.activity, slowed) {
                (Activity::Idle, _) => self.why_idle(verdict, now),
                (_, Some(limit)) => Reason::Slowed(limit.cause),
                (Activity::Motion(motion), _) if motion.clamped || self.output != target => {
                    Reason::Limited
                }
                (Activity::Motion(_), _) => Reason::Moving,
                (Activity::Docking(_), _) => Reason::Docking,
            }
        };
        let is_over = matches!(self.activity, Activity::Idle) && now >= self.zero_until;
        let silent = self.emergency_stop.is_none() && (is_over || self.docks_by_itself());
        Decision { velocity: (!silent).then_some(SafeVelocity(self.output)), reason, limit }
    }

    /// What would refuse the next motion, or what ended the last one a moment ago.
    fn why_idle(&self, verdict: Verdict, now: Duration) -> Reason {
        let reasons = [
            self.shutting_down.then_some(Reason::ShuttingDown),
            self.graph_fault(),
            stop_of(verdict).map(Reason::Held),
            (now < self.zero_until).then_some(self.ended),
            limit_of(verdict).map(|limit| Reason::Slowed(limit.cause)),
        ];
        reasons.into_iter().flatten().min().unwrap_or(Reason::Idle)
    }

    fn announce(&mut self, limit: Option<Limit>) {
        if self.output.is_zero() {
            return;
        }
        if let Activity::Motion(motion) = &mut self.activity
            && let Some(mut announcement) = motion.announcement.take()
        {
            let ticket = motion.ticket;
            if let Some(limit) = limit.filter(|limit| limit.of(motion.target) != motion.target) {
                announcement += &format!(", slowed by {}", limit.cause.as_str());
            }
            self.answer(ticket, Ok(announcement));
        }
    }

    fn answer(&mut self, ticket: Ticket, result: Result<String, Refusal>) {
        let Ticket { connection, number, .. } = ticket;
        self.outcomes.push(Outcome { connection, ticket: number, result });
    }
}

fn stop_of(verdict: Verdict) -> Option<Stop> {
    if let Verdict::Stop(stop) = verdict { Some(stop) } else { None }
}

fn limit_of(verdict: Verdict) -> Option<Limit> {
    if let Verdict::Limit(limit) = verdict { Some(limit) } else { None }
}

/// After a suspension, time in which what the sockets had kept is read and refused.
const VOID_AFTER_SUSPENSION: Duration = Duration::from_millis(200);

/// After a stop, zero is repeated for this long.
const ZEROS: Duration = Duration::from_millis(500);
