//! How a connection wants a stream: options of `subscribe`.

use super::{Encoding, Stream};

/// All of them, as they were asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How messages are written.
    pub encoding: Encoding,
    /// `lidar`: how many points a message has.
    pub points: Points,
    /// Messages a second, at most; `None`: as many as there are.
    pub rate: Option<f64>,
    /// Messages on their way without an acknowledgement, at most; `None`: none is waited for.
    pub in_flight: Option<usize>,
}

/// How many points a `lidar` message has at most. Bounds are powers of two, so that a thousand connections share a few forms
/// of a scan, each made once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points(u32);

/// A stream in one of the forms that are made of it; connections of one form share its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Which stream.
    pub stream: Stream,
    /// How it is written; binary for `lidar` alone.
    pub encoding: Encoding,
    /// How thin it is; all points but for `lidar`.
    pub points: Points,
}

impl Default for Options {
    fn default() -> Options {
        Options { encoding: Encoding::Json, points: Points::ALL, rate: None, in_flight: None }
    }
}

impl Points {
    /// As many as fit into a message.
    pub const ALL: Points = Points(u32::BITS - 1);

    /// The highest power of two that is not above `most`, at least 1.
    pub fn at_most(most: u32) -> Points {
        Points(most.max(1).ilog2().min(STEPS - 1))
    }

    /// The bound.
    pub fn most(self) -> usize {
        if self == Points::ALL { usize::MAX } else { 1 << self.0 }
    }

    fn steps() -> impl Iterator<Item = Points> {
        (0..STEPS).map(Points).chain([Points::ALL])
    }

    fn index(self) -> usize {
        self.0.min(STEPS) as usize
    }
}

impl Form {
    /// How many forms there are.
    pub const COUNT: usize = Stream::ALL.len() + Encoding::ALL.len() * (STEPS as usize + 1);

    /// Of a stream, with these options.
    pub fn of(stream: Stream, options: &Options) -> Form {
        match stream {
            Stream::Lidar => Form { stream, encoding: options.encoding, points: options.points },
            Stream::Telemetry | Stream::RobotStatus => Form::from(stream),
        }
    }

    /// Every form of every stream.
    pub fn all() -> impl Iterator<Item = Form> {
        [Stream::Telemetry, Stream::RobotStatus].map(Form::from).into_iter().chain(Form::of_lidar())
    }

    /// Every form of `lidar`.
    pub fn of_lidar() -> impl Iterator<Item = Form> {
        let written = |encoding: &Encoding| {
            let encoding = *encoding;
            Points::steps().map(move |points| Form { stream: Stream::Lidar, encoding, points })
        };
        Encoding::ALL.iter().flat_map(written)
    }

    /// A number below [`Form::COUNT`].
    pub fn index(self) -> usize {
        match self.stream {
            Stream::Telemetry | Stream::RobotStatus => self.stream.index(),
            Stream::Lidar => {
                let encoding = usize::from(self.encoding == Encoding::Binary);
                Stream::ALL.len() + encoding * (STEPS as usize + 1) + self.points.index()
            }
        }
    }
}

impl From<Stream> for Form {
    /// As it is without options.
    fn from(stream: Stream) -> Form {
        Form { stream, encoding: Encoding::Json, points: Points::ALL }
    }
}

/// Bounds from 1 to 32 768 points: more do not fit into a message.
const STEPS: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_down_to_powers_of_two() {
        let rows = [(1, 1), (2, 2), (3, 2), (100, 64), (720, 512), (1024, 1024), (100_000, 32_768)];
        for (asked, most) in rows {
            assert_eq!(Points::at_most(asked).most(), most, "{asked}");
        }
        assert_eq!(Points::at_most(0).most(), 1);
        assert_eq!(Points::ALL.most(), usize::MAX);
    }

    #[test]
    fn every_form_has_a_number_of_its_own() {
        let forms: Vec<_> = Form::of_lidar()
            .chain([Form::from(Stream::Telemetry), Form::from(Stream::RobotStatus)])
            .collect();
        let mut numbers: Vec<_> = forms.iter().map(|form| form.index()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), forms.len());
        assert!(numbers.iter().all(|number| *number < Form::COUNT));
        let thin = Options { points: Points::at_most(8), ..Options::default() };
        assert_eq!(Form::of(Stream::Telemetry, &thin), Form::from(Stream::Telemetry));
    }
}
