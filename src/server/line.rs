//! The bytes' side of a connection, from the upgrade to the good-bye.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split},
    time::timeout,
};

use super::{reader::Reader, sender::Sender};
use crate::clock::Clock;

/// A stream of bytes, there and back: TCP, TLS, or a test's.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<Io: AsyncRead + AsyncWrite + Send + Unpin + 'static> Wire for Io {}

/// A stream that has become a WebSocket: the very one that was accepted, not hyper's box around it.
pub struct Upgraded<Io> {
    /// The stream.
    pub io: Io,
    /// What the client said right behind its request.
    pub early: Bytes,
}

/// The bytes' side of a connection.
pub struct Line<Io> {
    /// What the client says.
    pub reader: Reader<ReadHalf<Io>>,
    /// What it is told.
    pub sender: Arc<Sender<WriteHalf<Io>>>,
}

impl<Io: Wire> Line<Io> {
    /// For messages up to `longest` bytes.
    pub async fn new(upgraded: Upgraded<Io>, longest: usize, clock: Clock) -> Line<Io> {
        let (read, write) = split(upgraded.io);
        // Copied: it may be a small part, or none, of the memory into which the request was read.
        let reader = Reader::new(upgraded.early.to_vec(), read, longest).await;
        Line { reader, sender: Sender::new(write, clock) }
    }

    /// Writes what waits, a Close last, and stays until the peer has closed too, but not for longer than `patience`.
    pub async fn part(&mut self, patience: Duration) {
        let Line { reader, sender } = self;
        let parting = async {
            sender.finish().await?;
            if reader.is_broken() {
                // The peer's Close would not be recognised; its end is.
                sender.shutdown().await?;
            }
            reader.finish().await;
            sender.shutdown().await
        };
        // Whoever does not take a good-bye is left without.
        let _ = timeout(patience, parting).await;
    }
}
