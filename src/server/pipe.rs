//! The write side of a connection: one frame at a time, in steps that can be interrupted anywhere.

use std::{io, time::Duration};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::outbox::{Awaited, Outbox};
use crate::protocol::Stream;

/// Writes frames and remembers how far it came.
pub struct Pipe<W> {
    half: W,
    sending: Option<Sending>,
    /// Since when the peer has taken nothing of what waits.
    waiting_since: Option<Duration>,
}

struct Sending {
    rest: Bytes,
    stream: Option<Stream>,
    begun: bool,
}

impl<W: AsyncWrite + Unpin> Pipe<W> {
    /// A pipe over the write half of an upgraded stream.
    pub fn new(half: W) -> Pipe<W> {
        Pipe { half, sending: None, waiting_since: None }
    }

    /// Takes the next frame, if none is under way. A stream's value that has not begun goes back first: what came
    /// meanwhile may be newer or more urgent.
    pub fn load(&mut self, outbox: &mut Outbox, now: Duration) {
        if let Awaited::Only(stream) = self.awaited() {
            outbox.put_back(stream);
            self.sending = None;
        }
        if self.sending.is_none() {
            self.sending = outbox.take(now).map(|outgoing| Sending {
                rest: outgoing.frame.bytes().clone(),
                stream: outgoing.stream,
                begun: false,
            });
        }
        self.waiting_since = self.sending.as_ref().map(|_| self.waiting_since.unwrap_or(now));
    }

    /// Makes one step, or waits for ever if there is nothing to write. Cancel safe.
    ///
    /// A frame is done when it is flushed: TLS would take in several and send none.
    pub async fn step(&mut self) -> io::Result<()> {
        let Some(sending) = &mut self.sending else {
            return std::future::pending().await;
        };
        if sending.rest.has_remaining() {
            if self.half.write_buf(&mut sending.rest).await? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            sending.begun = true;
        } else {
            self.half.flush().await?;
            self.sending = None;
        }
        self.waiting_since = None;
        Ok(())
    }

    /// Writes everything that waits.
    pub async fn finish(&mut self, outbox: &mut Outbox) -> io::Result<()> {
        loop {
            self.load(outbox, Duration::ZERO); // what is left is no stream's
            if self.sending.is_none() {
                return Ok(());
            }
            self.step().await?;
        }
    }

    /// Tells the peer that nothing more will come.
    pub async fn shutdown(&mut self) -> io::Result<()> {
        self.half.shutdown().await
    }

    /// Which newer stream values are of interest.
    pub fn awaited(&self) -> Awaited {
        match &self.sending {
            None => Awaited::Any,
            Some(Sending { stream: Some(stream), begun: false, .. }) => Awaited::Only(*stream),
            Some(_) => Awaited::Nothing,
        }
    }

    /// Since when the peer has taken nothing, if something waits.
    pub fn waiting_since(&self) -> Option<Duration> {
        self.waiting_since
    }
}
