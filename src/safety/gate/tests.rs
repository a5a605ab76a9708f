//! The Gate against rows of single situations, and against any order of events.

use std::time::Duration;

use super::*;
use crate::{
    auth::{Principal, Role},
    safety::{
        LinkLoss, MotionKind, Speed, StopSource,
        facts::{Graph, Measured},
    },
};

mod any_order;
mod docking;
mod driving;
mod obedience;
mod overtaken;
mod robot;
mod surroundings;
mod view;

pub use robot::config;
use robot::{lidar, surroundings};

fn operator() -> Operator {
    let principal = Principal {
        user_id: 1,
        username: "lan".into(),
        role: Role::Operator,
        expires_at: Duration::MAX,
        pass: Default::default(),
    };
    principal.operator().unwrap()
}

fn caller(connection: u64) -> Caller {
    Caller {
        connection: ConnectionId(connection),
        user_id: connection,
        username: format!("user{connection}").into(),
    }
}

/// A gate on a robot whose LiDAR, odometry and drive work, with time that goes on in ticks.
struct Bench {
    gate: Gate,
    now: Duration,
    sequence: u64,
    tickets: u64,
    scans: bool,
    /// Odometry says what was commanded.
    odometry: bool,
    /// Something stands ahead of the robot, so far from its front, m.
    ahead: Option<f64>,
    graph: Graph,
}

impl Bench {
    fn new() -> Bench {
        let mut bench = Bench {
            gate: Gate::new(config(), surroundings(), None),
            now: Duration::from_secs(10),
            sequence: 0,
            tickets: 0,
            scans: true,
            odometry: true,
            ahead: None,
            graph: Graph { drive_present: true, ..Graph::default() },
        };
        bench.gate.audited(true);
        bench.run(0.1);
        bench.gate.take_events();
        bench
    }

    fn tick(&mut self) -> Decision {
        self.now += TICK;
        // Every other tick, which is often enough and costs half.
        if self.scans && (self.now.as_millis() / 20).is_multiple_of(2) {
            self.scan();
        }
        if self.odometry {
            self.rolls(self.gate.output);
        }
        self.gate.graph(self.graph);
        self.gate.tick(self.now)
    }

    fn scan(&mut self) {
        let ranges = lidar(self.ahead, self.now);
        self.gate.scan(&robot::view(&ranges, self.now), self.now);
    }

    fn rolls(&mut self, velocity: Velocity) {
        let Velocity { linear, angular } = velocity;
        self.gate.odometry(Measured { linear, lateral: 0.0, angular }, self.now);
    }

    fn drive(&mut self, present: bool) {
        self.graph.drive_present = present;
        self.gate.graph(self.graph);
    }

    fn run(&mut self, seconds: f64) -> Decision {
        let ticks = (seconds / TICK.as_secs_f64()).round() as usize;
        (0..ticks).map(|_| self.tick()).last().unwrap()
    }

    fn ticket(&mut self, connection: u64) -> Ticket {
        self.tickets += 1;
        Ticket { connection: ConnectionId(connection), number: self.tickets, after: self.sequence }
    }

    fn motion(
        &mut self,
        connection: u64,
        kind: MotionKind,
        speed: impl Into<Option<f64>>,
        seconds: impl Into<Option<f64>>,
    ) -> Result<(), Refusal> {
        let ticket = self.ticket(connection);
        let request = MotionRequest {
            kind,
            speed: speed.into().map_or(Speed::Default, Speed::Magnitude),
            duration: seconds.into().map(Duration::from_secs_f64),
            hold_to_run: false,
        };
        self.gate.command(&caller(connection), ticket, operator(), request, self.now)
    }

    /// By the driver, or by `caller(0)` if nobody drives.
    fn stop(&mut self) {
        let driver = self.gate.holder().map_or(ConnectionId(0), |holder| holder.caller.connection);
        self.stop_by(driver);
    }

    fn stop_by(&mut self, connection: ConnectionId) {
        self.sequence += 1;
        self.gate.stop(connection, self.sequence, self.now);
    }

    fn emergency_stop(&mut self, connection: u64) {
        self.sequence += 1;
        let by = Some(caller(connection));
        self.gate.emergency_stop(StopSource::Web, by, self.sequence, self.now);
    }

    fn reset(&mut self, connection: u64) -> Result<(), Refusal> {
        let ticket = self.ticket(connection);
        self.gate.reset(&caller(connection), ticket, operator(), self.now)
    }

    fn standing(&mut self) {
        self.rolls(Velocity::default());
    }

    fn outcomes(&mut self) -> Vec<Result<String, Refusal>> {
        self.gate.take_outcomes().into_iter().map(|outcome| outcome.result).collect()
    }
}

fn linear(decision: Decision) -> f64 {
    decision.velocity.map_or(f64::NAN, SafeVelocity::linear)
}

use MotionKind::{MoveBackward, MoveForward, TurnLeft, TurnRight};

#[test]
fn a_motion_grows_to_its_speed_and_ends_in_zeros_and_then_silence() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    let first = bench.tick();
    assert!((linear(first) - 0.01).abs() < 1e-9, "0.5 m/s2 for one tick: {first:?}");
    assert_eq!(bench.run(0.6).velocity.unwrap().linear(), 0.3);
    assert_eq!(bench.run(1.3).reason, Reason::Moving);
    let ended = bench.run(0.1);
    assert_eq!((linear(ended), ended.reason), (0.0, Reason::Finished));
    assert_eq!(linear(bench.run(0.46)), 0.0);
    assert_eq!(bench.tick(), Decision { velocity: None, reason: Reason::Idle, limit: None });
    assert!(bench.gate.take_events().contains(&SafetyEvent::MotionFinished(MoveForward)));
}

#[test]
fn each_motion_goes_its_way_at_its_default_speed() {
    let rows = [
        (MoveForward, 0.2, 0.0),
        (MoveBackward, -0.2, 0.0),
        (TurnLeft, 0.0, 0.4),
        (TurnRight, 0.0, -0.4),
    ];
    for (kind, linear, angular) in rows {
        let mut bench = Bench::new();
        bench.motion(1, kind, None, None).unwrap();
        let velocity = bench.run(0.8).velocity.unwrap();
        assert_eq!((velocity.linear(), velocity.angular()), (linear, angular), "{kind:?}");
        assert_eq!(bench.run(0.3).reason, Reason::Finished, "without a duration: command_hold");
    }
}

#[test]
fn a_speed_beyond_the_limit_is_limited_and_said() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 5.0, 10.0).unwrap();
    assert_eq!(linear(bench.run(4.0)), 1.0);
    assert_eq!(bench.tick().reason, Reason::Limited);
    let said = bench.outcomes().remove(0).unwrap();
    assert!(said.contains("limited from 5 m/s"), "{said}");
}

#[test]
fn success_is_said_after_the_first_velocity_other_than_zero() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    assert!(bench.outcomes().is_empty());
    bench.tick();
    assert!(bench.outcomes()[0].is_ok());
    bench.run(0.5);
    assert!(bench.outcomes().is_empty(), "once");
}

#[test]
fn a_motion_shorter_than_a_decision_is_carried_out_once() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 1e-3).unwrap();
    assert!(linear(bench.tick()) > 0.0);
    assert!(bench.outcomes()[0].is_ok());
    assert_eq!(bench.tick().reason, Reason::Finished);
}

#[test]
fn a_motion_that_a_stop_ends_before_it_began_has_not_succeeded() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    bench.stop();
    bench.tick();
    assert_eq!(bench.outcomes(), [Err(Refusal::Aborted(Reason::Stopped))]);
}

#[test]
fn no_speed_or_no_time_succeeds_moves_nothing_and_takes_no_control() {
    for (speed, seconds) in [(Some(0.0), None), (None, Some(0.0)), (Some(-0.0), Some(5.0))] {
        let mut bench = Bench::new();
        bench.motion(1, MoveForward, speed, seconds).unwrap();
        assert_eq!(bench.run(0.2).velocity, None);
        assert!(bench.outcomes()[0].is_ok());
        assert_eq!(bench.gate.holder(), None);
    }
}

#[test]
fn no_speed_while_driving_stops() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 10.0).unwrap();
    bench.run(1.0);
    bench.motion(1, MoveForward, 0.0, None).unwrap();
    assert_eq!(linear(bench.tick()), 0.0);
}

#[test]
fn one_drives_at_a_time_and_the_refusal_names_who() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    let refused = bench.motion(2, MoveBackward, 0.3, 2.0);
    assert_eq!(refused, Err(Refusal::NotInControl("user1".into())));
    assert_eq!(refused.unwrap_err().to_string(), "user1 is in control");
    bench.run(2.0 + 4.9);
    assert!(bench.motion(2, TurnLeft, None, None).is_err(), "control_hold after the motion");
    bench.run(0.2);
    bench.motion(2, TurnLeft, None, None).unwrap();
}

#[test]
fn a_stop_shortens_the_hold_of_a_long_motion() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 3600.0).unwrap();
    bench.run(1.0);
    bench.stop();
    bench.run(5.1);
    assert_eq!(bench.gate.holder(), None);
}

#[test]
fn a_lost_link_stops_at_once_and_frees_control_but_only_its_own() {
    for (loss, reason) in [
        (LinkLoss::Closed, Reason::LinkClosed),
        (LinkLoss::Silent, Reason::LinkSilent),
        (LinkLoss::TokenExpired, Reason::TokenExpired),
    ] {
        let mut bench = Bench::new();
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        bench.run(1.0);
        bench.gate.link_lost(ConnectionId(2), loss, bench.now);
        assert_eq!(linear(bench.tick()), 0.3);
        bench.gate.link_lost(ConnectionId(1), loss, bench.now);
        let decision = bench.tick();
        assert_eq!((linear(decision), decision.reason), (0.0, reason));
        assert_eq!(bench.gate.holder(), None);
    }
}

#[test]
fn commands_parsed_before_a_stop_are_void() {
    let mut bench = Bench::new();
    let ticket = bench.ticket(1);
    bench.stop();
    let request = MotionRequest {
        kind: MoveForward,
        speed: Speed::Default,
        duration: None,
        hold_to_run: false,
    };
    let refused = bench.gate.command(&caller(1), ticket, operator(), request, bench.now);
    assert_eq!(refused, Err(Refusal::Aborted(Reason::Stopped)));
    bench.motion(1, MoveForward, None, None).unwrap();
}

#[test]
fn stops_do_not_ramp_and_reversals_pass_through_zero() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 1.0, 10.0).unwrap();
    bench.run(3.0);
    bench.motion(1, MoveBackward, 0.5, 10.0).unwrap();
    assert_eq!(linear(bench.tick()), 0.0);
    assert!(linear(bench.tick()) < 0.0);
    bench.stop();
    assert_eq!(linear(bench.tick()), 0.0);
}

#[test]
fn a_lost_scan_stops_and_nothing_resumes_when_it_comes_back() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.scan();
    bench.scans = false;
    assert_eq!(linear(bench.run(0.48)), 0.3);
    let decision = bench.run(0.02);
    let stale = Reason::Held(Stop::ScanStale);
    assert_eq!((linear(decision), decision.reason), (0.0, stale));
    let refused = Err(Refusal::Held(Stop::ScanStale, None));
    assert_eq!(bench.motion(1, MoveForward, None, None), refused);
    bench.scans = true;
    assert_eq!(bench.run(1.0).velocity, None);
    let events = bench.gate.take_events();
    assert!(events.contains(&SafetyEvent::MotionAborted(MoveForward, stale, None)));
    let age = Some(Duration::from_millis(500));
    assert!(events.contains(&SafetyEvent::ScanLost(Stop::ScanStale, age)));
    assert!(events.contains(&SafetyEvent::ScanRestored));
}

#[test]
fn a_drive_that_is_gone_is_said_and_ends_the_motion() {
    let mut bench = Bench::new();
    bench.drive(false);
    assert_eq!(bench.motion(1, MoveForward, None, None), Err(Refusal::DriveAbsent));
    bench.drive(true);
    bench.motion(1, MoveForward, None, None).unwrap();
    bench.drive(false);
    assert_eq!(bench.tick().reason, Reason::DriveAbsent);
}

#[test]
fn what_cannot_be_put_on_record_does_not_begin_and_what_moves_goes_on_until_it_is_stopped() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.gate.audited(false);
    assert_eq!(bench.motion(1, TurnLeft, None, None), Err(Refusal::AuditUnavailable));
    assert_eq!(linear(bench.run(5.0)), 0.3);
    bench.motion(1, MoveForward, 0.0, None).unwrap();
    assert_eq!(linear(bench.tick()), 0.0, "who lets go of a joystick wants to stand");
    let ticket = bench.ticket(1);
    let docking = bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now);
    assert_eq!(docking, Err(Refusal::AuditUnavailable));
    bench.emergency_stop(1);
    assert!(bench.gate.latched().is_some());
    bench.standing();
    bench.reset(1).unwrap();
    bench.gate.audited(true);
    bench.motion(1, MoveForward, None, None).unwrap();
}

#[test]
fn a_bridge_that_did_not_run_aborts_and_takes_control_away() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.now += Duration::from_millis(80);
    assert_eq!(linear(bench.tick()), 0.3, "0.1 s is not yet too long");
    bench.now += Duration::from_millis(81);
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::Suspended));
    assert_eq!(bench.gate.holder(), None);
}

#[test]
fn an_emergency_stop_latches_repeats_zero_and_refuses_everything() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.emergency_stop(2);
    for _ in 0..200 {
        let decision = bench.tick();
        assert_eq!((linear(decision), decision.reason), (0.0, Reason::EmergencyStop));
    }
    assert_eq!(bench.motion(1, MoveForward, None, None), Err(Refusal::EmergencyStopActive));
    assert_eq!(bench.gate.latched().unwrap().reason, "Pressed by user2");
    bench.emergency_stop(3);
    assert_eq!(bench.gate.latched().unwrap().reason, "Pressed by user2", "the first one counts");
    let engaged = |event: &SafetyEvent| matches!(event, SafetyEvent::EmergencyStopEngaged(_));
    assert_eq!(bench.gate.take_events().iter().filter(|event| engaged(event)).count(), 1);
}

#[test]
fn a_reset_needs_a_robot_that_is_known_to_stand_and_never_moves_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.reset(1), Err(Refusal::NotLatched));
    bench.emergency_stop(1);
    bench.odometry = false;
    bench.run(0.6);
    assert_eq!(bench.reset(1), Err(Refusal::NotAtRest), "no odometry");
    bench.rolls(Velocity { linear: 0.05, angular: 0.0 });
    assert_eq!(bench.reset(1), Err(Refusal::NotAtRest));
    bench.standing();
    bench.now += Duration::from_millis(600);
    assert_eq!(bench.reset(1), Err(Refusal::NotAtRest), "odometry too old");
    bench.standing();
    bench.reset(1).unwrap();
    bench.odometry = true;
    assert_eq!(bench.run(1.0).velocity, None);
    bench.motion(1, MoveForward, None, None).unwrap();
}

#[test]
fn a_latch_from_before_the_restart_holds() {
    let stop = EmergencyStop {
        source: StopSource::Restored { unix: Duration::ZERO },
        by: None,
        since: Duration::ZERO,
        reason: "before".to_owned(),
    };
    let mut gate = Gate::new(config(), surroundings(), Some(stop));
    let decision = gate.tick(TICK);
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::EmergencyStop));
}

#[test]
fn shutting_down_says_zero_and_refuses() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    bench.gate.shut_down(bench.now);
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::ShuttingDown));
    assert_eq!(bench.motion(1, MoveForward, None, None), Err(Refusal::ShuttingDown));
}
