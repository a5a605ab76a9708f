//! The rules, whatever happens in whatever order, against a model that knows nothing but the rules.
//!
//! `OHT50_GATE_CASES` asks for more cases than a test run takes; 10 000 are a million happenings.

use proptest::prelude::*;

use super::*;
use crate::{auth::Administrator, safety::surroundings::FieldSet};

/// Anything that can happen to a gate.
#[derive(Debug, Clone)]
enum Happening {
    Tick,
    Gap(u64),
    Scans(bool),
    Odometry(bool),
    Rolls(f64),
    Ahead(Option<f64>),
    Others(Graph),
    Audited(bool),
    Motion(u64, MotionRequest),
    /// A command that was read before the newest stop.
    Overtaken(u64),
    Dock(u64),
    DockVelocity(f64, f64),
    DockingEnds,
    Stop(u64),
    EmergencyStop(Option<u64>),
    Button(bool),
    Reset(Option<u64>),
    LinkLost(u64, LinkLoss),
    Acquire(u64),
    Release(u64),
    TakeOver(u64),
    Heard(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    use Happening as It;
    let who = || 1..4u64;
    let loss = proptest::sample::select(vec![
        LinkLoss::Left,
        LinkLoss::Closed,
        LinkLoss::Silent,
        LinkLoss::TokenExpired,
    ]);
    let graph = (proptest::bool::weighted(0.8), proptest::bool::weighted(0.2));
    let graph = (graph, proptest::bool::weighted(0.2));
    let graph = graph.prop_map(|((drive_present, cmd_vel_shared), scan_shared)| Graph {
        drive_present,
        cmd_vel_shared,
        scan_shared,
    });
    prop_oneof![
        30 => Just(It::Tick),
        1 => (0..300u64).prop_map(It::Gap),
        1 => any::<bool>().prop_map(It::Scans),
        1 => any::<bool>().prop_map(It::Odometry),
        1 => prop_oneof![Just(0.0), -1.0..1.0].prop_map(It::Rolls),
        2 => proptest::option::of(0.02..3.0).prop_map(It::Ahead),
        1 => graph.prop_map(It::Others),
        1 => proptest::bool::weighted(0.8).prop_map(It::Audited),
        8 => (who(), request()).prop_map(|(who, request)| It::Motion(who, request)),
        1 => who().prop_map(It::Overtaken),
        1 => who().prop_map(It::Dock),
        2 => (-0.2..0.2, -0.5..0.5).prop_map(|(v, w)| It::DockVelocity(v, w)),
        1 => (any::<f64>(), any::<f64>()).prop_map(|(v, w)| It::DockVelocity(v, w)),
        1 => Just(It::DockingEnds),
        1 => who().prop_map(It::Stop),
        1 => proptest::option::of(who()).prop_map(It::EmergencyStop),
        1 => proptest::bool::weighted(0.2).prop_map(It::Button),
        3 => proptest::option::of(who()).prop_map(It::Reset),
        1 => (who(), loss).prop_map(|(who, loss)| It::LinkLost(who, loss)),
        1 => who().prop_map(It::Acquire),
        1 => who().prop_map(It::Release),
        1 => who().prop_map(It::TakeOver),
        2 => who().prop_map(It::Heard),
    ]
}

fn request() -> impl Strategy<Value = MotionRequest> {
    let magnitude = || prop_oneof![Just(Speed::Default), (0.0..10.0).prop_map(Speed::Magnitude)];
    let kind = prop_oneof![Just(MoveForward), Just(MoveBackward), Just(TurnLeft), Just(TurnRight)];
    let velocity = (-10.0..10.0, -10.0..10.0)
        .prop_map(|(linear, angular)| Speed::Velocity(Velocity { linear, angular }));
    let drive = velocity.prop_map(|speed| (MotionKind::Drive, speed));
    let seconds = proptest::option::of(0.0..5.0);
    let what = prop_oneof![3 => (kind, magnitude()), 1 => drive];
    (what, seconds, any::<bool>()).prop_map(|((kind, speed), seconds, hold_to_run)| MotionRequest {
        kind,
        speed,
        duration: seconds.map(Duration::from_secs_f64),
        hold_to_run,
    })
}

/// What the rules say, and no more.
struct Model {
    latched: bool,
    /// The robot's own stop is pressed.
    pressed: bool,
    driver: Option<u64>,
    /// The next decision must be zero, whatever else came meanwhile.
    stopped: bool,
    before: Velocity,
    scanned: Duration,
    /// How far away something was in that scan.
    seen: Option<f64>,
}

impl Model {
    /// A motion of `who` was accepted.
    fn drives(&mut self, who: u64) -> Result<(), TestCaseError> {
        prop_assert!(!self.latched, "accepted while latched");
        prop_assert!(self.driver.is_none_or(|driver| driver == who), "two drivers");
        self.driver = Some(who);
        Ok(())
    }

    /// A decision came.
    fn decided(&mut self, bench: &Bench, decision: Decision) -> Result<(), TestCaseError> {
        let now = decision.velocity.map_or(Velocity::default(), |safe| safe.0);
        let Velocity { linear, angular } = now;
        prop_assert!(linear.abs() <= 1.0 && angular.abs() <= 1.0);
        prop_assert!(linear.abs() <= self.before.linear.abs() + 0.5 * 0.02 + 1e-9);
        prop_assert!(angular.abs() <= self.before.angular.abs() + 1.0 * 0.02 + 1e-9);
        prop_assert!(linear * self.before.linear >= 0.0, "a reversal passes through zero");
        prop_assert!(angular * self.before.angular >= 0.0, "a reversal passes through zero");
        self.before = now;
        let stopped = std::mem::take(&mut self.stopped);
        if self.latched || self.pressed {
            prop_assert!(bench.gate.latched().is_some());
            prop_assert!(decision.velocity.is_some_and(SafeVelocity::is_zero));
            prop_assert_eq!(decision.reason, Reason::EmergencyStop);
        }
        if now.is_zero() {
            return Ok(());
        }
        prop_assert!(!stopped, "a stop was not obeyed");
        prop_assert!(bench.now - self.scanned < Duration::from_millis(500), "blind");
        let Graph { drive_present, cmd_vel_shared, scan_shared } = bench.graph;
        prop_assert!(drive_present && !cmd_vel_shared && !scan_shared, "{:?}", bench.graph);
        let holder = bench.gate.holder().map(|holder| holder.caller.connection.0);
        prop_assert!(holder.is_some() && holder == self.driver, "uncontrolled");
        let driver = bench.gate.activity.driver();
        prop_assert_eq!(driver, holder.map(ConnectionId));
        let near = |depth: f64| self.seen.is_some_and(|distance| distance <= depth);
        if bench.gate.field_set() == FieldSet::Docking {
            prop_assert!(!bench.gate.docks_by_itself(), "two drive");
            // The corners are 0.4 m and 0.3 m from the middle.
            let corner = (linear.abs() + 0.3 * angular.abs()).hypot(0.4 * angular);
            prop_assert!(corner <= 0.1 + 1e-9, "{corner} m/s while docking");
            prop_assert!(!near(0.1), "docking on into something");
        } else if near(0.5) {
            let leaves = -0.1 - 1e-9..=0.0;
            prop_assert!(leaves.contains(&linear), "{linear} in a critical zone");
        } else if linear > 0.0
            && let Some(distance) = self.seen
        {
            // The way to rest: reaction of at least 0.15 s, 1 m/s², and the margin.
            let way = linear * 0.15 + linear * linear / 2.0 + 0.1;
            prop_assert!(way <= distance + 0.02, "{linear} m/s, {distance} m before something");
        }
        Ok(())
    }
}

fn administrator() -> Administrator {
    let principal = Principal {
        user_id: 1,
        username: "mai".into(),
        role: Role::Administrator,
        expires_at: Duration::MAX,
        pass: Default::default(),
    };
    principal.administrator().unwrap()
}

fn happens(
    bench: &mut Bench,
    model: &mut Model,
    happening: Happening,
) -> Result<(), TestCaseError> {
    let now = bench.now;
    match happening {
        Happening::Tick => {
            let button = !model.pressed;
            let scans = bench.scans && ((now + TICK).as_millis() / 20).is_multiple_of(2);
            bench.gate.hardware_stop(!button, now + TICK);
            let decision = bench.tick();
            if scans {
                (model.scanned, model.seen) = (bench.now, bench.ahead);
            }
            model.latched |= model.pressed;
            // A hold that ran out, or a suspension.
            if bench.gate.holder().is_none() {
                model.driver = None;
            }
            return model.decided(bench, decision);
        }
        Happening::Gap(ms) => bench.now += Duration::from_millis(ms),
        Happening::Scans(on) => bench.scans = on,
        Happening::Odometry(on) => bench.odometry = on,
        Happening::Rolls(linear) => bench.rolls(Velocity { linear, angular: 0.0 }),
        Happening::Ahead(distance) => bench.ahead = distance,
        Happening::Others(graph) => bench.graph = graph,
        Happening::Audited(writable) => bench.gate.audited(writable),
        Happening::Motion(who, request) => {
            let asked = config().asked(&request);
            let time = config().runs_for(&request);
            let moves = !(asked.is_zero() || time.is_zero());
            let ticket = bench.ticket(who);
            let accepted = bench.gate.command(&caller(who), ticket, operator(), request, now);
            if accepted.is_ok() && moves {
                model.drives(who)?;
            }
        }
        Happening::Overtaken(who) => {
            let ticket = bench.ticket(who);
            bench.stop_by(ConnectionId(who));
            model.stopped = true;
            if model.driver.is_some_and(|driver| driver != who) {
                model.driver = None;
            }
            let request = MotionRequest {
                kind: MoveForward,
                speed: Speed::Default,
                duration: None,
                hold_to_run: false,
            };
            let overtaken = bench.gate.command(&caller(who), ticket, operator(), request, now);
            prop_assert!(overtaken.is_err(), "older than a stop");
        }
        Happening::Dock(who) => {
            let ticket = bench.ticket(who);
            if bench.gate.begin_docking(&caller(who), ticket, operator(), now).is_ok() {
                model.drives(who)?;
            }
        }
        Happening::DockVelocity(linear, angular) => {
            bench.gate.dock_velocity(Velocity { linear, angular }, now);
        }
        Happening::DockingEnds => {
            if let Some(ticket) = bench.gate.docking() {
                prop_assert!(bench.gate.docking_ended(ticket, now));
                model.stopped |= !model.before.is_zero();
            }
        }
        Happening::Stop(who) => {
            bench.stop_by(ConnectionId(who));
            model.stopped = true;
            if model.driver.is_some_and(|driver| driver != who) {
                model.driver = None;
            }
        }
        Happening::EmergencyStop(who) => {
            bench.sequence += 1;
            let source = if who.is_some() { StopSource::Web } else { StopSource::Service };
            bench.gate.emergency_stop(source, who.map(caller), bench.sequence, now);
            (model.latched, model.stopped) = (true, true);
        }
        Happening::Button(pressed) => model.pressed = pressed,
        Happening::Reset(who) => {
            // What the bridge heard of the button last, it heard at the last tick.
            bench.gate.hardware_stop(model.pressed, now);
            let ticket = bench.ticket(who.unwrap_or_default());
            let released = match who {
                Some(who) => bench.gate.reset(&caller(who), ticket, operator(), now),
                None => bench.gate.reset_by_service(ticket.after, now).map(|_| ()),
            };
            if released.is_ok() {
                prop_assert!(!model.pressed, "released while the robot's own stop is pressed");
                prop_assert!(bench.gate.at_rest(now), "released while it moves");
                model.latched = false;
            }
        }
        Happening::LinkLost(who, loss) => {
            bench.gate.link_lost(ConnectionId(who), loss, now);
            if model.driver == Some(who) {
                model.driver = None;
                model.stopped |= !model.before.is_zero();
            }
        }
        Happening::Acquire(who) => {
            let ticket = bench.ticket(who);
            if bench.gate.acquire(&caller(who), ticket, operator(), now).is_ok() {
                prop_assert!(model.driver.is_none_or(|driver| driver == who), "two drivers");
                model.driver = Some(who);
            }
        }
        Happening::Release(who) => {
            let ticket = bench.ticket(who);
            if bench.gate.release(&caller(who), ticket, now).is_ok() {
                prop_assert_eq!(model.driver, Some(who));
                model.driver = None;
                model.stopped |= !model.before.is_zero();
            }
        }
        Happening::TakeOver(who) => {
            let ticket = bench.ticket(who);
            let proof = administrator();
            if bench.gate.take_over(&caller(who), ticket, proof, now).is_ok() {
                model.stopped |= model.driver != Some(who);
                model.driver = Some(who);
            }
        }
        Happening::Heard(who) => bench.gate.heard(ConnectionId(who), now),
    }
    let holder = bench.gate.holder().map(|holder| holder.caller.connection.0);
    prop_assert_eq!(holder, model.driver, "who drives");
    Ok(())
}

#[allow(clippy::disallowed_methods)] // the test asks its own environment
fn cases() -> u32 {
    std::env::var("OHT50_GATE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(128)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    /// Never two drivers; never other than zero while latched, blind or uncontrolled; never above the limits, nor growing
    /// faster than allowed; never towards what is near; every stop obeyed by the next decision.
    #[test]
    fn any_order_of_events_keeps_the_rules(
        happenings in proptest::collection::vec(happening(), 1..200),
        cancellable in proptest::bool::weighted(0.3),
    ) {
        let mut bench = Bench::new();
        bench.gate.config.hardware_stop = true;
        if cancellable {
            bench.gate.config.docking_controller = DockingController::Cancellable;
        }
        let mut model = Model {
            latched: false,
            pressed: false,
            driver: None,
            stopped: false,
            before: Velocity::default(),
            scanned: bench.now,
            seen: None,
        };
        for happening in happenings {
            happens(&mut bench, &mut model, happening)?;
        }
    }
}
