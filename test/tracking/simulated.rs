//! The simulated hall: columns and people are the truth.

use std::time::Duration;

use nalgebra::{Isometry2, Point2, Vector2};
use oht50_bridge::{
    lidar::{LidarConfig, Obstacle, Perception, RawScan, Scan, own::OwnBody},
    sim::{self, Disc, Velocity, World, WorldConfig, routes},
};

use super::score::{
    Limit::{AtLeast, AtMost},
    Score, Truth, check,
};

/// Drives through the hall, and scores every scan.
fn drive(seed: u64, noise: f64, seconds: u64) -> Score {
    // Those whose ways do not cross: simulated people walk through each other.
    let people = routes().into_iter().enumerate().filter(|(index, _)| [0, 1, 3, 5].contains(index));
    let people = people.map(|(_, route)| route).collect();
    let mut config = WorldConfig { seed, people, ..WorldConfig::default() };
    config.lidar.noise = noise;
    let base_from_laser = config.lidar.base_from_laser;
    let mut world = World::new(config);
    let mut perception = Perception::new(LidarConfig {
        base_from_laser,
        scan_period: PERIOD,
        own_body: OwnBody::default(),
    });
    let (mut score, mut driver, mut truth) =
        (Score::default(), Driver::default(), Truths::default());
    for tick in 0..seconds * 100 {
        let now = Duration::from_millis(tick * 10);
        world.advance(now);
        world.command(driver.steer(world.base(), now), now);
        let Some(scan) = world.poll_scan() else { continue };
        let odom = world.odometry().pose;
        let picture = perception.look(&read(scan), Some(odom), now, now);
        let told: Vec<Obstacle> = picture.obstacles.iter().map(|it| placed(*it, odom)).collect();
        let points: Vec<Point2<f64>> =
            picture.points.iter().map(|point| odom * Point2::from(*point)).collect();
        let truths = truth.at(&world, &points, noise);
        // Cages, the dock and the ends of walls are obstacles, too.
        let real = |at: [f64; 2]| world.hall().clearance(at.into()) < IN_A_CAGE;
        score.add(&truths, &told, PERIOD, real);
    }
    score
}

pub fn read(scan: sim::Scan) -> Scan {
    Scan::new(&RawScan {
        stamp: scan.at.as_secs_f64(),
        angle_min: scan.angle_min,
        angle_increment: scan.angle_increment,
        range_min: scan.range_min,
        range_max: scan.range_max,
        ranges: scan.ranges.into(),
        ..RawScan::default()
    })
    .unwrap()
}

/// In the hall's frame.
fn placed(obstacle: Obstacle, odom: Isometry2<f64>) -> Obstacle {
    let position = odom * Point2::from(obstacle.position);
    let velocity = odom.rotation * Vector2::from(obstacle.velocity);
    Obstacle { position: position.into(), velocity: velocity.into(), ..obstacle }
}

/// People and columns, and for how many scans each has been seen well.
#[derive(Default)]
struct Truths {
    walked: Vec<Vec<Point2<f64>>>,
    seen: Vec<usize>,
}

impl Truths {
    fn at(&mut self, world: &World, points: &[Point2<f64>], noise: f64) -> Vec<Truth> {
        self.walked.push(world.people().map(|it| it.center).collect());
        let people = world.people().count();
        let discs: Vec<Disc> = world.people().chain(world.hall().columns.iter().copied()).collect();
        self.seen.resize(discs.len(), 0);
        let truth = |(name, disc): (usize, &Disc)| {
            let on = |point: &&Point2<f64>| disc.distance(**point).abs() < 0.1 + noise;
            let well = points.iter().filter(on).count() >= WELL;
            self.seen[name] = if well { self.seen[name] + 1 } else { 0 };
            let velocity = |scans: usize| {
                let then = self.walked.len().checked_sub(1 + scans)?;
                Some((disc.center - self.walked[then][name]) / (scans as f64 * PERIOD))
            };
            // A second of walking, two of standing.
            let walks = |scans| velocity(scans).is_some_and(|it| it.norm() > 0.5);
            let (dynamic, velocity) = if name >= people {
                (Some(false), Vector2::zeros())
            } else if walks(20) && walks(2) {
                (Some(true), velocity(2).unwrap())
            } else if velocity(40) == Some(Vector2::zeros()) {
                (Some(false), Vector2::zeros())
            } else {
                (None, Vector2::zeros())
            };
            Truth {
                name,
                position: disc.center.into(),
                velocity: velocity.into(),
                dynamic,
                visible: self.seen[name] >= WELL,
            }
        };
        discs.iter().enumerate().map(truth).collect()
    }
}

/// Drives from way-point to way-point; on to the next one where somebody has stood in the way for 3 s.
#[derive(Default)]
struct Driver {
    next: usize,
    nearest: f64,
    since: Duration,
}

impl Driver {
    fn steer(&mut self, base: Isometry2<f64>, now: Duration) -> Velocity {
        let goal = base.inverse() * Point2::from(WAY[self.next]);
        let (far, off) = (goal.coords.norm(), goal.y.atan2(goal.x));
        let closer = far < self.nearest - 0.05 || off.abs() > 0.5;
        if closer || self.nearest == 0.0 {
            (self.nearest, self.since) = (far, now);
        }
        if far < 0.3 || now > self.since + Duration::from_secs(3) {
            self.next = (self.next + 1) % WAY.len();
            self.nearest = 0.0;
        }
        let linear = if off.abs() < 0.5 { 0.6 } else { 0.0 };
        Velocity { linear, angular: (2.0 * off).clamp(-1.0, 1.0) }
    }
}

/// A thing is to be seen once so many hits were on it in so many scans.
const WELL: usize = 5;
/// s
pub const PERIOD: f64 = 0.05;
/// From the middle of a roller cage to its sides, and a little, m.
const IN_A_CAGE: f64 = 0.45;
/// Where the robot drives, m in the hall: between the columns, to and fro.
const WAY: [[f64; 2]; 8] = [
    [6.7, 0.0],
    [6.7, 4.0],
    [11.2, 4.0],
    [11.2, -4.0],
    [6.7, -4.0],
    [6.7, 0.0],
    [15.5, 0.0],
    [1.0, 0.0],
];

#[test]
fn people_and_columns_are_seen_from_a_moving_robot() {
    #[allow(clippy::disallowed_methods)] // how long it runs, and nothing else
    let minutes = std::env::var("OHT50_MINUTES").map_or(1, |it| it.parse().unwrap());
    for (noise, rmse) in [(0.01, 0.05), (0.03, 0.08)] {
        let score = drive(1, noise, minutes * 60);
        let name = |what: &str| format!("simulation with {noise} m of noise, {what}");
        check(&name("recall"), AtLeast(score.recall(), 0.99));
        check(&name("precision"), AtLeast(score.precision(), 0.98));
        check(&name("position, RMSE [m]"), AtMost(score.rmse(), rmse));
        check(&name("id switches per object and minute"), AtMost(score.switches_a_minute(), 0.3));
        check(&name("dynamic recall"), AtLeast(score.dynamic_recall(), 0.97));
        check(&name("static specificity"), AtLeast(score.static_specificity(), 0.99));
        check(&name("false dynamics per scan"), AtMost(score.false_dynamics_a_scan(), 0.02));
    }
}
