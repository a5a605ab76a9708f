//! The clusters of each scan joined with what was followed so far.

use nalgebra::{Isometry2, Point2, Vector2};

use super::{
    cluster::{Cluster, Sweep},
    memory::{AGO, Memory},
    projection::Hit,
    shape,
    track::{Sighting, Track},
};

/// Follows things over scans.
#[derive(Debug, Default)]
pub struct Tracker {
    tracks: Vec<Track>,
    newest_id: u64,
    stamp: Option<f64>,
    seen: Vec<Seen>,
    pairs: Vec<Pair>,
}

/// What one scan shows.
#[derive(Debug)]
pub struct Sight<'a> {
    /// In the base frame.
    pub hits: &'a [Hit],
    /// Of the hits.
    pub clusters: &'a [Cluster],
    /// How the beams follow each other.
    pub sweep: Sweep,
    /// The robot in the frame that things are followed in.
    pub odom_from_base: Isometry2<f64>,
    /// Where the LiDAR is, in the base frame.
    pub laser: Point2<f64>,
    /// Fewest hits of a new thing.
    pub fewest: usize,
    /// s
    pub stamp: f64,
}

/// A cluster that can be followed.
#[derive(Debug, Clone, Copy)]
struct Seen {
    cluster: usize,
    sighting: Sighting,
    /// m
    range: f64,
    /// Whether it may be the beginning of something.
    new: bool,
    taken: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pair {
    distance: f64,
    track: usize,
    seen: usize,
}

impl Tracker {
    /// Forgets what was followed; ids go on.
    pub fn clear(&mut self) {
        self.tracks.clear();
        self.stamp = None;
    }

    /// Everything that is followed.
    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// Takes the next scan, which is the newest one in the memory.
    pub fn step(&mut self, sight: &Sight, memory: &Memory) {
        let dt = self.stamp.map_or(0.0, |before| sight.stamp - before);
        self.stamp = Some(sight.stamp);
        self.see(sight);
        self.tracks.iter_mut().for_each(|track| track.predict(dt));
        self.pair();
        self.update_seen(sight, memory);
        self.update_unseen(sight, memory, dt);
        self.drop_doubles(sight.stamp);
        self.tracks.retain(|track| !track.is_gone(sight.stamp));
        let room = MOST_TRACKS.saturating_sub(self.tracks.len());
        let new = self.seen.iter().filter(|seen| seen.new && !seen.taken).take(room);
        let new = new.map(|it| Track::new(&it.sighting, sight.stamp));
        self.tracks.extend(new);
        for track in self.tracks.iter_mut().filter(|track| track.id == 0 && track.is_confirmed()) {
            self.newest_id += 1;
            track.id = self.newest_id;
        }
    }

    /// The nearest things that are small enough to be one.
    fn see(&mut self, sight: &Sight) {
        self.seen.clear();
        for (index, cluster) in sight.clusters.iter().enumerate() {
            let hits = &sight.hits[cluster.hits.clone()];
            let hidden = cluster.hidden != [false; 2];
            if hits.len() + 1 < sight.fewest
                || cluster.extent > STRUCTURE
                || cluster.hidden == [true; 2]
            {
                continue;
            }
            let width = sight.sweep.width(hits);
            let circle = shape::circle(hits, sight.laser, width, hidden);
            let piece = hidden && cluster.extent > PIECE && shape::is_flat(hits, circle.radius);
            let away = (circle.center - sight.laser).try_normalize(f64::EPSILON);
            self.seen.push(Seen {
                cluster: index,
                sighting: Sighting {
                    middle: sight.odom_from_base * circle.center,
                    radius: circle.radius,
                    extent: cluster.extent,
                    depth: circle.depth,
                    away: sight.odom_from_base.rotation * away.unwrap_or_default(),
                },
                range: hits[0].range,
                new: hits.len() >= sight.fewest && !piece,
                taken: false,
            });
        }
        if self.seen.len() > MOST_SEEN {
            let nearer = |one: &Seen, other: &Seen| one.range.total_cmp(&other.range);
            self.seen.select_nth_unstable_by(MOST_SEEN, nearer);
            self.seen.truncate(MOST_SEEN);
        }
    }

    /// Each with the nearest, each once, the nearest pair first.
    fn pair(&mut self) {
        self.pairs.clear();
        for (track, followed) in self.tracks.iter().enumerate() {
            for (seen, at) in self.seen.iter().enumerate() {
                if let Some(distance) = followed.gate(at.sighting.middle) {
                    self.pairs.push(Pair { distance, track, seen });
                }
            }
        }
        self.pairs.sort_unstable_by(|one, other| one.distance.total_cmp(&other.distance));
        let mut kept = 0;
        for index in 0..self.pairs.len() {
            let pair = self.pairs[index];
            let paired = self.pairs[..kept].iter().any(|it| it.track == pair.track);
            if !paired && !self.seen[pair.seen].taken {
                self.seen[pair.seen].taken = true;
                self.pairs[kept] = pair;
                kept += 1;
            }
        }
        self.pairs.truncate(kept);
    }

    fn update_seen(&mut self, sight: &Sight, memory: &Memory) {
        for Pair { track, seen, .. } in &self.pairs {
            let (track, seen) = (&mut self.tracks[*track], &self.seen[*seen]);
            let hits = &sight.hits[sight.clusters[seen.cluster].hits.clone()];
            let point = |index: usize| sight.odom_from_base * hits[index].point;
            let before = sight.stamp - AGO;
            let came = memory.seen_through((0..hits.len()).map(point), before);
            // What goes away from the LiDAR comes to where nothing could be seen before.
            let were = track.trail.at(before).unwrap_or_default().iter().copied();
            let left = memory.seen_through(were, sight.stamp);
            track.trail.mark(sight.stamp, hits.len(), point);
            track.update(&seen.sighting, came.max(left), sight.stamp);
        }
    }

    /// Of two at one place that were not both seen now the older one stays: they are one thing, whose middle had jumped.
    fn drop_doubles(&mut self, stamp: f64) {
        for younger in 1..self.tracks.len() {
            let (before, [track, ..]) = self.tracks.split_at_mut(younger) else { return };
            let double = |older: &Track| {
                (older.position - track.position).norm() < SAME
                    && !(older.is_seen_at(stamp) && track.is_seen_at(stamp))
            };
            if before.iter().any(double) {
                track.give_up();
            }
        }
    }

    fn update_unseen(&mut self, sight: &Sight, memory: &Memory, dt: f64) {
        let eye = sight.odom_from_base * sight.laser;
        for (index, track) in self.tracks.iter_mut().enumerate() {
            if self.pairs.iter().any(|pair| pair.track == index) {
                continue;
            }
            let ahead = (track.position - eye).try_normalize(f64::EPSILON).unwrap_or_default();
            let across = Vector2::new(-ahead.y, ahead.x) * track.radius;
            let points = ACROSS.iter().map(|share| track.position + across * *share);
            if memory.seen_through(points, sight.stamp) > 0.5 {
                track.miss();
            } else {
                track.hide(dt);
            }
        }
    }
}

/// Larger things are walls and shelves, m.
const STRUCTURE: f64 = 1.2;
/// A longer flat side whose end is hidden may be a piece of a wall, m.
const PIECE: f64 = 0.25;
/// Where a thing is looked for, in radii across the line of sight.
const ACROSS: [f64; 5] = [-0.8, -0.4, 0.0, 0.4, 0.8];
/// Middles nearer than this are of one thing, m.
const SAME: f64 = 0.15;
/// Things of one scan, and things that are followed: more are no robot's surroundings but noise.
const MOST_SEEN: usize = 200;
const MOST_TRACKS: usize = 400;

#[cfg(test)]
mod tests;
