//! What waits to be written to one connection: little, and never an old stream value.

use std::{collections::VecDeque, time::Duration};

use super::{flow::Flow, tally::Tally};
use crate::{
    hub::{Frame, Subscription},
    protocol::{CloseReason, Options, Stream},
};

/// Answers and events in order; of pongs the newest few, and of each stream the newest alone.
#[derive(Default)]
pub struct Outbox {
    queue: VecDeque<Frame>,
    bytes: usize,
    pongs: VecDeque<Frame>,
    flows: Flows,
    /// Values that gave way to newer ones in streams that have ended, by stream.
    replaced: [u64; Stream::ALL.len()],
    /// The stream whose turn it is.
    turn: usize,
    closed: bool,
}

/// A frame on its way out, and the stream it is the newest value of.
pub struct Outgoing {
    /// What to write.
    pub frame: Frame,
    /// `None` for what must not be replaced.
    pub stream: Option<Stream>,
}

type Flows = [Option<Flow>; Stream::ALL.len()];

impl Outbox {
    /// Puts an answer, an event or a ping at the end.
    pub fn push(&mut self, frame: Frame) {
        if !self.closed {
            self.bytes += frame.bytes().len();
            self.queue.push_back(frame);
        }
    }

    /// Answers a ping. Where many wait to be sent the oldest is left out (RFC 6455 section 5.5.3 asks for the newest alone).
    pub fn pong(&mut self, payload: &[u8]) {
        if !self.closed {
            if self.pongs.len() == MOST_PONGS {
                self.pongs.pop_front();
            }
            self.pongs.push_back(Frame::pong(payload));
        }
    }

    /// Starts a stream, unless it runs with these options.
    pub fn subscribe(
        &mut self,
        stream: Stream,
        options: Options,
        start: impl FnOnce() -> Subscription,
    ) {
        let flow = &self.flows[stream.index()];
        let runs = flow.as_ref().is_some_and(|flow| *flow.options() == options);
        if !runs && !self.closed {
            self.unsubscribe(stream);
            self.flows[stream.index()] = Some(Flow::new(start(), options));
        }
    }

    /// Ends a stream.
    pub fn unsubscribe(&mut self, stream: Stream) {
        if let Some(mut flow) = self.flows[stream.index()].take() {
            self.replaced[stream.index()] += flow.take_replaced();
        }
    }

    /// The client has dealt with a stream's values up to this one.
    pub fn acknowledge(&mut self, stream: Stream, seq: u64) {
        if let Some(flow) = &mut self.flows[stream.index()] {
            flow.acknowledge(seq);
        }
    }

    /// Puts a Close behind what waits; nothing comes after it. A peer that is too slow gets the Close alone.
    pub fn close(&mut self, reason: CloseReason) {
        if reason == CloseReason::TooSlow && !self.closed {
            self.queue.clear();
        }
        self.close_with(Frame::close(reason.code(), reason.text()));
    }

    /// Answers the client's own Close.
    pub fn echo_close(&mut self, code: u16) {
        self.close_with(Frame::close(code, ""));
    }

    /// Whether more waits than a connection may have waiting.
    pub fn is_overfull(&self) -> bool {
        self.bytes > MOST_BYTES
    }

    /// The next to be written. Streams come last and take turns.
    pub fn take(&mut self, now: Duration) -> Option<Outgoing> {
        let urgent = self.pongs.pop_front().or_else(|| {
            let frame = self.queue.pop_front()?;
            self.bytes = self.bytes.saturating_sub(frame.bytes().len());
            Some(frame)
        });
        match urgent {
            Some(frame) => Some(Outgoing { frame, stream: None }),
            None => self.take_stream(now),
        }
    }

    /// A look at whatever taking looks at.
    pub fn glance(&self) -> impl Sized + use<> {
        let flows = self.flows.each_ref().map(|flow| flow.as_ref().map(Flow::glance));
        (self.pongs.len(), self.queue.len(), self.turn, flows)
    }

    /// Takes back a stream's value of which nothing was written.
    pub fn put_back(&mut self, stream: Stream) {
        if let Some(flow) = &mut self.flows[stream.index()] {
            flow.put_back();
            self.turn = stream.index();
        }
    }

    /// Counts the values that gave way to newer ones since the last call.
    pub fn count_replaced(&mut self, tally: &mut Tally) {
        for (stream, flow) in Stream::ALL.into_iter().zip(&mut self.flows) {
            let ended = std::mem::take(&mut self.replaced[stream.index()]);
            tally.replaced(stream, ended + flow.as_mut().map_or(0, Flow::take_replaced));
        }
    }

    /// When a stream that waits for its time may go on.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        self.flows.iter().flatten().map(Flow::opens).filter(|opens| *opens > now).min()
    }

    fn close_with(&mut self, close: Frame) {
        if !self.closed {
            self.push(close);
            self.pongs = VecDeque::new();
            Stream::ALL.into_iter().for_each(|stream| self.unsubscribe(stream));
            self.closed = true;
        }
    }

    fn take_stream(&mut self, now: Duration) -> Option<Outgoing> {
        let (turn, count) = (self.turn, self.flows.len());
        for stream in (0..count).map(|step| Stream::ALL[(turn + step) % count]) {
            let frame = self.flows[stream.index()].as_mut().and_then(|flow| flow.take(now));
            if let Some(frame) = frame {
                self.turn = stream.index() + 1;
                return Some(Outgoing { frame, stream: Some(stream) });
            }
        }
        None
    }
}

/// A connection that lets more than this wait is closed.
const MOST_BYTES: usize = 256 * 1024;

/// Pongs that wait at once.
const MOST_PONGS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hub::Hub,
        server::tests::deaf,
        telemetry::{metrics::Metrics, vitals::Vitals},
    };

    const NOW: Duration = Duration::from_secs(1);

    fn text(text: &str) -> Frame {
        Frame::text(text)
    }

    fn taken(outbox: &mut Outbox) -> Vec<Frame> {
        std::iter::from_fn(|| outbox.take(NOW)).map(|outgoing| outgoing.frame).collect()
    }

    fn with_streams() -> (Outbox, Hub) {
        let (mut outbox, hub) = (Outbox::default(), Hub::new());
        for stream in Stream::ALL {
            outbox.subscribe(stream, Options::default(), || hub.subscribe(stream.into(), deaf()));
        }
        (outbox, hub)
    }

    #[test]
    fn answers_keep_their_order_and_of_pongs_the_newest_go_first() {
        let mut outbox = Outbox::default();
        outbox.push(text("a"));
        for number in 0..20 {
            outbox.pong(&[number]);
        }
        outbox.push(text("b"));
        let mut expected: Vec<Frame> = (4..20).map(|number| Frame::pong(&[number])).collect();
        expected.extend([text("a"), text("b")]);
        assert_eq!(taken(&mut outbox), expected);
        assert_eq!(taken(&mut outbox), []);
    }

    #[test]
    fn of_a_stream_the_newest_value_alone_goes_out_after_everything_else() {
        let (mut outbox, hub) = with_streams();
        hub.publish(Stream::Telemetry, text("old"));
        hub.publish(Stream::Telemetry, text("new"));
        outbox.push(text("a"));
        assert_eq!(taken(&mut outbox), [text("a"), text("new")]);
    }

    #[test]
    fn streams_take_turns() {
        let (mut outbox, hub) = with_streams();
        let mut order = Vec::new();
        for _ in 0..4 {
            for stream in Stream::ALL {
                hub.publish(stream, text("value"));
            }
            order.push(outbox.take(NOW).unwrap().stream.unwrap());
        }
        use Stream::{Lidar, RobotStatus, Telemetry};
        assert_eq!(order, [Telemetry, Lidar, RobotStatus, Telemetry]);
    }

    #[test]
    fn a_value_that_was_put_back_keeps_its_turn_and_is_replaced_by_a_newer_one() {
        let (mut outbox, hub) = with_streams();
        hub.publish(Stream::Telemetry, text("old"));
        hub.publish(Stream::Lidar, text("l"));
        let stream = outbox.take(NOW).unwrap().stream.unwrap();
        outbox.put_back(stream);
        hub.publish(Stream::Telemetry, text("new"));
        assert_eq!(taken(&mut outbox), [text("new"), text("l")]);
    }

    /// How many values of the LiDAR's stream gave way to newer ones, and again.
    fn check_replaced(end: impl FnOnce(&mut Outbox, &Hub), expected: &str) {
        let (mut outbox, hub) = with_streams();
        for seq in [1, 4] {
            hub.publish(Stream::Lidar, text("value").numbered(seq));
            assert_eq!(taken(&mut outbox).len(), 1);
        }
        end(&mut outbox, &hub);
        let metrics = Metrics::new();
        for _ in 0..2 {
            let mut tally = Tally::default();
            outbox.count_replaced(&mut tally);
            tally.hand_over(&metrics);
        }
        let line = "oht50_bridge_stream_values_replaced_total{stream=\"lidar\"} ";
        let told = metrics.text(&Vitals::unknown());
        assert_eq!(told.lines().find_map(|known| known.strip_prefix(line)), Some(expected));
    }

    #[test]
    fn what_gave_way_is_counted_after_the_stream_ended_too() {
        check_replaced(|_, _| {}, "2");
        check_replaced(|outbox, _| outbox.unsubscribe(Stream::Lidar), "2");
        check_replaced(|outbox, _| outbox.close(CloseReason::Normal), "2");
        let other_options = |outbox: &mut Outbox, hub: &Hub| {
            let options = Options { in_flight: Some(1), ..Options::default() };
            outbox
                .subscribe(Stream::Lidar, options, || hub.subscribe(Stream::Lidar.into(), deaf()));
            for seq in [7, 9] {
                hub.publish(Stream::Lidar, text("value").numbered(seq));
                outbox.take(NOW);
                outbox.acknowledge(Stream::Lidar, seq);
            }
        };
        check_replaced(other_options, "3");
    }

    #[test]
    fn after_a_close_comes_nothing() {
        let (mut outbox, hub) = with_streams();
        outbox.push(text("a"));
        outbox.close(CloseReason::Evicted);
        outbox.close(CloseReason::TooSlow);
        outbox.echo_close(1000);
        outbox.push(text("b"));
        outbox.pong(b"");
        let form = Stream::Telemetry.into();
        outbox.subscribe(Stream::Telemetry, Options::default(), || hub.subscribe(form, deaf()));
        hub.publish(Stream::Telemetry, text("t"));
        let evicted = Frame::close(4010, CloseReason::Evicted.text());
        assert_eq!(taken(&mut outbox), [text("a"), evicted]);
    }

    #[test]
    fn a_peer_that_is_too_slow_gets_the_close_alone() {
        let mut outbox = Outbox::default();
        let large = "x".repeat(100 * 1024);
        let full = [(); 3].map(|()| {
            outbox.push(text(&large));
            outbox.is_overfull()
        });
        assert_eq!(full, [false, false, true]);
        outbox.close(CloseReason::TooSlow);
        assert_eq!(taken(&mut outbox), [Frame::close(4011, CloseReason::TooSlow.text())]);
    }
}
