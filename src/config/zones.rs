//! Zones as they are written in one line each, and the two field sets that parameters make.

use std::f64::consts::PI;

use nalgebra::Point2;

use super::{ConfigError, Values, parameters::MAX_YAW};
use crate::{
    lidar::own::OwnBody,
    safety::{
        Surroundings, Velocity,
        zone::{Area, Kind, Means, Sector, Zone, ZoneConfig, ZoneError, Zones},
    },
};

/// `NAME: KIND DEPTH`, `NAME: KIND DEPTH FROM..TO`, or `NAME: KIND [[X, Y], ...]`; m and rad. Ranges are judged later.
pub(super) fn parse(text: &str) -> Option<Zone> {
    let (name, rest) = text.split_once(':')?;
    let (kind, area) = rest.trim().split_once(' ')?;
    let kind = match kind {
        "critical" => Kind::Critical,
        "warning" => Kind::Warning,
        "safe" => Kind::Safe,
        _ => return None,
    };
    Some(Zone { name: name.trim().into(), kind, area: parse_area(area.trim())? })
}

fn parse_area(text: &str) -> Option<Area> {
    if text.starts_with('[') {
        return Some(Area::Outline(parse_outline(text)?));
    }
    match text.split_once(' ') {
        None => Some(Area::Depth(number(text)?)),
        Some((depth, sector)) => {
            let (from, to) = sector.trim().split_once("..")?;
            let (from, to) = (angle(from)?, angle(to)?);
            Some(Area::Part(number(depth)?, Sector { from, to }))
        }
    }
}

/// `[[X, Y], [X, Y], ...]`
fn parse_outline(text: &str) -> Option<Vec<Point2<f64>>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?.trim();
    let inside = inside.strip_prefix('[')?.strip_suffix(']')?;
    let vertex = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        Some(Point2::new(number(x)?, number(y)?))
    };
    // Between two vertices stands `], [`, with or without the space.
    inside
        .split(']')
        .enumerate()
        .map(|(at, part)| {
            let next = || part.trim_start().strip_prefix(',')?.trim_start().strip_prefix('[');
            vertex(if at == 0 { part } else { next()? })
        })
        .collect()
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn angle(text: &str) -> Option<f64> {
    number(text).filter(|angle| angle.abs() <= MAX_YAW).map(within_half_a_turn)
}

/// What people write for pi may be a little more.
fn within_half_a_turn(angle: f64) -> f64 {
    angle.clamp(-PI, PI)
}

/// Both field sets, or everything that is wrong with them.
pub(super) fn surroundings(values: &Values<'_>) -> Result<Surroundings, Vec<ConfigError>> {
    let one = |error| vec![error];
    let driving = driving(values).map_err(one)?;
    let zones = values.zones("docking_zones").map_err(one)?;
    let docking = driving.docking(zones);
    let mut errors = Vec::new();
    let mut build = |parameter: &str, config| match Zones::new(config) {
        Ok(zones) => Some(zones),
        Err(wrong) => {
            errors.extend(wrong.into_iter().map(|error| named(parameter, &error)));
            None
        }
    };
    let sets = (build("zones", driving), build("docking_zones", docking));
    match sets {
        (Some(driving), Some(docking)) => Ok(Surroundings::new(driving, docking)),
        _ => {
            // What both sets have in common is wrong once.
            let mut distinct: Vec<ConfigError> = Vec::new();
            for error in errors {
                if !distinct.contains(&error) {
                    distinct.push(error);
                }
            }
            Err(distinct)
        }
    }
}

/// What the zones take for the robot itself.
pub(super) fn own_body(config: &ZoneConfig) -> OwnBody {
    let footprint = if config.mask_footprint { config.footprint.clone() } else { Vec::new() };
    let sectors = config.masked.iter().map(|sector| [sector.from, sector.to]).collect();
    OwnBody::new(footprint, sectors)
}

fn driving(values: &Values<'_>) -> Result<ZoneConfig, ConfigError> {
    let means = |name| {
        values.parse(name, |text| match text {
            "invalid" => Some(Means::Invalid),
            "no_return" => Some(Means::NoReturn),
            "too_close" => Some(Means::TooClose),
            _ => None,
        })
    };
    let pairs = |name| values.doubles(name).map(|numbers| numbers.as_chunks::<2>().0.to_vec());
    let footprint = pairs("footprint")?.into_iter().map(Point2::from).collect();
    let masked = pairs("self_mask")?
        .into_iter()
        .map(|[from, to]| Sector { from: within_half_a_turn(from), to: within_half_a_turn(to) })
        .collect();
    Ok(ZoneConfig {
        footprint,
        base_from_laser: values.pose("base_from_laser")?,
        frame_id: values.text("laser_frame")?.into(),
        zones: values.zones("zones")?,
        warning_limit: Velocity {
            linear: values.double("warning_linear_speed")?,
            angular: values.double("warning_angular_speed")?,
        },
        escape_speed: values.double("escape_speed")?,
        allow_escape: values.flag("allow_escape")?,
        follow_speed: true,
        margin: values.double("stop_margin")?,
        deceleration: values.double("deceleration")?,
        scan_period: values.period("scan_frequency_nominal")?,
        critical_release: values.seconds("critical_release")?,
        warning_release: values.seconds("warning_release")?,
        hysteresis: values.double("zone_hysteresis")?,
        zero_means: means("zero_means")?,
        neg_inf_means: means("neg_inf_means")?,
        masked,
        mask_footprint: values.flag("mask_footprint")?,
        blackout: values.double("scan_blackout")?,
        min_hit_share: values.double("scan_min_hit_share")?,
        frozen_count: values.count("scan_frozen_count")?,
        scan_timeout: values.seconds("scan_timeout")?,
        stamp_ahead: values.seconds("scan_stamp_ahead")?,
    })
}

/// The parameter that an error is about; `zones`: the one that holds the set's zones.
fn named(zones: &str, error: &ZoneError) -> ConfigError {
    let parameter = match error {
        ZoneError::Polygon { name, .. } if name == "footprint" => "footprint",
        ZoneError::FootprintElsewhere => "footprint",
        ZoneError::Range { name, .. } if name.starts_with("masked") => "self_mask",
        ZoneError::Range { name, .. } if name.starts_with("base_from_laser") => "base_from_laser",
        _ => zones,
    };
    let problem = error.to_string();
    let problem = ["footprint ", "zones "].iter().find_map(|name| problem.strip_prefix(name));
    ConfigError::new(parameter, problem.map_or_else(|| error.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, Kind, Area)>) {
        let expected = expected.map(|(name, kind, area)| Zone { name: name.into(), kind, area });
        assert_eq!(parse(text), expected, "{text:?}");
    }

    #[test]
    fn a_zone_is_a_depth_a_part_of_one_or_a_polygon() {
        check("near: critical 0.5", Some(("near", Kind::Critical, Area::Depth(0.5))));
        check(" left side :  safe  2 ", Some(("left side", Kind::Safe, Area::Depth(2.0))));
        let part = Area::Part(0.1, Sector { from: -2.1, to: 2.1 });
        check("sides: critical 0.1 -2.1..2.1", Some(("sides", Kind::Critical, part)));
        let corner = |x, y| Point2::new(x, y);
        let outline = vec![corner(0.5, -0.3), corner(1.0, -0.3), corner(1.0, 0.3)];
        for text in [
            "door: warning [[0.5, -0.3], [1.0, -0.3], [1.0, 0.3]]",
            "door: warning [[0.5,-0.3],[1,-0.3],[1,0.3]]",
            "door: warning [ [0.5 , -0.3] , [1.0, -0.3], [1.0, 0.3] ]",
        ] {
            check(text, Some(("door", Kind::Warning, Area::Outline(outline.clone()))));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "near",
            "near critical 0.5",
            "near: 0.5",
            "near: fatal 0.5",
            "near: critical",
            "near: critical x",
            "near: critical nan",
            "near: critical inf",
            "near: critical 0.5 1",
            "near: critical 0.5 1..",
            "near: critical 0.5 1..4",
            "near: critical [",
            "near: critical []",
            "near: critical [[]]",
            "near: critical [[1, 2]",
            "near: critical [[1, 2] [3, 4]]",
            "near: critical [[1, 2], 3, 4]",
            "near: critical [[1, 2, 3]]",
            "near: critical [[1, 2], [3, 4],]",
            "near: critical 0.5 m",
        ] {
            check(text, None);
        }
    }
}
