//! Commands that something else overtook.

use super::*;

#[test]
fn a_motion_that_another_replaces_before_it_began_is_answered() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    bench.motion(1, TurnLeft, 0.3, 2.0).unwrap();
    assert_eq!(bench.outcomes(), [Err(Refusal::Replaced)]);
    bench.tick();
    bench.outcomes();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
    assert!(bench.outcomes().is_empty(), "what had begun has succeeded");
}

#[test]
fn what_a_suspended_bridge_finds_in_its_sockets_is_void() {
    let mut bench = Bench::new();
    bench.emergency_stop(1);
    bench.now += Duration::from_millis(90);
    bench.tick();
    let ticket = bench.ticket(1);
    for _ in 0..10 {
        let void = Err(Refusal::Aborted(Reason::Suspended));
        assert_eq!(bench.reset(1), void);
        assert_eq!(bench.gate.acquire(&caller(1), ticket, operator(), bench.now), void);
        bench.tick();
    }
    bench.reset(1).unwrap();
    bench.gate.acquire(&caller(1), ticket, operator(), bench.now).unwrap();
    bench.motion(1, MoveForward, 0.3, 2.0).unwrap();
}

#[test]
fn a_gap_is_a_suspension_sooner_while_somebody_is_there() {
    for (dozes, gap, suspended) in [
        (false, 100, false),
        (false, 101, true),
        (true, 101, false),
        (true, 250, false),
        (true, 251, true),
    ] {
        let mut bench = Bench::new();
        if dozes {
            bench.gate.doze();
        }
        bench.now += Duration::from_millis(gap);
        bench.gate.tick(bench.now);
        let found = Err(Refusal::Aborted(Reason::Suspended));
        assert_eq!(bench.motion(1, MoveForward, 0.3, 2.0) == found, suspended, "{dozes} {gap}");
        // It was said of one gap.
        bench.now += Duration::from_millis(101);
        bench.gate.tick(bench.now);
        assert_eq!(bench.motion(1, MoveForward, 0.3, 2.0), found, "{dozes} {gap}");
    }
}

#[test]
fn whatever_ended_a_motion_zero_comes_before_the_next() {
    type End = fn(&mut Bench);
    let rows: [(&str, End); 3] = [
        ("no speed", |bench| bench.motion(1, MoveForward, 0.0, None).unwrap()),
        ("release", |bench| {
            let ticket = bench.ticket(1);
            bench.gate.release(&caller(1), ticket, bench.now).unwrap();
        }),
        ("left", |bench| bench.gate.link_lost(ConnectionId(1), LinkLoss::Left, bench.now)),
    ];
    for (name, end) in rows {
        let mut bench = Bench::new();
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        bench.run(1.0);
        end(&mut bench);
        bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
        assert_eq!(linear(bench.tick()), 0.0, "{name}");
        assert!(linear(bench.tick()) > 0.0, "{name}");
    }
}

#[test]
fn what_was_parsed_before_a_stop_or_a_mark_is_void_and_no_reset_gets_around_it() {
    let mut bench = Bench::new();
    let before = bench.ticket(1);
    bench.emergency_stop(2);
    let reset = bench.gate.reset(&caller(1), before, operator(), bench.now);
    assert_eq!(reset, Err(Refusal::Aborted(Reason::EmergencyStop)));
    bench.reset(1).unwrap();
    bench.gate.void_before(bench.sequence + 1);
    assert_eq!(bench.motion(1, MoveForward, None, None), Err(Refusal::Aborted(Reason::Stopped)));
    bench.sequence += 1;
    bench.motion(1, MoveForward, None, None).unwrap();
}
