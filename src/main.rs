//! The executable: arguments, configuration, bridge, wait, drain. Exit codes: 0 stopped on demand, 1 a fault,
//! 64 a command line or configuration that cannot be used (`EX_USAGE` of sysexits).

#![allow(clippy::disallowed_methods)] // the environment is read here and handed on

use std::{
    env,
    ffi::{OsStr, OsString},
    io::{self, IsTerminal, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use lexopt::Arg;
use oht50_bridge::{
    app::{App, Fault, Parts, access::Access, check_drive, latch_file, streams},
    auth,
    clock::Clock,
    config::{AuditConfig, Config, Environment, MountSource, SecretSource},
    robot::ros::{RosError, RosNode},
    safety::latch::StopLatch,
    server::TlsIdentity,
    telemetry::{
        audit::Journal,
        logs::{self, Lines, LogFormat},
        metrics::Metrics,
    },
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
    let ended = match prepare(&arguments) {
        Ok(Prepared::Nothing) => Ok(ExitCode::SUCCESS),
        Ok(Prepared::Bridge(bridge)) => bridge.run(runtime, requested).map(|()| ExitCode::SUCCESS),
        Ok(Prepared::DriveCheck(check)) => check.run(runtime, requested),
        Err(error) if error.downcast_ref().is_some_and(RosError::may_pass) => Err(error),
        Err(error) => return fail(&error, ExitCode::from(USAGE)),
    };
    ended.unwrap_or_else(|error| fail(&error, ExitCode::FAILURE))
}

fn listen_for_signals(runtime: Runtime) -> Result<(Runtime, impl Future<Output = ()>)> {
    let guard = runtime.enter();
    let requested = stop_requested()?;
    drop(guard);
    Ok((runtime, requested))
}

/// Everything that can be wrong with a configuration was looked at; no port is open yet.
enum Prepared {
    /// That was all that was asked.
    Nothing,
    Bridge(Box<Bridge>),
    DriveCheck(Box<DriveCheck>),
}

struct Bridge {
    node: RosNode,
    config: Config,
    access: Access,
    tls: Option<TlsIdentity>,
    audit: Journal,
    metrics: Arc<Metrics>,
    lines: Lines,
}

/// The commissioning test: no server, and no secret.
struct DriveCheck {
    node: RosNode,
    config: Config,
    /// Nobody is asked.
    confirmed: bool,
    lines: Lines,
}

/// Reads and checks the configuration.
fn prepare(arguments: &Arguments) -> Result<Prepared> {
    let (filter, format) = (env::var("RUST_LOG").ok(), env::var("OHT50_LOG_FORMAT").ok());
    let format = match format.filter(|name| !name.is_empty()) {
        Some(name) => name.parse().context("OHT50_LOG_FORMAT")?,
        None => LogFormat::default(),
    };
    let metrics = Arc::new(Metrics::new());
    let level = arguments.log_level.as_deref();
    let lines =
        logs::start(level, filter.as_deref(), format, metrics.clone()).context("log level")?;
    let mut node = RosNode::create()?;
    let directory = |name| env::var_os(name).map(PathBuf::from);
    let environment = Environment {
        ros_home: directory("ROS_HOME"),
        home: directory("HOME"),
        namespace: node.namespace()?,
    };
    if let source @ MountSource::Transforms { .. } = MountSource::of(&node.params()) {
        // Nobody waits for transforms to hear that something else is wrong.
        Config::from_params(&MountSource::assume_origin(&node.params()), &environment)?;
        node.find_mount(&source, &Clock::system())?;
    }
    let config = Config::from_params(&node.params(), &environment)?;
    if let Task::CheckDrive { confirmed } = arguments.task {
        return Ok(Prepared::DriveCheck(Box::new(DriveCheck { node, config, confirmed, lines })));
    }
    let unix = Clock::system().unix();
    let tls = config.server.tls.as_ref().map(|files| TlsIdentity::load(files, unix)).transpose()?;
    if arguments.task == Task::Check {
        Access::check(&config.access)?;
        println!("the configuration is valid");
        return Ok(Prepared::Nothing);
    }
    auth::self_test()?;
    let access = Access::open(&config.access, secret()?)?;
    latch_file::prepare(&config.state_directory)?;
    let AuditConfig { max_bytes, files } = config.audit;
    let audit =
        Journal::open(&config.state_directory, max_bytes, files).context("the audit log")?;
    Ok(Prepared::Bridge(Box::new(Bridge { node, config, access, tls, audit, metrics, lines })))
}

impl Bridge {
    fn run(self, runtime: Runtime, requested: impl Future<Output = ()>) -> Result<()> {
        let Bridge { node, config, access, tls, audit, metrics, lines } = self;
        let guard = runtime.enter();
        let clock = Clock::system();
        let latch = StopLatch::default();
        let (inputs, outputs, mut ros) =
            node.start(&config, latch.clone(), clock.clone(), lines)?;
        let emergency_stop = latch_file::restore(&config.state_directory, &clock);
        if let Some(stop) = &emergency_stop {
            tracing::warn!(reason = stop.reason, "starting with the emergency stop latched");
        }
        let audit = Box::new(audit);
        let streams = streams::runtime()?;
        let address = (config.server.bind_address, config.server.port);
        let secure = tls.is_some();
        let app = App::start(Parts {
            config,
            access,
            tls,
            inputs,
            outputs,
            latch,
            emergency_stop,
            audit,
            streams: streams.handle().clone(),
            metrics,
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
        streams.shutdown_background();
        // The node outlives everything that publishes, so that the last zero leaves.
        ros.shutdown();
        ended
    }
}

impl DriveCheck {
    fn run(self, runtime: Runtime, requested: impl Future<Output = ()>) -> Result<ExitCode> {
        let DriveCheck { node, config, confirmed, lines } = self;
        let guard = runtime.enter();
        // The terminal that goes away must not leave a robot behind that drives.
        let mut hangup = signal(SignalKind::hangup())?;
        let clock = Clock::system();
        let latch = StopLatch::default();
        let (inputs, outputs, mut ros) =
            node.start(&config, latch.clone(), clock.clone(), lines)?;
        let latched = latch_file::restore(&config.state_directory, &clock).is_some();
        drop(guard);
        say(&check_drive::announcement(&config.safety));
        let wiring = check_drive::Wiring {
            inputs,
            outputs,
            config: config.safety,
            surroundings: config.surroundings,
            latch,
            latched,
            clock,
        };
        let confirm = async || confirmed || ask_to_drive().await;
        let interrupted = async {
            tokio::select! {
                () = requested => {}
                _ = hangup.recv() => {}
                () = ros.ended() => {}
            }
        };
        let report = runtime.block_on(check_drive::run(wiring, confirm, interrupted));
        // A terminal that nobody types on must not keep the process.
        runtime.shutdown_timeout(Duration::from_millis(100));
        ros.shutdown();
        let check_drive::Report { verdict, at_rest } = report?;
        say(&verdict.to_string());
        if !at_rest {
            say("THE ROBOT IS NOT KNOWN TO STAND: press the hard-wired emergency stop.");
        }
        Ok(if verdict.is_pass() && at_rest { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Whether the person at the terminal types `drive`.
async fn ask_to_drive() -> bool {
    if !io::stdin().is_terminal() {
        say("No terminal to confirm on: --yes confirms beforehand.");
        return false;
    }
    say("Everything is ready. Type drive and press Enter to start; anything else ends this.");
    let typed = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    matches!(typed.await, Ok(Ok(line)) if line.trim() == "drive")
}

/// Nobody may be reading any more, and the robot must be stopped all the same.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
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

fn secret() -> Result<Option<SecretSource>> {
    let file = env::var_os("OHT50_JWT_SECRET_FILE").map(PathBuf::from);
    let value = env::var("OHT50_JWT_SECRET").ok();
    Ok(SecretSource::choose(file, value.as_deref())?)
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
    CheckDrive { confirmed: bool },
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
        let mut confirmed = false;
        let mut file = None;
        let mut parser = lexopt::Parser::from_iter(own);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("check") => task = Task::Check,
                Arg::Long("check-drive") => task = Task::CheckDrive { confirmed },
                Arg::Long("yes") => confirmed = true,
                Arg::Long("params-file") => file = Some(parser.value()?),
                Arg::Short('h') | Arg::Long("help") => task = Task::Help,
                Arg::Short('V') | Arg::Long("version") => task = Task::Version,
                other => return Err(other.unexpected().into()),
            }
        }
        match &mut task {
            Task::CheckDrive { confirmed: already } => *already = confirmed,
            _ if confirmed => bail!("--yes goes with --check-drive only"),
            _ => {}
        }
        match file {
            Some(file) if !matches!(task, Task::Help | Task::Version) => {
                Err(start_again(&task, &file, &ros).into())
            }
            _ => Ok(Arguments { task, log_level }),
        }
    }
}

/// rcl reads parameters from its own arguments alone: starts this program again with them. Returns only if it cannot.
fn start_again(task: &Task, file: &OsStr, ros: &[OsString]) -> io::Error {
    let own: &[&str] = match task {
        Task::Check => &["--check"],
        Task::CheckDrive { confirmed: false } => &["--check-drive"],
        Task::CheckDrive { confirmed: true } => &["--check-drive", "--yes"],
        Task::Run | Task::Help | Task::Version => &[],
    };
    match env::current_exe() {
        Ok(program) => Command::new(program)
            .args(own)
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
  oht50_bridge --check-drive --params-file bridge.yaml [--yes]
                      commissioning: drive 0.05 m/s, fall silent, and tell whether the drive's own watchdog stops the robot
  oht50_bridge --help | --version

The secret that tokens are checked with comes from OHT50_JWT_SECRET_FILE (a file) or OHT50_JWT_SECRET; public keys come from
the file that the parameter jwks_file names.
--check-drive needs none, opens no port, and drives only once `drive` was typed, or with --yes.
RUST_LOG chooses logs more finely than --log-level; OHT50_LOG_FORMAT=json writes them for machines. Exit codes: 0 stopped, or the watchdog passed; 1 a fault, or it did
not pass; 64 unusable configuration.
";
