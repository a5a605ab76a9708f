//! Control of the robot, asked for and given back.

use super::*;

#[test]
fn asking_for_control_while_driving_does_not_shorten_it() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    let ticket = bench.ticket(1);
    bench.gate.acquire(&caller(1), ticket, operator(), bench.now).unwrap();
    for _ in 0..8 {
        bench.gate.heard(ConnectionId(1), bench.now);
        bench.run(1.0);
        assert!(bench.gate.holder().is_some());
    }
    assert_eq!(linear(bench.tick()), 0.3);
}

#[test]
fn control_that_is_given_back_stops_the_robot() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(1.0);
    let ticket = bench.ticket(2);
    assert_eq!(bench.gate.release(&caller(2), ticket, bench.now), Err(Refusal::NotYours));
    let ticket = bench.ticket(1);
    bench.gate.release(&caller(1), ticket, bench.now).unwrap();
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::Released));
    assert_eq!(bench.gate.holder(), None);
}

#[test]
fn after_a_stop_at_rest_zero_comes_before_the_next_motion() {
    let mut bench = Bench::new();
    bench.stop();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    assert_eq!(linear(bench.tick()), 0.0);
    assert!(linear(bench.tick()) > 0.0);
}

#[test]
fn who_was_stopped_by_somebody_else_does_not_take_over_either() {
    let principal = Principal {
        user_id: 1,
        username: "mai".into(),
        role: Role::Administrator,
        expires_at: Duration::MAX,
    };
    let proof = principal.administrator().unwrap();
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.stop_by(ConnectionId(2));
    let ticket = bench.ticket(1);
    let refused = bench.gate.take_over(&caller(1), ticket, proof, bench.now);
    assert_eq!(refused, Err(Refusal::StoppedByOther));
    bench.run(2.0);
    bench.gate.take_over(&caller(1), ticket, proof, bench.now).unwrap();
    assert!(bench.gate.holder().is_some());
}
