//! What goes to operators of one scan: perception's words become the protocol's.

use std::time::Duration;

use nalgebra::Isometry2;

use crate::{
    app::events::wire_kind,
    lidar::{Beam, Obstacle, Picture, Scan},
    protocol::server::{
        BinaryPicture, LidarPicture, ObstacleKind, SafetyZone, lidar_frame, lidar_update,
    },
    robot::ZoneOutline,
};

/// A scan as it is shown, in either encoding.
pub struct Shown<'a> {
    picture: &'a Picture,
    obstacles: Vec<WireObstacle>,
    zones: &'a [ZoneOutline],
    docking: bool,
    seq: u64,
}

type WireObstacle = crate::protocol::server::Obstacle;

impl<'a> Shown<'a> {
    /// `zones`: those that count, of the field set for docking or of that for driving.
    pub fn new(
        picture: &'a Picture,
        zones: &'a [ZoneOutline],
        docking: bool,
        seq: u64,
    ) -> Shown<'a> {
        let obstacles = picture.obstacles.iter().map(wire_obstacle).collect();
        Shown { picture, obstacles, zones, docking, seq }
    }

    /// As JSON, with at most so many points.
    pub fn text(&self, most_points: usize, unix: Duration) -> String {
        let zones: Vec<_> = self.zones.iter().map(wire_zone).collect();
        let shown = LidarPicture {
            points: &self.picture.points,
            quality: self.picture.quality,
            obstacles: &self.obstacles,
            safety_zones: &zones,
        };
        lidar_update(&shown, most_points, self.seq, self.stamp(), unix)
    }

    /// As a binary frame's payload, with at most so many beams. `scan`: the one that was looked at; nothing beyond `shown_range`
    /// metres is shown.
    pub fn binary(
        &self,
        scan: &Scan,
        shown_range: f64,
        most_beams: usize,
        base_from_laser: Isometry2<f64>,
        unix: Duration,
    ) -> Vec<u8> {
        let range = |beam| match beam {
            Beam::Hit(range) | Beam::TooClose(range) => Some(range).filter(|it| *it <= shown_range),
            Beam::NoReturn | Beam::Invalid => None,
        };
        let ranges: Vec<_> = scan.beams().map(range).collect();
        let violated: Vec<_> = self.zones.iter().map(|zone| zone.occupied).collect();
        let (angle_min, angle_increment, _) = scan.geometry();
        let at = base_from_laser.translation.vector;
        let shown = BinaryPicture {
            ranges: &ranges,
            angle_min,
            angle_increment,
            base_from_laser: [at.x, at.y, base_from_laser.rotation.angle()],
            quality: self.picture.quality,
            obstacles: &self.obstacles,
            violated: &violated,
            docking: self.docking,
        };
        lidar_frame(&shown, most_beams, self.seq, self.stamp(), unix)
    }

    fn stamp(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.picture.stamp).ok()
    }
}

fn wire_obstacle(obstacle: &Obstacle) -> WireObstacle {
    WireObstacle {
        number: obstacle.id,
        position: obstacle.position,
        kind: if obstacle.dynamic { ObstacleKind::Dynamic } else { ObstacleKind::Static },
        confidence: obstacle.confidence,
        velocity: obstacle.velocity,
        radius: obstacle.radius,
    }
}

fn wire_zone(zone: &ZoneOutline) -> SafetyZone<'_> {
    SafetyZone {
        id: &zone.name,
        kind: wire_kind(zone.kind),
        boundary: &zone.boundary,
        violated: zone.occupied,
    }
}
