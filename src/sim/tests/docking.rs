use std::f64::consts::PI;

use super::*;

/// Relays docking velocities to the drive at 50 Hz, as the bridge does; how the manoeuvre ends, and after how long.
fn relay(world: &mut World) -> (Result<Docked, DockError>, f64) {
    let start = world.now();
    loop {
        if let Some(velocity) = world.docking_velocity() {
            world.command(velocity, world.now());
        }
        for event in world.advance(world.now() + seconds(0.02)) {
            if let Event::Docking(outcome) = event {
                world.command(Velocity::ZERO, world.now());
                world.advance(world.now() + seconds(0.5));
                return (outcome, (world.now() - start).as_secs_f64());
            }
        }
        assert!(world.now() - start < seconds(120.0), "docking neither succeeds nor fails");
    }
}

#[test]
fn docking_and_undocking_succeed() {
    let mut world = World::new(WorldConfig::default());
    assert_eq!(world.dock(), Ok(()));
    assert_eq!(world.dock(), Err(DockError::Busy));
    let (outcome, took) = relay(&mut world);
    assert_eq!(outcome, Ok(Docked::Docked));
    assert!((5.0..15.0).contains(&took), "{took} s");
    assert!(world.is_docked());
    assert_eq!((world.docking_velocity(), world.dock()), (None, Err(DockError::AlreadyDocked)));
    assert_eq!(world.undock(), Ok(()));
    assert_eq!(relay(&mut world).0, Ok(Docked::Undocked));
    let clear = world.base().translation.x + 1.0;
    assert!((0.68..0.75).contains(&clear), "{clear} m from the dock");
    assert_eq!(world.undock(), Err(DockError::NotDocked));
}

#[test]
fn docking_works_from_wherever_the_robot_stands() {
    let rows = [
        (0.6, 0.0, 0.0),
        (0.0, 0.1, 0.1),
        (0.0, -0.1, -0.15),
        (0.0, 0.0, PI),
        (1.5, 1.5, 2.0),
        (-0.5, 1.2, -2.0),
        (-0.4, -0.3, 1.0),
        (2.0, -2.0, -0.5),
    ];
    for (x, y, heading) in rows {
        let start = Isometry2::new(Vector2::new(x, y), heading);
        let mut world = World::new(WorldConfig { start, ..exact() });
        assert_eq!(world.dock(), Ok(()));
        assert_eq!(relay(&mut world).0, Ok(Docked::Docked), "from {start}");
        assert!(world.is_docked(), "from {start}");
    }
}

#[test]
fn docking_never_asks_for_more_than_its_speed() {
    let start = Isometry2::new(Vector2::new(1.5, 1.5), 2.0);
    let mut world = World::new(WorldConfig { start, ..exact() });
    assert_eq!(world.dock(), Ok(()));
    while let Some(velocity) = world.docking_velocity() {
        assert!(velocity.linear.abs() <= 0.1 && velocity.angular.abs() <= 0.4, "{velocity:?}");
        world.command(velocity, world.now());
        world.advance(world.now() + TICK);
    }
    assert!(world.is_docked());
}

#[test]
fn docking_alone_moves_nothing_and_gives_up() {
    let mut world = world();
    assert_eq!(world.dock(), Ok(()));
    let patience = exact().dock.patience;
    let events = world.advance(seconds(4.0));
    assert_eq!(events, [Event::Docking(Err(DockError::Blocked(patience)))]);
    assert_eq!((world.base(), world.docking_velocity()), (Isometry2::identity(), None));
}

#[test]
fn docking_fails_with_its_reason() {
    let mut config = exact();
    config.hall.add_rectangle(Isometry2::translation(-0.7, 0.0), Vector2::new(0.1, 0.1));
    let blocked = Err(DockError::Blocked(config.dock.patience));
    let mut failing = exact();
    failing.dock.fails = true;
    for (config, expected) in [(config, blocked), (failing, Err(DockError::NoContact))] {
        let mut world = World::new(config);
        assert_eq!(world.dock(), Ok(()));
        assert_eq!(relay(&mut world).0, expected);
        assert!(!world.is_docked());
    }
    let mut far = World::new(WorldConfig { start: Isometry2::translation(4.5, 0.0), ..exact() });
    assert_eq!(far.dock(), Err(DockError::TooFar { distance: 5.5, limit: 5.0 }));
}

#[test]
fn a_stop_or_a_cancel_ends_docking_and_nothing_resumes() {
    let mut world = world();
    assert_eq!(world.dock(), Ok(()));
    assert_eq!(world.cancel_docking(), Some(Event::Docking(Err(DockError::Cancelled))));
    assert_eq!(world.cancel_docking(), None);
    assert_eq!(world.dock(), Ok(()));
    assert_eq!(world.emergency_stop(true), Some(Event::Docking(Err(DockError::EmergencyStop))));
    assert_eq!(world.dock(), Err(DockError::EmergencyStop));
    assert_eq!(world.emergency_stop(false), None);
    assert_eq!(world.docking_velocity(), None);
}
