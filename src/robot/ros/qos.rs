//! The middleware's form of a topic's quality of service.

use r2r::QosProfile;

use crate::robot::topics::{Durability, Reliability, Topic};

/// The profile of a topic.
pub(super) fn profile(topic: Topic) -> QosProfile {
    let profile = QosProfile::default().keep_last(topic.depth);
    let profile = match topic.reliability {
        Reliability::BestEffort => profile.best_effort(),
        Reliability::Reliable => profile.reliable(),
    };
    match topic.durability {
        Durability::Volatile => profile.volatile(),
        Durability::TransientLocal => profile.transient_local(),
    }
}
