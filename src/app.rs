//! Builds the bridge, joins its parts, supervises them, and shuts them down in order.
//!
//! Each part is one task with one piece of state. A task that ends, by return or by panic, is a fault: the robot is
//! stopped, everyone is told, and the process ends so that launch can start it again.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::{JoinError, JoinHandle, JoinSet},
    time::timeout,
};

use crate::{
    clock::Clock,
    config::Config,
    hub::Hub,
    lidar::Perception,
    protocol::{CloseReason, audit},
    robot::{Inputs, Notice, Outputs},
    safety::{DockingController, EmergencyStop, Gate, SafeVelocity, latch::StopLatch},
    server::{Accept, Listening, Renewal, Server, Surroundings, TlsIdentity},
    session::{Action, Command, Terms},
    telemetry::{
        audit::{Audit, CHECK, Sink, keep},
        metrics::Metrics,
        vitals::{Checkup, Pulse},
    },
};

pub mod access;
pub mod answers;
pub mod battery;
pub mod bulletin;
pub mod check_drive;
pub mod events;
pub mod fault;
pub mod health;
pub mod latch_file;
pub mod lidar;
pub mod motion;
pub mod perception;
pub mod status;
pub mod streams;

use access::Access;
use events::Teller;
pub use fault::Fault;
use fault::{spawn, why};
use health::Health;

/// What the bridge is made from.
pub struct Parts {
    /// The whole configuration.
    pub config: Config,
    /// Checks tokens.
    pub access: Access,
    /// For `wss://`.
    pub tls: Option<TlsIdentity>,
    /// What the robot tells.
    pub inputs: Inputs,
    /// What the robot accepts.
    pub outputs: Arc<dyn Outputs>,
    /// The stops' lane, which the robot's side shares.
    pub latch: StopLatch,
    /// The latch as it was when the bridge last ended.
    pub emergency_stop: Option<EmergencyStop>,
    /// Where the audit log is kept.
    pub audit: Box<dyn Sink>,
    /// Where streams are sent from: [`streams::runtime`], in tests their own.
    pub streams: Handle,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Clock,
}

/// The running bridge.
pub struct App {
    server: Server,
    hub: Hub,
    teller: Teller,
    tasks: JoinSet<Fault>,
    outputs: Arc<dyn Outputs>,
    docking_controller: DockingController,
    errands: motion::Errands,
    stopping: watch::Sender<bool>,
    at_zero: watch::Receiver<bool>,
    /// Ends last, so that a stop of the last moment is still written.
    latch_file: JoinHandle<()>,
    audit: Audit,
    /// Ends last, too.
    journal: JoinHandle<Result<(), JoinError>>,
    access_is_stale: watch::Receiver<bool>,
}

impl App {
    /// Starts every part. Must be called within a tokio runtime.
    pub fn start(parts: Parts) -> App {
        let Parts {
            config,
            access,
            tls,
            inputs,
            outputs,
            latch,
            emergency_stop,
            audit: sink,
            streams,
            metrics,
            clock,
        } = parts;
        let hub = Hub::new();
        let audit = Audit::default();
        let restored = emergency_stop.as_ref().map(|stop| stop.reason.as_str());
        audit.record(audit::started(config.robot_id, restored, clock.unix()));
        let lines_lost = {
            let clock = clock.clone();
            move |count| audit::lost(count, clock.unix())
        };
        let next_check = {
            let clock = clock.clone();
            move || clock.until_next(CHECK)
        };
        let journal = tokio::spawn(keep(audit.clone(), sink, lines_lost, next_check));
        let teller = Teller {
            hub: hub.clone(),
            clock: clock.clone(),
            audit: audit.clone(),
            metrics: metrics.clone(),
        };
        let pulse = Pulse::default();
        pulse.beat(clock.now());
        let (stopping, stop) = watch::channel(false);
        let (at_zero_sender, at_zero) = watch::channel(false);
        let (holder_sender, holder) = watch::channel(None);
        let (report_sender, report) = watch::channel(motion::Report::default());
        let (latched_sender, latched) = watch::channel(emergency_stop.clone());
        let (scanned_sender, scanned) = watch::channel(None);
        let (settings_sender, settings) = watch::channel(lidar::Settings::default());
        let (commands, mixed_commands) = mpsc::channel(COMMANDS);
        let (motion_commands, motion_queue) = mpsc::channel(COMMANDS);
        let (lidar_commands, lidar_queue) = mpsc::channel(COMMANDS);
        let mut tasks = JoinSet::new();

        let (stale, access_is_stale) = watch::channel(false);
        let tls = tls.map(Renewal::new).map(Arc::new);
        let health = Health {
            report: report.clone(),
            pulse: pulse.clone(),
            scanned: scanned.clone(),
            odometry: inputs.odometry.clone(),
            odom_timeout: config.safety.odom_timeout,
            battery: inputs.battery.clone(),
            temperature: inputs.temperature.clone(),
            hub: hub.clone(),
            max_connections: config.server.max_connections,
            audit: audit.clone(),
            access_is_stale: access_is_stale.clone(),
            tls: tls.clone(),
            stopping: stop.clone(),
            clock: clock.clone(),
        };
        let checkup: Checkup = Arc::new(move || health.vitals());
        let bulletin = bulletin::run(checkup.clone(), outputs.clone(), clock.clone());
        spawn(&mut tasks, "diagnostics", bulletin);
        let zones = perception::ShownZones::new(&config.surroundings);
        let plan = zones.plan(&config.surroundings);
        let docking_controller = config.safety.docking_controller;
        let errands = motion::Errands::new();
        let gate = Gate::new(config.safety.clone(), config.surroundings, emergency_stop);
        let last_words = outputs.clone();
        let motion = motion::run(
            gate,
            motion::Wiring {
                outputs: outputs.clone(),
                latch: latch.clone(),
                commands: motion_queue,
                scan: inputs.scan.clone(),
                hardware_stop: inputs.hardware_stop,
                resets: inputs.resets,
                docking_controller,
                errands: errands.clone(),
                odometry: inputs.odometry.clone(),
                caught_up: inputs.caught_up,
                dock_velocity: inputs.dock_velocity,
                pulse,
                metrics: metrics.clone(),
                hub: hub.clone(),
                teller: teller.clone(),
                clock: clock.clone(),
                holder: holder_sender,
                report: report_sender,
                latched: latched_sender,
                audited: audit.writable(),
                stopping: stop,
                at_zero: at_zero_sender,
            },
        );
        tasks.spawn(async move {
            match motion.await {
                Ok(()) => Fault::new("motion", "it returned"),
                Err(error) => Fault::new("motion", error),
            }
        });
        spawn(
            &mut tasks,
            "perception",
            perception::run(
                Perception::new(config.lidar.clone()),
                perception::Wiring {
                    scan: inputs.scan,
                    odometry: inputs.odometry.clone(),
                    scanned: scanned_sender,
                    settings: settings.clone(),
                    report: report.clone(),
                    base_from_laser: config.lidar.base_from_laser,
                    zones,
                    outputs: outputs.clone(),
                    hub: hub.clone(),
                    metrics: metrics.clone(),
                    clock: clock.clone(),
                },
            ),
        );
        spawn(
            &mut tasks,
            "status",
            status::run(status::Wiring {
                robot_id: config.robot_id,
                timeouts: config.telemetry,
                rest_speed: config.safety.rest_speed,
                report: report.clone(),
                scanned: scanned.clone(),
                settings,
                odometry: inputs.odometry.clone(),
                battery: inputs.battery,
                temperature: inputs.temperature,
                hub: hub.clone(),
                metrics: metrics.clone(),
                teller: teller.clone(),
                clock: clock.clone(),
            }),
        );
        spawn(
            &mut tasks,
            "LiDAR commands",
            lidar::run(
                lidar_queue,
                lidar::Wiring {
                    outputs,
                    scanned,
                    settings: settings_sender,
                    report,
                    odometry: inputs.odometry,
                    rest_speed: config.safety.rest_speed,
                    hub: hub.clone(),
                    clock: clock.clone(),
                },
            ),
        );
        let fan_out = hub.clone().fan_out();
        spawn(&mut tasks, "streams", async move {
            // Ended with this one, since the set is dropped with it.
            let mut elsewhere = JoinSet::new();
            elsewhere.spawn_on(fan_out, &streams);
            elsewhere.join_next().await;
        });
        spawn(&mut tasks, "notices", tell_notices(inputs.notices, teller.clone()));
        let latch_file =
            tokio::spawn(latch_file::keep(config.state_directory, latched, clock.clone()));
        spawn(&mut tasks, "commands", sort(mixed_commands, motion_commands, lidar_commands));

        let (verifier_sender, verifier) = watch::channel(Arc::new(access.verifier()));
        spawn(&mut tasks, "keys", access::keep(access, verifier_sender, stale));

        let terms = Terms {
            verifier,
            latch,
            robot_id: config.robot_id,
            max_linear_speed: config.safety.max_linear_speed,
            max_angular_speed: config.safety.max_angular_speed,
            heartbeat_interval: config.server.heartbeat_interval,
            heartbeat_timeout: config.server.heartbeat_timeout,
            link_timeout: config.server.link_timeout,
            plan: Arc::new(plan),
        };
        let surroundings = Surroundings {
            config: config.server,
            terms,
            hub: hub.clone(),
            commands,
            audit: audit.clone(),
            metrics,
            checkup,
            clock,
            holder,
        };
        let server = Server::new(surroundings, tls);
        App {
            server,
            hub,
            teller,
            tasks,
            outputs: last_words,
            docking_controller,
            errands,
            stopping,
            at_zero,
            latch_file,
            audit,
            journal,
            access_is_stale,
        }
    }

    /// Whether a file of keys, or the deny list, has become something that cannot be used: the last good one is in
    /// force until that is mended.
    pub fn access_is_stale(&self) -> watch::Receiver<bool> {
        self.access_is_stale.clone()
    }

    /// To listen with, or to serve a stream that is already there.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.hub.len()
    }

    /// Serves until `stop` completes, or a part ends. Then: zero, everyone told, everyone closed, and the rest.
    pub async fn run<A: Accept + 'static>(
        mut self,
        listening: Listening<A>,
        stop: impl Future<Output = Result<(), Fault>>,
    ) -> Result<(), Fault> {
        let (stop_listening, no_more) = watch::channel(false);
        let mut listener = tokio::spawn(listening.run(no_more));
        let ended = tokio::select! {
            stopped = stop => stopped,
            fault = fault::first(&mut self.tasks) => Err(fault),
            ended = &mut self.latch_file => Err(Fault::new("latch file", why(ended))),
            ended = &mut self.journal => Err(Fault::new("audit log", why(ended.and_then(|kept| kept)))),
            ended = &mut listener => Err(Fault::new("listener", why(ended))),
        };
        if let Err(fault) = &ended {
            tracing::error!(%fault, "stopping");
        }
        self.stop_robot().await;
        // The listener closes its connections too: whoever is told afterwards may be gone.
        self.teller.stopping();
        stop_listening.send_replace(true);
        self.hub.close_all(CloseReason::ServerStopping);
        if !listener.is_finished() && timeout(DRAIN, listener).await.is_err() {
            tracing::warn!("connections did not close in time");
        }
        if timeout(ERRANDS, self.errands.done()).await.is_err() {
            tracing::error!("what had to be done before the end was not done in time");
        }
        self.tasks.shutdown().await;
        // The tasks are gone, and with them the latch's sender: the keeper writes what is unwritten, and ends.
        let writing = !self.latch_file.is_finished();
        if writing && timeout(LAST_WRITE, &mut self.latch_file).await.is_err() {
            tracing::error!("the emergency-stop latch was not written in time");
            self.latch_file.abort();
        }
        self.audit.close();
        let writing = !self.journal.is_finished();
        if writing && timeout(LAST_WRITE, &mut self.journal).await.is_err() {
            tracing::error!("the audit log was not written in time");
            self.journal.abort();
        }
        ended
    }

    /// Zero is published before anything else ends.
    pub async fn stop_robot(&mut self) {
        self.stopping.send_replace(true);
        let zero = self.at_zero.wait_for(|at_zero| *at_zero);
        if !matches!(timeout(ZERO, zero).await, Ok(Ok(_))) {
            // The owner of the Gate is gone or stuck; what it published last must not stand.
            let published = self.outputs.drive(SafeVelocity::STOP);
            tracing::error!(?published, "the motion task did not confirm zero");
            if self.docking_controller == DockingController::Cancellable {
                motion::call_back(self.outputs.as_ref()).await;
            }
        }
    }
}

/// LiDAR commands take seconds and must not hold motion commands up, nor the other way round.
async fn sort(
    mut commands: mpsc::Receiver<Command>,
    motion: mpsc::Sender<Command>,
    lidar: mpsc::Sender<Command>,
) {
    while let Some(command) = commands.recv().await {
        let queue = if matches!(command.action, Action::Lidar(..)) { &lidar } else { &motion };
        if queue.send(command).await.is_err() {
            return;
        }
    }
}

async fn tell_notices(mut notices: mpsc::Receiver<Notice>, teller: Teller) {
    while let Some(notice) = notices.recv().await {
        teller.notice(notice);
    }
}

/// Commands on their way; beyond that a client is told `busy`.
const COMMANDS: usize = 64;

/// Zero is published within this, or something is wrong.
const ZERO: Duration = Duration::from_millis(200);

/// How long a stop of the last moment may take to reach the disk.
const LAST_WRITE: Duration = Duration::from_millis(500);

/// How long a docking controller may take to be called back, counted from the end of all connections.
const ERRANDS: Duration = Duration::from_millis(500);

/// From the first Close to the end, whoever answers.
const DRAIN: Duration = Duration::from_secs(2);
