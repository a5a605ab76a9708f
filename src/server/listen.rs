//! The accept loop: one task for each connection, and an orderly end.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tracing::{debug, error, info, warn};

use super::{Server, line::Wire};

/// A server that is bound and not yet accepting.
pub struct Listening<A = TcpListener> {
    server: Server,
    acceptor: A,
}

/// Where connections come from: a TCP listener, or a test.
pub trait Accept: Send {
    /// The byte stream of a connection.
    type Io: Wire;

    /// The next connection and its peer. Cancel safe.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

/// Why the server cannot listen; names address and port.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else does.
    #[error("cannot listen on {0}: the port is already in use; another bridge may be running")]
    InUse(SocketAddr),
    /// The system forbids it.
    #[error("cannot listen on {0}: permission denied; ports below 1024 need a privilege")]
    Denied(SocketAddr),
    /// No network interface has this address.
    #[error("cannot listen on {0}: this machine has no such address")]
    NoSuchAddress(SocketAddr),
    /// Anything else.
    #[error("cannot listen on {address}: {cause}")]
    Failed {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
}

/// With small send buffers, which accepted sockets inherit: what a slow client has not read is old by the time it
/// does, and a thousand of them would hold hundreds of megabytes of the kernel's memory. Of what the peer has no room for, the
/// kernel takes less still: what waits here is replaced by newer values, and what waits there is not.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    SockRef::from(&socket).set_tcp_notsent_lowat(UNSENT)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The kernel doubles it: a few scans of 10 KiB.
const SEND_BUFFER: u32 = 32 * 1024;

/// A little more than a scan of 10 KiB.
const UNSENT: u32 = 12 * 1024;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

impl Server {
    /// Binds; port 0 lets the system choose.
    pub async fn listen(&self, address: impl Into<SocketAddr>) -> Result<Listening, ListenError> {
        let address = address.into();
        let acceptor = bind(address).map_err(|cause| match cause.kind() {
            io::ErrorKind::AddrInUse => ListenError::InUse(address),
            io::ErrorKind::PermissionDenied => ListenError::Denied(address),
            io::ErrorKind::AddrNotAvailable => ListenError::NoSuchAddress(address),
            _ => ListenError::Failed { address, cause },
        })?;
        Ok(Listening::new(self.clone(), acceptor))
    }

    /// Where the configuration wants the server.
    pub fn address(&self) -> SocketAddr {
        let address: IpAddr = self.config().bind_address;
        (address, self.config().port).into()
    }
}

impl Listening {
    /// The address with the port that the system chose.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.local_addr()
    }
}

impl<A: Accept> Listening<A> {
    /// A server that gets its connections from anywhere.
    pub fn new(server: Server, acceptor: A) -> Listening<A> {
        Listening { server, acceptor }
    }

    /// Accepts until `stopping` becomes true or its sender is gone; then everyone is asked to leave (close code
    /// 1001), and who has not left within 1.5 s is dropped.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut tasks = JoinSet::new();
        let server = self.server.clone();
        let mut upkeep = pin!(server.upkeep());
        loop {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => break,
                () = upkeep.as_mut() => {}
                Some(ended) = tasks.join_next() => report(ended),
                accepted = accept(&mut self.acceptor) => if let Some((io, peer)) = accepted {
                    let server = self.server.clone();
                    tasks.spawn(async move { server.serve(io, peer).await });
                },
            }
        }
        drop(self.acceptor);
        info!(connections = tasks.len(), "stopping");
        self.server.stop();
        let all_gone = async {
            while let Some(ended) = tasks.join_next().await {
                report(ended);
            }
        };
        if timeout(LONGEST_DRAIN, all_gone).await.is_err() {
            warn!(connections = tasks.len(), "dropping connections that did not leave");
            tasks.shutdown().await;
        }
    }
}

impl Accept for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (io, peer) = TcpListener::accept(self).await?;
        // A stop's answer must not wait for Nagle's algorithm; without the option it is late, not lost.
        let _ = io.set_nodelay(true);
        Ok((io, peer))
    }
}

/// One connection, or none after an error. Out of file descriptors, an accept fails at once and would again.
async fn accept<A: Accept>(acceptor: &mut A) -> Option<(A::Io, SocketAddr)> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    match acceptor.accept().await {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            match error.kind() {
                ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted => {
                    debug!(%error, "a connection was gone before it was accepted");
                }
                _ => {
                    warn!(%error, "cannot accept connections");
                    sleep(ACCEPT_BACKOFF).await;
                }
            }
            None
        }
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        error!(%error, "a connection's task panicked");
    }
}

/// Between two failing accepts.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How long everyone may take to leave.
const LONGEST_DRAIN: Duration = Duration::from_millis(1500);
