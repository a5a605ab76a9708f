//! A network in memory: two ends, bytes that keep their order, and a hand that disturbs them.
//!
//! It behaves as TCP does: what is held back comes later and in order, an end that goes is noticed when its FIN arrives,
//! and a reset takes away what was under way.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use oht50_bridge::clock::Clock;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::dice::Dice;

/// The hand; cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Mutex<Wire>>);

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How long bytes are under way when nothing disturbs them, s.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quality {
    pub delay: f64,
    pub jitter: f64,
}

struct Wire {
    clock: Clock,
    dice: Dice,
    up: Lane,
    down: Lane,
    reset: Option<Duration>,
}

#[derive(Default)]
struct Lane {
    quality: Quality,
    under_way: VecDeque<Segment>,
    bytes: usize,
    written: u64,
    /// Nothing arrives before.
    held_until: Duration,
    ended: bool,
    /// Nobody reads any more: what is written goes nowhere.
    deserted: bool,
    /// Up to which byte had arrived when.
    arrived: Vec<(u64, Duration)>,
    ended_at: Option<Duration>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Bytes, or the end if there are none.
struct Segment {
    bytes: VecDeque<u8>,
    due: Duration,
    end: u64,
}

/// One end of the link.
pub struct End {
    link: Link,
    reads: Way,
    timer: Pin<Box<Sleep>>,
}

impl Link {
    /// A link, the client's end and the server's; `quality` is of the way up and the way down.
    pub fn new(clock: Clock, quality: [Quality; 2], dice: Dice) -> (Link, End, End) {
        let [up, down] = quality.map(|quality| Lane { quality, ..Lane::default() });
        let wire = Wire { clock, dice, up, down, reset: None };
        let link = Link(Arc::new(Mutex::new(wire)));
        let end = |reads| End { link: link.clone(), reads, timer: Box::pin(sleep(Duration::ZERO)) };
        let (client, server) = (end(Way::Down), end(Way::Up));
        (link, client, server)
    }

    /// Lets nothing arrive on this way until then.
    pub fn hold(&self, way: Way, until: Duration) {
        let mut wire = self.wire();
        let lane = wire.lane(way);
        lane.held_until = lane.held_until.max(until);
    }

    /// Both ends get an error, and what was under way is gone.
    pub fn reset(&self) {
        let mut wire = self.wire();
        if wire.up.deserted || wire.reset.is_some() {
            return;
        }
        wire.reset = Some(wire.clock.now());
        for way in [Way::Up, Way::Down] {
            wire.lane(way).wake();
        }
    }

    /// When the server had everything up to this byte; `None`: it never did.
    pub fn arrived(&self, byte: u64) -> Option<Duration> {
        let wire = self.wire();
        let at = wire.up.arrived.partition_point(|(end, _)| *end < byte);
        wire.up.arrived.get(at).map(|(_, at)| *at)
    }

    /// When the server learned that the client is gone, other than by a Close.
    pub fn broken(&self) -> Option<Duration> {
        let wire = self.wire();
        [wire.reset, wire.up.ended_at].into_iter().flatten().min()
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }
}

impl Wire {
    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// One write is one segment, or two that come apart.
    fn send(&mut self, way: Way, bytes: &[u8]) {
        let split = if bytes.len() > 1 && self.dice.chance(0.2) {
            1 + self.dice.next() as usize % (bytes.len() - 1)
        } else {
            bytes.len()
        };
        for part in [&bytes[..split], &bytes[split..]] {
            if !part.is_empty() {
                self.push(way, part);
            }
        }
    }

    fn push(&mut self, way: Way, bytes: &[u8]) {
        let Quality { delay, jitter } = self.lane(way).quality;
        let due = self.clock.now() + self.dice.seconds(delay, delay + jitter);
        let lane = self.lane(way);
        lane.written += bytes.len() as u64;
        if lane.deserted {
            return;
        }
        lane.bytes += bytes.len();
        let due = lane.under_way.back().map_or(due, |before| due.max(before.due));
        let bytes = bytes.iter().copied().collect();
        lane.under_way.push_back(Segment { bytes, due, end: lane.written });
        lane.wake();
    }

    fn finish(&mut self, way: Way) {
        if !self.lane(way).ended {
            self.push(way, &[]);
            self.lane(way).ended = true;
        }
    }
}

impl Lane {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// Moves what has arrived; `Err`: when to look again, if ever.
    fn take(&mut self, now: Duration, buffer: &mut ReadBuf<'_>) -> Result<(), Option<Duration>> {
        let held_until = self.held_until;
        let Some(segment) = self.under_way.front_mut() else { return Err(None) };
        let ready = segment.due.max(held_until);
        if ready > now {
            return Err(Some(ready));
        }
        if segment.bytes.is_empty() {
            self.ended_at.get_or_insert(ready);
            return Ok(());
        }
        let length = segment.bytes.len().min(buffer.remaining());
        for byte in segment.bytes.drain(..length) {
            buffer.put_slice(&[byte]);
        }
        self.bytes -= length;
        if segment.bytes.is_empty() {
            self.arrived.push((segment.end, ready));
            self.under_way.pop_front();
        }
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
        Ok(())
    }
}

impl End {
    /// Bytes written to the other end until now.
    pub fn written(&self) -> u64 {
        let mut wire = self.link.wire();
        wire.lane(self.writes()).written
    }

    fn writes(&self) -> Way {
        match self.reads {
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        }
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let (link, reads) = (self.link.clone(), self.reads);
            let mut wire = link.wire();
            if wire.reset.is_some() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let now = wire.clock.now();
            let lane = wire.lane(reads);
            match lane.take(now, buffer) {
                Ok(()) => return Poll::Ready(Ok(())),
                Err(again) => {
                    lane.reader = Some(context.waker().clone());
                    let Some(at) = again else { return Poll::Pending };
                    self.timer.set(sleep(at - now));
                    ready!(self.timer.as_mut().poll(context));
                }
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let way = self.writes();
        let mut wire = self.link.wire();
        if wire.reset.is_some() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let lane = wire.lane(way);
        if lane.bytes >= WINDOW {
            lane.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        wire.send(way, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let way = self.writes();
        self.link.wire().finish(way);
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let (reads, writes) = (self.reads, self.writes());
        let mut wire = self.link.wire();
        wire.finish(writes);
        let lane = wire.lane(reads);
        lane.deserted = true;
        lane.under_way.clear();
        lane.bytes = 0;
        lane.wake();
    }
}

/// Bytes that are under way before a writer has to wait.
const WINDOW: usize = 64 * 1024;

#[tokio::test(start_paused = true)]
async fn what_is_held_comes_later_and_in_order_and_a_reset_takes_the_rest_away() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ms = Duration::from_millis;
    let clock = Clock::virtual_from(Duration::ZERO);
    let near = Quality { delay: 0.01, jitter: 0.0 };
    let (link, mut client, mut server) = Link::new(clock.clone(), [near; 2], Dice::new(1));
    let mut read = [0; 4];

    link.hold(Way::Up, ms(2000));
    client.write_all(b"one ").await.unwrap();
    server.write_all(b"back").await.unwrap();
    client.read_exact(&mut read).await.unwrap();
    assert_eq!((clock.now(), &read), (ms(10), b"back"), "the other way is free");
    client.write_all(b"two ").await.unwrap();
    for expected in [b"one ", b"two "] {
        server.read_exact(&mut read).await.unwrap();
        assert_eq!((clock.now(), &read), (ms(2000), expected));
    }
    assert_eq!([4, 5, 9].map(|byte| link.arrived(byte)), [Some(ms(2000)), Some(ms(2000)), None]);

    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut read).await.unwrap(), 0);
    assert_eq!(link.broken(), Some(ms(2010)));
    server.write_all(b"lost").await.unwrap();
    link.reset();
    for end in [&mut client, &mut server] {
        let error = end.read(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(end.write(b"more").await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_nobody_never_arrives() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let clock = Clock::virtual_from(Duration::ZERO);
    let (link, mut client, mut server) = Link::new(clock, [Quality::default(); 2], Dice::new(1));
    client.write_all(b"read").await.unwrap();
    server.read_exact(&mut [0; 4]).await.unwrap();
    drop(server);
    client.write_all(b"not read").await.unwrap();
    assert_eq!([4, 12].map(|byte| link.arrived(byte)), [Some(Duration::ZERO), None]);
    assert_eq!(client.written(), 12);
}
