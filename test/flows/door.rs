//! Where in-memory clients come in.

use std::{
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use oht50_bridge::{clock::Clock, server::Accept};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// Any byte stream.
pub trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// The clients' side; cheap to clone.
#[derive(Clone)]
pub struct Door {
    pub clock: Clock,
    streams: mpsc::UnboundedSender<Box<dyn Bytes>>,
}

/// The bridge's side.
pub struct Incoming(mpsc::UnboundedReceiver<Box<dyn Bytes>>);

pub fn door(clock: Clock) -> (Door, Incoming) {
    let (streams, incoming) = mpsc::unbounded_channel();
    (Door { clock, streams }, Incoming(incoming))
}

impl Door {
    pub fn serve(&self, stream: impl Bytes + 'static) {
        self.streams.send(Box::new(stream)).unwrap();
    }
}

impl Accept for Incoming {
    type Io = Box<dyn Bytes>;

    async fn accept(&mut self) -> io::Result<(Box<dyn Bytes>, SocketAddr)> {
        match self.0.recv().await {
            Some(stream) => Ok((stream, PEER)),
            None => pending().await,
        }
    }
}

/// Where the server believes the clients to be.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4711);
