//! What the LiDAR allows: the field set for driving and the one for docking, fed the same scans.

use std::{sync::Arc, time::Duration};

use super::{
    Velocity,
    zone::{Kind, ScanView, Stop, Verdict, ZoneId, Zones},
};

/// Both field sets. Docking's counts while the robot docks or undocks, the other one otherwise.
#[derive(Debug, Clone)]
pub struct Surroundings {
    driving: Zones,
    docking: Zones,
    /// What was told of each driving zone.
    told: Vec<bool>,
}

/// Which field set counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldSet {
    /// The usual one.
    Driving,
    /// While docking and undocking.
    Docking,
}

impl Surroundings {
    /// Both sets, before any scan.
    pub fn new(driving: Zones, docking: Zones) -> Surroundings {
        let told = driving.states().map(|_| false).collect();
        Surroundings { driving, docking, told }
    }

    /// Takes a scan that arrived at `arrival`.
    pub fn scan(&mut self, scan: &ScanView, arrival: Duration) {
        self.driving.scan(scan, arrival);
        self.docking.scan(scan, arrival);
    }

    /// What this field set allows of `wanted`, while the robot moves with `actual` (`None`: not known).
    pub fn verdict(
        &self,
        set: FieldSet,
        wanted: Velocity,
        actual: Option<Velocity>,
        now: Duration,
    ) -> Verdict {
        self.zones(set).verdict(wanted, actual, now)
    }

    /// What is wrong with the scans themselves, if anything.
    pub fn fault(&self, now: Duration) -> Option<Stop> {
        self.driving.fault(now)
    }

    /// When the newest scan came.
    pub fn scanned(&self) -> Option<Duration> {
        self.driving.scanned()
    }

    /// A field set.
    pub fn zones(&self, set: FieldSet) -> &Zones {
        match set {
            FieldSet::Driving => &self.driving,
            FieldSet::Docking => &self.docking,
        }
    }

    /// Name of a zone.
    pub fn name(&self, set: FieldSet, zone: ZoneId) -> Option<Arc<str>> {
        self.zones(set).name(zone).cloned()
    }

    /// The driving zones that became occupied (`true`) or clear since the last call.
    pub fn changes(&mut self) -> Vec<(Arc<str>, Kind, bool)> {
        let states = self.driving.states().zip(&mut self.told);
        let changed = states.filter(|((.., occupied), told)| occupied != *told);
        changed
            .map(|((name, kind, occupied), told)| {
                *told = occupied;
                (name.clone(), kind, occupied)
            })
            .collect()
    }
}
