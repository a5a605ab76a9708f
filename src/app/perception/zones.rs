//! The zones as people see them: outlines once, occupation with each decision.

use crate::{
    app::{events::wire_kind, motion::Zones},
    protocol::server::{Plan, ZonePlan},
    robot::ZoneOutline,
    safety::{Surroundings, surroundings::FieldSet},
};

/// The zones of both field sets.
pub struct ShownZones {
    driving: Vec<ZoneOutline>,
    docking: Vec<ZoneOutline>,
}

impl ShownZones {
    /// Outlines and names; what is inside comes with each report.
    pub fn new(surroundings: &Surroundings) -> ShownZones {
        let shown = |set| {
            let zones = surroundings.zones(set);
            let outline = |((name, kind, _), boundary): ((&std::sync::Arc<str>, _, _), _)| {
                ZoneOutline { name: name.clone(), kind, boundary, occupied: false }
            };
            zones.states().zip(zones.boundaries()).map(outline).collect()
        };
        ShownZones { driving: shown(FieldSet::Driving), docking: shown(FieldSet::Docking) }
    }

    /// All of them, with the robot's outline, as operators are told once.
    pub fn plan(&self, surroundings: &Surroundings) -> Plan {
        let zone = |zone: &ZoneOutline| ZonePlan {
            id: zone.name.clone(),
            kind: wire_kind(zone.kind),
            boundary: zone.boundary.clone(),
        };
        let footprint = &surroundings.zones(FieldSet::Driving).config().footprint;
        Plan {
            footprint: footprint.iter().map(|vertex| [vertex.x, vertex.y]).collect(),
            driving: self.driving.iter().map(zone).collect(),
            docking: self.docking.iter().map(zone).collect(),
        }
    }

    /// Those that count now.
    pub fn now(&mut self, reported: &Zones) -> &[ZoneOutline] {
        let zones = match reported.set {
            FieldSet::Driving => &mut self.driving,
            FieldSet::Docking => &mut self.docking,
        };
        for (zone, occupied) in zones.iter_mut().zip(&reported.occupied) {
            zone.occupied = *occupied;
        }
        zones
    }
}
