//! What is refused, and how it is named.

use super::*;

fn check(change: impl Fn(&mut ZoneConfig), expected: &[&str]) {
    let mut config = config();
    change(&mut config);
    let errors: Vec<String> = config.check().iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
    assert_eq!(Zones::new(config).is_err(), !expected.is_empty());
}

fn points(list: &[[f64; 2]]) -> Vec<Point2<f64>> {
    list.iter().map(|[x, y]| Point2::new(*x, *y)).collect()
}

#[test]
fn the_shipped_values_are_accepted() {
    check(|_| (), &[]);
}

#[test]
fn numbers_out_of_range_are_named_with_value_and_range() {
    check(|config| config.margin = -0.1, &["margin is -0.1; it must be from 0 to 1"]);
    check(|config| config.margin = f64::NAN, &["margin is NaN; it must be from 0 to 1"]);
    check(|config| config.deceleration = 0.0, &["deceleration is 0; it must be from 0.05 to 10"]);
    check(|config| config.frozen_count = 1, &["frozen_count is 1; it must be from 2 to 1000"]);
    check(
        |config| config.escape_speed = 0.2,
        &["escape_speed is 0.2; it must be from 0.01 to 0.1"],
    );
    check(
        |config| config.scan_timeout = Duration::from_secs(2),
        &["scan_timeout is 2; it must be from 0.1 to 1"],
    );
    check(
        |config| config.zones[0].area = Area::Depth(0.0),
        &["depth of zone \"critical\" is 0; it must be from 0.02 to 20"],
    );
    check(
        |config| config.masked.push(Sector { from: 0.0, to: 7.0 }),
        &["masked[0] to is 7; it must be from -3.141592653589793 to 3.141592653589793"],
    );
    check(
        |config| config.base_from_laser = Isometry2::translation(11.0, 0.0),
        &["base_from_laser x is 11; it must be from -10 to 10"],
    );
    check(
        |config| config.frame_id = "".into(),
        &["frame_id is empty; it must be the LiDAR's frame"],
    );
}

#[test]
fn outlines_that_are_no_simple_polygon_are_refused() {
    let rows: [(&[[f64; 2]], &str); 8] = [
        (&[[1.0, 1.0], [-1.0, -1.0]], "has 2 vertices; 3 to 64 are accepted"),
        (
            &[[1.0, 1.0], [-1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]],
            "crosses itself between edges 1 and 3",
        ),
        // An edge that leads back on the one before.
        (
            &[[1.0, 1.0], [-1.0, 1.0], [0.5, 1.0], [0.0, -1.0]],
            "crosses itself between edges 0 and 1",
        ),
        // The same vertex twice.
        (
            &[[1.0, 1.0], [1.0, 1.0], [-1.0, 0.0], [0.0, -1.0]],
            "crosses itself between edges 0 and 1",
        ),
        // An outline that touches itself.
        (
            &[[1.0, 1.0], [-1.0, 1.0], [0.0, -1.0], [0.5, 1.0], [1.0, -1.0]],
            "crosses itself between edges 0 and 2",
        ),
        (
            &[[0.0, 0.0], [1.0, 0.0], [0.5, 1e-5]],
            "encloses 0.000005 m²; at least 0.0001 m² are accepted",
        ),
        (
            &[[0.0, 0.0], [f64::NAN, 0.0], [0.5, 1.0]],
            "has the vertex (NaN, 0); coordinates are finite and at most 100 m from the base",
        ),
        (
            &[[0.0, 0.0], [800.0, 0.0], [0.5, 1.0]],
            "has the vertex (800, 0); coordinates are finite and at most 100 m from the base",
        ),
    ];
    for (vertices, expected) in rows {
        check(|config| config.footprint = points(vertices), &[&format!("footprint {expected}")]);
        check(
            |config| config.zones[1].area = Area::Outline(points(vertices)),
            &[&format!("zone \"warning\" {expected}")],
        );
    }
}

#[test]
fn zones_are_one_to_eight_named_and_one_is_critical() {
    check(|config| config.zones.clear(), &["zones has 0 entries; 1 to 8 are accepted"]);
    check(
        |config| {
            for number in 0..6 {
                let zone = Zone { name: number.to_string().into(), ..config.zones[2].clone() };
                config.zones.push(zone);
            }
        },
        &["zones has 9 entries; 1 to 8 are accepted"],
    );
    check(
        |config| drop(config.zones.remove(0)),
        &["zones has no critical zone; at least one is required"],
    );
    check(
        |config| config.zones[1].name = "critical".into(),
        &["zones has the name \"critical\" twice, or empty; names are unique"],
    );
}

#[test]
fn a_footprint_somewhere_else_is_refused() {
    let away = points(&[[1.0, 1.0], [2.0, 1.0], [2.0, 2.0]]);
    check(
        |config| config.footprint = away.clone(),
        &["footprint does not contain the base frame's origin"],
    );
}
