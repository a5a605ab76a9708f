//! The bytes of a connection's frames on their way out; stops anywhere and goes on from there.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use super::{
    outbox::Outbox,
    tally::{Sort, Tally},
};
use crate::protocol::Stream;

/// Writes frames and remembers how far it came.
pub struct Pipe<W> {
    half: W,
    sending: Option<Sending>,
    /// Since when the peer has taken nothing of what waits.
    waiting_since: Option<Duration>,
    /// What left.
    pub tally: Tally,
}

struct Sending {
    sort: Sort,
    rest: Bytes,
    stream: Option<Stream>,
    begun: bool,
}

impl<W: AsyncWrite + Unpin> Pipe<W> {
    /// A pipe over the write half of an upgraded stream.
    pub fn new(half: W) -> Pipe<W> {
        Pipe { half, sending: None, waiting_since: None, tally: Tally::default() }
    }

    /// Writes what waits until nothing does, or the peer takes no more.
    ///
    /// A frame is done when it is flushed: TLS would take in several and send none.
    pub fn poll_send(
        &mut self,
        outbox: &mut Outbox,
        now: Duration,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            self.load(outbox, now);
            let Some(sending) = &mut self.sending else { return Poll::Ready(Ok(())) };
            let half = Pin::new(&mut self.half);
            if sending.rest.has_remaining() {
                let length = ready!(half.poll_write(context, &sending.rest))?;
                if length == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                sending.rest.advance(length);
                if !std::mem::replace(&mut sending.begun, true) {
                    self.tally.sent(sending.sort);
                }
            } else {
                ready!(half.poll_flush(context))?;
                self.sending = None;
            }
            self.waiting_since = None;
        }
    }

    /// A look at whatever sending looks at.
    pub fn glance(&self) -> impl Sized + use<W> {
        (self.half.is_write_vectored(), self.waiting_since, self.tally.glance())
    }

    /// Gives back a stream's value of which nothing was written.
    pub fn unload(&mut self, outbox: &mut Outbox) {
        if let Some(Sending { stream: Some(stream), begun: false, .. }) = &self.sending {
            outbox.put_back(*stream);
            self.sending = None;
        }
    }

    /// Tells the peer that nothing more will come.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.half).poll_shutdown(context)
    }

    /// Since when the peer has taken nothing, if something waits.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.waiting_since
    }

    /// Takes the next frame, if none is under way. A stream's value that has not begun goes back first: what came
    /// meanwhile may be newer or more urgent.
    fn load(&mut self, outbox: &mut Outbox, now: Duration) {
        self.unload(outbox);
        if self.sending.is_none() {
            self.sending = outbox.take(now).map(|outgoing| Sending {
                sort: Sort::of(&outgoing.frame, outgoing.stream),
                rest: outgoing.frame.into_bytes(),
                stream: outgoing.stream,
                begun: false,
            });
        }
        self.waiting_since = self.sending.as_ref().map(|_| self.waiting_since.unwrap_or(now));
    }
}
