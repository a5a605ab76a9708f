//! The rules, whatever happens in whatever order.

use proptest::prelude::*;

use super::*;

/// Anything that can happen to a gate.
#[derive(Debug, Clone)]
enum Happening {
    Tick,
    Gap(u64),
    Scans(bool),
    Drive(bool),
    Odometry(f64),
    Motion(u64, MotionKind, Option<f64>, Option<f64>),
    Dock(u64),
    DockVelocity(f64, f64),
    Stop,
    EmergencyStop(u64),
    Reset(u64),
    LinkLost(u64),
    Acquire(u64),
    Release(u64),
    Heard(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    let kind = prop_oneof![Just(MoveForward), Just(MoveBackward), Just(TurnLeft), Just(TurnRight)];
    let who = 1..4u64;
    prop_oneof![
        20 => Just(Happening::Tick),
        1 => (0..300u64).prop_map(Happening::Gap),
        1 => any::<bool>().prop_map(Happening::Scans),
        1 => any::<bool>().prop_map(Happening::Drive),
        2 => prop_oneof![Just(0.0), -1.0..1.0].prop_map(Happening::Odometry),
        6 => (who.clone(), kind, proptest::option::of(0.0..10.0), proptest::option::of(0.0..5.0))
            .prop_map(|(who, kind, speed, seconds)| Happening::Motion(who, kind, speed, seconds)),
        1 => who.clone().prop_map(Happening::Dock),
        2 => (any::<f64>(), any::<f64>()).prop_map(|(v, w)| Happening::DockVelocity(v, w)),
        1 => Just(Happening::Stop),
        1 => who.clone().prop_map(Happening::EmergencyStop),
        2 => who.clone().prop_map(Happening::Reset),
        1 => who.clone().prop_map(Happening::LinkLost),
        1 => who.clone().prop_map(Happening::Acquire),
        1 => who.clone().prop_map(Happening::Release),
        2 => who.prop_map(Happening::Heard),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever happens: within the limits, never growing faster than allowed, and zero while latched, blind,
    /// without a drive or without a driver.
    #[test]
    fn any_order_of_events_keeps_the_rules(
        happenings in proptest::collection::vec(happening(), 1..200),
    ) {
        let mut bench = Bench::new();
        let mut drive = true;
        let mut before = Velocity::default();
        let mut scanned = bench.now;
        for happening in happenings {
            match happening {
                Happening::Tick => {
                    let decision = bench.tick();
                    if bench.scans {
                        scanned = bench.now;
                    }
                    let Velocity { linear, angular } =
                        decision.velocity.map_or(Velocity::default(), |safe| safe.0);
                    prop_assert!(linear.abs() <= 1.0 && angular.abs() <= 1.0);
                    prop_assert!(linear.abs() <= before.linear.abs() + 0.5 * 0.02 + 1e-9);
                    prop_assert!(angular.abs() <= before.angular.abs() + 1.0 * 0.02 + 1e-9);
                    prop_assert!(linear * before.linear >= 0.0, "a reversal passes through zero");
                    before = Velocity { linear, angular };
                    if bench.gate.docking().is_some() {
                        prop_assert!(linear.abs() <= 0.1 + 1e-9);
                    }
                    if !before.is_zero() {
                        prop_assert!(bench.gate.latched().is_none());
                        prop_assert!(bench.now - scanned < Duration::from_millis(500));
                        prop_assert!(drive);
                        let holder = bench.gate.holder().map(|holder| holder.caller.connection);
                        prop_assert_eq!(holder, bench.gate.activity.driver());
                        prop_assert!(holder.is_some());
                    }
                    if bench.gate.latched().is_some() {
                        prop_assert!(decision.velocity.is_some_and(SafeVelocity::is_zero));
                    }
                }
                Happening::Gap(ms) => bench.now += Duration::from_millis(ms),
                Happening::Scans(on) => bench.scans = on,
                Happening::Drive(present) => {
                    drive = present;
                    bench.drive(present);
                }
                Happening::Odometry(linear) => bench.rolls(Velocity { linear, angular: 0.0 }),
                Happening::Motion(who, kind, speed, seconds) => {
                    let held_by_other = bench
                        .gate
                        .holder()
                        .is_some_and(|holder| holder.caller.connection != ConnectionId(who));
                    let accepted = bench.motion(who, kind, speed, seconds).is_ok();
                    prop_assert!(!(accepted && held_by_other));
                }
                Happening::Dock(who) => {
                    let ticket = bench.ticket(who);
                    let _ = bench.gate.begin_docking(&caller(who), ticket, operator(), bench.now);
                }
                Happening::DockVelocity(linear, angular) => {
                    bench.gate.dock_velocity(Velocity { linear, angular }, bench.now);
                }
                Happening::Acquire(who) => {
                    let ticket = bench.ticket(who);
                    let _ = bench.gate.acquire(&caller(who), ticket, operator(), bench.now);
                }
                Happening::Release(who) => {
                    let ticket = bench.ticket(who);
                    let _ = bench.gate.release(&caller(who), ticket, bench.now);
                }
                Happening::Heard(who) => bench.gate.heard(ConnectionId(who), bench.now),
                Happening::Stop => bench.stop(),
                Happening::EmergencyStop(who) => bench.emergency_stop(who),
                Happening::Reset(who) => drop(bench.reset(who)),
                Happening::LinkLost(who) => {
                    bench.gate.link_lost(ConnectionId(who), LinkLoss::Closed, bench.now);
                }
            }
        }
    }
}
