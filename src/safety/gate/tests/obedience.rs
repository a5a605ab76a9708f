//! A robot that does not stop when it is told to, and a controller that drives by itself.

use super::*;

/// Whether the robot that rolls on with this speed at each tick after a stop from `speed` counts as disobedient.
fn check(speed: f64, rolls: impl Fn(u32) -> Option<f64>, expected: bool) {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, speed, 60.0).unwrap();
    bench.run(3.0);
    bench.stop();
    bench.odometry = false;
    for tick in 0..200 {
        if let Some(linear) = rolls(tick) {
            bench.rolls(Velocity { linear, angular: 0.0 });
        }
        bench.tick();
    }
    let source = bench.gate.latched().map(|stop| stop.source);
    assert_eq!(source, expected.then_some(StopSource::Disobeyed));
}

/// From 1 m/s with 1 m/s² after 0.05 s.
fn brakes(tick: u32) -> f64 {
    (1.0 - 0.02 * f64::from(tick) + 0.05).clamp(0.0, 1.0)
}

#[test]
fn a_robot_that_moves_on_after_zero_is_out_of_control() {
    check(0.3, |_| Some(0.0), false);
    check(0.3, |_| Some(0.05), true);
    check(0.3, |tick| (!(25..60).contains(&tick)).then_some(0.3), true);
}

#[test]
fn a_robot_that_brakes_from_full_speed_has_its_time_also_when_its_odometry_is_slow() {
    check(1.0, |tick| Some(brakes(tick)), false);
    for phase in 0..20 {
        check(1.0, |tick| (tick % 20 == phase).then(|| brakes(tick)), false);
    }
}

#[test]
fn one_message_that_says_otherwise_proves_nothing() {
    check(0.3, |tick| Some(if tick == 80 { 0.02 } else { 0.0 }), false);
}

#[test]
fn a_latch_that_was_there_keeps_its_cause_and_people_are_told_all_the_same() {
    let mut bench = Bench::new();
    bench.motion(1, MoveForward, 0.3, 60.0).unwrap();
    bench.run(2.0);
    bench.emergency_stop(2);
    bench.odometry = false;
    for _ in 0..100 {
        bench.rolls(Velocity { linear: 0.3, angular: 0.0 });
        bench.tick();
    }
    assert_eq!(bench.gate.latched().unwrap().source, StopSource::Web);
    let disobeyed = |event: &SafetyEvent| matches!(event, SafetyEvent::EmergencyStopEngaged(stop) if stop.source == StopSource::Disobeyed);
    assert_eq!(bench.gate.take_events().iter().filter(|event| disobeyed(event)).count(), 1);
}

/// Docks by a controller that drives by itself, half a second after a motion.
fn docks_by_itself() -> Bench {
    let mut bench = Bench::new();
    bench.gate.config.docking_controller = DockingController::Cancellable;
    bench.motion(1, MoveForward, 0.2, 60.0).unwrap();
    bench.run(1.0);
    bench.stop();
    bench.run(0.4);
    let ticket = bench.ticket(1);
    bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now).unwrap();
    bench.odometry = false;
    bench
}

impl Bench {
    /// So many ticks in which the robot moves at 0.1 m/s.
    fn creeps(&mut self, ticks: usize) -> Decision {
        let creep = |bench: &mut Bench| {
            bench.rolls(Velocity { linear: 0.1, angular: 0.0 });
            bench.gate.dock_velocity(Velocity { linear: 0.1, angular: 0.0 }, bench.now);
            bench.tick()
        };
        (0..ticks).map(|_| creep(self)).last().unwrap()
    }
}

#[test]
fn a_controller_that_docks_by_itself_drives_and_the_gate_says_nothing() {
    let mut bench = docks_by_itself();
    bench.graph.cmd_vel_shared = true;
    assert_eq!(bench.creeps(1).velocity, None);
    assert_eq!(bench.creeps(200).velocity, None);
    assert_eq!(bench.gate.latched(), None, "what moves is the controller's doing");
    bench.graph.cmd_vel_shared = false;
    bench.stop();
    assert_eq!(linear(bench.tick()), 0.0, "and zero when it is stopped");
}

#[test]
fn one_that_is_called_back_and_drives_on_latches() {
    let mut bench = docks_by_itself();
    bench.creeps(50);
    bench.stop();
    bench.creeps(90);
    assert_eq!(bench.gate.latched(), None);
    bench.creeps(40);
    assert_eq!(bench.gate.latched().unwrap().source, StopSource::Disobeyed);
}

#[test]
fn a_robot_without_docking_controller_does_not_dock() {
    let mut bench = Bench::new();
    bench.gate.config.docking_controller = DockingController::None;
    let ticket = bench.ticket(1);
    let refused = bench.gate.begin_docking(&caller(1), ticket, operator(), bench.now);
    assert_eq!(refused, Err(Refusal::NoDocking));
}
