//! The bytes' side of a connection, from the upgrade to the good-bye.

use std::{sync::Arc, time::Duration};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{ReadHalf, WriteHalf, split},
    time::timeout,
};

use super::{reader::Reader, sender::Sender};
use crate::clock::Clock;

/// The bytes' side of a connection.
pub struct Line {
    /// What the client says.
    pub reader: Reader<ReadHalf<TokioIo<Upgraded>>>,
    /// What it is told.
    pub sender: Arc<Sender<WriteHalf<TokioIo<Upgraded>>>>,
}

impl Line {
    /// Over a stream that has become a WebSocket.
    pub async fn new(io: TokioIo<Upgraded>, clock: Clock) -> Line {
        let (read, write) = split(io);
        Line { reader: Reader::new(read).await, sender: Sender::new(write, clock) }
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
