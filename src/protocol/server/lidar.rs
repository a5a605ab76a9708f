//! The LiDAR stream: points, obstacles and zones in the robot's base frame.

use std::time::Duration;

use super::{json, number, timestamp};

/// What `lidar_update` shows. Metres in the robot's base frame (REP 103).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LidarPicture<'a> {
    /// Where beams hit.
    pub points: &'a [[f64; 2]],
    /// How good the scan is, 0 to 1.
    pub quality: f64,
    /// What perception made of the points, nearest first; those beyond `MOST_OBSTACLES` are left out.
    pub obstacles: &'a [Obstacle],
    /// The zones that motion safety watches.
    pub safety_zones: &'a [SafetyZone<'a>],
}

/// Something in the robot's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Obstacle {
    /// Never reused; `obs_` stands before it in its `id`.
    pub number: u64,
    /// Its middle, m.
    pub position: [f64; 2],
    /// Whether it moves.
    pub kind: ObstacleKind,
    /// Probability that it exists, 0 to 1.
    pub confidence: f64,
    /// Over the ground, along the axes of the base frame, m/s.
    pub velocity: [f64; 2],
    /// Of the circle around it, m.
    pub radius: f64,
}

/// An area that motion safety watches.
#[derive(Debug, Clone, PartialEq)]
pub struct SafetyZone<'a> {
    /// As configured.
    pub id: &'a str,
    /// What follows from something inside.
    pub kind: ZoneKind,
    /// A simple polygon, m.
    pub boundary: &'a [[f64; 2]],
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

/// `lidar_update`; `stamp` is the scan's, by the ROS clock. A point that is not finite is left out. Points are thinned
/// evenly where there are more than `most_points`, or where the message would become longer than 16 KB.
pub fn lidar_update(
    picture: &LidarPicture,
    most_points: usize,
    seq: u64,
    stamp: Option<Duration>,
    unix: Duration,
) -> String {
    // Written by hand, since numbers are nearly all of it.
    let mut rest = Vec::with_capacity(ENVELOPE);
    put(&mut rest, r#","quality":"#);
    number::push(&mut rest, picture.quality);
    put(&mut rest, r#"},"obstacles":["#);
    picture.obstacles.iter().take(MOST_OBSTACLES).for_each(|it| push_obstacle(&mut rest, it));
    rest.pop_if(|last| *last == b',');
    put(&mut rest, r#"],"safety_zones":["#);
    for (index, zone) in picture.safety_zones.iter().enumerate() {
        let open = if index == 0 { r#"{"id":"# } else { r#",{"id":"# };
        put(&mut rest, open);
        put(&mut rest, &json(&zone.id));
        put(&mut rest, r#","type":""#);
        put(&mut rest, zone.kind.as_str());
        put(&mut rest, r#"","boundary":"#);
        push_points(&mut rest, zone.boundary, zone.boundary.len());
        put(&mut rest, r#","violated":"#);
        put(&mut rest, if zone.violated { "true}" } else { "false}" });
    }
    put(&mut rest, r#"]},"timestamp":"#);
    put(&mut rest, &json(&timestamp(unix)));
    put(&mut rest, r#","seq":"#);
    put(&mut rest, &json(&seq));
    put(&mut rest, r#","stamp":"#);
    put(&mut rest, &json(&stamp.map(timestamp)));
    rest.push(b'}');

    let mut shown = picture.points.len().min(most_points);
    let mut text = Vec::with_capacity(ENVELOPE + rest.len() + shown.min(LONGEST / POINT) * POINT);
    loop {
        put(&mut text, r#"{"type":"lidar_update","data":{"scan_data":{"points":"#);
        let before = text.len();
        push_points(&mut text, picture.points, shown);
        let room = LONGEST.saturating_sub(before + rest.len());
        let points = text.len() - before;
        if points <= room || shown == 0 {
            break;
        }
        // By the mean length of these, and one in fifty fewer.
        shown = (shown * room / points) * 49 / 50;
        text.clear();
    }
    text.extend_from_slice(&rest);
    // Every piece is text.
    String::from_utf8(text).unwrap_or_default()
}

/// With a comma behind it; nothing where a number of its place or velocity is none.
fn push_obstacle(text: &mut Vec<u8>, obstacle: &Obstacle) {
    let [[x, y], [vx, vy]] = [obstacle.position, obstacle.velocity];
    if [x, y, vx, vy].into_iter().any(|value| !number::is_writable(value)) {
        return;
    }
    put(text, r#"{"id":"obs_"#);
    put(text, &obstacle.number.to_string());
    for (name, value) in [(r#"","position":{"x":"#, x), (r#","y":"#, y)] {
        put(text, name);
        number::push(text, value);
    }
    put(text, r#"},"type":""#);
    put(text, obstacle.kind.as_str());
    let rest = [
        (r#"","confidence":"#, obstacle.confidence),
        (r#","velocity":{"x":"#, vx),
        (r#","y":"#, vy),
        (r#"},"radius":"#, obstacle.radius),
    ];
    for (name, value) in rest {
        put(text, name);
        number::push(text, value);
    }
    put(text, "},");
}

fn put(text: &mut Vec<u8>, piece: &str) {
    text.extend_from_slice(piece.as_bytes());
}

/// `count` of the points, evenly; all of them, if that is their number.
fn push_points(text: &mut Vec<u8>, points: &[[f64; 2]], count: usize) {
    text.push(b'[');
    for index in 0..count {
        // A division for each point would be a tenth of it all.
        let at = if count == points.len() { index } else { index * points.len() / count };
        number::push_point(text, points[at]);
    }
    text.pop_if(|last| *last == b',');
    text.push(b']');
}

/// Bytes of a message without points, and of a point.
const ENVELOPE: usize = 512;
const POINT: usize = 16;
/// Bytes of a message, at most: what fits into a radio link's buffers twenty times a second.
const LONGEST: usize = 16 * 1024;
/// Obstacles of a message.
pub(super) const MOST_OBSTACLES: usize = 40;

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
                    Obstacle { number: 1, position: [quality, 1.0], kind: ObstacleKind::Static, confidence: 0.5, velocity: [0.0; 2], radius: quality },
                    Obstacle { number: 1, position: [1.0, 1.0], kind: ObstacleKind::Dynamic, confidence: quality, velocity: [quality, 0.0], radius: 0.2 },
                ],
                safety_zones: &[
                    SafetyZone { id: &id, kind: ZoneKind::Safe, boundary: &boundary, violated: false },
                    SafetyZone { id: &id, kind: ZoneKind::Critical, boundary: &boundary, violated: true },
                ],
            };
            let text = lidar_update(&picture, usize::MAX, 7, Some(Duration::from_secs(1)), Duration::from_secs(2));
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let near = points.iter().filter(|[x, y]| x.abs() < 30.0 && y.abs() < 30.0).count();
            let written = value["data"]["scan_data"]["points"].as_array().expect("a list").len();
            prop_assert!(near <= written && written <= points.len());
            prop_assert_eq!(value["data"]["safety_zones"].as_array().expect("a list").len(), 2);
            prop_assert_eq!(&value["seq"], 7);
        }
    }

    #[test]
    fn an_obstacle_at_no_place_is_left_out_and_what_else_is_not_known_is_null() {
        let known = Obstacle {
            number: 7,
            position: [2.5, -0.75],
            kind: ObstacleKind::Dynamic,
            confidence: f64::NAN,
            velocity: [-0.4, 1.1],
            radius: f64::INFINITY,
        };
        let nowhere = Obstacle { position: [f64::NAN, 0.0], ..known.clone() };
        let beyond = Obstacle { velocity: [0.0, f64::INFINITY], ..known.clone() };
        let written = r#"{"id":"obs_7","position":{"x":2.5,"y":-0.75},"type":"dynamic","confidence":null,"velocity":{"x":-0.4,"y":1.1},"radius":null}"#;
        let rows: [(&[Obstacle], String); 3] = [
            (&[], String::new()),
            (&[nowhere.clone(), beyond.clone()], String::new()),
            (&[known.clone(), nowhere, known, beyond], format!("{written},{written}")),
        ];
        for (obstacles, expected) in rows {
            let picture = LidarPicture { obstacles, ..LidarPicture::default() };
            let text = lidar_update(&picture, usize::MAX, 1, None, Duration::ZERO);
            assert!(text.contains(&format!(r#""obstacles":[{expected}],"#)), "{text}");
        }
    }

    #[test]
    fn seven_hundred_and_twenty_points_are_about_ten_kilobytes() {
        let points: Vec<[f64; 2]> = (0..720)
            .map(|beam| f64::from(beam).to_radians() / 2.0)
            .map(|angle| [12.345 * angle.cos(), 12.345 * angle.sin()])
            .collect();
        let picture = LidarPicture { points: &points, ..LidarPicture::default() };
        let length = lidar_update(&picture, usize::MAX, 1, None, Duration::ZERO).len();
        assert!((9_000..13_000).contains(&length), "{length}");
    }

    #[test]
    fn a_scan_of_many_points_is_thinned_evenly_to_sixteen_kilobytes() {
        let obstacles: Vec<_> = (0..60_u64)
            .map(|number| Obstacle {
                number,
                position: [-12.345, number as f64],
                kind: ObstacleKind::Dynamic,
                confidence: 0.987,
                velocity: [-1.234, 1.234],
                radius: 0.321,
            })
            .collect();
        for count in [720, 1_000, 4_000, 100_000] {
            let points: Vec<[f64; 2]> =
                (0..count).map(|x| [f64::from(x) / 1000.0, -12.345]).collect();
            let picture =
                LidarPicture { points: &points, obstacles: &obstacles, ..LidarPicture::default() };
            let text = lidar_update(&picture, usize::MAX, 1, None, Duration::ZERO);
            assert!(text.len() <= LONGEST, "{count}: {}", text.len());
            let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(
                value["data"]["obstacles"].as_array().expect("a list").len(),
                MOST_OBSTACLES
            );
            let shown = value["data"]["scan_data"]["points"].as_array().expect("a list");
            assert!(shown.len() >= 400, "{count}: {}", shown.len());
            let x = |index: usize| shown[index][0].as_f64().expect("a number");
            let step = f64::from(count) / 1000.0 / shown.len() as f64;
            assert!((0..shown.len()).all(|index| (x(index) - step * index as f64).abs() < 0.002));
        }
    }
}
