//! Memory: once everything that there is has been seen, a scan asks for none.

use std::time::Duration;

use nalgebra::Point2;
use oht50_bridge::{
    lidar::{LidarConfig, Perception, own::OwnBody},
    safety::zone::{ScanView, ZoneConfig, Zones},
    sim::{Velocity, World, WorldConfig},
};

use super::simulated::{PERIOD, read};

/// Scans before, and scans that are counted.
const WARM: usize = 600;
const COUNTED: usize = 600;

#[test]
fn a_scan_allocates_nothing_once_the_buffers_have_grown() {
    let mut world = World::new(WorldConfig::default());
    let base_from_laser = WorldConfig::default().lidar.base_from_laser;
    let config = LidarConfig { base_from_laser, scan_period: PERIOD, own_body: OwnBody::default() };
    let mut perception = Perception::new(config);
    let corners = [[0.4, 0.3], [-0.4, 0.3], [-0.4, -0.3], [0.4, -0.3]].map(Point2::from);
    let zones = ZoneConfig::around(corners.to_vec(), base_from_laser, "laser".into());
    let mut zones = Zones::new(zones).unwrap();
    let (mut tick, mut scans, mut with, mut allocated) = (0, 0, 0, 0);
    while scans < WARM + COUNTED {
        tick += 1;
        let now = Duration::from_millis(tick * 10);
        world.advance(now);
        world.command(Velocity { linear: 0.3, angular: 0.3 }, now);
        let Some(scan) = world.poll_scan() else { continue };
        let ranges = scan.ranges.clone();
        let (scan, odom) = (read(scan), world.odometry().pose);
        let (angle_min, angle_increment, _) = scan.geometry();
        let view = ScanView {
            frame_id: "laser",
            stamp: scan.stamp(),
            ros_now: scan.stamp(),
            angle_min,
            angle_increment,
            range_min: 0.1,
            range_max: 20.0,
            ranges: &ranges,
        };
        let counted = allocation_counter::measure(|| {
            zones.scan(&view, now);
            perception.look(&scan, Some(odom), now, now);
        });
        scans += 1;
        if scans > WARM {
            allocated += counted.count_total;
            with += usize::from(counted.count_total > 0);
        }
    }
    println!("{allocated} allocations in {with} of {COUNTED} scans");
    assert_eq!(allocated, 0, "in {with} of {COUNTED} scans");
}
