//! What engineers and other nodes see: obstacles, markers for rviz, the outlines of the robot and of the zones.
//!
//! Nothing is made or sent while nobody listens.

use std::sync::Arc;

use r2r::{
    builtin_interfaces::msg::{Duration as RosDuration, Time},
    geometry_msgs::msg::{Point, Point32, Polygon, PolygonStamped, Pose, Quaternion, Vector3},
    oht50_bridge::msg::{Obstacle as ObstacleMessage, ObstacleArray},
    std_msgs::msg::{ColorRGBA, Header},
    visualization_msgs::msg::{Marker, MarkerArray},
};

use super::{RosError, RosTime, outputs::Sender};
use crate::{
    config::Config,
    lidar::{Obstacle, Picture},
    robot::{PublishError, ZoneOutline, topics},
    safety::{surroundings::FieldSet, zone::Kind},
};

/// The publishers of all that is shown.
pub(super) struct Display {
    obstacles: Sender<ObstacleArray>,
    markers: Sender<MarkerArray>,
    footprint: Sender<PolygonStamped>,
    /// Of both field sets; zones of one name share a topic.
    zones: Vec<(Arc<str>, Sender<PolygonStamped>)>,
    outline: Vec<[f64; 2]>,
    time: RosTime,
    base_frame: String,
}

impl Display {
    /// Advertises everything.
    pub(super) fn create(
        node: &mut r2r::Node,
        config: &Config,
        time: &RosTime,
    ) -> Result<Display, RosError> {
        let mut zones: Vec<(Arc<str>, Sender<PolygonStamped>)> = Vec::new();
        for set in [FieldSet::Driving, FieldSet::Docking] {
            for (name, _, _) in config.surroundings.zones(set).states() {
                if zones.iter().all(|(known, _)| known != name) {
                    let topic = topics::SAFETY_ZONES;
                    let topic_name = topic.name.replace("<zone>", &topics::zone_token(name));
                    zones.push((name.clone(), Sender::create_as(node, &topic_name, topic)?));
                }
            }
        }
        let footprint = &config.surroundings.zones(FieldSet::Driving).config().footprint;
        Ok(Display {
            obstacles: Sender::create(node, topics::OBSTACLES)?,
            markers: Sender::create(node, topics::MARKERS)?,
            footprint: Sender::create(node, topics::FOOTPRINT)?,
            zones,
            outline: footprint.iter().map(|vertex| [vertex.x, vertex.y]).collect(),
            time: time.clone(),
            base_frame: config.ros.base_frame.clone(),
        })
    }

    /// Whether anybody wants each scan's picture.
    pub(super) fn shows_scans(&self) -> bool {
        self.obstacles.has_listeners() || self.markers.has_listeners()
    }

    /// Whether anybody wants the outline of the robot or of a zone.
    pub(super) fn shows_outlines(&self) -> bool {
        self.footprint.has_listeners() || self.zones.iter().any(|(_, zone)| zone.has_listeners())
    }

    /// `~/obstacles` and `~/markers`, with the scan's stamp.
    pub(super) fn show(
        &self,
        picture: &Picture,
        zones: &[ZoneOutline],
    ) -> Result<(), PublishError> {
        let nanoseconds = picture.stamp_nanoseconds;
        let header = self.header(Time {
            // As it came, so that it fits.
            sec: nanoseconds.div_euclid(NANOSECONDS) as i32,
            nanosec: nanoseconds.rem_euclid(NANOSECONDS) as u32,
        });
        if self.obstacles.has_listeners() {
            let obstacles = picture.obstacles.iter().map(obstacle_message).collect();
            self.obstacles.publish(&ObstacleArray { header: header.clone(), obstacles })?;
        }
        if self.markers.has_listeners() {
            let things = picture.obstacles.iter().flat_map(|it| obstacle_markers(it, &header));
            let fields = (0..).zip(zones).map(|(id, zone)| zone_marker(id, zone, &header));
            self.markers.publish(&MarkerArray { markers: things.chain(fields).collect() })?;
        }
        Ok(())
    }

    /// `~/footprint` and the polygon of each zone, with the time of now.
    pub(super) fn outline(&self, zones: &[ZoneOutline]) -> Result<(), PublishError> {
        let publish = |sender: &Sender<PolygonStamped>, vertices: &[[f64; 2]]| {
            if !sender.has_listeners() {
                return Ok(());
            }
            let stamp = self.time.now().map_err(|error| sender.failed(&error))?;
            sender.publish(&PolygonStamped {
                header: self.header(stamp),
                polygon: Polygon { points: vertices.iter().map(point32).collect() },
            })
        };
        publish(&self.footprint, &self.outline)?;
        for (name, sender) in &self.zones {
            let zone = zones.iter().find(|zone| zone.name == *name);
            publish(sender, zone.map_or(&[], |zone| &zone.boundary))?;
        }
        Ok(())
    }

    fn header(&self, stamp: Time) -> Header {
        Header { stamp, frame_id: self.base_frame.clone() }
    }
}

fn obstacle_message(obstacle: &Obstacle) -> ObstacleMessage {
    let (moves, stands) = (ObstacleMessage::DYNAMIC as u8, ObstacleMessage::STATIC as u8);
    ObstacleMessage {
        id: obstacle.name(),
        position: point(obstacle.position),
        velocity: Vector3 { x: obstacle.velocity[0], y: obstacle.velocity[1], z: 0.0 },
        radius: obstacle.radius,
        confidence: obstacle.confidence as f32,
        type_: if obstacle.dynamic { moves } else { stands },
    }
}

/// A cylinder, its name, and, for what moves, an arrow to where it is in a second.
fn obstacle_markers(obstacle: &Obstacle, header: &Header) -> impl Iterator<Item = Marker> + use<> {
    // An id is never used again before rviz has forgotten it.
    let id = (obstacle.id % (1 << 31)) as i32;
    let [x, y] = obstacle.position;
    let size = |x: f64, y: f64, z: f64| Vector3 { x, y, z };
    let paint = color(if obstacle.dynamic { DYNAMIC } else { STATIC }, obstacle.confidence);
    let marker = |namespace: &str, kind: i32, height: f64| Marker {
        header: header.clone(),
        ns: namespace.to_owned(),
        id,
        type_: kind,
        pose: pose(x, y, height),
        color: paint.clone(),
        lifetime: LIFETIME,
        ..Marker::default()
    };
    let width = 2.0 * obstacle.radius;
    let thing = Marker {
        scale: size(width, width, HEIGHT),
        ..marker("obstacles", Marker::CYLINDER as i32, HEIGHT / 2.0)
    };
    let name = Marker {
        scale: size(0.0, 0.0, LETTERS),
        text: format!("{} {:.2}", obstacle.name(), obstacle.confidence),
        color: color(TEXT, 1.0),
        ..marker("ids", Marker::TEXT_VIEW_FACING as i32, HEIGHT + LETTERS)
    };
    let ahead = [x + obstacle.velocity[0], y + obstacle.velocity[1]];
    let arrow = obstacle.dynamic.then(|| Marker {
        pose: pose(0.0, 0.0, 0.0),
        scale: size(0.05, 0.1, 0.0),
        points: vec![point([x, y]), point(ahead)],
        ..marker("velocities", Marker::ARROW as i32, 0.0)
    });
    [thing, name].into_iter().chain(arrow)
}

/// The outline, closed; bold while something is inside.
fn zone_marker(id: i32, zone: &ZoneOutline, header: &Header) -> Marker {
    let (width, opacity) = if zone.occupied { (0.06, 1.0) } else { (0.02, 0.4) };
    let tone = match zone.kind {
        Kind::Critical => CRITICAL,
        Kind::Warning => WARNING,
        Kind::Safe => SAFE,
    };
    Marker {
        header: header.clone(),
        ns: "safety_zones".to_owned(),
        id,
        type_: Marker::LINE_STRIP as i32,
        pose: pose(0.0, 0.0, 0.0),
        scale: Vector3 { x: width, y: 0.0, z: 0.0 },
        color: color(tone, opacity),
        lifetime: LIFETIME,
        points: zone.boundary.iter().chain(zone.boundary.first()).map(|at| point(*at)).collect(),
        ..Marker::default()
    }
}

fn pose(x: f64, y: f64, z: f64) -> Pose {
    let orientation = Quaternion { x: 0.0, y: 0.0, z: 0.0, w: 1.0 };
    Pose { position: Point { x, y, z }, orientation }
}

fn point([x, y]: [f64; 2]) -> Point {
    Point { x, y, z: 0.0 }
}

fn point32([x, y]: &[f64; 2]) -> Point32 {
    Point32 { x: *x as f32, y: *y as f32, z: 0.0 }
}

fn color([r, g, b]: [f32; 3], opacity: f64) -> ColorRGBA {
    ColorRGBA { r, g, b, a: opacity as f32 }
}

/// Of a second.
const NANOSECONDS: i64 = 1_000_000_000;
/// Of the cylinders and their names, m.
const HEIGHT: f64 = 0.5;
const LETTERS: f64 = 0.15;
/// Of a marker: it goes by itself where no new one comes.
const LIFETIME: RosDuration = RosDuration { sec: 0, nanosec: 300_000_000 };
const STATIC: [f32; 3] = [0.55, 0.6, 0.65];
const DYNAMIC: [f32; 3] = [0.95, 0.35, 0.1];
const TEXT: [f32; 3] = [1.0, 1.0, 1.0];
const CRITICAL: [f32; 3] = [0.9, 0.1, 0.1];
const WARNING: [f32; 3] = [0.95, 0.7, 0.1];
const SAFE: [f32; 3] = [0.2, 0.7, 0.35];
