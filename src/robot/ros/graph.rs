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
#[derive(Debug, Clone)]
pub(super) struct Others(Arc<Shared>);

#[derive(Debug)]
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
            // Until the first look nobody knows.
            others: Others(Arc::new(Shared {
                cmd_vel: AtomicBool::new(true),
                scan: AtomicBool::new(true),
            })),
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
        for (topic, shared, own) in
            [(&self.cmd_vel, &self.others.0.cmd_vel, 1), (&self.scan, &self.others.0.scan, 0)]
        {
            let found = node.get_publishers_info_by_topic(topic, false).map(|publishers| {
                let full = |space: &str, name| format!("{}/{name}", space.trim_end_matches('/'));
                let names = publishers.iter();
                names.map(|each| full(&each.node_namespace, &each.node_name)).collect()
            });
            // Whoever does not know takes the worst for granted. On cmd_vel the bridge itself is to be found.
            let several =
                found.as_ref().map_or(true, |found: &Vec<_>| found.len() > 1 || found.len() < own);
            if several != shared.swap(several, Ordering::Relaxed) && several {
                complain(topic, &found);
            }
        }
    }
}

fn complain(topic: &str, nodes: &Result<Vec<String>, r2r::Error>) {
    match nodes {
        Ok(nodes) if nodes.is_empty() => {
            tracing::error!(
                topic,
                "the bridge does not find itself on the graph: motion is blocked"
            );
        }
        Ok(nodes) => tracing::error!(topic, ?nodes, "several nodes publish: motion is blocked"),
        Err(error) => tracing::error!(topic, %error, "the graph does not tell: motion is blocked"),
    }
}

/// Time between two looks.
const PERIOD: Duration = Duration::from_millis(100);
