//! The executable: arguments, configuration, bridge, wait, drain. Exit codes: 0 stopped on demand, 1 a fault,
//! 64 a command line or configuration that cannot be used (`EX_USAGE` of sysexits).

#![allow(clippy::disallowed_methods)] // the environment is read here and handed on

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result};
use lexopt::Arg;
use oht50_bridge::{
    app::{App, Fault, Parts, latch_file},
    auth::Verifier,
    clock::Clock,
    config::{AuditConfig, Config, Environment, Secret},
    robot::ros::RosNode,
    safety::latch::StopLatch,
    server::TlsIdentity,
    telemetry::{self, audit::Journal},
};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
};

fn main() -> ExitCode {
    let arguments = match Arguments::parse() {
        Ok(Arguments { task: Task::Help, .. }) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Arguments { task: Task::Version, .. }) => {
            println!("oht50_bridge {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Ok(arguments) => arguments,
        Err(error) => return fail(&error, ExitCode::from(USAGE)),
    };
    // Signals first: one that comes while the node is made ends the program in order, too.
    let started = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let (runtime, requested) = match started.map_err(Into::into).and_then(listen_for_signals) {
        Ok(listening) => listening,
        Err(error) => return fail(&error, ExitCode::FAILURE),
    };
    match prepare(&arguments) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(prepared)) => match prepared.run(runtime, requested) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error, ExitCode::FAILURE),
        },
        Err(error) => fail(&error, ExitCode::from(USAGE)),
    }
}

fn listen_for_signals(runtime: Runtime) -> Result<(Runtime, impl Future<Output = ()>)> {
    let guard = runtime.enter();
    let requested = stop_requested()?;
    drop(guard);
    Ok((runtime, requested))
}

/// Everything that can be wrong with a configuration was looked at; no port is open yet.
struct Prepared {
    node: RosNode,
    config: Config,
    verifier: Verifier,
    tls: Option<TlsIdentity>,
    audit: Journal,
}

/// Reads and checks the configuration; `None` if that was all that was asked.
fn prepare(arguments: &Arguments) -> Result<Option<Prepared>> {
    let filter = env::var("RUST_LOG").ok();
    telemetry::start_logging(arguments.log_level.as_deref(), filter.as_deref())
        .context("log level")?;
    let node = RosNode::create()?;
    let directory = |name| env::var_os(name).map(PathBuf::from);
    let environment = Environment {
        ros_home: directory("ROS_HOME"),
        home: directory("HOME"),
        namespace: node.namespace()?,
    };
    let config = Config::from_params(&node.params(), &environment)?;
    let tls = config.server.tls.as_ref().map(TlsIdentity::load).transpose()?;
    if arguments.task == Task::Check {
        println!("the configuration is valid");
        return Ok(None);
    }
    let secret = secret()?;
    let verifier = Verifier::hs256(secret.as_bytes(), config.server.default_role)?;
    latch_file::prepare(&config.state_directory)?;
    let AuditConfig { max_bytes, files } = config.audit;
    let audit =
        Journal::open(&config.state_directory, max_bytes, files).context("the audit log")?;
    Ok(Some(Prepared { node, config, verifier, tls, audit }))
}

impl Prepared {
    fn run(self, runtime: Runtime, requested: impl Future<Output = ()>) -> Result<()> {
        let Prepared { node, config, verifier, tls, audit } = self;
        let guard = runtime.enter();
        let clock = Clock::system();
        let latch = StopLatch::default();
        let (inputs, outputs, mut ros) = node.start(&config, latch.clone(), clock.clone())?;
        let emergency_stop = latch_file::restore(&config.state_directory, clock.now());
        if let Some(stop) = &emergency_stop {
            tracing::warn!(reason = stop.reason, "starting with the emergency stop latched");
        }
        let audit = Box::new(audit);
        let address = (config.server.bind_address, config.server.port);
        let secure = tls.is_some();
        let app = App::start(Parts {
            config,
            verifier,
            tls,
            inputs,
            outputs,
            latch,
            emergency_stop,
            audit,
            clock,
        });
        drop(guard);
        let ended = runtime.block_on(async {
            let listening = app.server().listen(address).await?;
            let scheme = if secure { "wss" } else { "ws" };
            tracing::info!("listening on {scheme}://{}/ws", listening.local_addr()?);
            let stop = async {
                tokio::select! {
                    () = requested => Ok(()),
                    () = ros.ended() => Err(Fault::new("the ROS thread", "it ended")),
                }
            };
            Ok(app.run(listening, stop).await?)
        });
        // A disk that hangs must not keep the process.
        runtime.shutdown_timeout(Duration::from_secs(1));
        // The node outlives everything that publishes, so that the last zero leaves.
        ros.shutdown();
        ended
    }
}

/// SIGINT or SIGTERM.
fn stop_requested() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
}

fn secret() -> Result<Secret> {
    let file = match env::var_os("OHT50_JWT_SECRET_FILE") {
        Some(path) => {
            let path = PathBuf::from(path);
            let content = fs::read(&path)
                .with_context(|| format!("OHT50_JWT_SECRET_FILE {}", path.display()))?;
            Some(content)
        }
        None => None,
    };
    let value = env::var("OHT50_JWT_SECRET").ok();
    Ok(Secret::from_sources(file.as_deref(), value.as_deref())?)
}

fn fail(error: &anyhow::Error, code: ExitCode) -> ExitCode {
    // Not through the log, whose level may hide it.
    for line in format!("{error:#}").lines() {
        eprintln!("oht50_bridge: {line}");
    }
    code
}

/// What the command line asks for, apart from what ROS reads in it.
#[derive(Debug, PartialEq)]
struct Arguments {
    task: Task,
    log_level: Option<String>,
}

#[derive(Debug, PartialEq)]
enum Task {
    Run,
    Check,
    Help,
    Version,
}

impl Arguments {
    fn parse() -> Result<Arguments> {
        let mut own: Vec<_> = env::args_os().collect();
        let at = own.iter().position(|argument| argument == "--ros-args").unwrap_or(own.len());
        let ros = own.split_off(at);
        let level = ros.iter().position(|argument| argument == "--log-level");
        let log_level = level
            .and_then(|at| ros.get(at + 1))
            .and_then(|level| level.to_str())
            // `NODE:=LEVEL` sets the level of one logger, and there is one.
            .map(|level| level.rsplit(":=").next().unwrap_or(level).to_lowercase());
        let mut task = Task::Run;
        let mut file = None;
        let mut parser = lexopt::Parser::from_iter(own);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("check") => task = Task::Check,
                Arg::Long("params-file") => file = Some(parser.value()?),
                Arg::Short('h') | Arg::Long("help") => task = Task::Help,
                Arg::Short('V') | Arg::Long("version") => task = Task::Version,
                other => return Err(other.unexpected().into()),
            }
        }
        match file {
            Some(file) if matches!(task, Task::Run | Task::Check) => {
                Err(start_again(&task, &file, &ros).into())
            }
            _ => Ok(Arguments { task, log_level }),
        }
    }
}

/// rcl reads parameters from its own arguments alone: starts this program again with them. Returns only if it cannot.
fn start_again(task: &Task, file: &OsStr, ros: &[OsString]) -> io::Error {
    match env::current_exe() {
        Ok(program) => Command::new(program)
            .args((*task == Task::Check).then_some("--check"))
            .args(["--ros-args", "--params-file"])
            .arg(file)
            .args(ros.iter().skip(1))
            .exec(),
        Err(error) => error,
    }
}

/// `EX_USAGE`
const USAGE: u8 = 64;

const HELP: &str = "\
oht50_bridge: shows and drives an OHT-50 over a JSON WebSocket protocol, as a ROS 2 node

  oht50_bridge --ros-args --params-file bridge.yaml [-p NAME:=VALUE] [-r FROM:=TO] [--log-level LEVEL]
  oht50_bridge --check --params-file bridge.yaml    validate a configuration and exit
  oht50_bridge --help | --version

The secret that tokens are checked with comes from OHT50_JWT_SECRET_FILE (a file) or OHT50_JWT_SECRET.
RUST_LOG chooses logs more finely than --log-level. Exit codes: 0 stopped, 1 a fault, 64 unusable configuration.
";
