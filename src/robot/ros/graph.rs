//! Who else publishes on the topics that matter, looked up now and then on the node's thread.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{clock::Clock, robot::topics};

use super::names::Names;

/// What the graph showed last; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Others(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    cmd_vel: AtomicBool,
    scan: AtomicBool,
}

/// Looks at the graph.
pub(super) struct GraphWatch {
    others: Others,
    cmd_vel: String,
    scan: String,
    clock: Clock,
    due: Duration,
}

impl Others {
    /// Whether somebody else publishes on `cmd_vel`.
    pub(super) fn on_cmd_vel(&self) -> bool {
        self.0.cmd_vel.load(Ordering::Relaxed)
    }

    /// Whether more than one publishes on `scan`.
    pub(super) fn on_scan(&self) -> bool {
        self.0.scan.load(Ordering::Relaxed)
    }
}

impl GraphWatch {
    /// For a node of these names.
    pub(super) fn new(names: &Names, clock: Clock) -> GraphWatch {
        GraphWatch {
            others: Others::default(),
            cmd_vel: names.resolve(topics::CMD_VEL.name),
            scan: names.resolve(topics::SCAN.name),
            clock,
            due: Duration::ZERO,
        }
    }

    /// Where it is told.
    pub(super) fn others(&self) -> Others {
        self.others.clone()
    }

    /// Looks, if it is time to.
    pub(super) fn look(&mut self, node: &r2r::Node) {
        let now = self.clock.now();
        if now < self.due {
            return;
        }
        self.due = now + PERIOD;
        for (topic, shared, what) in [
            (&self.cmd_vel, &self.others.0.cmd_vel, "velocities"),
            (&self.scan, &self.others.0.scan, "scans"),
        ] {
            match node.get_publishers_info_by_topic(topic, false) {
                Ok(publishers) => {
                    // On cmd_vel one of them is the bridge itself; on scan one is the LiDAR.
                    let several = publishers.len() > 1;
                    if several != shared.swap(several, Ordering::Relaxed) && several {
                        let nodes: Vec<_> = publishers
                            .iter()
                            .map(|publisher| {
                                let namespace = publisher.node_namespace.trim_end_matches('/');
                                format!("{namespace}/{}", publisher.node_name)
                            })
                            .collect();
                        tracing::error!(
                            topic,
                            ?nodes,
                            "several nodes publish {what}: motion is blocked"
                        );
                    }
                }
                Err(error) => {
                    tracing::warn!(topic, %error, "the graph does not tell its publishers")
                }
            }
        }
    }
}

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(100);
