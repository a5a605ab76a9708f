//! What came so near to the LiDAR that its vanishing proves nothing.

use nalgebra::Point2;

use super::{
    beams::{Beams, Seen},
    body::{BINS, Body},
    watch::Chain,
};

/// Remembers things nearer than 0.35 m to the LiDAR, many of which cannot measure what comes nearer still. Such a thing stays, in
/// the directions it had, until something farther is seen there.
#[derive(Debug, Clone)]
pub struct Near {
    /// Range at which something stood, m; 0: nothing.
    range: [f64; BINS],
    /// Where vanished things are taken to stand, with their distance from the footprint.
    pub held: Vec<(Point2<f64>, f64)>,
    /// The direction of each of these.
    pub held_bins: Vec<usize>,
    /// Places of near hits in the scan, for going back along a chain.
    order: Vec<usize>,
}

impl Near {
    /// Nothing was near yet.
    pub fn new() -> Near {
        Near { range: [0.0; BINS], held: Vec::new(), held_bins: Vec::new(), order: Vec::new() }
    }

    /// Takes a scan.
    pub fn see(&mut self, beams: &Beams, body: &Body) {
        if self.range != [0.0; BINS] {
            for hit in beams.hits.iter().filter(|hit| hit.range >= NEAR) {
                for bin in beams.bins_of(hit) {
                    self.range[bin] = 0.0;
                }
            }
        }
        let mut chain = Chain::default();
        self.order.clear();
        self.order.reserve(beams.hits.capacity());
        for (place, hit) in beams.hits.iter().enumerate().filter(|(_, hit)| hit.range < NEAR) {
            self.order.push(place);
            let need = beams.need(hit);
            if chain.completes(hit.index, hit, need) {
                // The last points belong to the thing, or stand among its own.
                for place in self.order.iter().rev().take(need as usize) {
                    let part = &beams.hits[*place];
                    for bin in beams.bins_of(part) {
                        self.range[bin] = part.range;
                    }
                }
            }
        }
        self.held.clear();
        self.held_bins.clear();
        self.held.reserve(BINS);
        self.held_bins.reserve(BINS);
        for (bin, range) in self.range.iter().enumerate() {
            if *range > 0.0 && beams.seen[bin] != Seen::Hit {
                let point = body.point(bin, *range);
                self.held.push((point, body.distance(point)));
                self.held_bins.push(bin);
            }
        }
    }
}

/// Nearer than this, m, a thing may come too near to be seen.
const NEAR: f64 = 0.35;
