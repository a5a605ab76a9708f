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
    assert_eq!(bench.gate.release(&caller(2), bench.now), Err(Refusal::NotYours));
    bench.gate.release(&caller(1), bench.now).unwrap();
    let decision = bench.tick();
    assert_eq!((linear(decision), decision.reason), (0.0, Reason::Released));
    assert_eq!(bench.gate.holder(), None);
}
