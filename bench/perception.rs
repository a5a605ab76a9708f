//! What a scan of 720 beams costs, from a robot that drives through the simulated hall.
//!
//! `cargo bench --bench perception` tells times (criterion: medians of many runs). `./dev bench` counts instructions besides,
//! by `--count WHAT TIMES` under callgrind: they are the same on every machine.

#![allow(clippy::unwrap_used)] // a benchmark that cannot begin may panic

use std::{hint::black_box, time::Duration};

use criterion::Criterion;
use nalgebra::{Isometry2, Point2};
use oht50_bridge::{
    app::perception::Shown,
    lidar::{LidarConfig, Perception, Picture, RawScan, Scan, own::OwnBody},
    robot::ZoneOutline,
    safety::zone::{ScanView, ZoneConfig, Zones},
    sim::{Velocity, World, WorldConfig},
};

fn main() {
    let mut bench = Bench::new();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--count") {
        let times: usize = arguments[at + 2].parse().unwrap();
        for _ in 0..times {
            bench.step(&arguments[at + 1]);
        }
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    for what in WHAT {
        criterion.bench_function(what, |bencher| bencher.iter(|| bench.step(what)));
    }
    criterion.final_summary();
    println!(
        "JSON: {} bytes, binary: {} bytes",
        bench.shown().text(usize::MAX, Duration::ZERO).len(),
        bench.binary(Duration::ZERO).len()
    );
}

/// What is measured, each for one scan.
const WHAT: [&str; 5] = ["validate", "detect_and_track", "zones", "json", "binary"];
/// Scans that follow each other, 20 a second.
const SCANS: usize = 200;

struct Bench {
    raw: Vec<RawScan>,
    scans: Vec<(Scan, Isometry2<f64>)>,
    perception: Perception,
    zones: Zones,
    outlines: Vec<ZoneOutline>,
    /// Of the last scan, with its obstacles.
    picture: Picture,
    base_from_laser: Isometry2<f64>,
    turn: usize,
}

impl Bench {
    fn new() -> Bench {
        let config = WorldConfig::default();
        let base_from_laser = config.lidar.base_from_laser;
        let mut world = World::new(config);
        let (mut raw, mut scans) = (Vec::new(), Vec::new());
        let mut tick = 0;
        while raw.len() < SCANS {
            tick += 1;
            let now = Duration::from_millis(10 * tick);
            world.advance(now);
            world.command(Velocity { linear: 0.4, angular: 0.1 }, now);
            let Some(scan) = world.poll_scan() else { continue };
            let one = RawScan {
                stamp: scan.at.as_secs_f64(),
                stamp_nanoseconds: scan.at.as_nanos() as i64,
                ros_now: scan.at.as_secs_f64(),
                frame_id: "laser".into(),
                angle_min: scan.angle_min,
                angle_increment: scan.angle_increment,
                range_min: scan.range_min,
                range_max: scan.range_max,
                ranges: scan.ranges.into(),
            };
            scans.push((Scan::new(&one).unwrap(), world.odometry().pose));
            raw.push(one);
        }
        let corners = [[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]];
        let footprint = corners.map(Point2::from).to_vec();
        let own_body = OwnBody::new(footprint.clone(), vec![]);
        let zones = ZoneConfig::around(footprint, base_from_laser, "laser".into());
        let zones = Zones::new(zones).unwrap();
        let outlines = zones
            .states()
            .zip(zones.boundaries())
            .map(|((name, kind, occupied), boundary)| {
                let name = name.clone();
                ZoneOutline { name, kind, boundary, occupied }
            })
            .collect();
        let mut perception =
            Perception::new(LidarConfig { base_from_laser, scan_period: 0.05, own_body });
        let mut picture = Picture::default();
        for (scan, pose) in &scans {
            let now = Duration::from_secs_f64(scan.stamp());
            picture = perception.look(scan, Some(*pose), now, now).clone();
        }
        Bench { raw, scans, perception, zones, outlines, picture, base_from_laser, turn: 0 }
    }

    fn step(&mut self, what: &str) {
        self.turn += 1;
        let index = self.turn % SCANS;
        let now = Duration::from_millis(50) * self.turn as u32;
        match what {
            "validate" => drop(black_box(Scan::new(&self.raw[index]))),
            "detect_and_track" => {
                // From the end to the beginning the clock goes back: once in 200 scans everything starts anew.
                let (scan, pose) = &self.scans[index];
                black_box(self.perception.look(scan, Some(*pose), now, now));
            }
            "zones" => {
                let raw = &self.raw[index];
                let view = ScanView {
                    frame_id: &raw.frame_id,
                    stamp: raw.stamp,
                    ros_now: raw.ros_now,
                    angle_min: raw.angle_min,
                    angle_increment: raw.angle_increment,
                    range_min: raw.range_min,
                    range_max: raw.range_max,
                    ranges: &raw.ranges,
                };
                self.zones.scan(black_box(&view), now);
            }
            "json" => drop(black_box(self.shown().text(usize::MAX, now))),
            "binary" => drop(black_box(self.binary(now))),
            "nothing" => {}
            other => panic!("{other} is none of {WHAT:?}"),
        }
    }

    fn binary(&self, now: Duration) -> Vec<u8> {
        let (scan, _) = &self.scans[SCANS - 1];
        self.shown().binary(scan, f64::INFINITY, usize::MAX, self.base_from_laser, now)
    }

    fn shown(&self) -> Shown<'_> {
        Shown::new(&self.picture, &self.outlines, false, 1)
    }
}
