//! The services that the bridge offers to the rest of the robot: the emergency stop and its release.

use std::time::Duration;

use futures::{FutureExt, Stream, StreamExt};
use r2r::{QosProfile, ServiceRequest, std_srvs::srv::Trigger};
use tokio::sync::{mpsc, oneshot};

use super::{Drain, RosError, failed};
use crate::{
    clock::Clock,
    robot::{Reset, topics},
    safety::latch::StopLatch,
};

type Request = ServiceRequest<Trigger::Service>;

/// Offers both. A call of the emergency stop goes into the stops' lane, one of its release into the queue.
pub(super) fn offer(
    node: &mut r2r::Node,
    latch: &StopLatch,
    clock: &Clock,
) -> Result<(mpsc::Receiver<Reset>, Vec<Drain>), RosError> {
    let stops = requests(node, topics::CALL_EMERGENCY_STOP.name)?;
    let resets = requests(node, topics::RESET_EMERGENCY_STOP.name)?;
    let (queue, waiting) = mpsc::channel(MOST);
    Ok((
        waiting,
        vec![
            // Resets first: of two that came together, the stop counts as the later one, and holds.
            serve_resets(resets, latch.clone(), queue),
            serve_stops(stops, latch.clone(), clock.clone()),
        ],
    ))
}

fn requests(
    node: &mut r2r::Node,
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
) -> Drain {
    let served = latch.served();
    let mut waiting: Vec<(u64, Duration, Request)> = Vec::new();
    Box::new(move || {
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
    })
}

fn serve_resets(
    mut requests: impl Stream<Item = Request> + Unpin + Send + 'static,
    latch: StopLatch,
    queue: mpsc::Sender<Reset>,
) -> Drain {
    let mut waiting: Vec<(oneshot::Receiver<Result<String, String>>, Request)> = Vec::new();
    Box::new(move || {
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
    })
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
