//! Random scenes against geometry that is written a second time: slowly, plainly, and from the rules alone.

use proptest::prelude::*;

use super::*;

type Place = (f64, f64);

/// A scene: a robot with fields, and one scan of it.
#[derive(Debug)]
struct Scene {
    config: ZoneConfig,
    lidar: Lidar,
    ranges: Vec<f32>,
    wanted: Velocity,
}

/// A star around the origin is simple, and mostly not convex.
fn star(random: &mut Random, least: f64, most: f64) -> Vec<Point2<f64>> {
    let corners = 3 + random.below(4);
    let turn = random.between(0.0, 1.0);
    (0..corners)
        .map(|at| {
            let angle = (at as f64 + turn) / corners as f64 * 2.0 * PI;
            let radius = random.between(least, most);
            Point2::new(radius * angle.cos(), radius * angle.sin())
        })
        .collect()
}

/// A fine scan all around, without which nothing may move, or a coarse one of fewer beams.
fn scene(seed: u64, fine: bool) -> Scene {
    let mut random = Random(seed);
    let footprint = if random.one_in(2) {
        rectangle(random.between(0.3, 0.9), random.between(0.3, 0.7))
    } else {
        star(&mut random, 0.2, 0.5)
    };
    let mount = Vector2::new(random.between(-0.3, 0.3), random.between(-0.3, 0.3));
    let mount = Isometry2::new(mount, random.between(-PI, PI));
    let mut config = ZoneConfig::around(footprint, mount, "laser".into());
    for zone in &mut config.zones {
        if random.one_in(3) {
            zone.area = Area::Outline(star(&mut random, 0.3, 1.6));
        } else if random.one_in(3) {
            let (from, to) = (random.between(-PI, PI), random.between(-PI, PI));
            zone.area = Area::Part(random.between(0.1, 1.5), Sector { from, to });
        }
    }
    config.mask_footprint = !random.one_in(4);
    if random.one_in(4) {
        let (from, to) = (random.between(-PI, PI), random.between(-PI, PI));
        config.masked.push(Sector { from, to });
    }
    let means = [Means::Invalid, Means::NoReturn, Means::TooClose];
    (config.zero_means, config.neg_inf_means) = (means[random.below(3)], means[random.below(3)]);
    let (count, turn) = if fine {
        (240 + random.below(240), 2.0 * PI)
    } else {
        (24 + random.below(24), [random.between(0.5, 6.0), 2.0 * PI][random.below(2)])
    };
    let sign = if random.one_in(2) { 1.0 } else { -1.0 };
    let lidar = Lidar {
        first: random.between(-PI, PI),
        increment: sign * turn / count as f64,
        count,
        background: random.between(1.0, 6.0),
    };
    let discs: Vec<Disc> = (0..random.below(4))
        .map(|_| [random.between(-1.5, 1.5), random.between(-1.5, 1.5), random.between(0.02, 0.25)])
        .collect();
    let mut ranges = lidar.cast(mount, &discs);
    let codes = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, 0.03, 0.08, 25.0];
    let rarity = if fine { 20 } else { 2 } + random.below(40);
    for range in &mut ranges {
        *range += random.between(-0.02, 0.02) as f32;
        if random.one_in(rarity) {
            *range = codes[random.below(codes.len())];
        } else if random.one_in(rarity) {
            *range = random.between(0.1, 2.0) as f32;
        }
    }
    let wanted = match random.below(4) {
        0 => REST,
        1 => Velocity { linear: random.between(-1.5, 1.5), angular: 0.0 },
        2 => Velocity { linear: 0.0, angular: random.between(-1.5, 1.5) },
        _ => Velocity { linear: random.between(-1.5, 1.5), angular: random.between(-1.5, 1.5) },
    };
    Scene { config, lidar, ranges, wanted }
}

/// Winding number: the outline turns around what is inside.
fn inside(outline: &[Point2<f64>], (x, y): Place) -> bool {
    let mut turned = 0.0;
    for (at, one) in outline.iter().enumerate() {
        let other = outline[(at + 1) % outline.len()];
        let turn = (other.y - y).atan2(other.x - x) - (one.y - y).atan2(one.x - x);
        turned += if turn > PI {
            turn - 2.0 * PI
        } else if turn < -PI {
            turn + 2.0 * PI
        } else {
            turn
        };
    }
    f64::abs(turned) > PI
}

/// Whether a place lies between two directions, by the side of each on which it lies.
fn towards(Sector { from, to }: Sector, (x, y): Place) -> bool {
    let left_of = |angle: f64| angle.cos() * y - angle.sin() * x >= 0.0;
    let (past, before) = (left_of(from), !left_of(to));
    let wide = f64::sin(to - from) < 0.0;
    if wide { past || before } else { past && before }
}

/// By the foot of the perpendicular where it falls on an edge, else by the corners.
fn distance(outline: &[Point2<f64>], (x, y): Place) -> f64 {
    if inside(outline, (x, y)) {
        return 0.0;
    }
    let mut least = f64::MAX;
    for (at, one) in outline.iter().enumerate() {
        let other = outline[(at + 1) % outline.len()];
        least = least.min(f64::hypot(x - one.x, y - one.y));
        let (dx, dy) = (other.x - one.x, other.y - one.y);
        let length = f64::hypot(dx, dy);
        let along = ((x - one.x) * dx + (y - one.y) * dy) / length;
        if along > 0.0 && along < length {
            least = least.min(f64::abs((x - one.x) * dy - (y - one.y) * dx) / length);
        }
    }
    least
}

/// Beams that met something, by the table of classes: number, place, points needed.
fn things(scene: &Scene) -> Vec<(usize, Place, usize)> {
    let mount = scene.config.base_from_laser;
    let yaw = mount.rotation.angle();
    let (x, y) = (mount.translation.x, mount.translation.y);
    let means = |means| (means == Means::TooClose).then_some(0.1);
    let mut things = Vec::new();
    for (number, range) in scene.ranges.iter().enumerate() {
        let angle = scene.lidar.first + number as f64 * scene.lidar.increment;
        let range = match *range {
            0.0 => means(scene.config.zero_means),
            f32::NEG_INFINITY => means(scene.config.neg_inf_means),
            range if range > 0.05 && range <= 20.0 => Some(f64::from(range)),
            _ => None,
        };
        let masked = scene.config.masked.iter().any(|sector| {
            let wrapped = angle.sin().atan2(angle.cos());
            if sector.from <= sector.to {
                sector.from <= wrapped && wrapped <= sector.to
            } else {
                wrapped >= sector.from || wrapped <= sector.to
            }
        });
        let Some(range) = range.filter(|_| !masked) else { continue };
        let place = (x + range * (yaw + angle).cos(), y + range * (yaw + angle).sin());
        if scene.config.mask_footprint && inside(&scene.config.footprint, place) {
            continue;
        }
        let need = (0.02 / (range * scene.lidar.increment.abs())).floor().clamp(3.0, 8.0) as usize;
        things.push((number, place, need));
    }
    things
}

/// Whether `here` ends a chain of `length` among the points of the field; backwards, every way.
fn chained(
    points: &[(usize, Place, usize)],
    here: usize,
    length: usize,
    beams: Option<usize>,
) -> bool {
    length <= 1
        || (1..=3.min(points.len() - 1)).any(|back| {
            // The points are in order: what is within three beams is among the three before.
            let before = (here + points.len() - back) % points.len();
            let ((one, from, _), (other, to, _)) = (points[before], points[here]);
            let apart = match beams {
                Some(beams) => (other + beams - one) % beams,
                None => other.wrapping_sub(one),
            };
            (1..=3).contains(&apart)
                && f64::hypot(from.0 - to.0, from.1 - to.1) <= 0.15
                && chained(points, before, length - 1, beams)
        })
}

fn holds_a_thing(scene: &Scene, points: &[(usize, Place, usize)]) -> bool {
    let turn = scene.lidar.count as f64 * scene.lidar.increment.abs();
    let closed = turn > 2.0 * PI - 1.5 * scene.lidar.increment.abs();
    let beams = closed.then_some(scene.lidar.count);
    (0..points.len()).any(|here| chained(points, here, points[here].2, beams))
}

/// Where the robot's base is after `time`; the closed form of a unicycle.
fn pose(velocity: Velocity, time: f64) -> (f64, f64, f64) {
    let Velocity { linear, angular } = velocity;
    let turn = angular * time;
    if f64::abs(angular) < 1e-9 {
        return (linear * time, 0.0, 0.0);
    }
    let radius = linear / angular;
    (radius * turn.sin(), radius - radius * turn.cos(), turn)
}

/// Whether the body, moving for `time`, touches this place.
fn touched(outline: &[Point2<f64>], velocity: Velocity, time: f64, (x, y): Place) -> bool {
    (0..=40).any(|step| {
        let (px, py, yaw) = pose(velocity, time * f64::from(step) / 40.0);
        let (dx, dy) = (x - px, y - py);
        let seen = (dx * yaw.cos() + dy * yaw.sin(), dy * yaw.cos() - dx * yaw.sin());
        inside(outline, seen)
    })
}

fn top_speed(outline: &[Point2<f64>], velocity: Velocity) -> f64 {
    let speed = |point: &Point2<f64>| {
        f64::hypot(velocity.linear - velocity.angular * point.y, velocity.angular * point.x)
    };
    outline.iter().map(speed).fold(0.0, f64::max)
}

/// Holds the zones to the oracle in one scene; whether a motion was allowed in it.
fn check(seed: u64, motion: bool) -> bool {
    let scene = scene(seed, motion);
    let mut zones = Zones::new(scene.config.clone()).unwrap();
    let now = Duration::from_secs(10);
    zones.scan(&view(&scene.lidar, &scene.ranges, 10.0), now);
    let things = things(&scene);
    let footprint = &scene.config.footprint;
    let far: Vec<f64> = things.iter().map(|(_, place, _)| distance(footprint, *place)).collect();
    for (zone, watch) in scene.config.zones.iter().zip(&zones.watches) {
        let within = |(at, (_, place, _)): &(usize, &(usize, Place, usize))| match &zone.area {
            Area::Depth(depth) => far[*at] <= *depth,
            Area::Part(depth, sector) => far[*at] <= *depth && towards(*sector, *place),
            Area::Outline(outline) => inside(outline, *place),
        };
        let points: Vec<_> =
            things.iter().enumerate().filter(within).map(|(_, thing)| *thing).collect();
        let expected = holds_a_thing(&scene, &points);
        assert_eq!(watch.triggered, expected, "seed {seed}, zone {}", zone.name);
    }
    motion && check_motion(seed, &scene, &zones, &things, now)
}

/// What the zones let the robot do does not lead it into anything before it can stand.
fn check_motion(
    seed: u64,
    scene: &Scene,
    zones: &Zones,
    things: &[(usize, Place, usize)],
    now: Duration,
) -> bool {
    let verdict = zones.verdict(scene.wanted, Some(scene.wanted), now);
    let allowed = match verdict {
        Verdict::Stop(_) => return false,
        Verdict::Limit(limit) => limit.of(scene.wanted),
        Verdict::Report(_) | Verdict::Clear => scene.wanted,
    };
    let footprint = &scene.config.footprint;
    let speed = top_speed(footprint, allowed);
    if speed == 0.0 {
        return false;
    }
    // T = age + period + 0.1 s, and 1 m/s².
    let way = speed * 0.15 + speed * speed / 2.0;
    let hit =
        |place: Place| !inside(footprint, place) && touched(footprint, allowed, way / speed, place);
    let points: Vec<_> = things.iter().copied().filter(|(_, place, _)| hit(*place)).collect();
    assert!(
        !holds_a_thing(scene, &points),
        "seed {seed}: {allowed:?} by {verdict:?} runs into {points:?}"
    );
    true
}

/// So many scenes, with a motion in each of `share`. `OHT50_ZONE_SCENES` asks for more than a test run takes, and for a motion in each.
#[allow(clippy::disallowed_methods)] // the test asks its own environment
fn scenes() -> (u64, u64) {
    let asked = std::env::var("OHT50_ZONE_SCENES").ok().and_then(|scenes| scenes.parse().ok());
    asked.map_or((10_000, 40), |scenes: u64| (scenes / 2, 1))
}

/// So many scenes from `seed` on, with a motion in each of `share`.
fn run(seed: u64, scenes: u64, share: u64) {
    let moved = (0..scenes).filter(|scene| check(seed.wrapping_add(*scene), scene % share == 0));
    let moved = moved.count() as u64;
    assert!(moved > scenes / share / 20, "hardly anything was allowed to move: {moved}");
}

// In two halves, for two cores.
#[test]
fn no_violation_is_missed_and_none_invented_in_thousands_of_scenes() {
    let (scenes, share) = scenes();
    run(1, scenes, share);
}

#[test]
fn nor_in_as_many_more() {
    let (scenes, share) = scenes();
    run(1 + scenes, scenes, share);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_violation_is_missed_in_any_scene(seed: u64, fine: bool) {
        check(seed, fine);
    }
}
