use super::*;
use crate::{
    safety::{DockingController, zone::Cause},
    sim::{TICK as WORLD_TICK, World, WorldConfig},
};

/// A robot of the pure simulation with the check in front of it, and what goes wrong on the way.
struct Bench {
    world: World,
    check: DriveCheck,
    now: Duration,
    conditions: Conditions,
    /// Commands arrive at the drive.
    obeys: bool,
    /// Odometry arrives at the check.
    odometry: bool,
    /// The factor that the odometry is wrong by.
    scale: f64,
    /// How much the robot turns on its way, by the odometry, rad/m.
    curve: f64,
    /// Time and velocity of what was published.
    published: Vec<(Duration, SafeVelocity)>,
}

fn gate_config() -> GateConfig {
    let seconds = Duration::from_secs;
    GateConfig {
        max_linear_speed: 1.0,
        max_angular_speed: 1.0,
        linear_acceleration: 0.5,
        angular_acceleration: 1.0,
        default_linear_speed: 0.2,
        default_angular_speed: 0.4,
        rest_speed: 0.01,
        command_hold: seconds(1),
        control_hold: seconds(5),
        deceleration: 1.0,
        odom_timeout: Duration::from_millis(500),
        docking_speed: 0.1,
        docking_timeout: seconds(45),
        docking_controller: DockingController::None,
        max_unattended_move: seconds(10),
        hardware_stop: false,
    }
}

impl Bench {
    fn new(config: GateConfig, watchdog: Option<f64>, noise: f64) -> Bench {
        let mut world =
            WorldConfig { odometry_noise: noise, people: Vec::new(), ..Default::default() };
        world.drive.watchdog = watchdog.map(Duration::from_secs_f64);
        Bench {
            world: World::new(world),
            check: DriveCheck::new(config, false),
            now: Duration::ZERO,
            conditions: Conditions {
                graph: Graph { drive_present: true, ..Graph::default() },
                hardware_stop: None,
                surroundings: Surroundings::Clear,
            },
            obeys: true,
            odometry: true,
            scale: 1.0,
            curve: 0.0,
            published: Vec::new(),
        }
    }

    /// A drive with a watchdog of this many seconds; 0: none.
    fn with(watchdog: f64) -> Bench {
        Bench::new(gate_config(), (watchdog > 0.0).then_some(watchdog), 0.0)
    }

    fn step(&mut self) {
        self.now += WORLD_TICK;
        self.world.advance(self.now);
        let even = self.now.as_millis().is_multiple_of(20);
        if even && self.odometry {
            let twist = self.world.odometry().twist;
            let linear = self.scale * twist.linear;
            let angular = twist.angular + self.curve * twist.linear;
            self.check.odometry(Velocity { linear, angular }, self.now);
        }
        if even {
            self.tick();
        }
    }

    fn tick(&mut self) {
        self.check.conditions(self.conditions);
        if let Some(velocity) = self.check.tick(self.now) {
            self.published.push((self.now, velocity));
            if self.obeys {
                let (linear, angular) = (velocity.linear(), velocity.angular());
                self.world.command(crate::sim::Velocity { linear, angular }, self.now);
            }
        }
    }

    fn run_for(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            self.step();
        }
    }

    fn held(&mut self, stop: zone::Stop) {
        self.conditions.surroundings = Surroundings::Stop(stop);
    }

    fn limited(&mut self, linear: f64) {
        let limit = zone::Limit { linear, angular: 1.0, cause: Cause::StopDistance };
        self.conditions.surroundings = Surroundings::Limit(limit);
    }

    fn begin(&mut self) {
        self.run_for(0.1);
        self.check.begin(self.now).unwrap();
    }

    /// Until the check is over.
    fn finish(&mut self) -> (Verdict, bool) {
        while self.check.verdict().is_none() {
            assert!(self.now < Duration::from_secs(20), "it never ends: {:?}", self.check);
            self.step();
        }
        let (verdict, at_rest) = self.check.verdict().unwrap();
        (verdict.clone(), at_rest)
    }

    /// The newest time at which something else than zero was published.
    fn driven_until(&self) -> Duration {
        self.published.iter().rev().find(|(_, velocity)| !velocity.is_zero()).unwrap().0
    }

    /// Runs a whole check on which something happens `at` s after its beginning.
    fn run(mut self, at: f64, happens: impl FnOnce(&mut Bench)) -> (Verdict, bool, Bench) {
        self.begin();
        self.run_for(at);
        happens(&mut self);
        let (verdict, at_rest) = self.finish();
        (verdict, at_rest, self)
    }
}

#[track_caller]
fn check(bench: Bench, expected: &str) -> Bench {
    check_after(bench, 0.0, |_| (), expected)
}

#[track_caller]
fn check_after(bench: Bench, at: f64, happens: impl FnOnce(&mut Bench), expected: &str) -> Bench {
    let (verdict, at_rest, bench) = bench.run(at, happens);
    let text = verdict.to_string();
    assert!(text.contains(expected), "{text}");
    assert_eq!(verdict.is_pass(), text.starts_with("PASS"), "{text}");
    assert!(at_rest || !bench.odometry, "it stands in the end: {text}");
    for (_, velocity) in &bench.published {
        assert!((0.0..=SPEED).contains(&velocity.linear()) && velocity.angular() == 0.0);
    }
    let way = bench.world.base().translation.x;
    assert!((0.0..FREE_WAY - MARGIN).contains(&way), "{text}: {way} m");
    let zeros = bench.published.iter().rev().take_while(|(_, velocity)| velocity.is_zero());
    assert!((25..=151).contains(&zeros.count()), "zero for 0.5 s to 3 s: {text}");
    bench
}

#[test]
fn a_watchdog_that_is_on_slow_or_off_is_told_apart_with_noise_too() {
    for noise in [0.0, 0.05, 0.1] {
        for (watchdog, expected) in [
            (0.2, "PASS"),
            (0.5, "PASS"),
            (0.6, "SLOW"),
            (1.5, "SLOW"),
            (2.5, "SLOW"),
            (2.85, "SLOW"), // stands at the end, and not yet for long enough
            (4.0, "OFF"),
            (0.0, "OFF"),
        ] {
            let timeout = (watchdog > 0.0).then_some(watchdog);
            let bench = check(Bench::new(gate_config(), timeout, noise), expected);
            if let Some((Verdict::Stopped { acted, .. }, _)) = bench.check.verdict() {
                assert!((acted.as_secs_f64() - watchdog).abs() < 0.04, "{watchdog} s: {acted:?}");
            }
            let way = bench.world.base().translation.x;
            let limit = if watchdog == 0.5 { 0.1 } else { 0.25 };
            assert!(way < limit, "{watchdog} s, noise {noise}: {way} m");
        }
    }
}

#[test]
fn the_time_is_that_of_the_watchdog_and_not_of_the_brakes() {
    for deceleration in [0.1, 0.3, 1.0, 5.0] {
        let mut world = WorldConfig::default();
        world.drive.linear.deceleration = deceleration;
        let mut bench = Bench::with(0.5);
        bench.world = World::new(world);
        let (verdict, _, _) = bench.run(0.0, |_| ());
        let Verdict::Stopped { acted, rest } = verdict else { panic!("{verdict}") };
        assert!((0.48..=0.53).contains(&acted.as_secs_f64()), "{deceleration} m/s²: {acted:?}");
        let expected = 0.5 + 0.04 / deceleration;
        assert!((rest.as_secs_f64() - expected).abs() < 0.03, "{deceleration} m/s²: {rest:?}");
    }
}

#[test]
fn the_silence_is_a_silence_and_ends_with_zero() {
    for watchdog in [0.5, 0.0] {
        let (_, _, bench) = Bench::with(watchdog).run(0.0, |_| ());
        let silent = bench.driven_until();
        let next = bench.published.iter().find(|(at, _)| *at > silent).unwrap();
        assert!(next.1.is_zero());
        let silence = next.0 - silent;
        let expected = if watchdog == 0.0 { 2.98..=3.02 } else { 0.8..=1.0 };
        assert!(expected.contains(&silence.as_secs_f64()), "{silence:?}");
    }
}

#[test]
fn it_drives_for_about_a_second_once_the_robot_moves() {
    let (_, _, bench) = Bench::with(0.5).run(0.0, |_| ());
    let driven = bench.driven_until() - bench.published[0].0;
    assert!((1.0..1.3).contains(&driven.as_secs_f64()), "{driven:?}");
    let top = bench.published.iter().map(|(_, velocity)| velocity.linear()).fold(0.0, f64::max);
    assert_eq!(top, SPEED);
}

#[test]
fn the_limits_of_the_configuration_hold() {
    let slow = GateConfig { max_linear_speed: 0.04, linear_acceleration: 0.01, ..gate_config() };
    let bench = check(Bench::new(slow, Some(0.5), 0.0), "PASS");
    let mut before = 0.0;
    for (_, velocity) in &bench.published {
        assert!(velocity.linear() <= 0.04 && velocity.linear() - before <= 0.0002 + 1e-12);
        before = velocity.linear();
    }
}

#[test]
fn a_drive_that_does_not_obey_is_not_driven_for_long() {
    let mut bench = Bench::with(0.5);
    bench.obeys = false;
    let bench = check(bench, "NO ANSWER");
    let driven = bench.driven_until() - bench.published[0].0;
    assert!((2.9..3.2).contains(&driven.as_secs_f64()), "{driven:?}");
}

#[test]
fn a_drive_that_stops_while_it_is_commanded_does_not_obey() {
    let stop = |bench: &mut Bench| _ = bench.world.emergency_stop(true);
    check_after(Bench::with(0.5), 0.3, stop, "NO ANSWER");
    check_after(Bench::with(0.5), 0.7, stop, "NO ANSWER");
}

#[test]
fn a_drive_that_is_seen_to_start_and_not_to_go_on_does_not_obey() {
    let patient = GateConfig { odom_timeout: Duration::from_secs(2), ..gate_config() };
    let bench = Bench::new(patient, Some(0.5), 0.0);
    check_after(bench, 0.3, |bench| bench.odometry = false, "NO ANSWER");
}

#[test]
fn a_gap_of_a_tenth_of_a_second_is_no_suspension() {
    let gap = |bench: &mut Bench| bench.now += Duration::from_millis(80);
    check_after(Bench::with(0.5), 0.6, gap, "PASS");
}

#[test]
fn whatever_goes_wrong_meanwhile_zero_follows_at_once() {
    type Happening = fn(&mut Bench);
    let rows: &[(Happening, &str, f64)] = &[
        (|bench| bench.odometry = false, "no fresh odometry", 0.53),
        (|bench| bench.conditions.graph.cmd_vel_shared = true, "publishes on cmd_vel", 0.03),
        (|bench| bench.conditions.graph.scan_shared = true, "publishes on scan", 0.03),
        (|bench| bench.conditions.graph.drive_present = false, "no drive", 0.03),
        (|bench| bench.conditions.hardware_stop = Some(HardwareStop::Pressed), "is pressed", 0.03),
        (|bench| bench.held(zone::Stop::ScanStale), "No fresh LiDAR scan", 0.03),
        (|bench| bench.held(zone::Stop::Zone(zone::ZoneId(0))), "too near", 0.03),
        (|bench| bench.scale = -1.0, "backwards", 0.03),
        (|bench| bench.scale = 4.0, "much faster", 0.03),
        (|bench| bench.curve = -5.0, "much faster", 0.03),
        (|bench| bench.now += Duration::from_millis(100), "too busy", 0.14),
        (
            |bench| {
                bench.check.interrupt(bench.now);
                bench.tick();
            },
            "interrupted",
            0.0,
        ),
    ];
    // Driving, and silent with a drive that goes on.
    for at in [0.6, 2.0] {
        for (happens, expected, within) in rows {
            let mut happened = Duration::ZERO;
            let note = |bench: &mut Bench| {
                happened = bench.now;
                happens(bench);
            };
            let bench = check_after(Bench::with(0.0), at, note, expected);
            let zero = bench.published.iter().find(|(_, velocity)| velocity.is_zero()).unwrap().0;
            let took = zero.saturating_sub(happened).as_secs_f64();
            assert!(took <= *within, "{expected}: {took} s");
            let after = bench.published.iter().skip_while(|(_, velocity)| !velocity.is_zero());
            assert!(after.into_iter().all(|(_, velocity)| velocity.is_zero()), "{expected}");
        }
    }
}

#[test]
fn a_robot_that_does_not_even_obey_zero_is_said_to_go_on() {
    let (verdict, at_rest, bench) = Bench::with(0.0).run(2.0, |bench| bench.obeys = false);
    assert_eq!((verdict, at_rest), (Verdict::Off, false));
    let zeros = bench.published.iter().filter(|(_, velocity)| velocity.is_zero());
    assert_eq!(zeros.count(), 150, "for 3 s");
}

#[test]
fn a_robot_that_uses_its_way_up_is_stopped() {
    // The odometry shows twice what was commanded, which is not yet much faster.
    let mut bench = Bench::with(0.0);
    bench.scale = 2.5;
    let bench = check(bench, "used up its free way");
    assert!(bench.check.way < FREE_WAY - MARGIN + 0.01);
}

#[test]
fn nothing_begins_unless_everything_is_safe() {
    type Change = fn(&mut Bench);
    let rows: &[(Change, &[&str])] = &[
        (|_| (), &[]),
        (|bench| bench.check.latched = true, &["latched"]),
        (|bench| bench.conditions.graph.cmd_vel_shared = true, &["publishes on cmd_vel"]),
        (|bench| bench.conditions.graph.scan_shared = true, &["publishes on scan"]),
        (|bench| bench.conditions.graph.drive_present = false, &["no drive"]),
        (|bench| bench.conditions.hardware_stop = Some(HardwareStop::Silent), &["is silent"]),
        (|bench| bench.held(zone::Stop::Frozen), &["same scan again"]),
        (|bench| bench.limited(0.049), &["too little room"]),
        (|bench| bench.limited(0.05), &[]),
        (|bench| bench.odometry = false, &["no fresh odometry"]),
        (|bench| bench.scale = f64::NAN, &["not at rest"]),
        (|bench| bench.check.config.rest_speed = 0.013, &["rest_speed"]),
        (
            |bench| {
                bench.check.latched = true;
                bench.conditions.graph.drive_present = false;
                bench.held(zone::Stop::NoOdometry);
                bench.odometry = false;
            },
            &["latched", "no drive", "no fresh odometry"],
        ),
    ];
    for (change, expected) in rows {
        let mut bench = Bench::with(0.5);
        change(&mut bench);
        bench.run_for(1.0);
        let found: Vec<_> =
            bench.check.hindrances(bench.now).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        assert!(found.iter().zip(*expected).all(|(found, text)| found.contains(text)), "{found:?}");
        assert_eq!(bench.check.begin(bench.now).is_ok(), expected.is_empty());
        bench.run_for(1.0);
        assert_eq!(bench.published.is_empty(), !expected.is_empty(), "{expected:?}");
    }
}

#[test]
fn the_odometry_is_passed_on_while_it_is_fresh() {
    let mut check = DriveCheck::new(gate_config(), false);
    let velocity = Velocity { linear: 0.05, angular: -0.1 };
    assert_eq!(check.actual(Duration::ZERO), None);
    check.odometry(velocity, Duration::ZERO);
    assert_eq!(check.actual(Duration::from_millis(499)), Some(velocity));
    assert_eq!(check.actual(Duration::from_millis(500)), None);
}

#[test]
fn a_robot_is_at_rest_below_the_speed_of_rest() {
    for (linear, angular, rests) in
        [(0.009, -0.009, true), (-0.01, 0.0, false), (0.0, 0.01, false), (0.01, 0.01, false)]
    {
        let mut check = DriveCheck::new(gate_config(), false);
        check.odometry(Velocity { linear, angular }, Duration::ZERO);
        let found = check.hindrances(Duration::ZERO);
        assert_eq!(!found.contains(&Hindrance::NotAtRest), rests, "{linear} {angular}");
    }
}

#[test]
fn a_robot_that_moves_already_is_not_driven() {
    for (linear, angular) in [(0.05, 0.0), (-0.05, 0.0), (0.0, 0.3)] {
        let mut bench = Bench::with(0.0);
        bench.world.command(crate::sim::Velocity { linear, angular }, Duration::ZERO);
        bench.run_for(0.5);
        assert_eq!(bench.check.begin(bench.now), Err(vec![Hindrance::NotAtRest]));
    }
}
