//! The robot in a box: a hall, people, a drive with its own watchdog, a LiDAR, a dock; all in virtual time.
//!
//! [`World`] is told what arrives and what time it is, and nothing else: the same inputs give the same world, an hour
//! of robot takes a second of test, and the simulator's node only carries values between it and ROS.
//!
//! What is left out: the LiDAR's sweep while the robot moves, wheel slip, and people who mind each other.

use std::time::Duration;

use nalgebra::{Isometry2, Point2, Vector2};

mod config;
mod dock;
mod drive;
mod hall;
mod lidar;
mod people;
mod power;
mod random;

#[cfg(test)]
mod tests;

pub use config::{WorldConfig, routes};
pub use dock::{DockConfig, DockError, Docked};
pub use drive::{AxisLimits, DriveConfig, Velocity};
pub use hall::{Disc, Hall, Wall};
pub use lidar::{FREQUENCIES, FrequencyError, LidarConfig, Scan};
pub use people::Route;
pub use power::{Battery, PowerConfig};

/// The robot and everything around it.
///
/// Commands take effect at the next tick. Nothing here blocks or fails for lack of anything.
#[derive(Debug, Clone)]
pub struct World {
    dock: DockConfig,
    hall: Hall,
    robot_radius: f64,
    odometry_noise: f64,
    now: Duration,
    base: Isometry2<f64>,
    drive: drive::Drive,
    touching: bool,
    odometry: Odometry,
    odometry_random: random::Random,
    lidar: lidar::Lidar,
    people: Vec<people::Person>,
    manoeuvre: Option<dock::Manoeuvre>,
    power: power::Power,
}

/// What the wheels tell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Odometry {
    /// Base in the odometry frame.
    pub pose: Isometry2<f64>,
    /// In the base frame.
    pub twist: Velocity,
}

/// Something that a person would want to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// No command arrived in time: the drive stops the robot.
    WatchdogStopped,
    /// The robot touches something solid and stands.
    Touched,
    /// A docking manoeuvre ended.
    Docking(Result<Docked, DockError>),
}

impl World {
    /// A world at time zero, with the LiDAR turning and nobody commanding.
    pub fn new(config: WorldConfig) -> World {
        let mut hall = config.hall;
        let behind = config.robot_radius + DOCK_GAP + config.dock.size.x / 2.0;
        hall.add_rectangle(
            config.dock.pose * Isometry2::translation(-behind, 0.0),
            config.dock.size,
        );
        World {
            dock: config.dock,
            hall,
            robot_radius: config.robot_radius,
            odometry_noise: config.odometry_noise,
            now: Duration::ZERO,
            base: config.start,
            drive: drive::Drive::new(config.drive),
            touching: false,
            odometry: Odometry { pose: config.start, twist: Velocity::ZERO },
            odometry_random: random::Random::new(config.seed, 1),
            lidar: lidar::Lidar::new(config.lidar, random::Random::new(config.seed, 2)),
            people: config.people.into_iter().filter_map(people::Person::new).collect(),
            manoeuvre: None,
            power: power::Power::new(config.power),
        }
    }

    /// Lets time pass until `now`, in ticks of [`TICK`]. The events come in their order.
    pub fn advance(&mut self, now: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        while self.now + TICK <= now {
            self.tick(&mut events);
        }
        events
    }

    /// How far time has passed.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// A velocity command arrived at `now`. The watchdog counts from there.
    pub fn command(&mut self, velocity: Velocity, now: Duration) {
        self.drive.command(velocity, now);
    }

    /// While active the drive stops and drops commands; a running docking manoeuvre ends.
    pub fn emergency_stop(&mut self, active: bool) -> Option<Event> {
        self.drive.emergency_stop(active);
        if !active {
            return None;
        }
        self.manoeuvre.take().map(|_| Event::Docking(Err(DockError::EmergencyStop)))
    }

    /// Starts docking; [`Event::Docking`] tells how it ends.
    pub fn dock(&mut self) -> Result<(), DockError> {
        self.check_idle()?;
        self.manoeuvre = Some(self.dock.dock(self.base, self.now)?);
        Ok(())
    }

    /// Starts undocking; [`Event::Docking`] tells how it ends.
    pub fn undock(&mut self) -> Result<(), DockError> {
        self.check_idle()?;
        self.manoeuvre = Some(self.dock.undock(self.base, self.now)?);
        Ok(())
    }

    /// Ends a docking manoeuvre, if one runs.
    pub fn cancel_docking(&mut self) -> Option<Event> {
        self.manoeuvre.take().map(|_| Event::Docking(Err(DockError::Cancelled)))
    }

    /// What the docking controller asks for; `None` while it has nothing to do. It moves the robot only if it comes
    /// back through [`World::command`].
    pub fn docking_velocity(&self) -> Option<Velocity> {
        self.manoeuvre.as_ref().map(dock::Manoeuvre::velocity)
    }

    /// Somebody puts a column down, in the hall's frame; what it would stand on does not move.
    pub fn put_column(&mut self, column: Disc) {
        self.hall.columns.push(column);
    }

    /// Starts or stops the LiDAR's motor; scans come again after its spin-up time.
    pub fn set_lidar_motor(&mut self, on: bool) {
        self.lidar.set_motor(on, self.now);
    }

    /// Scans a second, Hz, within [`FREQUENCIES`].
    pub fn set_scan_frequency(&mut self, frequency: f64) -> Result<(), FrequencyError> {
        self.lidar.set_frequency(frequency)
    }

    /// The next scan, once it is due.
    pub fn poll_scan(&mut self) -> Option<Scan> {
        self.lidar.is_due(self.now).then(|| self.scan())
    }

    /// A scan of this moment, due or not, whether the motor turns or not.
    pub fn scan(&mut self) -> Scan {
        let people = self.people.iter().map(people::Person::outline);
        self.lidar.scan(self.now, self.base, &self.hall, people)
    }

    /// What the drive steers to: the newest command after the watchdog, the emergency stop and the speed limits.
    /// Zero means that the robot stands or decelerates to rest.
    pub fn drive_command(&self) -> Velocity {
        self.drive.target()
    }

    /// What the wheels tell.
    pub fn odometry(&self) -> Odometry {
        self.odometry
    }

    /// What the battery tells.
    pub fn battery(&self) -> Battery {
        self.power.battery()
    }

    /// Degrees Celsius.
    pub fn motor_temperature(&self) -> f64 {
        self.power.temperature()
    }

    /// Whether the robot stands on the dock's contacts, however it came there.
    pub fn is_docked(&self) -> bool {
        self.dock.holds(self.base)
    }

    /// Where the robot's base truly is.
    pub fn base(&self) -> Isometry2<f64> {
        self.base
    }

    /// Where the people truly are.
    pub fn people(&self) -> impl Iterator<Item = Disc> + '_ {
        self.people.iter().map(people::Person::outline)
    }

    /// Walls and columns, with the dock's sides.
    pub fn hall(&self) -> &Hall {
        &self.hall
    }

    fn check_idle(&self) -> Result<(), DockError> {
        if self.manoeuvre.is_some() {
            return Err(DockError::Busy);
        }
        if self.drive.is_emergency_stopped() {
            return Err(DockError::EmergencyStop);
        }
        Ok(())
    }

    fn tick(&mut self, events: &mut Vec<Event>) {
        self.now += TICK;
        let dt = TICK.as_secs_f64();
        if self.drive.watch(self.now) {
            events.push(Event::WatchdogStopped);
        }
        if self.roll(dt) {
            events.push(Event::Touched);
        }
        self.measure_odometry(dt);
        let robot = Disc { center: self.base.translation.vector.into(), radius: self.robot_radius };
        for person in &mut self.people {
            person.walk(dt, robot);
        }
        let base = self.base;
        let ended = self.manoeuvre.as_mut().and_then(|it| it.tick(&self.dock, base, self.now));
        if let Some(outcome) = ended {
            self.manoeuvre = None;
            events.push(Event::Docking(outcome));
        }
        self.power.tick(dt, self.drive.velocity().linear.abs(), self.dock.holds(base));
    }

    /// Moves the base, unless something solid is there; true when it was met just now.
    fn roll(&mut self, dt: f64) -> bool {
        let velocity = self.drive.ramp(dt);
        let ahead = self.base * step(velocity, dt);
        let room = match velocity.linear {
            0.0 => f64::INFINITY,
            _ => self.room(ahead.translation.vector.into()),
        };
        let blocked = room <= 0.0;
        if blocked {
            self.drive.block();
            self.base *= step(self.drive.velocity(), dt);
        } else {
            self.base = ahead;
        }
        self.base.rotation.renormalize();
        let was_touching = self.touching;
        // It touches until it has left, so that leaning on a wall is one event.
        self.touching = blocked || (was_touching && (velocity.linear == 0.0 || room < LEFT));
        blocked && !was_touching
    }

    /// Distance from the outline of a robot at `center` to the nearest solid thing, m; negative inside.
    fn room(&self, center: Point2<f64>) -> f64 {
        let people = self.people.iter().map(|person| person.outline().distance(center));
        people.fold(self.hall.clearance(center), f64::min) - self.robot_radius
    }

    fn measure_odometry(&mut self, dt: f64) {
        let mut twist = self.drive.velocity();
        if self.odometry_noise > 0.0 {
            twist.linear *= 1.0 + self.odometry_noise * self.odometry_random.gaussian();
            twist.angular *= 1.0 + self.odometry_noise * self.odometry_random.gaussian();
        }
        let mut pose = self.odometry.pose * step(twist, dt);
        pose.rotation.renormalize();
        self.odometry = Odometry { pose, twist };
    }
}

/// The way of `dt` seconds at a constant velocity, taken as straight along its middle heading.
fn step(velocity: Velocity, dt: f64) -> Isometry2<f64> {
    let (length, angle) = (velocity.linear * dt, velocity.angular * dt);
    let (sin, cos) = (angle / 2.0).sin_cos();
    Isometry2::new(Vector2::new(length * cos, length * sin), angle)
}

/// The world's time step.
pub const TICK: Duration = Duration::from_millis(10);
/// A robot that is this far from what it touched has left it, m.
const LEFT: f64 = 0.05;
/// Between the docked robot's outline and the charger, m.
const DOCK_GAP: f64 = 0.06;
