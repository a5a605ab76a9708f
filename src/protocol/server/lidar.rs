//! The LiDAR stream: points, obstacles and zones in the robot's base frame.

use std::time::Duration;

use serde::Serialize;

use super::{json, number, timestamp};

/// What `lidar_update` shows. Metres in the robot's base frame (REP 103).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LidarPicture<'a> {
    /// Where beams hit.
    pub points: &'a [[f64; 2]],
    /// How good the scan is, 0 to 1.
    pub quality: f64,
    /// What perception made of the points.
    pub obstacles: &'a [Obstacle],
    /// The zones that motion safety watches.
    pub safety_zones: &'a [SafetyZone],
}

/// Something in the robot's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// Never reused.
    pub id: String,
    /// Its middle, m.
    pub position: [f64; 2],
    /// Whether it moves.
    pub kind: ObstacleKind,
    /// 0 to 1.
    pub confidence: f64,
}

/// An area that motion safety watches.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyZone {
    /// As configured.
    pub id: String,
    /// What follows from something inside.
    pub kind: ZoneKind,
    /// A simple polygon, m.
    pub boundary: Vec<[f64; 2]>,
    /// Whether something is inside.
    pub violated: bool,
}

wire_names! {
    /// Whether an obstacle moves.
    pub enum ObstacleKind {
        /// It stands.
        Static = "static",
        /// It moves.
        Dynamic = "dynamic",
    }
}

wire_names! {
    /// What follows from something inside a zone.
    pub enum ZoneKind {
        /// The robot stops.
        Critical = "critical",
        /// The robot is slow.
        Warning = "warning",
        /// It is told.
        Safe = "safe",
    }
}

/// `lidar_update`; `stamp` is the scan's, by the ROS clock. A point that is not finite is left out.
pub fn lidar_update(
    picture: &LidarPicture,
    seq: u64,
    stamp: Option<Duration>,
    unix: Duration,
) -> String {
    #[derive(Serialize)]
    struct WireObstacle<'a> {
        id: &'a str,
        position: Position,
        r#type: ObstacleKind,
        confidence: Option<f64>,
    }
    #[derive(Serialize)]
    struct Position {
        x: f64,
        y: f64,
    }
    let obstacles: Vec<_> = picture
        .obstacles
        .iter()
        .filter_map(|obstacle| {
            let [x, y] = obstacle.position.map(number::thousandths);
            Some(WireObstacle {
                id: &obstacle.id,
                position: Position { x: x?, y: y? },
                r#type: obstacle.kind,
                confidence: number::thousandths(obstacle.confidence),
            })
        })
        .collect();

    // Written by hand, since the points are nearly all of it.
    let mut text = String::with_capacity(ENVELOPE + picture.points.len() * POINT);
    text.push_str(r#"{"type":"lidar_update","data":{"scan_data":{"points":"#);
    push_points(&mut text, picture.points);
    text.push_str(r#","quality":"#);
    text.push_str(&json(&number::thousandths(picture.quality)));
    text.push_str(r#"},"obstacles":"#);
    text.push_str(&json(&obstacles));
    text.push_str(r#","safety_zones":["#);
    for (index, zone) in picture.safety_zones.iter().enumerate() {
        text.push_str(if index == 0 { r#"{"id":"# } else { r#",{"id":"# });
        text.push_str(&json(&zone.id));
        text.push_str(r#","type":"#);
        text.push_str(&json(&zone.kind));
        text.push_str(r#","boundary":"#);
        push_points(&mut text, &zone.boundary);
        text.push_str(r#","violated":"#);
        text.push_str(&json(&zone.violated));
        text.push('}');
    }
    text.push_str(r#"]},"timestamp":"#);
    text.push_str(&json(&timestamp(unix)));
    text.push_str(r#","seq":"#);
    text.push_str(&json(&seq));
    text.push_str(r#","stamp":"#);
    text.push_str(&json(&stamp.map(timestamp)));
    text.push('}');
    text
}

fn push_points(text: &mut String, points: &[[f64; 2]]) {
    text.push('[');
    let mut first = true;
    for point in points {
        let before = text.len();
        if !first {
            text.push(',');
        }
        if number::push_point(text, *point) {
            first = false;
        } else {
            text.truncate(before);
        }
    }
    text.push(']');
}

/// Bytes of a message without points, and of a point.
const ENVELOPE: usize = 512;
const POINT: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_point() -> impl Strategy<Value = [f64; 2]> {
        prop_oneof![[-30.0..30.0f64, -30.0..30.0f64], any::<[f64; 2]>()]
    }

    proptest! {
        #[test]
        fn any_picture_is_json(
            points in prop::collection::vec(any_point(), 0..50),
            boundary in prop::collection::vec(any_point(), 0..5),
            quality: f64,
            id: String,
        ) {
            let picture = LidarPicture {
                points: &points,
                quality,
                obstacles: &[
                    Obstacle { id: id.clone(), position: [quality, 1.0], kind: ObstacleKind::Static, confidence: 0.5 },
                    Obstacle { id: id.clone(), position: [1.0, 1.0], kind: ObstacleKind::Dynamic, confidence: quality },
                ],
                safety_zones: &[
                    SafetyZone { id: id.clone(), kind: ZoneKind::Safe, boundary: boundary.clone(), violated: false },
                    SafetyZone { id, kind: ZoneKind::Critical, boundary, violated: true },
                ],
            };
            let text = lidar_update(&picture, 7, Some(Duration::from_secs(1)), Duration::from_secs(2));
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let near = points.iter().filter(|[x, y]| x.abs() < 30.0 && y.abs() < 30.0).count();
            let written = value["data"]["scan_data"]["points"].as_array().expect("a list").len();
            prop_assert!(near <= written && written <= points.len());
            prop_assert_eq!(value["data"]["safety_zones"].as_array().expect("a list").len(), 2);
            prop_assert_eq!(&value["seq"], 7);
        }
    }

    #[test]
    fn seven_hundred_and_twenty_points_are_about_ten_kilobytes() {
        let points: Vec<[f64; 2]> = (0..720)
            .map(|beam| f64::from(beam).to_radians() / 2.0)
            .map(|angle| [12.345 * angle.cos(), 12.345 * angle.sin()])
            .collect();
        let picture = LidarPicture { points: &points, ..LidarPicture::default() };
        let length = lidar_update(&picture, 1, None, Duration::ZERO).len();
        assert!((9_000..13_000).contains(&length), "{length}");
    }
}
