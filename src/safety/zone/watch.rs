//! One zone's memory: whether it is occupied, by the rules of chains, scans in a row, and hysteresis.

use std::time::Duration;

use nalgebra::Point2;

use super::{
    beams::{Beams, Hit},
    config::{Area, Kind, Sector, Zone, ZoneConfig, ZoneError},
    geometry::Polygon,
};

/// A zone and what is in it.
#[derive(Debug, Clone)]
pub struct Watch {
    /// What its occupation does.
    pub kind: Kind,
    /// Whether it counts as occupied.
    pub occupied: bool,
    /// Whether the newest scan by itself shows something in it.
    pub triggered: bool,
    /// Where points were in it when any were last; followed in critical zones only.
    pub inside: Vec<Point2<f64>>,
    field: Field,
    /// How many scans in a row show something in it.
    in_a_row: u32,
    /// Since when it is clear, while it still counts as occupied.
    clear_since: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Field {
    Depth(f64),
    Part(f64, Sector),
    Outline(Polygon),
}

/// Points that belong together: at most three beams and 0.15 m apart. A thing is a chain as long as its range needs.
///
/// A point looks back on the points of the last three beams and continues the longest chain it can reach, so a farther
/// point in between never breaks one.
#[derive(Debug, Default)]
pub struct Chain {
    recent: [Option<Link>; APART],
}

#[derive(Debug, Clone, Copy)]
struct Link {
    index: usize,
    point: Point2<f64>,
    length: u32,
}

impl Watch {
    /// Clear until a scan says otherwise.
    pub fn new(zone: &Zone) -> Result<Watch, ZoneError> {
        let field = match &zone.area {
            Area::Depth(depth) => Field::Depth(*depth),
            Area::Part(depth, sector) => Field::Part(*depth, *sector),
            Area::Outline(vertices) => {
                let named =
                    |error| ZoneError::Polygon { name: format!("zone {:?}", zone.name), error };
                Field::Outline(Polygon::new(vertices.clone()).map_err(named)?)
            }
        };
        Ok(Watch {
            kind: zone.kind,
            occupied: false,
            triggered: false,
            inside: Vec::new(),
            field,
            in_a_row: 0,
            clear_since: None,
        })
    }

    /// Takes a scan, and the things that vanished near the LiDAR, with their distance from the footprint.
    pub fn see(
        &mut self,
        beams: &Beams,
        held_points: &[(Point2<f64>, f64)],
        config: &ZoneConfig,
        arrival: Duration,
    ) {
        let grown = if self.occupied { config.hysteresis } else { 0.0 };
        let held =
            held_points.iter().any(|(point, distance)| self.field.holds(*point, *distance, grown));
        // A depth is what there mostly is, and in a loop of its own it costs next to nothing.
        let (any, thing) = match self.field {
            Field::Depth(depth) => things(beams, |hit| hit.distance <= depth + grown),
            Field::Part(..) | Field::Outline(_) => {
                things(beams, |hit| self.field.holds(hit.point, hit.distance, grown))
            }
        };
        self.triggered = held || thing;
        if self.kind == Kind::Critical && (held || any) {
            self.keep_points(beams, held_points, grown);
        }
        self.settle(config, arrival);
    }

    fn settle(&mut self, config: &ZoneConfig, arrival: Duration) {
        let (scans, release) = match self.kind {
            Kind::Critical => (1, config.critical_release),
            Kind::Warning | Kind::Safe => (2, config.warning_release),
        };
        if self.triggered {
            self.in_a_row = self.in_a_row.saturating_add(1);
            self.clear_since = None;
            self.occupied |= self.in_a_row >= scans;
            return;
        }
        self.in_a_row = 0;
        let since = *self.clear_since.get_or_insert(arrival);
        if arrival.saturating_sub(since) >= release {
            self.occupied = false;
        }
    }

    fn keep_points(&mut self, beams: &Beams, held: &[(Point2<f64>, f64)], grown: f64) {
        let field = &self.field;
        let hits = beams.hits.iter().map(|hit| (hit.point, hit.distance));
        let mut inside = hits
            .chain(held.iter().copied())
            .filter(|(point, distance)| field.holds(*point, *distance, grown));
        if let Some((first, _)) = inside.next() {
            self.inside.clear();
            self.inside.reserve(beams.hits.capacity());
            self.inside.push(first);
            self.inside.extend(inside.map(|(point, _)| point));
        }
    }
}

impl Field {
    fn holds(&self, point: Point2<f64>, from_footprint: f64, grown: f64) -> bool {
        match self {
            Field::Depth(depth) => from_footprint <= depth + grown,
            Field::Part(depth, sector) => {
                from_footprint <= depth + grown && sector.contains(point.y.atan2(point.x))
            }
            Field::Outline(outline) => {
                outline.distance_at_least(point) <= grown && outline.distance(point) <= grown
            }
        }
    }
}

impl Chain {
    /// Adds a point; whether it completes a thing of `need` points. `index` may go on beyond the last beam, where a circle closes.
    pub fn completes(&mut self, index: usize, hit: &Hit, need: u32) -> bool {
        let reached = self.recent.iter().flatten().filter(|link| {
            index - link.index <= APART && (hit.point - link.point).norm_squared() <= NEAR * NEAR
        });
        let length = 1 + reached.map(|link| link.length).max().unwrap_or(0);
        self.recent[index % APART] = Some(Link { index, point: hit.point, length });
        length >= need
    }
}

/// Whether any point is in a field, and whether the points in it make a thing.
fn things(beams: &Beams, holds: impl Fn(&Hit) -> bool) -> (bool, bool) {
    let mut chain = Chain::default();
    let (mut any, mut thing) = (false, false);
    // Not `for`: only by itself does a chain of iterators go through its parts one after the other.
    beams.around().for_each(|(index, hit)| {
        if holds(hit) {
            any = true;
            thing |= chain.completes(index, hit, beams.need(hit));
        }
    });
    (any, thing)
}

/// Beams between neighbours in a chain, at most.
const APART: usize = 3;

/// Distance between neighbours in a chain, at most, m.
const NEAR: f64 = 0.15;
