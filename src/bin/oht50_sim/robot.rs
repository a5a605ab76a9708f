//! The world on the ROS graph: what arrives goes in, what happens is published and told in plain words.

use std::sync::{Arc, Mutex, PoisonError};

use futures::{
    StreamExt,
    stream::{LocalBoxStream, SelectAll, select_all},
};
use oht50_bridge::{
    clock::Clock,
    sim::{DockError, Docked, Event, TICK, Velocity, World, WorldConfig},
};
use r2r::{
    Node, QosProfile, ServiceRequest,
    builtin_interfaces::msg::Time,
    geometry_msgs::msg::{Twist, TwistStamped},
    std_msgs,
    std_srvs::srv::{Empty, Trigger},
};
use tokio::{
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};

use super::{
    outlet::Outlet,
    parameter_services::{self, Events, Request},
    settings::Settings,
    topics::{self, Topics},
};

/// The simulated robot, ready to run.
pub struct Robot {
    settings: Settings,
    config: WorldConfig,
    world: World,
    clock: Clock,
    ros_clock: Arc<Mutex<r2r::Clock>>,
    inputs: SelectAll<LocalBoxStream<'static, Input>>,
    outlet: Outlet,
    failed: oneshot::Receiver<r2r::Error>,
    parameter_events: Events,
    emergency_stopped: bool,
    /// Who waits for the end of a docking manoeuvre.
    docking: Option<ServiceRequest<Trigger::Service>>,
    ticks: u64,
}

/// What arrives from the graph.
enum Input {
    Drive(Velocity),
    EmergencyStop(bool),
    Dock(ServiceRequest<Trigger::Service>),
    Undock(ServiceRequest<Trigger::Service>),
    Motor(bool, ServiceRequest<Empty::Service>),
    Parameters(Request),
}

impl Robot {
    /// Offers and subscribes to everything; nothing moves before [`Robot::run`].
    pub fn new(node: &mut Node, settings: Settings) -> anyhow::Result<Robot> {
        let config = settings.world();
        let topics = Topics::offer(node, &settings)?;
        let (outlet, failed) = Outlet::start(node.logger(), topics)?;
        Ok(Robot {
            outlet,
            failed,
            world: World::new(config.clone()),
            config,
            clock: Clock::system(),
            ros_clock: node.get_ros_clock(),
            inputs: subscribe(node, &settings)?,
            parameter_events: Events::offer(node)?,
            settings,
            emergency_stopped: false,
            docking: None,
            ticks: 0,
        })
    }

    /// Runs the robot until publishing fails. Dropping the future ends it at any point.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let (stamp, config) = (self.stamp()?, self.config.clone());
        self.outlet.send(move |topics| topics.publish_description(stamp, &config));
        self.outlet.info(format!(
            "simulating: {} beams at {} Hz, {} people, drive watchdog {}",
            self.config.lidar.beams,
            self.config.lidar.frequency,
            self.config.people.len(),
            self.config.drive.watchdog.map_or("off".to_owned(), |it| format!("{it:?}"))
        ));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                Some(input) = self.inputs.next() => self.take(input)?,
                _ = tick.tick() => self.step()?,
                Ok(error) = &mut self.failed => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, input: Input) -> r2r::Result<()> {
        match input {
            Input::Drive(velocity) => self.world.command(velocity, self.clock.now()),
            Input::EmergencyStop(active) => self.emergency_stop(active),
            Input::Dock(request) => {
                let started = self.world.dock();
                self.begin("docking", started, request);
            }
            Input::Undock(request) => {
                let started = self.world.undock();
                self.begin("undocking", started, request);
            }
            Input::Motor(on, request) => {
                self.world.set_lidar_motor(on);
                let state = if on { "started" } else { "stopped" };
                self.outlet.info(format!("LiDAR motor {state}"));
                self.outlet.answer(request, Empty::Response::default());
            }
            Input::Parameters(request) => self.parameters(request)?,
        }
        Ok(())
    }

    fn step(&mut self) -> r2r::Result<()> {
        for event in self.world.advance(self.clock.now()) {
            self.tell(event);
        }
        let stamp = self.stamp()?;
        if let Some(scan) = self.world.poll_scan() {
            let stamp = stamp.clone();
            self.outlet.send(move |topics| topics.publish_scan(stamp, scan));
        }
        if self.ticks.is_multiple_of(FAST) {
            let (stamp, odometry) = (stamp.clone(), self.world.odometry());
            let command = self.world.drive_command();
            self.outlet.send(move |topics| {
                topics.publish_odometry(stamp.clone(), &odometry)?;
                topics.publish_drive_command(stamp, command)
            });
            if let Some(velocity) = self.world.docking_velocity() {
                self.outlet.send(move |topics| topics.publish_docking_velocity(velocity));
            }
        }
        if self.ticks.is_multiple_of(SLOW) {
            let (battery, temperature) = (self.world.battery(), self.world.motor_temperature());
            self.outlet.send(move |topics| {
                topics.publish_battery(stamp.clone(), &battery)?;
                topics.publish_temperature(stamp, temperature)
            });
        }
        self.ticks += 1;
        Ok(())
    }

    fn tell(&mut self, event: Event) {
        match event {
            Event::WatchdogStopped => {
                let timeout = self.config.drive.watchdog.unwrap_or_default();
                self.outlet.warn(format!("drive watchdog: no cmd_vel for {timeout:?}, stopping"));
            }
            Event::Touched => {
                self.outlet.warn("the robot touches something and stands".to_owned());
            }
            Event::Docking(outcome) => {
                self.outlet.send(|topics| topics.publish_docking_velocity(Velocity::ZERO));
                let (success, message) = match outcome {
                    Ok(Docked::Docked) => (true, "docked".to_owned()),
                    Ok(Docked::Undocked) => (true, "undocked".to_owned()),
                    Err(error) => (false, error.to_string()),
                };
                self.outlet.info(format!("docking manoeuvre ended: {message}"));
                if let Some(request) = self.docking.take() {
                    self.outlet.answer(request, Trigger::Response { success, message });
                }
            }
        }
    }

    fn emergency_stop(&mut self, active: bool) {
        // It comes again and again, as a heartbeat.
        if active != self.emergency_stopped {
            self.emergency_stopped = active;
            let state = if active { "active" } else { "released" };
            self.outlet.warn(format!("emergency stop {state}"));
        }
        if let Some(event) = self.world.emergency_stop(active) {
            self.tell(event);
        }
    }

    fn begin(
        &mut self,
        what: &str,
        started: Result<(), DockError>,
        request: ServiceRequest<Trigger::Service>,
    ) {
        match started {
            Ok(()) => {
                self.outlet.info(format!("{what} started: velocities go out on cmd_vel_dock"));
                self.docking = Some(request);
            }
            Err(error) => {
                self.outlet.warn(format!("{what} refused: {error}"));
                let message = error.to_string();
                self.outlet.answer(request, Trigger::Response { success: false, message });
            }
        }
    }

    fn parameters(&mut self, request: Request) -> r2r::Result<()> {
        let before = self.settings.clone();
        if let Err(error) = parameter_services::answer(request, &mut self.settings) {
            self.outlet.warn(format!("a service answer was not sent: {error}"));
        }
        let frequency = self.settings.scan_frequency;
        if frequency != before.scan_frequency {
            match self.world.set_scan_frequency(frequency) {
                Ok(()) => self.outlet.info(format!("the LiDAR turns at {frequency} Hz")),
                Err(error) => self.outlet.warn(error.to_string()),
            }
        }
        self.parameter_events.tell(self.stamp()?, &before, &self.settings)
    }

    fn stamp(&self) -> r2r::Result<Time> {
        let mut clock = self.ros_clock.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(topics::stamp(clock.get_now()?))
    }
}

fn subscribe(
    node: &mut Node,
    settings: &Settings,
) -> r2r::Result<SelectAll<LocalBoxStream<'static, Input>>> {
    let newest = QosProfile::default().keep_last(1);
    let latched = newest.clone().transient_local();
    let services = QosProfile::services_default();
    let drive = if settings.cmd_vel_stamped {
        let commands = node.subscribe::<TwistStamped>("cmd_vel", newest)?;
        commands.map(|it| Input::Drive(topics::velocity(&it.twist))).boxed_local()
    } else {
        let commands = node.subscribe::<Twist>("cmd_vel", newest)?;
        commands.map(|it| Input::Drive(topics::velocity(&it))).boxed_local()
    };
    let stops = node.subscribe::<std_msgs::msg::Bool>("emergency_stop", latched)?;
    Ok(select_all([
        drive,
        stops.map(|it| Input::EmergencyStop(it.data)).boxed_local(),
        node.create_service("dock", services.clone())?.map(Input::Dock).boxed_local(),
        node.create_service("undock", services.clone())?.map(Input::Undock).boxed_local(),
        node.create_service("start_motor", services.clone())?
            .map(|it| Input::Motor(true, it))
            .boxed_local(),
        node.create_service("stop_motor", services)?
            .map(|it| Input::Motor(false, it))
            .boxed_local(),
        parameter_services::offer(node)?.map(Input::Parameters).boxed_local(),
    ]))
}

/// 50 Hz and 1 Hz, in ticks.
const FAST: u64 = 2;
const SLOW: u64 = 100;
