//! The figures by which perception is judged.

use std::collections::BTreeMap;

use oht50_bridge::lidar::Obstacle;

/// Something that is truly there at the time of a scan; in the frame of the truth.
#[derive(Debug, Clone, Copy)]
pub struct Truth {
    pub name: usize,
    /// m
    pub position: [f64; 2],
    /// m/s
    pub velocity: [f64; 2],
    /// Whether it moves; `None`: just starts or stops.
    pub dynamic: Option<bool>,
    /// Whether it must be seen; what need not be is not a false alarm either.
    pub visible: bool,
}

#[derive(Debug, Default)]
pub struct Score {
    pub scans: usize,
    /// m, of everything found.
    pub errors: Vec<f64>,
    /// m/s, of everything found that moves.
    pub velocity_errors: Vec<f64>,
    /// Ids that were exchanged while a thing was to be seen.
    pub switches: usize,
    visible: usize,
    found: usize,
    told: usize,
    false_alarms: usize,
    false_dynamics: usize,
    last_id: BTreeMap<usize, u64>,
    /// Since when a thing is not to be seen, s.
    hidden: BTreeMap<usize, f64>,
    /// Of what is to be seen, together.
    seconds: f64,
    /// Found to move, and moving.
    moving: (usize, usize),
    /// Found to stand, and standing.
    standing: (usize, usize),
}

impl Score {
    /// One scan, `period` seconds after the last: what is there, what is told, in the frame of the truth, and whether
    /// something real that is not in the truth stands where something is told.
    pub fn add(
        &mut self,
        truths: &[Truth],
        told: &[Obstacle],
        period: f64,
        excused: impl Fn([f64; 2]) -> bool,
    ) {
        self.scans += 1;
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (one, truth) in truths.iter().enumerate() {
            for (other, obstacle) in told.iter().enumerate() {
                let off = far(truth.position, obstacle.position);
                if off <= NEAR {
                    pairs.push((off, one, other));
                }
            }
        }
        pairs.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut of_truth = vec![None; truths.len()];
        let mut of_told = vec![None; told.len()];
        for (_, one, other) in pairs {
            if of_truth[one].is_none() && of_told[other].is_none() {
                of_truth[one] = Some(other);
                of_told[other] = Some(one);
            }
        }
        for (truth, found) in truths.iter().zip(&of_truth) {
            if !truth.visible {
                let hidden = self.hidden.entry(truth.name).or_default();
                *hidden += period;
                if *hidden > LOST {
                    self.last_id.remove(&truth.name);
                }
                continue;
            }
            self.hidden.insert(truth.name, 0.0);
            self.visible += 1;
            self.seconds += period;
            let obstacle = found.map(|index: usize| told[index]);
            if let Some(obstacle) = obstacle {
                self.found += 1;
                self.errors.push(far(truth.position, obstacle.position));
                let before = self.last_id.insert(truth.name, obstacle.id);
                self.switches += usize::from(before.is_some_and(|before| before != obstacle.id));
            }
            let said = obstacle.is_some_and(|obstacle| obstacle.dynamic);
            match truth.dynamic {
                Some(true) => {
                    self.moving.0 += usize::from(said);
                    self.moving.1 += 1;
                    if let Some(obstacle) = obstacle {
                        self.velocity_errors.push(far(truth.velocity, obstacle.velocity));
                    }
                }
                Some(false) if obstacle.is_some() => {
                    self.standing.0 += usize::from(!said);
                    self.standing.1 += 1;
                }
                _ => {}
            }
        }
        for (obstacle, truth) in told.iter().zip(&of_told) {
            self.told += 1;
            let moves = truth.is_some_and(|index: usize| truths[index].dynamic != Some(false));
            self.false_dynamics += usize::from(obstacle.dynamic && !moves);
            self.false_alarms += usize::from(truth.is_none() && !excused(obstacle.position));
        }
    }

    pub fn recall(&self) -> f64 {
        share(self.found, self.visible)
    }

    pub fn precision(&self) -> f64 {
        1.0 - share(self.false_alarms, self.told)
    }

    pub fn rmse(&self) -> f64 {
        (self.errors.iter().map(|off| off * off).sum::<f64>() / self.errors.len() as f64).sqrt()
    }

    pub fn switches_a_minute(&self) -> f64 {
        self.switches as f64 / (self.seconds / 60.0)
    }

    pub fn dynamic_recall(&self) -> f64 {
        share(self.moving.0, self.moving.1)
    }

    pub fn static_specificity(&self) -> f64 {
        share(self.standing.0, self.standing.1)
    }

    pub fn false_dynamics_a_scan(&self) -> f64 {
        share(self.false_dynamics, self.scans)
    }
}

/// One line of the table, with the limit that it must keep: at least, or at most.
pub fn check(what: &str, limit: Limit) {
    let (value, holds, rule) = match limit {
        Limit::AtLeast(value, least) => (value, value >= least, format!("at least {least}")),
        Limit::AtMost(value, most) => (value, value <= most, format!("at most {most}")),
    };
    println!("{what}: {value:.3} ({rule})");
    assert!(holds, "{what}: {value} ({rule})");
}

pub enum Limit {
    AtLeast(f64, f64),
    AtMost(f64, f64),
}

/// The value below which this share lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn far(one: [f64; 2], other: [f64; 2]) -> f64 {
    (one[0] - other[0]).hypot(one[1] - other[1])
}

fn share(some: usize, all: usize) -> f64 {
    some as f64 / all as f64
}

/// What is told within this distance of a thing is that thing, m.
const NEAR: f64 = 0.5;
/// What was not to be seen for longer than this may come back with a new id, s.
const LOST: f64 = 0.8;
