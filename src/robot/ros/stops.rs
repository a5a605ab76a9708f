//! What stops the robot from its own side: the services of the emergency stop and of its release, and the robot's own
//! emergency stop.
//!
//! All three are on a node of their own, which is hidden, and which a thread of its own serves: no pause, no scan and no
//! look at the graph on the other node's thread holds a stop up. The release is there too, so that it cannot overtake a
//! stop that came behind it, nor be overtaken.

use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use r2r::{Context, Node, QosProfile, ServiceRequest, std_msgs::msg::Bool, std_srvs::srv::Trigger};
use tokio::sync::{mpsc, oneshot, watch};

use super::{RosError, failed, inputs, names::Names};
use crate::{
    clock::Clock,
    config::RosConfig,
    robot::{Newest, Reset, topics},
    safety::latch::StopLatch,
};

type Request = ServiceRequest<Trigger::Service>;

/// What was asked for on the robot's side.
pub(super) struct Asked {
    /// Releases of the emergency stop.
    pub(super) resets: mpsc::Receiver<Reset>,
    /// The robot's own emergency stop.
    pub(super) hardware_stop: Newest<bool>,
}

/// Serves what is on the node, in this order. Each says whether somebody waits for an answer.
pub(super) struct Lane(Vec<Box<dyn FnMut() -> bool + Send>>);

impl Lane {
    /// Never blocks. Whether somebody waits for an answer, so that it is to be called again soon.
    pub(super) fn serve(&mut self) -> bool {
        let mut waits = false;
        for each in &mut self.0 {
            waits |= each();
        }
        waits
    }
}

/// The node of its own; `None` where the command line gives every node of the process one name (`-r __node:=NAME`, which
/// is what a launch file's `name` becomes), since the graph knows nodes by their names.
pub(super) fn node(names: &Names) -> Result<Option<Node>, RosError> {
    let name = format!("_{}_stops", names.node());
    if names.renames(&name) {
        return Ok(None);
    }
    let context = Context::create().map_err(failed("asking for the ROS context"))?;
    Node::create(context, &name, names.namespace())
        .map(Some)
        .map_err(failed("making the node of stops"))
}

/// Offers both services, and subscribes to the robot's own emergency stop where one is configured. Names are as if all was
/// on the node of `names`. A call of the emergency stop goes into the stops' lane, one of its release into the queue.
pub(super) fn open(
    node: &mut Node,
    names: &Names,
    config: &RosConfig,
    latch: &StopLatch,
    clock: &Clock,
) -> Result<(Lane, Asked), RosError> {
    let stops = requests(node, &names.resolve_service(topics::CALL_EMERGENCY_STOP.name))?;
    let asks = requests(node, &names.resolve_service(topics::RESET_EMERGENCY_STOP.name))?;
    let (queue, resets) = mpsc::channel(MOST);
    let mut lane = Lane(vec![
        // Resets first: of two that came together, the stop counts as the later one, and holds.
        Box::new(serve_resets(asks, latch.clone(), queue)),
        Box::new(serve_stops(stops, latch.clone(), clock.clone())),
    ]);
    let hardware_stop = match config.hardware_stop_topic.as_str() {
        "" => watch::channel(None).1,
        name => {
            let (latch, name) = (latch.clone(), names.resolve(name));
            let (newest, mut drain) = inputs::newest::<Bool, _>(
                node,
                &name,
                topics::HARDWARE_STOP,
                clock,
                move |stop| {
                    // A short press must not be lost to the release behind it.
                    if stop.data {
                        latch.emergency_stop_by_hardware();
                    }
                    Some(stop.data)
                },
            )?;
            lane.0.push(Box::new(move || {
                drain();
                false
            }));
            newest
        }
    };
    Ok((lane, Asked { resets, hardware_stop }))
}

fn requests(
    node: &mut Node,
    name: &str,
) -> Result<impl Stream<Item = Request> + Unpin + Send + use<>, RosError> {
    node.create_service::<Trigger::Service>(name, QosProfile::services_default())
        .map_err(failed("offering a service"))
}

/// Answers once zero was published.
fn serve_stops(
    mut requests: impl Stream<Item = Request> + Unpin + Send + 'static,
    latch: StopLatch,
    clock: Clock,
) -> impl FnMut() -> bool + Send {
    let served = latch.served();
    let mut waiting: Vec<(u64, Duration, Request)> = Vec::new();
    move || {
        while let Some(Some(request)) = requests.next().now_or_never() {
            let number = latch.emergency_stop_by_service();
            if waiting.len() < MOST {
                waiting.push((number, clock.now() + ZERO_WITHIN, request));
            } else {
                respond(
                    request,
                    Err("Latched; earlier calls still wait for their answers".to_owned()),
                );
            }
        }
        let (now, done) = (clock.now(), *served.borrow());
        for (_, _, request) in waiting.extract_if(.., |(number, ..)| *number <= done) {
            respond(request, Ok("Emergency stop latched".to_owned()));
        }
        for (_, _, request) in waiting.extract_if(.., |(_, due, _)| *due <= now) {
            respond(request, Err("Zero was not confirmed".to_owned()));
        }
        !waiting.is_empty()
    }
}

fn serve_resets(
    mut requests: impl Stream<Item = Request> + Unpin + Send + 'static,
    latch: StopLatch,
    queue: mpsc::Sender<Reset>,
) -> impl FnMut() -> bool + Send {
    let mut waiting: Vec<(oneshot::Receiver<Result<String, String>>, Request)> = Vec::new();
    move || {
        while let Some(Some(request)) = requests.next().now_or_never() {
            let (answer, answered) = oneshot::channel();
            match queue.try_send(Reset { after: latch.sequence(), answer }) {
                Ok(()) => waiting.push((answered, request)),
                Err(_) => respond(request, Err("The bridge is busy".to_owned())),
            }
        }
        waiting.retain_mut(|(answered, request)| match answered.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => true,
            outcome => {
                let gone = |_| Err("The bridge is stopping".to_owned());
                respond(request.clone(), outcome.unwrap_or_else(gone));
                false
            }
        });
        !waiting.is_empty()
    }
}

fn respond(request: Request, outcome: Result<String, String>) {
    let success = outcome.is_ok();
    let message = outcome.unwrap_or_else(|problem| problem);
    // The client may be gone by now, which is its own affair.
    if let Err(error) = request.respond(Trigger::Response { success, message }) {
        tracing::debug!(%error, "answer not sent");
    }
}

/// Calls of one service that wait for their answers.
const MOST: usize = 8;

/// Zero is published at once; later than this something is wrong.
const ZERO_WITHIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_served_whoever_waits() {
        let (calls, called) = std::sync::mpsc::channel();
        let each = |name: &'static str, mut waits: Vec<bool>| {
            let calls = calls.clone();
            let serve = move || {
                calls.send(name).unwrap();
                waits.pop().unwrap()
            };
            Box::new(serve) as Box<dyn FnMut() -> bool + Send>
        };
        let (first, second) = (each("first", vec![false, true]), each("second", vec![false; 2]));
        let mut lane = Lane(vec![first, second]);
        assert_eq!([lane.serve(), lane.serve()], [true, false]);
        assert_eq!(called.try_iter().collect::<Vec<_>>(), ["first", "second", "first", "second"]);
    }
}
