//! The robot as a ROS 2 graph: the only part of the bridge that names r2r.
//!
//! One thread, `ros`, owns the node. It waits for the middleware and hands on whatever came before it waits again, so
//! that r2r's inner queues, which drop the newest when full, never hold more than one message; scans, for which somebody
//! waits, `at_once`. Publishing and calling services happen on the caller's thread.
//!
//! A second one, `ros-stops`, owns a hidden node for the stops from the robot's side alone.

use std::{
    panic::catch_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt, future::select_all};
use tokio::sync::oneshot;

use super::{Inputs, Outputs, transforms::MountError};
use crate::{
    clock::Clock,
    config::{Config, Params, effective},
    safety::latch::StopLatch,
    telemetry::logs::Lines,
};

mod at_once;
mod convert;
mod display;
mod doze;
mod graph;
mod inputs;
mod keepers;
mod logs;
mod mount;
mod names;
mod outputs;
mod parameters;
mod qos;
mod stops;
mod time;

use at_once::at_once;
use doze::Doze;
use graph::GraphWatch;
use names::Names;
use time::RosTime;

/// A node that exists on the graph and does nothing yet, so that its parameters can be judged first.
///
/// Drop it before the process exits, also by `std::process::exit`: the middleware's threads crash a process that
/// leaves them running.
pub struct RosNode(r2r::Node);

/// The threads that serve the nodes. Dropping it stops the threads too.
pub struct RosHandle(Vec<Worker>);

struct Worker {
    stop: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
    thread: Option<JoinHandle<Work>>,
}

/// What a thread did, with the node that it owned: rcl takes nodes apart one at a time, so that threads leave it to others.
type Work = Box<dyn FnMut() + Send>;

/// Why there is no node.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RosError {
    /// The command line after `--ros-args`, or a file it names, is malformed; the text is rcl's.
    #[error("malformed ROS arguments: {0}")]
    Arguments(String),
    /// The middleware refused.
    #[error("{what} failed: {cause}")]
    Failed {
        /// What was tried.
        what: &'static str,
        /// What the middleware said.
        cause: String,
    },
    /// The transforms do not tell where the LiDAR stands.
    #[error("base_from_laser_source is tf_static: {0}")]
    Mount(MountError),
    /// No thread could be started.
    #[error("a ROS thread cannot be started: {0}")]
    Thread(String),
}

impl RosError {
    /// Whether another start may go better: who tells the transforms may have been late.
    pub fn may_pass(&self) -> bool {
        matches!(self, RosError::Mount(MountError::Unknown { .. }))
    }
}

impl RosNode {
    /// Makes the node from the ROS arguments of this process's command line. Call it once, before any other thread
    /// runs: r2r panics on malformed arguments, and the panic hook is set aside meanwhile to keep that quiet.
    pub fn create() -> Result<RosNode, RosError> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let context = catch_unwind(r2r::Context::create);
        std::panic::set_hook(hook);
        let context = context
            .map_err(|panic| RosError::Arguments(without_places(&panic_text(panic.as_ref()))))?
            .map_err(failed("making the ROS context"))?;
        r2r::Node::create(context, NODE_NAME, "")
            .map(RosNode)
            .map_err(failed("making the ROS node"))
    }

    /// The node's namespace, `/` unless remapped.
    pub fn namespace(&self) -> Result<String, RosError> {
        self.0.namespace().map_err(failed("asking the node for its namespace"))
    }

    /// The parameters given on the command line and in parameter files, as they are.
    pub fn params(&self) -> Params {
        let params = self.0.params.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        params.iter().map(|(name, param)| (name.clone(), convert::value(&param.value))).collect()
    }

    /// Subscribes, advertises, serves the parameters, and starts the threads; `lines` are published on `/rosout`.
    ///
    /// # Errors
    /// When the middleware refuses something, such as a remap to a malformed name.
    pub fn start(
        self,
        config: &Config,
        latch: StopLatch,
        clock: Clock,
        lines: Lines,
    ) -> Result<(Inputs, Arc<dyn Outputs>, RosHandle), RosError> {
        let params = self.params();
        let mut node = self.0;
        let (namespace, name) = (node.namespace(), node.name());
        let namespace = namespace.map_err(failed("asking the node for its namespace"))?;
        let name = name.map_err(failed("asking the node for its name"))?;
        let names = Names::new(&namespace, &name, std::env::args());
        let mut graph = GraphWatch::new(&names, clock.clone());
        let mut of_stops = stops::node(&names)?;
        let at = of_stops.as_mut().unwrap_or(&mut node);
        let (mut lane, asked) = stops::open(at, &names, &config.ros, &latch, &clock)?;
        let time = if config.ros.use_sim_time {
            RosTime::simulated(&mut node)?
        } else {
            RosTime::system(&node)
        };
        let doze = Arc::<Doze>::default();
        let (inputs, mut drains) = inputs::subscribe(&mut node, asked, &time, &clock)?;
        let outputs =
            outputs::RosOutputs::create(&mut node, config, graph.others(), doze.clone(), &time)?;
        let outputs = Arc::new(outputs);
        drains.extend(parameters::serve(&mut node, effective(&params), &time)?);
        drains.push(logs::publish(&mut node, &names, lines, &time)?);
        let mut handle = RosHandle(Vec::new());
        let mut longest = LONG_PAUSE;
        match of_stops {
            Some(mut of_stops) => {
                let mut wait = STOPS_TIMEOUT;
                handle.0.push(Worker::spawn(
                    "ros-stops",
                    Duration::ZERO,
                    clock.clone(),
                    move || {
                        of_stops.spin_once(wait);
                        wait = if lane.serve() { ANSWERS } else { STOPS_TIMEOUT };
                    },
                )?);
            }
            None => {
                longest = PAUSE;
                drains.insert(0, Box::new(move || _ = lane.serve()));
            }
        }
        let paused = doze.clone();
        let caught_up = inputs.caught_up.clone();
        let mut was_paused = false;
        let worker = Worker::spawn("ros", LINGER, clock, move || {
            node.spin_once(SPIN_TIMEOUT);
            drains.iter_mut().for_each(|drain| drain());
            graph.look(&node);
            if was_paused {
                caught_up.notify_one();
            }
            was_paused = paused.pause(longest);
        })?;
        worker.thread.iter().for_each(|thread| doze.serve(thread.thread().clone()));
        handle.0.push(worker);
        Ok((inputs, outputs, handle))
    }
}

impl RosHandle {
    /// Returns when a thread has ended, by a panic or by [`shutdown`](RosHandle::shutdown): the bridge is deaf or mute from
    /// then on.
    pub async fn ended(&mut self) {
        // The threads never send; they drop their ends when they end.
        let _ = select_all(self.0.iter_mut().map(|worker| &mut worker.ended)).await;
    }

    /// Stops the threads and takes the nodes off the graph. Call it after the last publication: the node stays for
    /// another [`LINGER`], in which the middleware can resend what was lost. Blocks for that long.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for RosHandle {
    fn drop(&mut self) {
        for worker in &self.0 {
            worker.stop.store(true, Ordering::Release);
            worker.thread.iter().for_each(|thread| thread.thread().unpark());
        }
        for worker in &mut self.0 {
            if let Some(Err(panic)) = worker.thread.take().map(JoinHandle::join) {
                tracing::error!(cause = panic_text(panic.as_ref()), "a ROS thread panicked");
            }
        }
    }
}

impl Worker {
    /// Starts a thread, which does `work` again and again, and for this long after it was stopped.
    fn spawn(
        name: &str,
        linger: Duration,
        clock: Clock,
        work: impl FnMut() + Send + 'static,
    ) -> Result<Worker, RosError> {
        let (alive, ended) = oneshot::channel::<()>();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let mut work: Work = Box::new(work);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let _alive = alive;
                let mut until = None;
                while until.is_none_or(|until| clock.now() < until) {
                    work();
                    if until.is_none() && stopped.load(Ordering::Acquire) {
                        until = Some(clock.now() + linger);
                    }
                }
                work
            })
            .map_err(|error| RosError::Thread(error.to_string()))?;
        Ok(Worker { stop, ended, thread: Some(thread) })
    }
}

/// Takes everything that waits in one of r2r's queues; never blocks.
type Drain = Box<dyn FnMut() + Send>;

fn drain<T>(
    mut stream: impl Stream<Item = T> + Unpin + Send + 'static,
    mut take: impl FnMut(T) + Send + 'static,
) -> Drain {
    Box::new(move || {
        while let Some(Some(item)) = stream.next().now_or_never() {
            take(item);
        }
    })
}

fn failed(what: &'static str) -> impl Fn(r2r::Error) -> RosError {
    move |error| RosError::Failed { what, cause: error.to_string() }
}

/// rcl ends its messages with places in its own sources, which help nobody who wrote a wrong argument.
fn without_places(text: &str) -> String {
    text.split(", at /").next().unwrap_or_default().to_owned()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown").to_owned()
}

/// Name of the node unless remapped.
const NODE_NAME: &str = "oht50_bridge";
/// How often the thread looks at what the middleware does not wake it for: the stop, and services that appear.
const SPIN_TIMEOUT: Duration = Duration::from_millis(20);
/// Between two turns of the node's thread while nobody is there. With [`SPIN_TIMEOUT`] no more than a
/// [`QUIET_TICK`](crate::safety::gate::QUIET_TICK), and far below the ages at which scans and odometry are too old.
const LONG_PAUSE: Duration = Duration::from_millis(190);
/// The same where stops come to this thread too, and would wait for it.
const PAUSE: Duration = Duration::from_millis(40);
/// How often the stops' thread looks whether it is to end. A stop wakes it.
const STOPS_TIMEOUT: Duration = Duration::from_millis(500);
/// The same while a caller waits for zero to be published, or for the release.
const ANSWERS: Duration = Duration::from_millis(2);
/// How long the node outlives the last publication.
pub const LINGER: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;

    use super::*;

    #[tokio::test]
    async fn of_several_threads_one_that_panics_is_noticed() {
        let well = Worker::spawn("one", LINGER, Clock::system(), std::thread::yield_now).unwrap();
        let work = || panic!("a panic for the test");
        let ill = Worker::spawn("two", LINGER, Clock::system(), work).unwrap();
        let mut handle = RosHandle(vec![well, ill]);
        handle.ended().await;
        handle.shutdown();
    }

    #[tokio::test]
    async fn a_stopped_thread_serves_the_node_a_while_longer() {
        let clock = Clock::system();
        let (mut report, mut reports) = mpsc::channel(0);
        let time = clock.clone();
        let work = move || {
            let _ = report.try_send(time.now());
            std::thread::yield_now();
        };
        let handle = RosHandle(vec![Worker::spawn("one", LINGER, clock.clone(), work).unwrap()]);
        assert!(reports.next().await.is_some(), "the thread works");
        let stopped = clock.now();
        handle.shutdown();
        assert!(clock.now() >= stopped + LINGER);
        while reports.next().await.is_some() {}
    }

    #[test]
    fn a_drain_takes_everything_that_waits_and_does_not_block() {
        let (mut sender, receiver) = mpsc::channel(10);
        let (taken, takes) = std::sync::mpsc::channel();
        let mut drain = drain(receiver, move |item: i32| taken.send(item).unwrap());
        drain();
        (1..=3).for_each(|item| sender.try_send(item).unwrap());
        drain();
        drop(sender);
        drain();
        assert_eq!(takes.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn an_error_names_the_argument_and_not_the_source() {
        let text = "Couldn't parse trailing -p flag. No rule found., at /build/arguments.c:356";
        assert_eq!(without_places(text), "Couldn't parse trailing -p flag. No rule found.");
    }
}
