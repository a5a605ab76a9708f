//! The simulated robot, on a thread that nobody counts: a real one has its nodes elsewhere.

use std::{
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use oht50_bridge::{
    clock::Clock,
    lidar::{Picture, RawScan},
    robot::{
        CallError, Inputs, Odometry, Outputs, PublishError, Received, Service, Told, ZoneOutline,
    },
    safety::{SafeVelocity, Summary, facts::Graph},
    sim::{Velocity, World, WorldConfig},
    telemetry::vitals::Vitals,
};
use tokio::sync::{mpsc, watch};

use super::clients::unix;

/// By which the thread is known.
pub const THREAD: &str = "robot";

/// Cheap to clone.
#[derive(Clone)]
pub struct Robot {
    world: Arc<Mutex<World>>,
    /// By what it was sent last. When it is sent off, and when zero follows, that is printed: µs since the Unix epoch.
    moves: Arc<AtomicBool>,
    clock: Clock,
}

/// Starts it in an empty hall.
pub fn start(clock: Clock) -> (Robot, Inputs) {
    let world = World::new(WorldConfig { people: Vec::new(), ..WorldConfig::default() });
    let robot = Robot { world: Arc::new(Mutex::new(world)), moves: Arc::default(), clock };
    let (scans, scan) = watch::channel(None);
    let (odometries, odometry) = watch::channel(None);
    let inputs = Inputs {
        scan,
        odometry,
        battery: watch::channel(None).1,
        temperature: watch::channel(None).1,
        dock_velocity: watch::channel(None).1,
        hardware_stop: watch::channel(None).1,
        notices: open_queue(),
        resets: open_queue(),
        caught_up: Arc::default(),
    };
    let (living, caught_up) = (robot.clone(), inputs.caught_up.clone());
    let live = move || {
        loop {
            thread::sleep(TICK);
            living.live(&scans, &odometries);
            // It never pauses.
            caught_up.notify_one();
        }
    };
    thread::Builder::new().name(THREAD.to_owned()).spawn(live).unwrap();
    (robot, inputs)
}

/// One that stays open and empty.
fn open_queue<T>() -> mpsc::Receiver<T> {
    let (sender, receiver) = mpsc::channel(1);
    std::mem::forget(sender);
    receiver
}

impl Robot {
    fn live(
        &self,
        scans: &watch::Sender<Option<Received<Arc<RawScan>>>>,
        odometries: &watch::Sender<Option<Received<Odometry>>>,
    ) {
        let mut world = self.world();
        world.advance(self.clock.now());
        let scan = world.poll_scan();
        let odometry = world.odometry();
        drop(world);
        let position = odometry.pose.translation.vector;
        let (at, unix) = (self.clock.now(), self.clock.unix());
        odometries.send_replace(Some(Received {
            value: Odometry {
                position: [position.x, position.y, 0.0],
                yaw: odometry.pose.rotation.angle(),
                linear: odometry.twist.linear,
                lateral: 0.0,
                angular: odometry.twist.angular,
                stamp: unix.as_secs_f64(),
            },
            at,
        }));
        let Some(scan) = scan else { return };
        // Stamped as it leaves, as the lower bound stamps: what the simulation takes is not the server's.
        let (at, unix) = (self.clock.now(), self.clock.unix());
        let raw = RawScan {
            stamp: unix.as_secs_f64(),
            stamp_nanoseconds: unix.as_nanos() as i64,
            ros_now: unix.as_secs_f64(),
            frame_id: "laser".into(),
            angle_min: scan.angle_min,
            angle_increment: scan.angle_increment,
            range_min: scan.range_min,
            range_max: scan.range_max,
            ranges: scan.ranges.into(),
        };
        scans.send_replace(Some(Received { value: Arc::new(raw), at }));
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl Outputs for Robot {
    fn drive(&self, velocity: SafeVelocity) -> Result<(), PublishError> {
        let commanded = Velocity { linear: velocity.linear(), angular: velocity.angular() };
        let moves = !velocity.is_zero();
        if self.moves.swap(moves, Ordering::Relaxed) != moves {
            println!("{}", unix().as_micros());
        }
        self.world().command(commanded, self.clock.now());
        Ok(())
    }

    fn graph(&self) -> Graph {
        Graph { drive_present: true, ..Graph::default() }
    }

    fn may_doze(&self, _: bool) {}

    fn is_watched(&self, _: Told) -> bool {
        false
    }

    fn emergency_stop(&self, active: bool) -> Result<(), PublishError> {
        self.world().emergency_stop(active);
        Ok(())
    }

    fn safety(&self, _: &Summary, _: Option<&str>) -> Result<(), PublishError> {
        Ok(())
    }

    fn show(&self, _: &Picture, _: &[ZoneOutline]) -> Result<(), PublishError> {
        Ok(())
    }

    fn outline(&self, _: &[ZoneOutline]) -> Result<(), PublishError> {
        Ok(())
    }

    fn diagnostics(&self, _: &Vitals) -> Result<(), PublishError> {
        Ok(())
    }

    fn status(&self, _: &Vitals) -> Result<(), PublishError> {
        Ok(())
    }

    fn offers(&self, _: Service) -> BoxFuture<'static, bool> {
        async { false }.boxed()
    }

    fn call(&self, _: Service) -> BoxFuture<'static, Result<String, CallError>> {
        async { Err(CallError::Unavailable("any".to_owned())) }.boxed()
    }
}

/// As the simulated robot's node has it.
const TICK: Duration = Duration::from_millis(10);
