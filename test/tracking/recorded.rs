//! Recordings with motion capture: one car is the truth. Unlabelled people walk there too, so precision is not scored.

use std::{fs::File, io::Read, path::Path, time::Duration};

use flate2::read::GzDecoder;
use nalgebra::{Isometry2, Point2, Vector2};
use oht50_bridge::lidar::{LidarConfig, Obstacle, Perception, RawScan, Scan, own::OwnBody};
use serde_json::Value;

use super::score::{
    Limit::{AtLeast, AtMost},
    Score, Truth, check, quantile,
};

struct Recording {
    base_from_laser: Isometry2<f64>,
    scans: Vec<Recorded>,
}

struct Recorded {
    scan: Scan,
    /// At the origin where the recording does not tell.
    odom_from_base: Isometry2<f64>,
    /// The same.
    car: Point2<f64>,
}

fn read(name: &str) -> Option<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/lidar");
    let file = File::open(root.join(format!("{name}.jsonl.gz"))).ok()?;
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    let number = |key: &str| header[key].as_f64().unwrap();
    let range = |code: &Value| match code.as_i64().unwrap() {
        -1 => f32::NAN,
        -2 => f32::INFINITY,
        -3 => f32::NEG_INFINITY,
        millimetres => millimetres as f32 / 1000.0,
    };
    let scans = lines.map(|line| {
        let raw = RawScan {
            stamp: line["t"].as_f64().unwrap(),
            angle_min: number("angle_min"),
            angle_increment: number("angle_inc"),
            range_min: number("range_min"),
            range_max: number("range_max"),
            ranges: line["r"].as_array().unwrap().iter().map(range).collect(),
            ..RawScan::default()
        };
        let car = pose(&line["gt"][0], 1).translation.vector.into();
        let odom_from_base = pose(&line["pose"], 0);
        Recorded { scan: Scan::new(&raw).unwrap(), odom_from_base, car }
    });
    let base_from_laser = pose(&header["sensor"], 0);
    Some(Recording { base_from_laser, scans: scans.collect() })
}

/// x, y, yaw from the place `first` of a list; at the origin where nothing is known.
fn pose(values: &Value, first: usize) -> Isometry2<f64> {
    let number = |at: usize| values[first + at].as_f64().unwrap_or(0.0);
    Isometry2::new(Vector2::new(number(0), number(1)), number(2))
}

fn score(Recording { base_from_laser, scans }: &Recording) -> Score {
    let config = LidarConfig {
        base_from_laser: *base_from_laser,
        scan_period: PERIOD,
        own_body: OwnBody::default(),
    };
    let mut perception = Perception::new(config);
    let mut score = Score::default();
    let mut seen = 0;
    for (index, Recorded { scan, odom_from_base, car }) in scans.iter().enumerate() {
        let now = Duration::from_secs_f64(scan.stamp());
        let picture = perception.look(scan, Some(*odom_from_base), now, now);
        let on = |point: &&[f64; 2]| (odom_from_base * Point2::from(**point) - car).norm() < ON;
        let hits = picture.points.iter().filter(on).count();
        seen = if hits >= FEWEST { seen + 1 } else { 0 };
        let told = picture.obstacles.iter().map(|it| Obstacle {
            position: (odom_from_base * Point2::from(it.position)).into(),
            velocity: (odom_from_base.rotation * Vector2::from(it.velocity)).into(),
            ..*it
        });
        let before = &scans[index.saturating_sub(AROUND)];
        let after = &scans[(index + AROUND).min(scans.len() - 1)];
        let velocity = (after.car - before.car) / (after.scan.stamp() - before.scan.stamp());
        let truth = Truth {
            name: 1,
            position: (*car).into(),
            velocity: velocity.into(),
            dynamic: (velocity.norm() > 0.3).then_some(true),
            visible: seen >= FEWEST,
        };
        score.add(&[truth], &told.collect::<Vec<_>>(), PERIOD, |_| true);
    }
    score
}

/// s
const PERIOD: f64 = 0.075;
/// Hits within this distance of the car's mark are on the car, m.
const ON: f64 = 0.35;
/// It is to be seen once so many hits were on it in so many scans.
const FEWEST: usize = 3;
/// Its velocity is that between so many scans before and after.
const AROUND: usize = 4;

#[test]
fn the_car_of_each_recording_is_followed() {
    let names =
        ["datmo_intersection", "datmo_overtake_ego", "datmo_overtake_red", "datmo_overtakes"];
    for name in names {
        let Some(recording) = read(name) else {
            println!("SKIPPED: recordings not found");
            return;
        };
        let score = score(&recording);
        let what = |what: &str| format!("{name}, {what}");
        check(&what("recall"), AtLeast(score.recall(), 0.97));
        check(&what("position, median [m]"), AtMost(quantile(&score.errors, 0.5), 0.13));
        check(&what("position, 95 % [m]"), AtMost(quantile(&score.errors, 0.95), 0.24));
        check(&what("id switches"), AtMost(score.switches as f64, 1.0));
        check(&what("dynamic recall"), AtLeast(score.dynamic_recall(), 0.93));
        let off = quantile(&score.velocity_errors, 0.5);
        check(&what("velocity, median [m/s]"), AtMost(off, 0.2));
    }
}

#[test]
fn people_before_a_standing_lidar_walk_as_people_do() {
    // What these drivers send besides ranges: zeros, codes of 20 mm, NaN, and values beyond both limits.
    for (name, walking) in [("leg_demo_stationary", 0.8), ("obstacle_detector_front_scan", 0.1)] {
        let Some(Recording { base_from_laser, scans }) = read(name) else {
            println!("SKIPPED: recordings not found");
            return;
        };
        let own_body = OwnBody::default();
        let config = LidarConfig { base_from_laser, scan_period: 0.1, own_body };
        let mut perception = Perception::new(config);
        let (mut moving, mut told, mut speeds) = (0, 0, Vec::new());
        for Recorded { scan, odom_from_base, .. } in &scans {
            let now = Duration::from_secs_f64(scan.stamp());
            let picture = perception.look(scan, Some(*odom_from_base), now, now);
            told += picture.obstacles.len();
            let fast = picture.obstacles.iter().filter(|it| it.dynamic);
            speeds.extend(fast.map(|it| it.velocity[0].hypot(it.velocity[1])));
            moving += usize::from(picture.obstacles.iter().any(|it| it.dynamic));
        }
        let share = moving as f64 / scans.len() as f64;
        check(&format!("{name}, scans with somebody who moves"), AtLeast(share, walking));
        let told = told as f64 / scans.len() as f64;
        check(&format!("{name}, obstacles per scan"), AtMost(told, 20.0));
        check(&format!("{name}, speed, 99 % [m/s]"), AtMost(quantile(&speeds, 0.99), 2.5));
    }
}
