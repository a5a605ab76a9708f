//! What one connection counts by itself, so that a frame costs an addition and no more.

use crate::{
    hub::Frame,
    protocol::{Encoding, Stream},
    telemetry::metrics::Metrics,
};

/// Since it was handed over last.
#[derive(Debug, Default)]
pub struct Tally {
    bytes: u64,
    /// By stream, and what is no stream's; text and binary.
    sent: [[u64; 2]; Stream::ALL.len() + 1],
    replaced: [u64; Stream::ALL.len()],
    received: Vec<(&'static str, u64)>,
}

/// What a frame counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    bytes: u32,
    /// `None`: a ping, a pong or a Close.
    message: Option<(Option<Stream>, Encoding)>,
}

impl Sort {
    /// Of a frame, the value of this stream if it is one.
    pub fn of(frame: &Frame, stream: Option<Stream>) -> Sort {
        let bytes = u32::try_from(frame.bytes().len()).unwrap_or(u32::MAX);
        Sort { bytes, message: frame.encoding().map(|encoding| (stream, encoding)) }
    }
}

impl Tally {
    /// A frame has begun to leave.
    pub fn sent(&mut self, sort: Sort) {
        self.bytes += u64::from(sort.bytes);
        if let Some((stream, encoding)) = sort.message {
            let row = stream.map_or(Stream::ALL.len(), Stream::index);
            self.sent[row][encoding as usize] += 1;
        }
    }

    /// A look at whatever counting looks at.
    pub fn glance(&self) -> impl Sized + use<> {
        (self.bytes, self.sent)
    }

    /// So many values of a stream gave way to a newer one.
    pub fn replaced(&mut self, stream: Stream, count: u64) {
        self.replaced[stream.index()] += count;
    }

    /// A message of this type came.
    pub fn received(&mut self, kind: &'static str) {
        match self.received.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.received.push((kind, 1)),
        }
    }

    /// Adds everything to what all connections count, and begins again.
    pub fn hand_over(&mut self, metrics: &Metrics) {
        let Tally { bytes, sent, replaced, received } = std::mem::take(self);
        if bytes > 0 {
            metrics.sent_bytes(bytes);
        }
        let names = Stream::ALL.map(Stream::as_str);
        for (name, counts) in names.into_iter().chain(["none"]).zip(sent) {
            for (encoding, count) in Encoding::ALL.iter().zip(counts).filter(|it| it.1 > 0) {
                metrics.sent(name, encoding.as_str(), count);
            }
        }
        for (name, count) in names.into_iter().zip(replaced).filter(|it| it.1 > 0) {
            metrics.replaced(name, count);
        }
        for (kind, count) in received {
            metrics.received(kind, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::vitals::Vitals;

    #[test]
    fn what_was_counted_is_handed_over_once() {
        let metrics = Metrics::new();
        let mut tally = Tally::default();
        let frames = [
            (Frame::text("abc"), Some(Stream::Lidar)),
            (Frame::binary(b"abc"), Some(Stream::Lidar)),
            (Frame::binary(b"abc"), Some(Stream::Lidar)),
            (Frame::text("abc"), None),
            (Frame::ping(b"abc"), None),
            (Frame::close(1000, "a"), None),
        ];
        for (frame, stream) in &frames {
            tally.sent(Sort::of(frame, *stream));
        }
        tally.replaced(Stream::Telemetry, 3);
        tally.replaced(Stream::Telemetry, 1);
        ["ping", "subscribe", "ping"].into_iter().for_each(|kind| tally.received(kind));
        tally.hand_over(&metrics);
        tally.hand_over(&metrics);
        let text = metrics.text(&Vitals::unknown());
        for line in [
            "sent_bytes_total 30",
            "messages_sent_total{stream=\"lidar\",encoding=\"json\"} 1",
            "messages_sent_total{stream=\"lidar\",encoding=\"binary\"} 2",
            "messages_sent_total{stream=\"none\",encoding=\"json\"} 1",
            "stream_values_replaced_total{stream=\"telemetry\"} 4",
            "messages_received_total{type=\"ping\"} 2",
            "messages_received_total{type=\"subscribe\"} 1",
        ] {
            assert!(text.contains(&format!("oht50_bridge_{line}\n")), "{line} in {text}");
        }
    }
}
