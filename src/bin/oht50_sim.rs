//! The simulated robot as a ROS 2 node: carries values between [`oht50_bridge::sim::World`] and the ROS graph.
//!
//! One thread spins the node. One task owns the world, steps it by the monotonic clock and takes what arrives; another
//! thread publishes. The node outlives all publishers, since they stop working without it.
//!
//! Exit codes: 0 after SIGINT or SIGTERM, 64 for a parameter that was refused, 1 for anything else.

use std::{
    panic,
    process::ExitCode,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Context as _;
use r2r::{Node, ParameterValue, log_error, log_warn};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use parameters::{SettingError, Value};
use settings::Settings;

#[path = "oht50_sim/outlet.rs"]
mod outlet;
#[path = "oht50_sim/parameter_services.rs"]
mod parameter_services;
#[path = "oht50_sim/parameters.rs"]
mod parameters;
#[path = "oht50_sim/robot.rs"]
mod robot;
#[path = "oht50_sim/settings.rs"]
mod settings;
#[path = "oht50_sim/topics.rs"]
mod topics;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log_error!(NAME, "{error:#}");
            let usage = error.is::<SettingError>() || error.is::<ArgumentError>();
            if usage { ExitCode::from(EX_USAGE) } else { ExitCode::FAILURE }
        }
    }
}

fn run() -> anyhow::Result<()> {
    let context = ros_context()?;
    let mut node = Node::create(context, NAME, "").context("the ROS node was not created")?;
    let settings = read_settings(&node)?;
    let robot = robot::Robot::new(&mut node, settings)?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let spinner = Spinner::start(node)?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = robot.run() => outcome,
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
            _ = spinner.ended => Err(anyhow::anyhow!("the thread that spins the ROS node ended")),
        }
    });
    spinner.stop.store(true, Ordering::Relaxed);
    match spinner.thread.join() {
        Ok(()) => outcome,
        Err(_) => Err(anyhow::anyhow!("the thread that spins the ROS node panicked")),
    }
}

/// What follows `--ros-args` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("ROS 2 did not accept the arguments: {0}")]
struct ArgumentError(String);

/// rcl reads the arguments here. r2r panics where rcl refuses them, say for a parameter file that is not there.
fn ros_context() -> Result<r2r::Context, ArgumentError> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(r2r::Context::create);
    panic::set_hook(hook);
    match outcome {
        Ok(context) => context.map_err(|error| ArgumentError(error.to_string())),
        Err(cause) => {
            let text = cause.downcast_ref::<String>().cloned();
            Err(ArgumentError(text.unwrap_or_default()))
        }
    }
}

/// The parameters given at the start. One that no table knows may be meant for another node: it is named, and left.
fn read_settings(node: &Node) -> Result<Settings, SettingError> {
    let mut settings = Settings::default();
    let given = node.params.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, parameter) in given.iter() {
        let value = match &parameter.value {
            ParameterValue::Bool(value) => Some(Value::Bool(*value)),
            ParameterValue::Integer(value) => Some(Value::Integer(*value)),
            ParameterValue::Double(value) => Some(Value::Double(*value)),
            ParameterValue::String(value) => Some(Value::Text(value.clone())),
            _ => None,
        };
        match settings.declare(name, value) {
            Err(error @ SettingError::Unknown(_)) => log_warn!(NAME, "{error}"),
            outcome => outcome?,
        }
    }
    Ok(settings)
}

/// The thread that owns the node.
struct Spinner {
    stop: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

impl Spinner {
    fn start(mut node: Node) -> std::io::Result<Spinner> {
        let stop = Arc::new(AtomicBool::new(false));
        let (alive, ended) = oneshot::channel::<()>();
        let stopped = stop.clone();
        let thread = thread::Builder::new().name("ros".to_owned()).spawn(move || {
            let _alive = alive;
            while !stopped.load(Ordering::Relaxed) {
                node.spin_once(SPIN_TIMEOUT);
            }
        })?;
        Ok(Spinner { stop, ended, thread })
    }
}

const NAME: &str = "oht50_sim";
/// Of sysexits.h.
const EX_USAGE: u8 = 64;
/// How long the end of the program may wait for the node's thread.
const SPIN_TIMEOUT: Duration = Duration::from_millis(50);
