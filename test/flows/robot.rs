//! The simulated robot behind the robot's port, and the bridge in front of it.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use nalgebra::{Point2, Vector2};
use oht50_bridge::{
    app::{App, Parts, access::Access, latch_file},
    clock::Clock,
    config::{Config, Environment, Params, SecretSource, Value},
    lidar::{Picture, RawScan},
    robot::{
        Battery, CallError, DockVelocity, Inputs, Notice, Odometry, Outputs, PublishError,
        Received, Reset, Service, Told, ZoneOutline,
    },
    safety::{SafeVelocity, Summary, facts::Graph, latch::StopLatch},
    server::Listening,
    sim::{Disc, Docked, Event, Velocity, World, WorldConfig},
    telemetry::{metrics::Metrics, vitals::Vitals},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    audit::Disk,
    door::{self, Door},
};

pub const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";
pub const UNIX: Duration = Duration::from_secs(1_750_000_000);

/// A bridge on a simulated robot.
pub struct Bench {
    pub robot: Robot,
    pub clock: Clock,
    pub disk: Disk,
    state: tempfile::TempDir,
    given: Params,
    bridge: Bridge,
}

/// The running bridge: a way in, and a way to stop it.
struct Bridge {
    door: Door,
    latch: StopLatch,
    metrics: Arc<Metrics>,
    stop: watch::Sender<bool>,
    stale: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

/// The simulated robot; cheap to clone.
#[derive(Clone)]
pub struct Robot(Arc<Mutex<State>>);

/// A point in a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Moment {
    /// The time was read; what is on the graph is looked at.
    BeforeDeciding,
    /// A velocity other than zero is in the middleware's hands.
    WhilePublishing,
}

struct State {
    world: World,
    clock: Clock,
    talks: bool,
    lidar_is_silent: bool,
    hangs: bool,
    /// Whether the bridge lets its node pause between what it hears, and when it heard last.
    dozes: bool,
    heard: Duration,
    pressed: Option<bool>,
    told_pressed: Option<Duration>,
    published: Vec<(Duration, Velocity)>,
    /// The bridge does not run for this long, once it does this.
    suspension: Option<(Moment, Duration)>,
    zero: watch::Sender<Option<Duration>>,
    /// What was said on `emergency_stop`, and when.
    emergency_stops: Vec<(Duration, bool)>,
    decisions: usize,
    outlines: usize,
    docking: Option<oneshot::Sender<Result<String, CallError>>>,
    cancelled: bool,
    graph: Graph,
    safety: Summary,
    watched: Vec<Told>,
    diagnosed: Option<Vitals>,
    topics: Topics,
}

/// The robot's end of the bridge's inputs; new ones for each bridge.
struct Topics {
    scan: watch::Sender<Option<Received<Arc<RawScan>>>>,
    odometry: watch::Sender<Option<Received<Odometry>>>,
    battery: watch::Sender<Option<Received<Battery>>>,
    temperature: watch::Sender<Option<Received<f64>>>,
    dock_velocity: watch::Sender<Option<Received<DockVelocity>>>,
    hardware_stop: watch::Sender<Option<Received<bool>>>,
    notices: mpsc::Sender<Notice>,
    resets: mpsc::Sender<Reset>,
    caught_up: Arc<Notify>,
}

impl Bench {
    pub async fn new() -> Bench {
        Bench::build(WorldConfig::default(), true, &[]).await
    }

    /// On a robot that tells nothing.
    pub async fn silent() -> Bench {
        Bench::build(WorldConfig::default(), false, &[]).await
    }

    /// With these parameters on top.
    pub async fn configured(given: &[(&str, Value)]) -> Bench {
        Bench::build(WorldConfig::default(), true, given).await
    }

    /// In a world of one's own.
    pub async fn within(world: WorldConfig) -> Bench {
        Bench::build(world, true, &[]).await
    }

    pub async fn build(world: WorldConfig, talks: bool, given: &[(&str, Value)]) -> Bench {
        let clock = Clock::virtual_from(UNIX);
        let robot = Robot::new(World::new(world), clock.clone(), talks);
        let state = tempfile::tempdir().unwrap();
        let given: Params =
            given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let disk = Disk::default();
        let bridge = Bridge::start(&robot, &clock, state.path(), &given, &disk);
        robot.run();
        settle().await;
        Bench { robot, clock, disk, state, given, bridge }
    }

    /// Where clients come in.
    pub fn door(&self) -> Door {
        self.bridge.door.clone()
    }

    /// The value of a counter or gauge with its labels, as it was counted; `None`: it never was. What connections count by
    /// themselves is in `/metrics` alone.
    pub fn counted(&self, series: &str) -> Option<f64> {
        value(&self.bridge.metrics.text(&Vitals::unknown()), series)
    }

    /// The lane that the robot's own services share.
    pub fn latch(&self) -> &StopLatch {
        &self.bridge.latch
    }

    /// Whether a file of keys, or the deny list, cannot be used.
    pub fn access_is_stale(&self) -> watch::Receiver<bool> {
        self.bridge.stale.clone()
    }

    pub fn stop(&self) {
        self.bridge.stop.send_replace(true);
    }

    /// Stops the bridge and waits for its end.
    pub async fn end(&mut self) {
        self.stop();
        (&mut self.bridge.task).await.unwrap();
    }

    /// The lines of the audit log that were written.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.state.path().join("audit.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Ends the bridge as a crash would, and starts another one.
    pub async fn restart(&mut self) {
        self.bridge.task.abort();
        let Bench { robot, clock, state, given, disk, .. } = self;
        self.bridge = Bridge::start(robot, clock, state.path(), given, disk);
        settle().await;
    }
}

/// The first scans and odometry must have come before anything can be driven.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}

impl Bridge {
    fn start(robot: &Robot, clock: &Clock, state: &Path, given: &Params, disk: &Disk) -> Bridge {
        let mut params = given.clone();
        params.insert("base_from_laser".to_owned(), Value::DoubleArray(vec![0.2, 0.0, 0.0]));
        params.insert("footprint".to_owned(), Value::DoubleArray(OCTAGON.to_vec()));
        let directory = state.to_str().unwrap().to_owned();
        params.insert("state_directory".to_owned(), Value::String(directory));
        let config = Config::from_params(&params, &Environment::default()).unwrap();
        let emergency_stop = latch_file::restore(&config.state_directory, clock);
        let latch = StopLatch::default();
        let audit = disk.open(&config);
        let metrics = Arc::new(Metrics::new());
        let secret = SecretSource::choose(None, std::str::from_utf8(SECRET).ok()).unwrap();
        let app = App::start(Parts {
            access: Access::open(&config.access, secret).unwrap(),
            tls: None,
            inputs: robot.connect(),
            outputs: Arc::new(robot.clone()),
            latch: latch.clone(),
            emergency_stop,
            audit,
            streams: Handle::current(),
            metrics: metrics.clone(),
            clock: clock.clone(),
            config,
        });
        let (door, incoming) = door::door(clock.clone());
        let (stop, mut stopping) = watch::channel(false);
        let stale = app.access_is_stale();
        let listening = Listening::new(app.server().clone(), incoming);
        let task = tokio::spawn(async move {
            let stop = async move {
                let _ = stopping.wait_for(|stop| *stop).await;
                Ok(())
            };
            app.run(listening, stop).await.unwrap();
        });
        Bridge { door, latch, metrics, stop, stale, task }
    }
}

/// Of the bridge's node between two turns, while it may.
const PAUSE: Duration = Duration::from_millis(190);

/// Around a disc of 0.35 m, m.
const OCTAGON: [f64; 16] = [
    0.35, 0.145, 0.145, 0.35, -0.145, 0.35, -0.35, 0.145, -0.35, -0.145, -0.145, -0.35, 0.145,
    -0.35, 0.35, -0.145,
];

impl Robot {
    fn new(world: World, clock: Clock, talks: bool) -> Robot {
        Robot(Arc::new(Mutex::new(State {
            world,
            clock,
            talks,
            lidar_is_silent: false,
            hangs: false,
            dozes: false,
            heard: Duration::ZERO,
            pressed: None,
            told_pressed: None,
            published: Vec::new(),
            suspension: None,
            zero: watch::Sender::new(None),
            emergency_stops: Vec::new(),
            decisions: 0,
            outlines: 0,
            docking: None,
            cancelled: false,
            graph: Graph { drive_present: true, ..Graph::default() },
            safety: Summary::default(),
            watched: vec![Told::Diagnostics],
            diagnosed: None,
            topics: topics().0,
        })))
    }

    /// Lets the robot live; it does so beyond the bridge's restarts.
    fn run(&self) {
        let robot = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(10));
            loop {
                ticks.tick().await;
                robot.state().live();
            }
        });
    }

    fn connect(&self) -> Inputs {
        let (ours, theirs) = topics();
        self.state().topics = ours;
        theirs
    }

    /// When zero was published first after anything else; waits for that.
    pub async fn next_zero(&self) -> Duration {
        let mut zero = self.state().zero.subscribe();
        zero.wait_for(Option::is_some).await.unwrap().unwrap()
    }

    pub fn position(&self) -> Vector2<f64> {
        self.state().world.odometry().pose.translation.vector
    }

    pub fn speed(&self) -> f64 {
        self.state().world.odometry().twist.linear
    }

    /// The newest velocity that was published.
    pub fn commanded(&self) -> Velocity {
        self.state().published.last().map_or(Velocity::default(), |(_, velocity)| *velocity)
    }

    /// The highest speed that was ever published.
    pub fn fastest(&self) -> f64 {
        let state = self.state();
        state.published.iter().map(|(_, velocity)| velocity.linear.abs()).fold(0.0, f64::max)
    }

    /// Every velocity that was published, and when.
    pub fn published(&self) -> Vec<(Duration, Velocity)> {
        self.state().published.clone()
    }

    pub fn told_emergency_stop(&self) -> bool {
        self.state().emergency_stops.last().is_some_and(|(_, active)| *active)
    }

    /// What was said on `emergency_stop`, and when.
    pub fn emergency_stops(&self) -> Vec<(Duration, bool)> {
        self.state().emergency_stops.clone()
    }

    /// How often outlines were told.
    pub fn outlines(&self) -> usize {
        self.state().outlines
    }

    /// How often the bridge has decided.
    pub fn decisions(&self) -> usize {
        self.state().decisions
    }

    /// The robot's own emergency stop says whether it is pressed, now and ten times a second; `None`: nothing.
    pub fn hardware_stop(&self, pressed: Option<bool>) {
        let mut state = self.state();
        state.pressed = pressed;
        state.told_pressed = None;
    }

    /// Calls `~/reset_emergency_stop`.
    pub async fn reset_by_service(&self, after: u64) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        let resets = self.state().topics.resets.clone();
        resets.send(Reset { after, answer }).await.unwrap();
        answered.await.unwrap()
    }

    /// What was published last on `~/safety`.
    pub fn safety(&self) -> Summary {
        self.state().safety.clone()
    }

    /// What was published last on `/diagnostics`.
    pub fn diagnosed(&self) -> Option<Vitals> {
        self.state().diagnosed.clone()
    }

    /// Puts a column of 0.2 m into the hall, its middle there, m.
    pub fn put_column(&self, x: f64, y: f64) {
        self.state().world.put_column(Disc { center: Point2::new(x, y), radius: 0.2 });
    }

    /// Whether docking was called back.
    pub fn was_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Who is on the topics that matter from now on.
    pub fn set_graph(&self, graph: Graph) {
        self.state().graph = graph;
    }

    /// The bridge is suspended at the next such moment.
    pub fn suspend(&self, moment: Moment, how_long: Duration) {
        self.state().suspension = Some((moment, how_long));
    }

    /// Whether the bridge lets its node pause.
    pub fn dozes(&self) -> bool {
        self.state().dozes
    }

    /// Somebody on the graph listens to this too.
    pub fn watch(&self, told: Told) {
        self.state().watched.push(told);
    }

    /// Nobody on the graph listens to this any more.
    pub fn ignore(&self, told: Told) {
        self.state().watched.retain(|it| *it != told);
    }

    /// The bridge's node hangs: nothing that the robot tells comes to it.
    pub fn hang(&self) {
        self.state().hangs = true;
    }

    /// Somebody else moves the robot.
    pub fn push(&self, velocity: Velocity) {
        let mut state = self.state();
        let now = state.clock.now();
        state.world.command(velocity, now);
    }

    /// The LiDAR breaks without a word.
    pub fn silence_lidar(&self) {
        self.state().lidar_is_silent = true;
    }

    pub async fn notice(&self, user_id: u64, group: &str) {
        let notice =
            Notice { severity: 1, text: "door open".to_owned(), user_id, group: group.to_owned() };
        let sender = self.state().topics.notices.clone();
        sender.send(notice).await.unwrap();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn pass(&mut self, moment: Moment) {
        if let Some((_, how_long)) = self.suspension.take_if(|(at, _)| *at == moment) {
            // The clock advances in its first step, and gives way to others in the second, which nobody waits for.
            let _ = tokio::time::advance(how_long).now_or_never();
        }
    }

    fn live(&mut self) {
        let now = self.clock.now();
        // On a node of its own, which does not pause.
        if let Some(pressed) = self.pressed
            && self.told_pressed.is_none_or(|told| now >= told + Duration::from_millis(100))
        {
            self.told_pressed = Some(now);
            tell(&self.topics.hardware_stop, pressed, now);
        }
        // The other one hears nothing while it pauses, and then the newest.
        if self.hangs || self.dozes && now < self.heard + PAUSE {
            return;
        }
        self.heard = now;
        for event in self.world.advance(now) {
            if let (Event::Docking(end), Some(asked)) = (event, self.docking.take()) {
                let _ = asked.send(match end {
                    Ok(Docked::Docked) => Ok("docked".to_owned()),
                    Ok(Docked::Undocked) => Ok("undocked".to_owned()),
                    Err(error) => Err(CallError::Failed(error.to_string())),
                });
            }
        }
        if let Some(scan) = self.world.poll_scan()
            && self.talks
            && !self.lidar_is_silent
        {
            let raw = RawScan {
                stamp: (UNIX + scan.at).as_secs_f64(),
                stamp_nanoseconds: (UNIX + scan.at).as_nanos() as i64,
                ros_now: (UNIX + now).as_secs_f64(),
                frame_id: "laser".into(),
                angle_min: scan.angle_min,
                angle_increment: scan.angle_increment,
                range_min: scan.range_min,
                range_max: scan.range_max,
                ranges: scan.ranges.into(),
            };
            tell(&self.topics.scan, Arc::new(raw), now);
        }
        if self.talks {
            self.tell_slow_things(now);
        }
        if let Some(Velocity { linear, angular }) = self.world.docking_velocity() {
            tell(&self.topics.dock_velocity, DockVelocity { linear, angular }, now);
        }
        if self.dozes {
            self.topics.caught_up.notify_one();
        }
    }

    fn tell_slow_things(&self, now: Duration) {
        let odometry = self.world.odometry();
        let position = odometry.pose.translation.vector;
        let told = Odometry {
            position: [position.x, position.y, 0.0],
            yaw: odometry.pose.rotation.angle(),
            linear: odometry.twist.linear,
            lateral: 0.0,
            angular: odometry.twist.angular,
            stamp: (UNIX + now).as_secs_f64(),
        };
        tell(&self.topics.odometry, told, now);
        let battery = self.world.battery();
        let told = Battery { fraction: Some(battery.fraction), charging: battery.charging };
        tell(&self.topics.battery, told, now);
        tell(&self.topics.temperature, self.world.motor_temperature(), now);
    }
}

impl Outputs for Robot {
    fn drive(&self, velocity: SafeVelocity) -> Result<(), PublishError> {
        let mut state = self.state();
        let now = state.clock.now();
        let commanded = Velocity { linear: velocity.linear(), angular: velocity.angular() };
        state.published.push((now, commanded));
        let first = state.zero.borrow().unwrap_or(now);
        state.zero.send_replace(velocity.is_zero().then_some(first));
        state.world.command(commanded, now);
        if !velocity.is_zero() {
            state.pass(Moment::WhilePublishing);
        }
        Ok(())
    }

    fn graph(&self) -> Graph {
        let mut state = self.state();
        state.decisions += 1;
        state.pass(Moment::BeforeDeciding);
        state.graph
    }

    fn may_doze(&self, quiet: bool) {
        let mut state = self.state();
        state.dozes = quiet;
        if !quiet {
            state.live();
        }
    }

    fn is_watched(&self, told: Told) -> bool {
        self.state().watched.contains(&told)
    }

    fn safety(&self, summary: &Summary, _holder: Option<&str>) -> Result<(), PublishError> {
        self.state().safety = summary.clone();
        Ok(())
    }

    fn show(&self, _picture: &Picture, _zones: &[ZoneOutline]) -> Result<(), PublishError> {
        Ok(())
    }

    fn outline(&self, _zones: &[ZoneOutline]) -> Result<(), PublishError> {
        self.state().outlines += 1;
        Ok(())
    }

    fn diagnostics(&self, vitals: &Vitals) -> Result<(), PublishError> {
        self.state().diagnosed = Some(vitals.clone());
        Ok(())
    }

    fn status(&self, _vitals: &Vitals) -> Result<(), PublishError> {
        Ok(())
    }

    fn offers(&self, _service: Service) -> BoxFuture<'static, bool> {
        async { true }.boxed()
    }

    fn emergency_stop(&self, active: bool) -> Result<(), PublishError> {
        let mut state = self.state();
        let now = state.clock.now();
        state.emergency_stops.push((now, active));
        if let Some(Event::Docking(Err(error))) = state.world.emergency_stop(active)
            && let Some(asked) = state.docking.take()
        {
            let _ = asked.send(Err(CallError::Failed(error.to_string())));
        }
        Ok(())
    }

    fn call(&self, service: Service) -> BoxFuture<'static, Result<String, CallError>> {
        let mut state = self.state();
        let begun = match service {
            Service::Dock => state.world.dock(),
            Service::Undock => state.world.undock(),
            Service::CancelDocking => {
                state.cancelled = true;
                return async { Ok("cancelled".to_owned()) }.boxed();
            }
            Service::StartMotor | Service::StopMotor => {
                state.world.set_lidar_motor(service == Service::StartMotor);
                return async { Ok(String::new()) }.boxed();
            }
            Service::SetFrequency(hertz) => {
                let set = state.world.set_scan_frequency(hertz);
                return async move {
                    set.map(|()| String::new())
                        .map_err(|error| CallError::Failed(error.to_string()))
                }
                .boxed();
            }
        };
        if let Err(error) = begun {
            return async move { Err(CallError::Failed(error.to_string())) }.boxed();
        }
        let (sender, receiver) = oneshot::channel();
        state.docking = Some(sender);
        let gone = || CallError::Failed("the docking controller is gone".to_owned());
        async move { receiver.await.unwrap_or_else(|_| Err(gone())) }.boxed()
    }
}

fn tell<T>(topic: &watch::Sender<Option<Received<T>>>, value: T, at: Duration) {
    topic.send_replace(Some(Received { value, at }));
}

fn topics() -> (Topics, Inputs) {
    let (scan, scan_end) = watch::channel(None);
    let (odometry, odometry_end) = watch::channel(None);
    let (battery, battery_end) = watch::channel(None);
    let (temperature, temperature_end) = watch::channel(None);
    let (dock_velocity, dock_velocity_end) = watch::channel(None);
    let (hardware_stop, hardware_stop_end) = watch::channel(None);
    let (notices, notices_end) = mpsc::channel(32);
    let (resets, resets_end) = mpsc::channel(8);
    let caught_up = Arc::<Notify>::default();
    (
        Topics {
            scan,
            odometry,
            battery,
            temperature,
            dock_velocity,
            hardware_stop,
            notices,
            resets,
            caught_up: caught_up.clone(),
        },
        Inputs {
            scan: scan_end,
            odometry: odometry_end,
            battery: battery_end,
            temperature: temperature_end,
            dock_velocity: dock_velocity_end,
            hardware_stop: hardware_stop_end,
            notices: notices_end,
            resets: resets_end,
            caught_up,
        },
    )
}

/// The value of a counter or gauge with its labels, in Prometheus' text format.
pub fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}
