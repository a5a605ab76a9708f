//! The sole owner of the [`Gate`]: feeds it, publishes what it decides, and answers for what came of it.
//!
//! Stops come before commands (`biased`): a stop in the latch is served before any command is looked at. One that ends
//! something, and a command, is followed by a decision at once; otherwise there is one every [`TICK`].

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::{
    sync::{mpsc, watch},
    time::{Interval, MissedTickBehavior},
};

use crate::{
    clock::Clock,
    hub::Hub,
    protocol::{Answer, server::DockingCommand},
    robot::{CallError, DockVelocity, Newest, Odometry, Outputs, PublishError, Service},
    safety::{
        Caller, ConnectionId, EmergencyStop, Gate, Reason, SafetyEvent, StopSource, Velocity,
        control::Holder,
        gate::{MotionState, TICK, Ticket},
        latch::{Alive, StopLatch},
    },
    session::{Action, Command},
};

use super::{
    answers::{call_failure, failure},
    events::Teller,
};

/// What the rest of the bridge knows of the motion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Who drives.
    pub holder: Option<Holder>,
    /// The latched emergency stop.
    pub emergency_stop: Option<EmergencyStop>,
    /// The motion that goes on.
    pub motion: Option<MotionState>,
    /// The newest decision's reason.
    pub reason: Option<Reason>,
    /// Where the robot stands with its dock.
    pub dock: Dock,
}

/// Where the robot stands with its dock, as far as the bridge knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dock {
    /// Nothing was docked or undocked since the bridge started.
    #[default]
    Unknown,
    /// On its way, since then.
    Under(DockingCommand, Duration),
    /// On the dock.
    On,
    /// Off the dock.
    Off,
    /// The last attempt failed.
    Failed,
}

/// What the motion task is wired to.
pub struct Wiring {
    /// Where velocities go.
    pub outputs: Arc<dyn Outputs>,
    /// The stops' lane.
    pub latch: StopLatch,
    /// Commands of the connections.
    pub commands: mpsc::Receiver<Command>,
    /// Arrival of the newest valid scan.
    pub scanned: watch::Receiver<Option<Duration>>,
    /// The robot's own measure of its motion.
    pub odometry: Newest<Odometry>,
    /// What the docking controller asks for.
    pub dock_velocity: Newest<DockVelocity>,
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
    /// The newest stop for which zero was not published yet.
    unserved: Option<u64>,
    /// The connection whose motion was asked for last, and when it spoke last.
    attention: Option<(ConnectionId, Alive)>,
}

struct DockCall {
    caller: Caller,
    ticket: Ticket,
    kind: DockingCommand,
    answer: BoxFuture<'static, Result<String, CallError>>,
}

/// Runs until the robot's side fails; a return is a fault.
pub async fn run(gate: Gate, wiring: Wiring) -> Result<(), PublishError> {
    let mut motion = Motion {
        gate,
        wiring,
        docking: None,
        dock: Dock::default(),
        told_emergency_stop: None,
        unserved: None,
        attention: None,
    };
    let mut ticks = ticks();
    loop {
        let wiring = &mut motion.wiring;
        tokio::select! {
            biased;
            Ok(()) = wiring.stopping.changed() => motion.shut_down()?,
            // Before the stops, so that no flood of them keeps zeros, scans and time from being seen; it serves them too.
            _ = ticks.tick() => motion.serve_stops()?,
            () = wiring.latch.wait() => motion.take_stops()?,
            Ok(()) = wiring.dock_velocity.changed() => motion.dock_velocity(),
            answer = dock_answer(&mut motion.docking) => {
                motion.docking_answered(answer);
                motion.step()?;
            }
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
        self.gate.drive(self.wiring.outputs.drive_is_present());
        if let Some((connection, alive)) = &self.attention {
            self.gate.heard(*connection, alive.heard());
        }
        let decision = self.gate.tick(now);
        if let Some(velocity) = decision.velocity {
            if self.dock == Dock::On && self.docking.is_none() && !velocity.is_zero() {
                self.dock = Dock::Off;
            }
            self.wiring.outputs.drive(velocity)?;
        }
        self.tell_emergency_stop(now)?;
        for outcome in self.gate.take_outcomes() {
            let outcome_of = outcome.result.map_err(|refusal| failure(&refusal));
            self.wiring
                .hub
                .answer(outcome.connection, Answer { ticket: outcome.ticket, outcome: outcome_of });
        }
        for event in self.gate.take_events() {
            self.tell(&event);
        }
        self.forget_ended_docking();
        self.report(decision.reason, now);
        Ok(())
    }

    /// Stops that end something are served at once. Others, of which there may be a flood, with the next tick.
    fn take_stops(&mut self) -> Result<(), PublishError> {
        self.apply_stops();
        if self.gate.has_news() { self.serve_stops() } else { Ok(()) }
    }

    /// Zero goes out before anybody is told that it did.
    fn serve_stops(&mut self) -> Result<(), PublishError> {
        self.apply_stops();
        self.step()?;
        if let Some(sequence) = self.unserved.take() {
            self.wiring.latch.serve(sequence);
        }
        Ok(())
    }

    fn apply_stops(&mut self) {
        let now = self.wiring.clock.now();
        let waiting = self.wiring.latch.take();
        if !waiting.emergency_stops.is_empty() || !waiting.stops.is_empty() {
            self.unserved = Some(waiting.sequence);
        }
        for caller in waiting.emergency_stops {
            self.gate.emergency_stop(StopSource::Web, Some(caller), waiting.sequence, now);
        }
        for caller in &waiting.stops {
            self.gate.stop(caller.connection, waiting.sequence, now);
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
        if let Some(at) = *self.wiring.scanned.borrow() {
            self.gate.scan(at);
        }
        if let Some(odometry) = &*self.wiring.odometry.borrow() {
            let Odometry { linear, lateral, angular, .. } = odometry.value;
            // A robot that slides sideways is not at rest.
            let linear = linear.hypot(lateral);
            self.gate.odometry(Velocity { linear, angular }, odometry.at);
        }
    }

    fn dock_velocity(&mut self) {
        if let Some(wanted) = &*self.wiring.dock_velocity.borrow_and_update() {
            let DockVelocity { linear, angular } = wanted.value;
            self.gate.dock_velocity(Velocity { linear, angular }, wanted.at);
        }
    }

    /// A command whose connection is gone by now is void.
    fn command(&mut self, command: Command) {
        if !command.alive.get() {
            return;
        }
        self.look();
        let Command { caller, ticket: number, action, after, alive } = command;
        let ticket = Ticket { connection: caller.connection, number, after };
        let now = self.wiring.clock.now();
        let refused = match action {
            Action::Motion(proof, request) => self
                .gate
                .command(&caller, ticket, proof, request, now)
                .map(|()| self.attention = Some((caller.connection, alive))),
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

    fn call_dock(&mut self, caller: Caller, ticket: Ticket, kind: DockingCommand) {
        let service = match kind {
            DockingCommand::Dock => Service::Dock,
            DockingCommand::Undock => Service::Undock,
        };
        let answer = self.wiring.outputs.call(service);
        self.dock = Dock::Under(kind, self.wiring.clock.now());
        self.docking = Some(DockCall { caller, ticket, kind, answer });
    }

    fn docking_answered(&mut self, answer: Result<String, CallError>) {
        let Some(call) = self.docking.take() else {
            return;
        };
        if !self.gate.docking_ended(call.ticket, self.wiring.clock.now()) {
            return;
        }
        let elapsed = self.docking_took();
        self.dock = match (&answer, call.kind) {
            (Err(_), _) => Dock::Failed,
            (Ok(_), DockingCommand::Dock) => Dock::On,
            (Ok(_), DockingCommand::Undock) => Dock::Off,
        };
        let error = answer.as_ref().err().map(ToString::to_string);
        self.wiring.teller.docking(call.kind, elapsed, error);
        let outcome = answer.map_err(|error| call_failure(&error));
        self.wiring
            .hub
            .answer(call.caller.connection, Answer { ticket: call.ticket.number, outcome });
    }

    /// A docking that the gate ended is not waited for: whatever its controller still wants goes nowhere.
    fn forget_ended_docking(&mut self) {
        if self.gate.docking().is_none() && self.docking.take().is_some() {
            self.dock = Dock::Failed;
        }
    }

    fn docking_took(&self) -> Duration {
        match self.dock {
            Dock::Under(_, since) => self.wiring.clock.now().saturating_sub(since),
            _ => Duration::ZERO,
        }
    }

    fn tell(&mut self, event: &SafetyEvent) {
        if matches!(
            event,
            SafetyEvent::EmergencyStopEngaged(_) | SafetyEvent::EmergencyStopReset(_)
        ) {
            self.wiring.latched.send_replace(self.gate.latched().cloned());
        }
        if let (SafetyEvent::DockingAborted(reason), Some(call)) = (event, &self.docking) {
            let why = format!("aborted: {reason}");
            self.wiring.teller.docking(call.kind, self.docking_took(), Some(why));
        }
        self.wiring.teller.safety(event);
    }

    /// On every change and as a heartbeat, so that the rest of the robot can notice silence.
    fn tell_emergency_stop(&mut self, now: Duration) -> Result<(), PublishError> {
        let active = self.gate.latched().is_some();
        let due = self
            .told_emergency_stop
            .is_none_or(|(told, at)| told != active || now.saturating_sub(at) >= HEARTBEAT);
        if due {
            self.wiring.outputs.emergency_stop(active)?;
            self.told_emergency_stop = Some((active, now));
        }
        Ok(())
    }

    fn report(&mut self, reason: Reason, now: Duration) {
        let report = Report {
            holder: self.gate.holder().cloned(),
            emergency_stop: self.gate.latched().cloned(),
            motion: self.gate.motion(now),
            reason: Some(reason),
            dock: self.dock,
        };
        let holder = report.holder.as_ref().map(|holder| holder.caller.connection);
        self.wiring.holder.send_if_modified(|known| std::mem::replace(known, holder) != holder);
        self.wiring.report.send_if_modified(|known| {
            let changed = *known != report;
            *known = report;
            changed
        });
    }
}

async fn dock_answer(docking: &mut Option<DockCall>) -> Result<String, CallError> {
    match docking {
        Some(call) => (&mut call.answer).await,
        None => std::future::pending().await,
    }
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// Time between repetitions on `emergency_stop`.
const HEARTBEAT: Duration = Duration::from_secs(1);
