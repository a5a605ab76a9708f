//! How far a leg is seen, and whether the robot stands before what it sees.

use super::*;

#[test]
fn a_leg_is_seen_anywhere_up_to_one_metre() {
    let mut config = config();
    config.footprint = rectangle(0.1, 0.1);
    config.zones[0].area = Area::Depth(1.2);
    let mut random = Random(1);
    for degrees in [0.1, 0.225, 0.25, 0.33, 0.5, 0.72, 0.9, 1.0] {
        let step = f64::to_radians(degrees);
        for _ in 0..60 {
            let range = random.between(0.2, 1.0);
            let bearing = random.between(-PI, PI);
            let first = random.between(-PI, PI);
            let leg = [range * bearing.cos(), range * bearing.sin(), 0.035];
            // The full turn does not always end where it began.
            let lidar = Lidar {
                first,
                increment: step,
                count: (2.0 * PI / step) as usize + 1,
                background: 5.0,
            };
            let mut rig = Rig::new(config.clone(), lidar);
            rig.see(&[leg]);
            assert!(rig.occupied().contains(&"critical"), "{degrees} degrees, {leg:?}");
        }
    }
}

#[test]
fn sight_is_where_a_leg_is_just_recognised() {
    for (degrees, expected) in [(0.25, 5.35), (0.5, 2.67), (1.0, 1.337), (2.0, 0.669)] {
        let step = f64::to_radians(degrees);
        let sight = beams::sight(step);
        assert!((sight - expected).abs() < 0.01, "{degrees}: {sight}");
        // Up to there a leg has what it needs, however the beams fall.
        for part in 1..=200 {
            let range = sight * f64::from(part) / 200.0;
            if range > 0.06 {
                let on_it = (2.0 * (0.035 / range).asin() / step + 1e-9).floor() as u32;
                assert!(on_it >= beams::need(range, step), "{degrees} degrees, {range} m");
            }
        }
    }
    assert_eq!(beams::sight(PI), 0.0);
}

#[test]
fn the_speed_and_its_way_to_rest_are_each_others_inverse() {
    for deceleration in [0.05, 0.3, 1.0, 5.0] {
        for reaction in [0.15, 0.25, 0.7] {
            let stopping = body::Stopping { reaction, deceleration, margin: 0.1 };
            for step in 0..=300 {
                let speed = f64::from(step) * 0.01;
                let way = speed * reaction + speed * speed / 2.0 / deceleration + 0.1;
                assert!((stopping.distance(speed) - way).abs() < 1e-12);
                assert!((stopping.speed(way) - speed).abs() < 1e-9);
            }
            assert_eq!(stopping.speed(0.1), 0.0);
            assert_eq!(stopping.speed(-1.0), 0.0);
        }
    }
}

/// A robot that obeys, with the delays that are granted to it, drives at a leg. Returns what is left, m, in the base frame.
fn drive_at_a_leg(speed: f64, aside: f64, degrees: f64, seed: u64) -> f64 {
    let mut random = Random(seed);
    let count = (360.0 / degrees) as usize;
    let lidar = Lidar {
        first: random.between(-PI, PI),
        increment: degrees.to_radians(),
        count,
        background: 8.0,
    };
    let config = ZoneConfig { scan_period: Duration::from_millis(60), ..config() };
    let mut rig = Rig::new(config, lidar);
    let deceleration = rig.zones.config().deceleration;
    let clear = 1.1 + speed + speed * speed / 2.0 / deceleration;
    let (mut leg, mut actual) = (0.4 + random.between(clear, clear + 0.1), speed);
    let tick = 0.02;
    let period = 3; // 60 ms
    let mut commands = std::collections::VecDeque::from([speed; 5]); // 0.1 s on their way
    let start = rig.now;
    for turn in 0..1000 {
        rig.now = start + Duration::from_millis(20) * turn;
        if turn % period == 0 {
            let mut seen = lidar;
            seen.background += f64::from(turn) * 1e-4;
            let ranges = seen.cast(Isometry2::identity(), &[[leg, aside, 0.035]]);
            let time = rig.now.as_secs_f64();
            rig.zones.scan(&view(&seen, &ranges, time), rig.now);
        }
        let command = match rig.zones.verdict(moving(speed), Some(moving(actual)), rig.now) {
            Verdict::Stop(_) => 0.0,
            Verdict::Limit(limit) => speed.min(limit.linear),
            Verdict::Report(_) | Verdict::Clear => speed,
        };
        commands.push_back(command);
        let obeyed = commands.pop_front().unwrap();
        actual = if obeyed < actual { (actual - deceleration * tick).max(obeyed) } else { obeyed };
        leg -= actual * tick;
        if command == 0.0 && actual == 0.0 {
            break;
        }
    }
    leg - 0.035 - 0.4
}

fn moving(linear: f64) -> Velocity {
    Velocity { linear, angular: 0.0 }
}

#[test]
fn at_every_speed_the_robot_stands_before_a_leg() {
    for step in 1..=15 {
        let speed = f64::from(step) * 0.2;
        for (aside, degrees) in [(0.25, 0.5), (-0.29, 1.0)] {
            let left = drive_at_a_leg(speed, aside, degrees, u64::from(step as u32));
            assert!(left > 0.1, "{speed} m/s, {aside} m aside, {degrees} degrees: {left} m left");
        }
    }
}
