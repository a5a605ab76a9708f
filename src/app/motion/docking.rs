//! Docking and undocking: the call to the docking controller, what it asks for meanwhile, and how it ends.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::watch;

use super::{Dock, Motion};
use crate::{
    app::answers::call_failure,
    protocol::{Answer, server::DockingCommand},
    robot::{CallError, DockVelocity, Outputs, Service},
    safety::{Caller, DockingController, Velocity, gate::Ticket},
};

/// A call of the docking controller that goes on.
pub(super) struct DockCall {
    caller: Caller,
    ticket: Ticket,
    kind: DockingCommand,
    answer: BoxFuture<'static, Result<String, CallError>>,
    /// When progress was told last.
    told: Duration,
}

/// Waits for the docking controller's answer; for ever if it was not called.
pub(super) async fn dock_answer(docking: &mut Option<DockCall>) -> Result<String, CallError> {
    match docking {
        Some(call) => (&mut call.answer).await,
        None => std::future::pending().await,
    }
}

/// Tells a docking controller that drives by itself to stop. That it does is judged by the odometry.
pub async fn call_back(outputs: &dyn Outputs) {
    match tokio::time::timeout(CALL_BACK_WITHIN, outputs.call(Service::CancelDocking)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::error!(%error, "docking was not cancelled"),
        Err(_) => tracing::error!("cancel_docking does not answer"),
    }
}

/// What must be done before the bridge ends; cheap to clone.
#[derive(Clone)]
pub struct Errands(watch::Sender<usize>);

/// One of them; over when it is dropped.
pub struct Errand(watch::Sender<usize>);

impl Errands {
    /// None to do.
    pub fn new() -> Errands {
        Errands(watch::Sender::new(0))
    }

    fn begin(&self) -> Errand {
        self.0.send_modify(|running| *running += 1);
        Errand(self.0.clone())
    }

    /// Returns when none is left.
    pub async fn done(&self) {
        // The sender lives here, so the wait cannot fail.
        let _ = self.0.subscribe().wait_for(|running| *running == 0).await;
    }
}

impl Default for Errands {
    fn default() -> Errands {
        Errands::new()
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

impl Motion {
    pub(super) fn call_dock(&mut self, caller: Caller, ticket: Ticket, kind: DockingCommand) {
        let service = match kind {
            DockingCommand::Dock => Service::Dock,
            DockingCommand::Undock => Service::Undock,
        };
        let outputs = self.wiring.outputs.clone();
        let answer = match self.wiring.docking_controller {
            // Who drives by itself and cannot be cancelled is not let loose.
            DockingController::Cancellable => async move {
                if outputs.offers(Service::CancelDocking).await {
                    outputs.call(service).await
                } else {
                    Err(CallError::Unavailable("cancel_docking".to_owned()))
                }
            }
            .boxed(),
            DockingController::Velocities | DockingController::None => outputs.call(service),
        };
        let now = self.wiring.clock.now();
        self.dock = Dock::Under(kind, now);
        self.docking = Some(DockCall { caller, ticket, kind, answer, told: now });
    }

    pub(super) fn docking_answered(&mut self, answer: Result<String, CallError>) {
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

    /// A docking that the Gate ended is not waited for: what its controller still wants goes nowhere, and one that drives by
    /// itself is called back.
    pub(super) fn forget_ended_docking(&mut self) {
        if self.gate.docking().is_some() || self.docking.take().is_none() {
            return;
        }
        self.dock = Dock::Failed;
        if self.wiring.docking_controller == DockingController::Cancellable {
            let outputs = self.wiring.outputs.clone();
            let errand = self.wiring.errands.begin();
            tokio::spawn(async move {
                call_back(outputs.as_ref()).await;
                drop(errand);
            });
        }
    }

    /// While it goes on: now and then, so that somebody who waits for it sees that it does.
    pub(super) fn tell_docking_progress(&mut self, now: Duration) {
        let elapsed = self.docking_took();
        if let Some(call) = &mut self.docking
            && now.saturating_sub(call.told) >= PROGRESS
        {
            call.told = now;
            self.wiring.teller.docking_progress(call.kind, elapsed);
        }
    }

    /// Which way, and for how long.
    pub(super) fn docking_now(&self) -> Option<(DockingCommand, Duration)> {
        self.docking.as_ref().map(|call| (call.kind, self.docking_took()))
    }

    pub(super) fn dock_velocity(&mut self) {
        if let Some(wanted) = &*self.wiring.dock_velocity.borrow_and_update() {
            let DockVelocity { linear, angular } = wanted.value;
            self.gate.dock_velocity(Velocity { linear, angular }, wanted.at);
        }
    }

    fn docking_took(&self) -> Duration {
        match self.dock {
            Dock::Under(_, since) => self.wiring.clock.now().saturating_sub(since),
            _ => Duration::ZERO,
        }
    }
}

/// Time between two words about progress.
const PROGRESS: Duration = Duration::from_secs(1);

/// A docking controller that was called back has to say so.
const CALL_BACK_WITHIN: Duration = Duration::from_millis(500);
