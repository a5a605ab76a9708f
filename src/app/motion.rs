//! The sole owner of the [`Gate`]: feeds it, publishes what it decides, and answers for what came of it.
//!
//! Stops come before commands (`biased`): a stop in the latch is served before any command is looked at. One that ends
//! something, and a command, is followed by a decision at once; otherwise there is one every [`TICK`], or, while nobody is there
//! and the robot stands, with each turn of the node, which pauses for most of a [`QUIET_TICK`].

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::{Interval, MissedTickBehavior},
};

use crate::{
    clock::Clock,
    hub::{Hub, Pace},
    lidar::{RawScan, Scan},
    protocol::{Answer, server::DockingCommand},
    robot::{DockVelocity, Newest, Odometry, Outputs, PublishError, Reset, Told},
    safety::{
        ConnectionId, Decision, DockingController, EmergencyStop, Gate, SafetyEvent, StopSource,
        Summary,
        facts::Measured,
        gate::{QUIET_TICK, SUSPENDED, TICK, Ticket},
        latch::{Alive, StopLatch},
        zone::ScanView,
    },
    session::{Action, Command},
    telemetry::{metrics::Metrics, vitals::Pulse},
};

use super::{answers::failure, events::Teller};

mod docking;
mod report;

use docking::{DockCall, dock_answer};
pub use docking::{Errands, call_back};
pub use report::{Dock, Report, Zones};

/// What the motion task is wired to.
pub struct Wiring {
    /// Where velocities go.
    pub outputs: Arc<dyn Outputs>,
    /// The stops' lane.
    pub latch: StopLatch,
    /// Commands of the connections.
    pub commands: mpsc::Receiver<Command>,
    /// Scans, newest first, before anybody else looked at them.
    pub scan: Newest<Arc<RawScan>>,
    /// The robot's own emergency stop.
    pub hardware_stop: Newest<bool>,
    /// Calls of `~/reset_emergency_stop`.
    pub resets: mpsc::Receiver<Reset>,
    /// How docking is steered.
    pub docking_controller: DockingController,
    /// What must be done before the bridge ends.
    pub errands: Errands,
    /// The robot's own measure of its motion.
    pub odometry: Newest<Odometry>,
    /// Notified when what the robot tells is up to date again after a pause.
    pub caught_up: Arc<Notify>,
    /// What the docking controller asks for.
    pub dock_velocity: Newest<DockVelocity>,
    /// Beats with each decision.
    pub pulse: Pulse,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Answers.
    pub hub: Hub,
    /// Events.
    pub teller: Teller,
    /// The time.
    pub clock: Clock,
    /// Who drives, for the connection pool.
    pub holder: watch::Sender<Option<ConnectionId>>,
    /// For the streams.
    pub report: watch::Sender<Report>,
    /// For the file that keeps the latch.
    pub latched: watch::Sender<Option<EmergencyStop>>,
    /// Whether the audit log can be written.
    pub audited: watch::Receiver<bool>,
    /// True when the bridge stops.
    pub stopping: watch::Receiver<bool>,
    /// Set once zero was published after that.
    pub at_zero: watch::Sender<bool>,
}

struct Motion {
    gate: Gate,
    wiring: Wiring,
    docking: Option<DockCall>,
    dock: Dock,
    told_emergency_stop: Option<(bool, Duration)>,
    told_safety: Option<Summary>,
    safety_pace: Pace,
    /// The newest stop for which zero was not published yet.
    unserved: Option<u64>,
    /// The connection whose motion was asked for last, and when it spoke last.
    attention: Option<(ConnectionId, Alive)>,
    /// The motion that was asked for last and not answered yet, and when its command came.
    asked: Option<(Ticket, Duration)>,
    /// Nothing happens, and nobody is there to see it.
    quiet: bool,
}

/// Runs until the robot's side fails; a return is a fault.
pub async fn run(gate: Gate, wiring: Wiring) -> Result<(), PublishError> {
    let mut motion = Motion {
        gate,
        wiring,
        docking: None,
        dock: Dock::default(),
        told_emergency_stop: None,
        told_safety: None,
        safety_pace: Pace::default(),
        unserved: None,
        attention: None,
        asked: None,
        quiet: false,
    };
    let mut ticks = every(TICK);
    let mut dozes = false;
    loop {
        if motion.quiet != dozes {
            dozes = motion.quiet;
            motion.wiring.outputs.may_doze(dozes);
            let period = if dozes { SILENT_TICK } else { TICK };
            ticks = every(period);
            ticks.reset_after(motion.wiring.clock.until_next(period));
        }
        let wiring = &mut motion.wiring;
        tokio::select! {
            biased;
            Ok(()) = wiring.stopping.changed() => motion.shut_down()?,
            // Before the stops, so that no flood of them keeps zeros, scans and time from being seen; it serves them too.
            _ = ticks.tick() => if !dozes || motion.is_overdue() { motion.serve_stops()? },
            () = wiring.latch.wait() => motion.take_stops()?,
            Ok(()) = wiring.hardware_stop.changed() => motion.step()?,
            Some(reset) = wiring.resets.recv() => motion.reset(reset)?,
            Ok(()) = wiring.dock_velocity.changed() => motion.dock_velocity(),
            answer = dock_answer(&mut motion.docking) => {
                motion.docking_answered(answer);
                motion.step()?;
            }
            () = wiring.hub.arrival(), if dozes => motion.step()?,
            // Nothing new is known in between.
            () = wiring.caught_up.notified(), if dozes => motion.serve_stops()?,
            Some(command) = wiring.commands.recv() => {
                motion.command(command);
                motion.step()?;
            }
        }
    }
}

impl Motion {
    /// Decides, publishes, and then tells those whom it concerns.
    fn step(&mut self) -> Result<(), PublishError> {
        self.look();
        let now = self.wiring.clock.now();
        self.gate.graph(self.wiring.outputs.graph());
        if let Some((connection, alive)) = &self.attention {
            self.gate.heard(*connection, alive.heard());
        }
        let mut decision = self.gate.tick(now);
        // A process that was suspended since then decided long ago, and that is void. If the middleware had the velocity already, nobody
        // can take it back, but zero follows at once.
        if !self.was_suspended(now) {
            self.drive(&decision)?;
        }
        if self.was_suspended(now) {
            decision = self.gate.tick(self.wiring.clock.now());
            self.drive(&decision)?;
        }
        self.wiring.pulse.beat(now);
        self.tell_emergency_stop(now)?;
        // Before the events, which may concern a thousand connections: zero is out, and whoever asked for it may know.
        if let Some(sequence) = self.unserved.take() {
            self.wiring.latch.serve(sequence);
        }
        for outcome in self.gate.take_outcomes() {
            self.measure(&outcome);
            let result = outcome.result.map_err(|refusal| failure(&refusal));
            let answer = Answer { ticket: outcome.ticket, outcome: result };
            self.wiring.hub.answer(outcome.connection, answer);
        }
        for event in self.gate.take_events() {
            self.tell(&event);
        }
        self.forget_ended_docking();
        self.tell_docking_progress(now);
        self.quiet = self.docking.is_none()
            && self.wiring.hub.is_empty()
            && self.gate.is_quiet(&decision, now)
            && !self.is_watched();
        if self.quiet {
            self.gate.doze();
        }
        self.report(&decision, now)
    }

    /// Whether anybody on the graph wants to know of each decision, or of what each scan shows.
    fn is_watched(&self) -> bool {
        [Told::Safety, Told::Picture].iter().any(|told| self.wiring.outputs.is_watched(*told))
    }

    /// Whether the node, which pauses, did not come back in time.
    fn is_overdue(&self) -> bool {
        let silent = self.wiring.clock.now().saturating_sub(self.wiring.pulse.last());
        silent > QUIET_TICK
    }

    fn was_suspended(&self, since: Duration) -> bool {
        self.wiring.clock.now().saturating_sub(since) > SUSPENDED
    }

    fn drive(&mut self, decision: &Decision) -> Result<(), PublishError> {
        let Some(velocity) = decision.velocity else { return Ok(()) };
        if self.dock == Dock::On && self.docking.is_none() && !velocity.is_zero() {
            self.dock = Dock::Off;
        }
        self.wiring.outputs.drive(velocity)
    }

    /// Stops that end something are served at once. Others, of which there may be a flood, with the next tick.
    fn take_stops(&mut self) -> Result<(), PublishError> {
        self.apply_stops();
        if self.gate.has_news() { self.serve_stops() } else { Ok(()) }
    }

    /// Zero goes out before anybody is told that it did.
    fn serve_stops(&mut self) -> Result<(), PublishError> {
        self.apply_stops();
        self.step()
    }

    fn apply_stops(&mut self) {
        let now = self.wiring.clock.now();
        let waiting = self.wiring.latch.take();
        if !waiting.emergency_stops.is_empty() || !waiting.stops.is_empty() {
            self.unserved = Some(waiting.sequence);
        }
        if waiting.called {
            self.unserved = Some(waiting.sequence);
            self.gate.emergency_stop(StopSource::Service, None, waiting.sequence, now);
        }
        if waiting.pressed {
            self.unserved = Some(waiting.sequence);
            self.gate.emergency_stop(StopSource::Hardware, None, waiting.sequence, now);
        }
        for caller in waiting.emergency_stops {
            self.gate.emergency_stop(StopSource::Web, Some(caller), waiting.sequence, now);
        }
        for caller in &waiting.stops {
            self.gate.stop(caller.connection, waiting.sequence, now);
        }
        if waiting.attended {
            self.gate.attended();
        }
        for (connection, loss) in waiting.lost {
            self.gate.link_lost(connection, loss, now);
        }
    }

    fn shut_down(&mut self) -> Result<(), PublishError> {
        self.gate.shut_down(self.wiring.clock.now());
        self.step()?;
        self.wiring.at_zero.send_replace(true);
        Ok(())
    }

    /// The newest scan and odometry: before each decision and each command, and not with each message.
    fn look(&mut self) {
        self.gate.audited(*self.wiring.audited.borrow());
        if self.wiring.scan.has_changed().unwrap_or(false)
            && let Some(scan) = &*self.wiring.scan.borrow_and_update()
            && Scan::check(&scan.value).is_ok()
        {
            self.gate.scan(&view(&scan.value), scan.at);
        }
        if let Some(odometry) = &*self.wiring.odometry.borrow() {
            let Odometry { linear, lateral, angular, .. } = odometry.value;
            self.gate.odometry(Measured { linear, lateral, angular }, odometry.at);
        }
        if let Some(pressed) = &*self.wiring.hardware_stop.borrow_and_update() {
            self.gate.hardware_stop(pressed.value, pressed.at);
        }
    }

    /// Stops in the latch come before a reset, whichever was asked for first.
    fn reset(&mut self, reset: Reset) -> Result<(), PublishError> {
        self.serve_stops()?;
        let outcome = self.gate.reset_by_service(reset.after, self.wiring.clock.now());
        if outcome.is_ok() {
            self.gate.void_before(self.wiring.latch.mark());
        }
        self.step()?;
        let words = outcome.map(str::to_owned).map_err(|refusal| refusal.to_string());
        if reset.answer.send(words).is_err() {
            tracing::warn!("nobody waits for the answer to a reset");
        }
        Ok(())
    }

    /// A command whose connection is gone by now is void.
    fn command(&mut self, command: Command) {
        if !command.alive.get() {
            return;
        }
        self.look();
        let Command { caller, ticket: number, action, after, alive, at } = command;
        let ticket = Ticket { connection: caller.connection, number, after };
        let now = self.wiring.clock.now();
        let refused = match action {
            Action::Motion(proof, request) => {
                self.gate.command(&caller, ticket, proof, request, now).map(|()| {
                    self.attention = Some((caller.connection, alive));
                    self.asked = Some((ticket, at));
                })
            }
            Action::Dock(proof) => self
                .gate
                .begin_docking(&caller, ticket, proof, now)
                .map(|()| self.call_dock(caller.clone(), ticket, DockingCommand::Dock)),
            Action::Undock(proof) => self
                .gate
                .begin_docking(&caller, ticket, proof, now)
                .map(|()| self.call_dock(caller.clone(), ticket, DockingCommand::Undock)),
            Action::ResetEmergencyStop(proof) => self
                .gate
                .reset(&caller, ticket, proof, now)
                .map(|()| self.gate.void_before(self.wiring.latch.mark())),
            Action::Acquire(proof) => self.gate.acquire(&caller, ticket, proof, now),
            Action::Release(_) => self.gate.release(&caller, ticket, now),
            Action::TakeOver(proof) => self.gate.take_over(&caller, ticket, proof, now),
            Action::Lidar(..) => return tracing::error!("a LiDAR command came to the motion task"),
        };
        if let Err(refusal) = refused {
            let outcome = Err(failure(&refusal));
            self.wiring.hub.answer(ticket.connection, Answer { ticket: number, outcome });
        }
    }

    fn tell(&mut self, event: &SafetyEvent) {
        if matches!(
            event,
            SafetyEvent::EmergencyStopEngaged(_) | SafetyEvent::EmergencyStopReset(_)
        ) {
            self.wiring.latched.send_replace(self.gate.latched().cloned());
        }
        if let (SafetyEvent::DockingAborted(reason), Some((kind, elapsed))) =
            (event, self.docking_now())
        {
            let why = format!("aborted: {reason}");
            self.wiring.teller.docking(kind, elapsed, Some(why));
        }
        self.wiring.teller.safety(event);
    }
}

/// A scan as the zones take it.
pub(super) fn view(scan: &RawScan) -> ScanView<'_> {
    ScanView {
        frame_id: &scan.frame_id,
        stamp: scan.stamp,
        ros_now: scan.ros_now,
        angle_min: scan.angle_min,
        angle_increment: scan.angle_increment,
        range_min: scan.range_min,
        range_max: scan.range_max,
        ranges: &scan.ranges,
    }
}

/// The first at once.
fn every(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// While the node pauses, how soon it is noticed that it does not come back.
const SILENT_TICK: Duration = Duration::from_secs(1);
