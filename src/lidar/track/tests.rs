use nalgebra::Matrix2;

use super::*;

const DT: f64 = 0.05;

/// Of something in the direction of x.
fn seen(x: f64) -> Sighting {
    let (middle, away) = (Point2::new(x, 0.0), Vector2::x());
    Sighting { middle, radius: 0.2, extent: 0.4, depth: 0.15, away }
}

/// Follows a thing that is seen where `at` says, with this share of it shifted, and looks after each scan.
fn follow(
    seconds: f64,
    at: impl Fn(f64) -> f64,
    shifted: f64,
    look: impl FnMut(f64, &Track),
) -> Track {
    watch(seconds, |now| seen(at(now)), shifted, look)
}

/// The same with all that is seen of it.
fn watch(
    seconds: f64,
    shown: impl Fn(f64) -> Sighting,
    shifted: f64,
    mut look: impl FnMut(f64, &Track),
) -> Track {
    let mut track = Track::new(&shown(0.0), 0.0);
    for scan in 1..=(seconds / DT).round() as u32 {
        let now = f64::from(scan) * DT;
        track.predict(DT);
        track.update(&shown(now), shifted, now);
        look(now, &track);
    }
    track
}

#[test]
fn position_and_velocity_of_what_moves_evenly_are_found() {
    let track = follow(3.0, |now| 1.0 + 1.2 * now, 1.0, |_, _| {});
    assert!((track.position.x - 4.6).abs() < 0.01, "{track:?}");
    assert!((track.velocity.x - 1.2).abs() < 0.01, "{track:?}");
    assert!(track.velocity.y.abs() < 1e-12);
}

/// The filter as textbooks have it, in matrices: `x = F x`, `P = F P F' + Q`, then the gain.
#[test]
fn it_is_the_kalman_filter_of_a_constant_velocity() {
    let (mut state, mut p) = (Vector2::new(1.0, 0.0), Matrix2::new(0.0064, 0.0, 0.0, 2.25));
    let mut track = Track::new(&seen(1.0), 0.0);
    let mut now = 0.0;
    for (scan, dt) in [0.05, 0.05, 0.3, 0.1, 0.05, 0.7, 0.05].into_iter().enumerate() {
        now += dt;
        let f = Matrix2::new(1.0, dt, 0.0, 1.0);
        let from_acceleration = Vector2::new(dt * dt / 2.0, dt);
        p = f * p * f.transpose() + from_acceleration * from_acceleration.transpose() * 9.0;
        state = f * state;
        track.predict(dt);
        let close = |track: &Track, state: Vector2<f64>, p: Matrix2<f64>| {
            let Covariance { position, velocity, both } = track.covariance;
            let pairs = [
                (track.position.x, state.x),
                (track.velocity.x, state.y),
                (position, p[(0, 0)]),
                (velocity, p[(1, 1)]),
                (both, p[(0, 1)]),
            ];
            for (found, expected) in pairs {
                assert!((found - expected).abs() < 1e-9, "scan {scan}: {track:?}, not {state}{p}");
            }
        };
        close(&track, state, p);
        let measured = 1.0 + 0.8 * now;
        let off = measured - state.x;
        let distance = track.gate(Point2::new(measured, 0.0)).unwrap();
        assert!((distance - off * off / (p[(0, 0)] + 0.0064)).abs() < 1e-9, "{distance}");
        // Every third sighting shows 10 cm more of it, and the next one less: a jump of the position by 5 cm.
        let extent = if scan % 3 == 1 { 0.5 } else { 0.4 };
        p[(0, 0)] += ((extent - track.extent) / 2.0).powi(2);
        let gain = p.column(0) / (p[(0, 0)] + 0.0064);
        state += gain * off;
        p = (Matrix2::identity() - gain * Vector2::new(1.0, 0.0).transpose()) * p;
        track.update(&Sighting { extent, ..seen(measured) }, 0.0, now);
        close(&track, state, p);
    }
}

#[test]
fn what_moves_is_dynamic_only_if_it_came_from_somewhere() {
    let mut since = None;
    follow(
        3.0,
        |now| now,
        1.0,
        |now, track| {
            if track.dynamic {
                since.get_or_insert(now);
            }
        },
    );
    assert!(since.is_some_and(|since| (0.15..0.4).contains(&since)), "{since:?}");
    assert!(!follow(3.0, |now| now, 0.15, |_, _| {}).dynamic);
    assert!(!follow(3.0, |now| 0.2 * now, 1.0, |_, _| {}).dynamic, "too slow");
    assert!(!follow(3.0, |now| 0.07 * (6.0 * now).sin(), 1.0, |_, _| {}).dynamic, "to and fro");
}

#[test]
fn what_stops_is_static_again() {
    let stop = |now: f64| now.min(2.0);
    let mut stood = None;
    follow(4.0, stop, 1.0, |now, track| {
        if now > 2.0 && !track.dynamic {
            stood.get_or_insert(now);
        }
    });
    assert!(stood.is_some_and(|stood| (2.4..3.0).contains(&stood)), "{stood:?}");
}

/// The highest speed of a thing at rest of which this is seen after a second.
fn speed_after(later: impl Fn(u32) -> Sighting) -> f64 {
    let shown = |now: f64| match (now / DT).round() as u32 {
        scan @ 20.. => later(scan),
        _ => seen(3.0),
    };
    let mut most: f64 = 0.0;
    watch(3.0, shown, 0.0, |_, track| most = most.max(track.velocity.norm()));
    most
}

#[test]
fn a_change_of_what_is_seen_of_a_thing_is_no_motion() {
    let moved = speed_after(|_| seen(3.1));
    assert!(moved > 0.25, "{moved}");
    // Its middle moves by as much in each of these.
    let check = |what: &str, later: &dyn Fn(u32) -> Sighting, most: f64| {
        let speed = speed_after(later);
        assert!(speed < most, "{what}: {speed}");
    };
    let long = |extent: f64| Sighting { extent, ..seen(3.1) };
    check("one end is seen from now on", &|_| long(0.6), 0.15);
    check("one end is not seen any more", &|_| long(0.2), 0.15);
    let deep = |more: f64| Sighting { depth: 0.15 + more, ..seen(3.0 + more) };
    check("it is taken for deeper", &|_| deep(0.1), 0.2);
    check("now and then", &|scan| deep(f64::from(scan % 2) / 10.0), 0.12);
}

#[test]
fn radius_and_depth_are_the_mean_of_the_first_sightings_and_then_of_about_five() {
    let mut track = Track::new(&Sighting { radius: 0.1, depth: 0.1, ..seen(0.0) }, 0.0);
    let mut show = |wide: f64, stamp: f64| {
        track.update(&Sighting { radius: wide, depth: wide, ..seen(0.0) }, 0.0, stamp);
        assert!((track.radius - track.depth).abs() < 1e-12);
        track.radius
    };
    let close = |value: f64, expected: f64| assert!((value - expected).abs() < 1e-12, "{value}");
    close(show(0.3, 0.05), 0.2);
    close(show(0.2, 0.10), 0.2);
    close(show(0.4, 0.15), 0.25);
    close(show(0.25, 0.20), 0.25);
    close(show(0.5, 0.25), 0.3);
    close(show(0.3, 0.30), 0.3);
    close(show(0.5, 0.35), 0.34);
}

#[test]
fn what_is_taken_for_deeper_has_its_middle_where_its_usual_depth_puts_it() {
    let mut track = Track::new(&seen(3.0), 0.0);
    // 10 cm deeper, and so is its middle. Of two sightings either counts half: 5 cm deeper, and the filter goes half of
    // the way there.
    track.update(&Sighting { depth: 0.25, ..seen(3.1) }, 0.0, DT);
    assert!((track.position.x - 3.025).abs() < 1e-12, "{track:?}");
}

#[test]
fn confidence_comes_with_sightings_and_goes_with_misses() {
    let mut track = Track::new(&seen(0.0), 0.0);
    assert!((0.29..0.31).contains(&track.confidence()));
    let mut before = track.confidence();
    for scan in 1..=10 {
        track.update(&seen(0.0), 0.0, f64::from(scan) * DT);
        assert!(track.confidence() >= before);
        before = track.confidence();
    }
    assert!(before > 0.99 && before < 1.0, "{before}");
    track.hide(0.25);
    assert!((0.99..before).contains(&track.confidence()));
    (0..3).for_each(|_| track.miss());
    assert!(track.confidence() < 0.5, "{}", track.confidence());
}

#[test]
fn what_is_not_seen_again_is_given_up() {
    let new = Track::new(&seen(0.0), 10.0);
    assert!(!new.is_gone(10.25) && new.is_gone(10.26));
    let mut known = follow(1.0, |_| 0.0, 0.0, |_, _| {});
    assert!(known.is_fresh(1.2) && !known.is_fresh(1.3));
    assert!(!known.is_gone(1.79) && known.is_gone(1.81));
    (0..6).for_each(|_| known.miss());
    assert!(known.is_gone(1.0), "it is seen not to be there");
}

#[test]
fn nothing_far_off_is_taken_for_the_same_thing() {
    let track = follow(1.0, |_| 0.0, 0.0, |_, _| {});
    assert_eq!(track.gate(Point2::origin()), Some(0.0));
    assert!(track.gate(Point2::new(0.2, 0.0)).is_some());
    assert!(track.gate(Point2::new(0.4, 0.0)).is_none());
    let mut lost = Track::new(&seen(0.0), 0.0);
    lost.predict(0.8);
    assert!(
        lost.gate(Point2::new(0.59, 0.0)).is_some() && lost.gate(Point2::new(0.61, 0.0)).is_none()
    );
}
