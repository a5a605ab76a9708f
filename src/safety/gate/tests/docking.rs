//! The Gate while somebody else steers.

use super::*;
use crate::safety::zone::{Stop, ZoneId};

#[test]
fn docking_passes_the_controllers_velocity_within_its_own_limit() {
    let mut bench = Bench::new();
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    assert_eq!(linear(bench.tick()), 0.0, "nothing asked yet");
    assert_eq!(bench.motion(1, MoveForward, None, None), Err(Refusal::Docking));
    let again = bench.ticket(1);
    let refused = bench.gate.begin_docking(&caller(1), again, operator(), bench.now);
    assert_eq!(refused, Err(Refusal::Docking));
    for _ in 0..50 {
        bench.gate.dock_velocity(Velocity { linear: -0.7, angular: f64::NAN }, bench.now);
        bench.tick();
    }
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (-0.1, Reason::Docking));
    assert_eq!(linear(bench.run(0.44)), -0.1);
    assert_eq!(linear(bench.tick()), 0.0, "the controller was silent for 0.5 s");
    assert!(bench.gate.docking_ended(ticket, bench.now));
    assert!(!bench.gate.docking_ended(ticket, bench.now), "once");
    bench.gate.dock_velocity(Velocity { linear: 0.1, angular: 0.0 }, bench.now);
    assert_eq!(linear(bench.tick()), 0.0, "no longer listened to");
}

#[test]
fn while_docking_no_point_of_the_robot_is_faster_than_the_docking_speed() {
    for (linear, angular) in [(0.0, 5.0), (0.1, 1.0), (-0.1, -0.3)] {
        let mut bench = docking();
        let mut decision = bench.tick();
        for _ in 0..100 {
            bench.gate.dock_velocity(Velocity { linear, angular }, bench.now);
            decision = bench.tick();
        }
        let velocity = decision.velocity.unwrap();
        // The corners of the robot are 0.5 m from its middle.
        let corner = (velocity.linear().abs() + 0.3 * velocity.angular().abs())
            .hypot(0.4 * velocity.angular());
        assert!((0.08..0.1 + 1e-9).contains(&corner), "{velocity:?}: {corner} m/s");
    }
}

#[test]
fn docking_begins_at_rest() {
    let mut bench = Bench::new();
    bench.odometry = false;
    bench.rolls(Velocity { linear: 0.5, angular: 0.0 });
    let ticket = bench.ticket(1);
    bench.gate.config.docking_controller = DockingController::Cancellable;
    let refused = bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now);
    assert_eq!(refused, Err(Refusal::NotAtRest), "who drives by itself cannot be held");
    bench.gate.config.docking_controller = DockingController::Velocities;
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    let back = Velocity { linear: -0.1, angular: 0.0 };
    for (rolls, expected) in [(0.5, 0.0), (0.0, -0.01), (0.02, -0.02)] {
        bench.rolls(Velocity { linear: rolls, angular: 0.0 });
        bench.gate.dock_velocity(back, bench.now);
        assert!((linear(bench.tick()) - expected).abs() < 1e-9, "{rolls}");
    }
}

#[test]
fn while_docking_nothing_is_escaped_from() {
    for linear in [0.05, -0.05] {
        let mut bench = docking();
        for _ in 0..10 {
            bench.gate.dock_velocity(Velocity { linear, angular: 0.0 }, bench.now);
            bench.tick();
        }
        assert_eq!(bench.gate.output.linear, linear);
        bench.ahead = Some(0.05);
        bench.run(0.04);
        let held = Reason::Held(Stop::Zone(ZoneId(0)));
        assert_eq!(bench.outcomes(), [Err(Refusal::Aborted(held))], "{linear}");
        assert!(bench.gate.output.is_zero(), "{linear}");
    }
}

/// A gate that docks for connection 1.
fn docking() -> Bench {
    let mut bench = Bench::new();
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    bench
}

#[test]
fn docking_ends_by_a_stop_a_lost_link_a_latch_or_its_time() {
    type End = fn(&mut Bench);
    let rows: [(End, Reason); 4] = [
        (|bench| bench.stop(), Reason::Stopped),
        (
            |bench| bench.gate.link_lost(ConnectionId(1), LinkLoss::Closed, bench.now),
            Reason::LinkClosed,
        ),
        (|bench| bench.emergency_stop(2), Reason::EmergencyStop),
        (
            |bench| {
                bench.run(45.0);
            },
            Reason::DockingTimeout,
        ),
    ];
    for (end, reason) in rows {
        let mut bench = Bench::new();
        let ticket = bench.ticket(1);
        bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
        bench.gate.dock_velocity(Velocity { linear: 0.1, angular: 0.0 }, bench.now);
        bench.run(0.2);
        end(&mut bench);
        assert_eq!(linear(bench.tick()), 0.0, "{reason}");
        assert_eq!(bench.outcomes(), [Err(Refusal::Aborted(reason))]);
        assert_eq!(bench.gate.docking(), None);
    }
}
