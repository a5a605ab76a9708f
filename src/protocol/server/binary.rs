//! The LiDAR stream in binary frames: a sixth of the JSON's bytes. `docs/PROTOCOL.md` has the layout.

use std::time::Duration;

use super::{Obstacle, ObstacleKind, lidar::MOST_OBSTACLES};

/// What a binary frame shows. Beams and their angles are in the LiDAR's own frame, all else in the robot's base frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BinaryPicture<'a> {
    /// One a beam, in the order of the sweep, m; `None`: no return.
    pub ranges: &'a [Option<f64>],
    /// Of the first beam, rad.
    pub angle_min: f64,
    /// Between beams, rad; negative for a LiDAR that turns the other way.
    pub angle_increment: f64,
    /// Where the LiDAR stands: x, y, yaw; m and rad.
    pub base_from_laser: [f64; 3],
    /// 0 to 1.
    pub quality: f64,
    /// Nearest first.
    pub obstacles: &'a [Obstacle],
    /// Whether something is inside, a zone each, in the order of the JSON stream.
    pub violated: &'a [bool],
    /// The field set for docking counts, and not that for driving.
    pub docking: bool,
}

/// One frame's payload; `stamp` is the scan's, by the ROS clock. Of more than `most_beams`, or than 7500, every second,
/// third, ... is left in.
pub fn lidar_frame(
    picture: &BinaryPicture,
    most_beams: usize,
    seq: u64,
    stamp: Option<Duration>,
    unix: Duration,
) -> Vec<u8> {
    let every = picture.ranges.len().div_ceil(most_beams.clamp(1, MOST_BEAMS)).max(1);
    let beams = picture.ranges.len().div_ceil(every);
    let obstacles = &picture.obstacles[..picture.obstacles.len().min(MOST_OBSTACLES)];
    let bits = |bits: u32, (at, violated): (usize, &bool)| bits | u32::from(*violated) << at;
    let violated = picture.violated.iter().take(32).enumerate().fold(0, bits);
    let [x, y, yaw] = picture.base_from_laser;

    let mut bytes = Vec::with_capacity(HEADER + 2 * beams + OBSTACLE * obstacles.len());
    bytes.extend(MAGIC);
    bytes.extend([VERSION, u8::from(picture.docking), obstacles.len() as u8, 0]);
    bytes.extend(seq.to_le_bytes());
    bytes.extend(stamp.map_or(-1, microseconds).to_le_bytes());
    bytes.extend(microseconds(unix).to_le_bytes());
    let increment = picture.angle_increment * every as f64;
    for number in [picture.angle_min, increment, x, y, yaw, picture.quality] {
        bytes.extend((number as f32).to_le_bytes());
    }
    bytes.extend(violated.to_le_bytes());
    bytes.extend((beams as u16).to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    for range in picture.ranges.iter().step_by(every) {
        bytes.extend(range.map_or(0, millimetres).to_le_bytes());
    }
    for obstacle in obstacles {
        // What comes after four billion things may be mistaken for the first.
        bytes.extend((obstacle.number as u32).to_le_bytes());
        for number in [obstacle.position[0], obstacle.position[1]] {
            bytes.extend((number as f32).to_le_bytes());
        }
        for number in obstacle.velocity {
            bytes.extend(((number * 1000.0).round() as i16).to_le_bytes());
        }
        bytes.extend(millimetres(obstacle.radius).to_le_bytes());
        let kind = u8::from(obstacle.kind == ObstacleKind::Dynamic);
        bytes.extend([(obstacle.confidence * 255.0).round() as u8, kind]);
    }
    bytes
}

fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// At least 1; 0 where it is beyond what can be told.
fn millimetres(metres: f64) -> u16 {
    let millimetres = (metres * 1000.0).round();
    if millimetres > f64::from(u16::MAX) { 0 } else { (millimetres as u16).max(1) }
}

/// Of every frame.
const MAGIC: [u8; 4] = *b"OHTL";
/// Of the layout.
const VERSION: u8 = 1;
/// Bytes before the ranges, and of an obstacle.
const HEADER: usize = 64;
const OBSTACLE: usize = 20;
/// With which a frame stays under 16 KB.
const MOST_BEAMS: usize = 7500;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seven_hundred_and_twenty_beams_and_forty_obstacles_are_less_than_two_and_a_half_kilobytes() {
        let obstacle = Obstacle {
            number: 7,
            position: [1.0, 2.0],
            kind: ObstacleKind::Dynamic,
            confidence: 1.0,
            velocity: [0.0; 2],
            radius: 0.2,
        };
        let picture = BinaryPicture {
            ranges: &[Some(1.0); 720],
            obstacles: &vec![obstacle; 60],
            ..BinaryPicture::default()
        };
        let length = lidar_frame(&picture, usize::MAX, 1, None, Duration::ZERO).len();
        assert_eq!(length, HEADER + 1440 + MOST_OBSTACLES * OBSTACLE);
        assert!(length <= 2560, "{length}");
    }

    #[test]
    fn many_beams_are_thinned_evenly() {
        for (beams, left, every) in [(7500, 7500, 1), (7501, 3751, 2), (100_000, 7143, 14)] {
            let ranges: Vec<_> = (0..beams).map(|beam| Some(f64::from(beam) / 1000.0)).collect();
            let picture = BinaryPicture {
                ranges: &ranges,
                angle_increment: 0.01,
                ..BinaryPicture::default()
            };
            let bytes = lidar_frame(&picture, usize::MAX, 1, None, Duration::ZERO);
            assert!(bytes.len() <= 16 * 1024, "{}", bytes.len());
            assert_eq!(u16::from_le_bytes([bytes[60], bytes[61]]), left);
            let increment = f32::from_le_bytes(bytes[36..40].try_into().unwrap());
            assert!((increment - 0.01 * every as f32).abs() < 1e-6);
            assert_eq!(u16::from_le_bytes([bytes[66], bytes[67]]), every);
        }
    }

    proptest! {
        #[test]
        fn whatever_it_shows_the_frame_has_its_length(
            ranges in prop::collection::vec(prop::option::of(any::<f64>()), 0..100),
            numbers: [f64; 10],
            violated in prop::collection::vec(any::<bool>(), 0..40),
        ) {
            let [angle_min, angle_increment, x, y, yaw, quality, position, velocity, radius, confidence] = numbers;
            let picture = BinaryPicture {
                ranges: &ranges,
                angle_min,
                angle_increment,
                base_from_laser: [x, y, yaw],
                quality,
                obstacles: &[Obstacle {
                    number: 1,
                    position: [position; 2],
                    kind: ObstacleKind::Static,
                    confidence,
                    velocity: [velocity; 2],
                    radius,
                }],
                violated: &violated,
                docking: true,
            };
            let bytes = lidar_frame(&picture, usize::MAX, u64::MAX, None, Duration::MAX);
            prop_assert_eq!(bytes.len(), HEADER + 2 * ranges.len() + OBSTACLE);
        }
    }
}
