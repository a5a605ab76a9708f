//! Beams as points in the robot's base frame.

use nalgebra::{Isometry2, Point2};

use super::{Beam, Scan};

/// Where a beam ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Its place in the sweep.
    pub beam: usize,
    /// Distance from the LiDAR, m.
    pub range: f64,
    /// In the base frame, m.
    pub point: Point2<f64>,
}

/// Projects scans; sines and cosines are kept as long as the geometry of the sweep stays.
#[derive(Debug, Default)]
pub struct Projection {
    geometry: (f64, f64, usize),
    units: Vec<(f64, f64)>,
}

impl Projection {
    /// Puts the hits up to `range` metres into `hits`, in the order of the sweep.
    pub fn hits(
        &mut self,
        scan: &Scan,
        base_from_laser: Isometry2<f64>,
        range: f64,
        hits: &mut Vec<Hit>,
    ) {
        hits.clear();
        for (beam, (said, (cos, sin))) in scan.beams().zip(self.units(scan)).enumerate() {
            match said {
                Beam::Hit(far) | Beam::TooClose(far) if far <= range => {
                    let point = base_from_laser * Point2::new(far * cos, far * sin);
                    hits.push(Hit { beam, range: far, point });
                }
                _ => {}
            }
        }
    }

    fn units(&mut self, scan: &Scan) -> &[(f64, f64)] {
        let geometry = scan.geometry();
        if self.geometry != geometry {
            let (first, increment, count) = geometry;
            self.geometry = geometry;
            self.units.clear();
            self.units.extend((0..count).map(|beam| {
                let (sin, cos) = (first + beam as f64 * increment).sin_cos();
                (cos, sin)
            }));
        }
        &self.units
    }
}
