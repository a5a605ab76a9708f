//! `options` of a subscription: known values within their bounds.

use super::{
    Fault, cut, name,
    parameters::{Bounded, IN_FLIGHT, POINTS, RATE},
};
use crate::protocol::{
    Encoding, Options, Points, Stream,
    json::{Json, Object},
};

/// Reads them. Options that no version knows are ignored: a client may wish for more than there is.
pub(super) fn read(message: &Object, stream: Stream) -> Result<Options, Fault> {
    let options = match message.get("options") {
        None | Some(Json::Null) => return Ok(Options::default()),
        Some(Json::Object(options)) => options,
        Some(_) => return Err(Fault::parameter("Options must be an object")),
    };
    let points = whole(options, &POINTS)?;
    if points.is_some() && stream != Stream::Lidar {
        return Err(Fault::parameter("Max_points is for lidar only"));
    }
    Ok(Options {
        encoding: encoding(options, stream)?,
        points: points.map_or(Points::ALL, |points| Points::at_most(points as u32)),
        rate: RATE.read(options)?,
        in_flight: whole(options, &IN_FLIGHT)?.map(|frames| frames as usize),
    })
}

fn whole(options: &Object, bounds: &Bounded) -> Result<Option<f64>, Fault> {
    match bounds.read(options)? {
        Some(number) if number.fract() != 0.0 => Err(bounds.fault()),
        number => Ok(number),
    }
}

fn encoding(options: &Object, stream: Stream) -> Result<Encoding, Fault> {
    if !options.contains_key("encoding") {
        return Ok(Encoding::Json);
    }
    let name = name(options, "encoding");
    let offered = |known: &&Encoding| {
        known.as_str() == name && (**known == Encoding::Json || stream == Stream::Lidar)
    };
    Encoding::ALL
        .iter()
        .find(offered)
        .copied()
        .ok_or_else(|| Fault::parameter(format!("Invalid encoding: {}", cut(name))))
}
