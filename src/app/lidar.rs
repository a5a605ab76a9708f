//! LiDAR commands: asks the driver, and believes what the scans then do.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};

use crate::{
    clock::Clock,
    hub::Hub,
    protocol::{Answer, ErrorCode, Failure, client::LidarCommand},
    robot::{Newest, Odometry, Outputs, Service},
    session::{Action, Command},
};

use super::{
    answers,
    motion::{Dock, Report},
};

/// What the LiDAR commands are wired to; cheap to clone.
#[derive(Clone)]
pub struct Wiring {
    /// The driver's services.
    pub outputs: Arc<dyn Outputs>,
    /// Arrival of the newest valid scan.
    pub scanned: watch::Receiver<Option<Duration>>,
    /// What was commanded, for all to see.
    pub settings: watch::Sender<Settings>,
    /// What moves.
    pub report: watch::Receiver<Report>,
    /// Whether the robot stands.
    pub odometry: Newest<Odometry>,
    /// Slower than this it does, m/s.
    pub rest_speed: f64,
    /// Where answers go.
    pub hub: Hub,
    /// The time.
    pub clock: Clock,
}

/// What was commanded of the LiDAR; global, and shown in the status.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Settings {
    /// Stopped on demand.
    pub stopped: bool,
    /// The frequency that was set last, Hz.
    pub frequency: Option<f64>,
    /// The driver did not take it: no more pictures than that are shown a second.
    pub capped: bool,
    /// Nothing beyond this is shown, m.
    pub range: Option<f64>,
}

/// Runs until the commands' source is gone; a return is a fault.
pub async fn run(mut commands: mpsc::Receiver<Command>, wiring: Wiring) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => {
                let Some(command) = command else { return };
                let Action::Lidar(_, lidar) = command.action else { continue };
                let (connection, ticket) = (command.caller.connection, command.ticket);
                if running.len() >= MOST {
                    let outcome = Err(Failure::new(ErrorCode::Busy, "LiDAR commands are under way"));
                    wiring.hub.answer(connection, Answer { ticket, outcome });
                    continue;
                }
                let wiring = wiring.clone();
                running.spawn(async move {
                    let hub = wiring.hub.clone();
                    let outcome = wiring.carry_out(lidar).await;
                    hub.answer(connection, Answer { ticket, outcome });
                });
            }
            Some(_) = running.join_next() => {}
        }
    }
}

impl Wiring {
    async fn carry_out(mut self, command: LidarCommand) -> Result<String, Failure> {
        match command {
            LidarCommand::StartScan => {
                self.call(Service::StartMotor).await?;
                self.settings.send_modify(|settings| settings.stopped = false);
                self.scans_come().await
            }
            LidarCommand::StopScan => {
                self.refuse_while_moving()?;
                self.call(Service::StopMotor).await?;
                let ceased = self.scans_cease().await?;
                self.settings.send_modify(|settings| settings.stopped = true);
                Ok(ceased)
            }
            LidarCommand::SetFrequency(hertz) => {
                if hertz < SLOWEST_WHILE_MOVING {
                    self.refuse_while_moving()?;
                }
                let taken = self.call(Service::SetFrequency(hertz)).await;
                if let Err(failure) = &taken
                    && failure.code == ErrorCode::Timeout
                {
                    // It may still take it.
                    return Err(failure.clone());
                }
                self.settings.send_modify(|settings| {
                    (settings.frequency, settings.capped) = (Some(hertz), taken.is_err());
                });
                if let Err(failure) = taken {
                    let cause = failure.message;
                    return Ok(format!(
                        "Capped at {hertz} Hz what is shown, since the scans stay as they are: {cause}"
                    ));
                }
                let blind = if hertz < SLOWEST_WHILE_MOVING {
                    "; that is too seldom for the robot to move"
                } else {
                    ""
                };
                Ok(format!("Scan frequency set to {hertz} Hz{blind}"))
            }
            LidarCommand::SetRange(metres) => {
                self.settings.send_modify(|settings| settings.range = Some(metres));
                Ok(format!("Showing up to {metres} m"))
            }
        }
    }

    async fn call(&self, service: Service) -> Result<String, Failure> {
        match timeout(PATIENCE, self.outputs.call(service)).await {
            Ok(answer) => answer.map_err(|error| answers::call_failure(&error)),
            Err(_) => Err(Failure::new(ErrorCode::Timeout, "The LiDAR driver does not answer")),
        }
    }

    /// The motor services answer nothing: the scans are the answer.
    async fn scans_come(&mut self) -> Result<String, Failure> {
        self.scanned.mark_unchanged();
        match timeout(PATIENCE, self.scanned.changed()).await {
            Ok(Ok(())) => Ok("LiDAR scans".to_owned()),
            _ => Err(Failure::new(ErrorCode::Timeout, "No scan came after the LiDAR was started")),
        }
    }

    async fn scans_cease(&mut self) -> Result<String, Failure> {
        let deadline = self.clock.now() + PATIENCE;
        while self.clock.now() < deadline {
            self.scanned.mark_unchanged();
            if timeout(SILENCE, self.scanned.changed()).await.is_err() {
                return Ok("LiDAR stopped; motion is blocked until it scans".to_owned());
            }
        }
        Err(Failure::new(ErrorCode::Timeout, "Scans still come after the LiDAR was stopped"))
    }

    /// A moving robot is not blinded, nor one whose odometry is silent while something drives it.
    fn refuse_while_moving(&self) -> Result<(), Failure> {
        let report = self.report.borrow();
        let driven = report.motion.is_some() || matches!(report.dock, Dock::Under(..));
        let rolling = self.odometry.borrow().as_ref().is_some_and(|odometry| {
            let moved = &odometry.value;
            moved.linear.hypot(moved.lateral) >= self.rest_speed
                || moved.angular.abs() >= self.rest_speed
        });
        if driven || rolling {
            return Err(Failure::new(ErrorCode::RobotMoving, "The robot moves"));
        }
        Ok(())
    }
}

/// LiDAR commands under way at once.
const MOST: usize = 8;

/// How long the driver, and then the scans, may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Scans that do not come for this long have ceased: longer than a period of the slowest LiDAR, 1 Hz.
const SILENCE: Duration = Duration::from_millis(1500);

/// Below this frequency, Hz, a moving robot would outrun its scans.
const SLOWEST_WHILE_MOVING: f64 = 2.0;
