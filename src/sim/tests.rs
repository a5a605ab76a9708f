use std::f64::consts::FRAC_PI_2;

use proptest::prelude::*;

use super::*;

mod docking;
mod scans;

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn velocity(linear: f64, angular: f64) -> Velocity {
    Velocity { linear, angular }
}

/// The default world without people, with perfect ranges.
fn exact() -> WorldConfig {
    let mut config = WorldConfig { people: Vec::new(), ..WorldConfig::default() };
    config.lidar.noise = 0.0;
    config.lidar.dropout = 0.0;
    config
}

fn world() -> World {
    World::new(exact())
}

/// Commands `velocity` at 50 Hz for a while.
fn drive(world: &mut World, velocity: Velocity, time: f64) -> Vec<Event> {
    let end = world.now() + seconds(time);
    let mut events = Vec::new();
    while world.now() < end {
        world.command(velocity, world.now());
        events.extend(world.advance(world.now() + seconds(0.02)));
    }
    events
}

#[test]
fn two_seconds_at_0_3_m_s_advance_0_6_m() {
    let mut world = World::new(WorldConfig::default());
    drive(&mut world, velocity(0.3, 0.0), 2.0);
    drive(&mut world, Velocity::ZERO, 1.0);
    let Odometry { pose, twist } = world.odometry();
    // 0.09 m are lost while it accelerates, and half of them come back while it decelerates.
    assert!((pose.translation.x - 0.555).abs() < 0.01, "{pose}");
    assert_eq!((pose, twist), (world.base(), Velocity::ZERO));
}

#[test]
fn a_turn_turns_on_the_spot() {
    let mut world = world();
    drive(&mut world, velocity(0.0, FRAC_PI_2), 1.0 + FRAC_PI_2 / 2.0);
    drive(&mut world, Velocity::ZERO, 1.0);
    assert!(world.base().translation.vector.norm() < 1e-9);
    assert!(world.base().rotation.angle() > 1.0, "{}", world.base());
}

#[test]
fn without_commands_the_robot_is_at_rest_by_watchdog_and_ramp() {
    let mut world = world();
    drive(&mut world, velocity(0.3, 0.0), 2.0);
    let last = world.now();
    let mut stopped = None;
    while world.odometry().twist != Velocity::ZERO {
        if world.advance(world.now() + TICK) == [Event::WatchdogStopped] {
            stopped = Some(world.now() - last);
        }
    }
    let stopped = stopped.unwrap_or_default();
    assert!((seconds(0.45)..seconds(0.55)).contains(&stopped), "{stopped:?}");
    assert!(world.now() - last <= seconds(0.55 + 0.3), "at rest after {:?}", world.now() - last);
    assert_eq!(world.drive_command(), Velocity::ZERO);
}

#[test]
fn with_the_watchdog_off_the_last_command_lasts() {
    let mut config = exact();
    config.drive.watchdog = None;
    let mut world = World::new(config);
    world.command(velocity(0.1, 0.0), Duration::ZERO);
    world.advance(seconds(10.0));
    assert_eq!(world.odometry().twist, velocity(0.1, 0.0));
}

#[test]
fn a_wall_stops_the_robot_which_can_turn_and_leave() {
    let mut world = world();
    let events = drive(&mut world, velocity(1.0, 0.0), 30.0);
    let gap = world.hall().clearance(world.base().translation.vector.into()) - exact().robot_radius;
    assert!((0.0..0.02).contains(&gap), "{gap}");
    assert_eq!(events, [Event::Touched]);
    drive(&mut world, velocity(0.5, 0.5), 2.0);
    assert!(world.base().rotation.angle() > 0.5);
    let before = world.base().translation.x;
    drive(&mut world, velocity(-0.5, 0.0), 2.0);
    assert!(world.base().translation.x < before - 0.2);
}

#[test]
fn a_standing_robot_is_never_run_over_and_people_keep_walking_elsewhere() {
    let mut config = WorldConfig { people: routes(), ..exact() };
    config.start = Isometry2::translation(6.0, 0.0);
    let mut world = World::new(config.clone());
    let mut moved = vec![0.0_f64; config.people.len()];
    let mut before: Vec<Disc> = world.people().collect();
    for tenth in 1..6000 {
        world.advance(seconds(tenth as f64 / 10.0));
        let now: Vec<Disc> = world.people().collect();
        for (i, (was, is)) in before.iter().zip(&now).enumerate() {
            moved[i] += (is.center - was.center).norm();
            let gap = is.distance(Point2::new(6.0, 0.0)) - config.robot_radius;
            assert!(gap >= 0.6, "person {i} came as near as {gap} m");
            assert!(world.hall().clearance(is.center) > is.radius, "person {i} walks into a wall");
        }
        before = now;
    }
    // The first one's way leads over the robot, and waits there.
    assert!(moved[0] < 5.0, "{moved:?}");
    assert!(moved[1..].iter().all(|metres| *metres > 100.0), "{moved:?}");
}

#[test]
fn three_metres_ahead_of_the_start_are_free_at_all_times() {
    let mut world = World::new(WorldConfig { people: routes(), ..exact() });
    for second in 1..600 {
        world.advance(seconds(second as f64));
        for tenth in 0..=30 {
            let spot = Point2::new(tenth as f64 / 10.0, 0.0);
            let room = world.people().map(|person| person.distance(spot));
            assert!(room.fold(world.hall().clearance(spot), f64::min) > 0.5, "{spot}");
        }
    }
}

#[test]
fn an_hour_of_random_commands_never_enters_anything_solid() {
    let mut world = World::new(WorldConfig { people: routes(), ..exact() });
    let mut random = random::Random::new(99, 0);
    let mut travelled = 0.0;
    while world.now() < seconds(3600.0) {
        let command = velocity(3.0 * random.uniform() - 1.2, 3.0 * random.uniform() - 1.5);
        for _ in 0..(random.uniform() * 150.0) as u32 {
            let before = world.base();
            drive(&mut world, command, 0.02);
            let center = world.base().translation.vector;
            travelled += (center - before.translation.vector).norm();
            let people = world.people().map(|person| person.distance(center.into()));
            let room = people.fold(world.hall().clearance(center.into()), f64::min);
            assert!(room > 0.35, "{} at {:?}", world.base(), world.now());
            assert!((-1.75..18.25).contains(&center.x) && center.y.abs() < 6.0, "{center}");
        }
    }
    assert!(travelled > 300.0, "{travelled} m are no test");
}

#[test]
fn an_emergency_stop_brings_the_robot_to_rest() {
    let mut world = world();
    drive(&mut world, velocity(0.5, 0.5), 2.0);
    world.emergency_stop(true);
    drive(&mut world, velocity(0.5, 0.5), 0.55);
    assert_eq!(world.odometry().twist, Velocity::ZERO);
    world.emergency_stop(false);
    world.advance(world.now() + seconds(1.0));
    assert_eq!(world.odometry().twist, Velocity::ZERO);
}

#[test]
fn the_battery_drains_on_the_way_and_charges_in_the_dock() {
    let start = WorldConfig::default().dock.pose;
    let mut docked = World::new(WorldConfig { start, ..exact() });
    docked.advance(seconds(60.0));
    assert!(docked.battery().charging && docked.battery().fraction > 0.9);
    let mut driving = world();
    drive(&mut driving, velocity(0.3, 0.0), 5.0);
    let battery = driving.battery();
    assert!(!battery.charging && battery.fraction < 0.9 && battery.current < 0.0, "{battery:?}");
    assert!(driving.motor_temperature() > 22.0);
}

#[test]
fn odometry_noise_makes_the_odometry_drift_but_not_the_robot() {
    let mut world = World::new(WorldConfig { odometry_noise: 0.1, ..exact() });
    drive(&mut world, velocity(0.3, 0.1), 5.0);
    let mut truth = World::new(exact());
    drive(&mut truth, velocity(0.3, 0.1), 5.0);
    assert_eq!(world.base(), truth.base());
    let drift = (world.odometry().pose.translation.vector - world.base().translation.vector).norm();
    assert!((0.0001..0.2).contains(&drift), "{drift}");
}

proptest! {
    #[test]
    fn no_command_breaks_the_acceleration_limits(
        commands in prop::collection::vec((-3.0..3.0, -3.0..3.0), 1..40)
    ) {
        let mut world = World::new(WorldConfig { hall: Hall::default(), ..exact() });
        let mut before = world.odometry().twist;
        for (linear, angular) in commands {
            for _ in 0..10 {
                world.command(velocity(linear, angular), world.now());
                if world.advance(world.now() + TICK).contains(&Event::Touched) {
                    return Ok(());
                }
                let after = world.odometry().twist;
                for (was, is, up, down) in [
                    (before.linear, after.linear, 0.5, 1.0),
                    (before.angular, after.angular, 1.0, 2.0),
                ] {
                    prop_assert!(is.abs() - was.abs() <= up * 0.01 + 1e-12);
                    prop_assert!(was.abs() - is.abs() <= down * 0.01 + 1e-12);
                }
                before = after;
            }
        }
    }
}
