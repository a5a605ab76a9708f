//! What waits to be written to one connection: little, and never an old stream value.

use std::{collections::VecDeque, time::Duration};

use super::flow::{Flow, Values};
use crate::{
    hub::Frame,
    protocol::{CloseReason, Options, Stream},
};

/// Answers and events in order; of pongs and of each stream the newest alone.
#[derive(Default)]
pub struct Outbox {
    queue: VecDeque<Frame>,
    bytes: usize,
    pong: Option<Frame>,
    flows: Flows,
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

/// Which streams' newer values are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// Nothing is being written: any.
    Any,
    /// A value of this one has not begun to be written: a newer one replaces it.
    Only(Stream),
    /// Something is half written.
    Nothing,
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

    /// Answers a ping; a pong that was not sent yet is replaced (RFC 6455 section 5.5.3).
    pub fn pong(&mut self, payload: &[u8]) {
        if !self.closed {
            self.pong = Some(Frame::pong(payload));
        }
    }

    /// Starts a stream, unless it runs with these options.
    pub fn subscribe(&mut self, stream: Stream, options: Options, start: impl FnOnce() -> Values) {
        let flow = &mut self.flows[stream.index()];
        let runs = flow.as_ref().is_some_and(|flow| *flow.options() == options);
        if !runs && !self.closed {
            *flow = Some(Flow::new(start(), options));
        }
    }

    /// Ends a stream.
    pub fn unsubscribe(&mut self, stream: Stream) {
        self.flows[stream.index()] = None;
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
        let urgent = self.pong.take().or_else(|| {
            let frame = self.queue.pop_front()?;
            self.bytes = self.bytes.saturating_sub(frame.bytes().len());
            Some(frame)
        });
        match urgent {
            Some(frame) => Some(Outgoing { frame, stream: None }),
            None => self.take_stream(now),
        }
    }

    /// Takes back a stream's value of which nothing was written.
    pub fn put_back(&mut self, stream: Stream) {
        if let Some(flow) = &mut self.flows[stream.index()] {
            flow.put_back();
            self.turn = stream.index();
        }
    }

    /// When a stream that waits for its time may go on.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        self.flows.iter().flatten().map(Flow::opens).filter(|opens| *opens > now).min()
    }

    /// Waits for a newer value that may go at once. Cancel safe.
    pub async fn newer(&mut self, awaited: Awaited, now: Duration) {
        let wanted = |stream: Stream| match awaited {
            Awaited::Any => true,
            Awaited::Only(only) => stream == only,
            Awaited::Nothing => false,
        };
        let [telemetry, lidar, status] = self.flows.each_mut().map(Option::as_mut);
        tokio::select! {
            () = changed(telemetry, now), if wanted(Stream::Telemetry) => {}
            () = changed(lidar, now), if wanted(Stream::Lidar) => {}
            () = changed(status, now), if wanted(Stream::RobotStatus) => {}
            else => std::future::pending().await,
        }
    }

    fn close_with(&mut self, close: Frame) {
        if !self.closed {
            self.push(close);
            self.pong = None;
            self.flows = Flows::default();
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

async fn changed(flow: Option<&mut Flow>, now: Duration) {
    match flow {
        Some(flow) => flow.changed(now).await,
        None => std::future::pending().await,
    }
}

/// A connection that lets more than this wait is closed.
const MOST_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use tokio::sync::watch;

    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn text(text: &str) -> Frame {
        Frame::text(text)
    }

    fn taken(outbox: &mut Outbox) -> Vec<Frame> {
        std::iter::from_fn(|| outbox.take(NOW)).map(|outgoing| outgoing.frame).collect()
    }

    fn publish(sender: &watch::Sender<Option<Frame>>, value: &str) {
        sender.send_replace(Some(text(value)));
    }

    fn with_streams() -> (Outbox, [watch::Sender<Option<Frame>>; 3]) {
        let mut outbox = Outbox::default();
        let senders = [(); 3].map(|()| watch::Sender::new(None));
        for (stream, sender) in Stream::ALL.into_iter().zip(&senders) {
            outbox.subscribe(stream, Options::default(), || sender.subscribe());
        }
        (outbox, senders)
    }

    #[test]
    fn answers_keep_their_order_and_only_the_newest_pong_stays() {
        let mut outbox = Outbox::default();
        outbox.push(text("a"));
        outbox.pong(b"1");
        outbox.push(text("b"));
        outbox.pong(b"2");
        assert_eq!(taken(&mut outbox), [Frame::pong(b"2"), text("a"), text("b")]);
        assert_eq!(taken(&mut outbox), []);
    }

    #[test]
    fn of_a_stream_the_newest_value_alone_goes_out_after_everything_else() {
        let (mut outbox, [telemetry, ..]) = with_streams();
        publish(&telemetry, "old");
        publish(&telemetry, "new");
        outbox.push(text("a"));
        assert_eq!(taken(&mut outbox), [text("a"), text("new")]);
    }

    #[test]
    fn streams_take_turns() {
        let (mut outbox, senders) = with_streams();
        let mut order = Vec::new();
        for _ in 0..4 {
            for (sender, name) in senders.iter().zip(["t", "l", "s"]) {
                publish(sender, name);
            }
            order.push(outbox.take(NOW).unwrap().stream.unwrap());
        }
        use Stream::{Lidar, RobotStatus, Telemetry};
        assert_eq!(order, [Telemetry, Lidar, RobotStatus, Telemetry]);
    }

    #[test]
    fn a_value_that_was_put_back_keeps_its_turn_and_is_replaced_by_a_newer_one() {
        let (mut outbox, [telemetry, lidar, _]) = with_streams();
        publish(&telemetry, "old");
        publish(&lidar, "l");
        let stream = outbox.take(NOW).unwrap().stream.unwrap();
        outbox.put_back(stream);
        publish(&telemetry, "new");
        assert_eq!(taken(&mut outbox), [text("new"), text("l")]);
    }

    #[test]
    fn after_a_close_comes_nothing() {
        let (mut outbox, [telemetry, ..]) = with_streams();
        outbox.push(text("a"));
        outbox.close(CloseReason::Evicted);
        outbox.close(CloseReason::TooSlow);
        outbox.echo_close(1000);
        outbox.push(text("b"));
        outbox.pong(b"");
        outbox.subscribe(Stream::Telemetry, Options::default(), || telemetry.subscribe());
        publish(&telemetry, "t");
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

    #[tokio::test]
    async fn newer_values_are_waited_for_where_they_are_of_interest() {
        let (mut outbox, [telemetry, lidar, _]) = with_streams();
        publish(&telemetry, "t");
        let mut check = async |awaited, expected| {
            let newer = tokio::time::timeout(std::time::Duration::ZERO, outbox.newer(awaited, NOW));
            assert_eq!(newer.await.is_ok(), expected, "{awaited:?}");
        };
        check(Awaited::Nothing, false).await;
        check(Awaited::Only(Stream::Lidar), false).await;
        check(Awaited::Only(Stream::Telemetry), true).await;
        publish(&lidar, "l");
        check(Awaited::Any, true).await;
        assert_eq!(taken(&mut outbox), [text("t"), text("l")]);
    }
}
