//! Carries values between the robot and [`DriveCheck`], and words between it and the person at the robot.

use std::{fmt::Write, future::Future, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    clock::Clock,
    lidar::Scan,
    robot::{Inputs, Outputs, PublishError},
    safety::{
        GateConfig, SafeVelocity, Surroundings, Velocity,
        drive_check::{Conditions, DriveCheck, FREE_WAY, Hindrance, PATIENCE, Verdict, WATCHDOG},
        facts::Facts,
        gate::TICK,
        latch::StopLatch,
        surroundings::FieldSet,
    },
};

use super::motion::view;

/// What the check is wired to.
pub struct Wiring {
    /// What the robot tells.
    pub inputs: Inputs,
    /// Where velocities go.
    pub outputs: Arc<dyn Outputs>,
    /// Limits, and what counts as rest and as fresh.
    pub config: GateConfig,
    /// The zones, before any scan.
    pub surroundings: Surroundings,
    /// Where the robot's own services ask for an emergency stop.
    pub latch: StopLatch,
    /// Whether the emergency stop was latched when the bridge last ended.
    pub latched: bool,
    /// The time.
    pub clock: Clock,
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// Something hinders it; nothing was driven.
    #[error("nothing was driven{}", listed(.0))]
    Hindered(Vec<Hindrance>),
    /// The person did not agree; nothing was driven.
    #[error("nothing was driven: it was not confirmed")]
    NotConfirmed,
    /// Nothing can be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// What came out, and whether the robot is known to stand now.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What came out.
    pub verdict: Verdict,
    /// Whether the robot is known to stand.
    pub at_rest: bool,
}

struct Bench {
    wiring: Wiring,
    check: DriveCheck,
    facts: Facts,
    told_emergency_stop: Option<Duration>,
}

/// Zero, whatever way the check is left: by an error, by a panic too.
struct LastWord(Arc<dyn Outputs>);

/// What the person is told first.
pub fn announcement(config: &GateConfig) -> String {
    let speed = DriveCheck::new(config.clone(), false).speed();
    format!(
        "Check of the drive's own watchdog, which is all that stops the robot when the bridge dies.\n\
         The robot drives straight ahead at {speed} m/s for about 1 s. Then nothing is published any more, and the odometry\n\
         shows whether the drive brakes by itself within {} s. If it does not, zero is published after {} s.\n\
         It drives about 0.1 m with a watchdog and 0.25 m without one. Keep {FREE_WAY} m ahead of it free, and a hand at the\n\
         hard-wired emergency stop. Ctrl-C publishes zero at once.",
        WATCHDOG.as_secs_f64(),
        PATIENCE.as_secs(),
    )
}

/// Looks at the robot, asks, drives and judges. `confirm` is asked once everything is safe; `interrupted` ends the check
/// at any point, with zero if it drives.
pub async fn run(
    wiring: Wiring,
    confirm: impl AsyncFnOnce() -> bool,
    interrupted: impl Future<Output = ()>,
) -> Result<Report, CheckError> {
    let check = DriveCheck::new(wiring.config.clone(), wiring.latched);
    let mut bench = Bench { wiring, check, facts: Facts::default(), told_emergency_stop: None };
    let mut interrupted = std::pin::pin!(interrupted);
    let mut is_interrupted = false;
    tokio::select! {
        biased;
        () = &mut interrupted => return Err(CheckError::NotConfirmed),
        ready = bench.prepare(confirm) => ready?,
    }
    let _last_word = LastWord(bench.wiring.outputs.clone());
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = &mut interrupted, if !is_interrupted => {
                is_interrupted = true;
                bench.check.interrupt(bench.wiring.clock.now());
                bench.step()?;
            }
            () = bench.wiring.latch.wait() => {
                bench.check.interrupt(bench.wiring.clock.now());
                bench.step()?;
            }
            _ = ticks.tick() => bench.step()?,
            Ok(()) = bench.wiring.inputs.odometry.changed() => bench.odometry(),
        }
        if let Some((verdict, at_rest)) = bench.check.verdict() {
            return Ok(Report { verdict: verdict.clone(), at_rest });
        }
    }
}

impl Bench {
    /// Returns once everything is safe and confirmed, and the check has begun.
    async fn prepare(&mut self, confirm: impl AsyncFnOnce() -> bool) -> Result<(), CheckError> {
        let started = self.wiring.clock.now();
        let mut ticks = interval(TICK);
        loop {
            ticks.tick().await;
            self.look();
            let now = self.wiring.clock.now();
            let hindrances = self.check.hindrances(now);
            let waited = now.saturating_sub(started);
            // Also when all is well: whoever else publishes may not have been found yet.
            if hindrances.is_empty() && waited >= DISCOVERY {
                break;
            }
            if waited >= READY {
                return Err(CheckError::Hindered(hindrances));
            }
        }
        if !confirm().await {
            return Err(CheckError::NotConfirmed);
        }
        // It took its time.
        self.look();
        self.check.begin(self.wiring.clock.now()).map_err(CheckError::Hindered)
    }

    /// Decides and publishes.
    fn step(&mut self) -> Result<(), PublishError> {
        self.look();
        let now = self.wiring.clock.now();
        let Some(velocity) = self.check.tick(now) else {
            return Ok(()); // silent on every topic, as a bridge is that died
        };
        self.wiring.outputs.drive(velocity)?;
        // A drive may take silence here for a stop.
        if self.told_emergency_stop.is_none_or(|at| now.saturating_sub(at) >= HEARTBEAT) {
            self.wiring.outputs.emergency_stop(false)?;
            self.told_emergency_stop = Some(now);
        }
        Ok(())
    }

    /// What the robot told last.
    fn look(&mut self) {
        let now = self.wiring.clock.now();
        if self.wiring.inputs.odometry.has_changed().unwrap_or(false) {
            self.odometry();
        }
        let inputs = &mut self.wiring.inputs;
        if inputs.scan.has_changed().unwrap_or(false)
            && let Some(scan) = &*inputs.scan.borrow_and_update()
            && Scan::check(&scan.value).is_ok()
        {
            self.wiring.surroundings.scan(&view(&scan.value), scan.at);
        }
        if let Some(pressed) = &*inputs.hardware_stop.borrow_and_update() {
            self.facts.hardware_stop(pressed.value, pressed.at);
        }
        let (asked, actual) = (self.check.asked(), self.check.actual(now));
        let hardware_stop = self.facts.hardware_problem(HARDWARE_TIMEOUT, now);
        self.check.conditions(Conditions {
            graph: self.wiring.outputs.graph(),
            hardware_stop: hardware_stop.filter(|_| self.wiring.config.hardware_stop),
            surroundings: self.wiring.surroundings.verdict(FieldSet::Driving, asked, actual, now),
        });
    }

    fn odometry(&mut self) {
        if let Some(odometry) = &*self.wiring.inputs.odometry.borrow_and_update() {
            let of = &odometry.value;
            let linear = of.linear.hypot(of.lateral).copysign(of.linear);
            self.check.odometry(Velocity { linear, angular: of.angular }, odometry.at);
        }
    }
}

impl Drop for LastWord {
    fn drop(&mut self) {
        if let Err(error) = self.0.drive(SafeVelocity::STOP) {
            tracing::error!(%error, "the last zero was not published");
        }
    }
}

fn listed(hindrances: &[Hindrance]) -> String {
    hindrances.iter().fold(String::new(), |mut list, hindrance| {
        let _ = write!(list, "\n- {hindrance}");
        list
    })
}

/// Time for both sides to find each other.
const DISCOVERY: Duration = Duration::from_secs(2);

/// What is not safe by then refuses the check.
const READY: Duration = Duration::from_secs(5);

/// The robot's own emergency stop has to say something this often.
const HARDWARE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time between repetitions on `emergency_stop`.
const HEARTBEAT: Duration = Duration::from_secs(1);
