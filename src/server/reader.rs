//! The read side of a WebSocket: frames in, messages out, and for every violation the close code it deserves.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::StreamExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{Role, WebSocketConfig},
    },
};

use crate::protocol::CloseReason;

/// Reads a client's messages.
pub struct Reader<R> {
    stream: WebSocketStream<ReadOnly<R>>,
    broken: bool,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping and its payload.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// A Close; the code to answer it with (RFC 6455 section 5.5.1).
    Close(u16),
    /// Something that ends the conversation. What follows it cannot be read.
    Violation(CloseReason),
    /// The peer is gone.
    Gone,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// A reader over the read half of an upgraded stream, of which `early` was read already, for messages up to `longest` bytes.
    pub async fn new(early: Vec<u8>, half: R, longest: usize) -> Reader<R> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(READ_BUFFER)
            .max_message_size(Some(longest))
            .max_frame_size(Some(longest));
        let half = ReadOnly { half, reads: 0, room: longest * ROOM, most: longest * ROOM };
        let stream =
            WebSocketStream::from_partially_read(half, early, Role::Server, Some(config)).await;
        Reader { stream, broken: false }
    }

    /// The next message. Cancel safe.
    pub async fn next(&mut self) -> Incoming {
        if self.broken {
            return self.discard().await;
        }
        let incoming = match self.stream.next().await {
            Some(Ok(message)) => {
                self.stream.get_mut().begin();
                of_message(message)
            }
            Some(Err(_)) if self.stream.get_ref().room == 0 => {
                Incoming::Violation(CloseReason::TooBig)
            }
            Some(Err(error)) => of_error(&error),
            None => Incoming::Gone,
        };
        self.broken = matches!(incoming, Incoming::Violation(_));
        incoming
    }

    /// Whether the messages cannot be told apart any more.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Reads until the peer's Close or its end. To close a socket with unread bytes would reset it, and take our
    /// own Close away from a peer that has not read it yet.
    pub async fn finish(&mut self) {
        while !matches!(self.next().await, Incoming::Close(_) | Incoming::Gone) {}
    }

    async fn discard(&mut self) -> Incoming {
        let mut waste = vec![0; READ_BUFFER];
        while self.stream.get_mut().half.read(&mut waste).await.is_ok_and(|length| length > 0) {}
        Incoming::Gone
    }
}

fn of_message(message: Message) -> Incoming {
    match message {
        Message::Text(text) => Incoming::Text(text),
        Message::Ping(payload) => Incoming::Ping(payload),
        Message::Pong(payload) => Incoming::Pong(payload),
        // A code that may not be sent has become 1002 already.
        Message::Close(Some(close)) => Incoming::Close(close.code.into()),
        Message::Close(None) => Incoming::Close(CloseReason::Normal.code()),
        Message::Binary(payload) => Incoming::Binary(payload),
        // Only ever written.
        Message::Frame(frame) => Incoming::Binary(frame.into_payload()),
    }
}

fn of_error(error: &Error) -> Incoming {
    match error {
        Error::Capacity(_) => Incoming::Violation(CloseReason::TooBig),
        Error::Utf8(_) => Incoming::Violation(CloseReason::InvalidUtf8),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Incoming::Gone,
        Error::Protocol(_) => Incoming::Violation(CloseReason::ProtocolError),
        _ => Incoming::Gone,
    }
}

/// A read half that swallows writes: pongs and Closes of the library's own go nowhere, ours go through the outbox.
///
/// A flood of empty fragments never becomes a message: it would not let go of the thread, so this pauses now and then, and it
/// would go on for ever, so this ends.
struct ReadOnly<R> {
    half: R,
    reads: u32,
    /// Bytes that may still come before there is a message.
    room: usize,
    most: usize,
}

impl<R> ReadOnly<R> {
    /// A message has come.
    fn begin(&mut self) {
        self.room = self.most;
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for ReadOnly<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.reads == READS_AT_A_TIME {
            self.reads = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.room == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let before = buffer.filled().len();
        let poll = Pin::new(&mut self.half).poll_read(context, buffer);
        self.room = self.room.saturating_sub(buffer.filled().len() - before);
        self.reads = if poll.is_ready() { self.reads + 1 } else { 0 };
        poll
    }
}

impl<R: Unpin> AsyncWrite for ReadOnly<R> {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buffer.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A connection's standing cost; the library's default is 128 KiB.
const READ_BUFFER: usize = 2 * 1024;

/// Beyond this a client is answered with 1009. Browsers and most libraries send a message as one frame, so a frame may
/// be as long.
pub const LONGEST_MESSAGE: usize = 64 * 1024;

/// A message takes at most so many times its length: in fragments of a byte each, seven of theirs for one of it (RFC 6455
/// section 5.2: two of header, four of mask).
const ROOM: usize = 8;

/// Reads of up to [`READ_BUFFER`] before somebody else's turn.
const READS_AT_A_TIME: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::tests::{CONTINUATION, TEXT, fragment, frame};

    async fn over(bytes: &[u8]) -> Reader<&[u8]> {
        Reader::new(Vec::new(), bytes, LONGEST_MESSAGE).await
    }

    #[tokio::test]
    async fn a_flood_that_is_never_a_message_is_left_now_and_then() {
        let mut flood = fragment(TEXT, b"");
        flood.extend(fragment(CONTINUATION, b"").repeat(20_000));
        assert!(flood.len() < ROOM * LONGEST_MESSAGE);
        let mut reader = over(&flood).await;
        let mut pauses = 0;
        let mut next = std::pin::pin!(reader.next());
        while futures::poll!(next.as_mut()).is_pending() {
            pauses += 1;
        }
        let reads = flood.len().div_ceil(READ_BUFFER);
        assert_eq!(pauses, reads / READS_AT_A_TIME as usize);
    }

    #[tokio::test]
    async fn the_longest_message_may_come_byte_by_byte_and_nothing_comes_for_ever() {
        let mut longest = fragment(TEXT, b"x");
        longest.extend(fragment(CONTINUATION, b"x").repeat(LONGEST_MESSAGE - 2));
        longest.extend(frame(CONTINUATION, b"x"));
        let twice = longest.repeat(2);
        let mut reader = over(&twice).await;
        for _ in 0..2 {
            let Incoming::Text(text) = reader.next().await else { panic!("no message") };
            assert_eq!(text.len(), LONGEST_MESSAGE);
        }
        let mut endless = fragment(TEXT, b"");
        endless.extend(fragment(CONTINUATION, b"").repeat(ROOM * LONGEST_MESSAGE / 6));
        let mut reader = over(&endless).await;
        assert_eq!(reader.next().await, Incoming::Violation(CloseReason::TooBig));
    }
}
