//! The door: listens, speaks TLS and HTTP, upgrades to WebSocket, and keeps the number of guests within bounds.
//!
//! One task serves one connection from its accept to its end (`connection`); what is said on it is decided by
//! [`crate::session`]. Everything is served by [`Server::serve`] over any byte stream, so that tests run the whole
//! server in memory and in virtual time.

use std::{
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    sync::{mpsc, watch},
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, warn};

use crate::{
    auth::Role,
    clock::Clock,
    config::ServerConfig,
    hub::{Hub, Member},
    safety::ConnectionId,
    session,
    telemetry::{audit::Audit, metrics::Metrics, vitals::Checkup},
};

#[cfg(feature = "conformance")]
pub mod conformance;
mod connection;
mod flow;
mod guesses;
mod http;
mod keepers;
mod line;
mod listen;
mod origin;
mod outbox;
mod page;
mod pipe;
mod pool;
mod reader;
mod register;
mod sender;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod token;
mod upgrade;

pub use line::Wire;
pub use listen::{Accept, ListenError, Listening};
pub use tls::{Certificate, Complaint, Renewal, Standing, TlsError, TlsIdentity, Validity};

use connection::Arrival;
use guesses::{Guesses, TooMany};
use line::Upgraded;
use pool::{Full, Pool};
use register::{Register, Registered};
use token::{NoToken, Token};

/// What the server works with.
pub struct Surroundings {
    /// Who can connect, and how many.
    pub config: ServerConfig,
    /// What is the same for every conversation.
    pub terms: session::Terms,
    /// Where streams and events come from.
    pub hub: Hub,
    /// To the robot's side; a command that does not fit is answered with `busy`.
    pub commands: mpsc::Sender<session::Command>,
    /// Who drives: this connection is never evicted.
    pub holder: watch::Receiver<Option<ConnectionId>>,
    /// Keeps what was asked and answered.
    pub audit: Audit,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Asks how the bridge is.
    pub checkup: Checkup,
    /// Tells the time.
    pub clock: Clock,
}

/// The server; cheap to clone.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

struct Shared {
    surroundings: Surroundings,
    tls: Option<Arc<Renewal>>,
    pool: Mutex<Pool>,
    register: Register,
    guesses: Mutex<Guesses>,
    connections: AtomicU64,
    stopping: watch::Sender<bool>,
    #[cfg(feature = "conformance")]
    echoes: bool,
}

impl Shared {
    fn new(surroundings: Surroundings, tls: Option<Arc<Renewal>>) -> Shared {
        Shared {
            pool: Mutex::new(Pool::new(&surroundings.config)),
            register: Register::default(),
            guesses: Mutex::new(Guesses::new(surroundings.config.bad_tokens_per_minute)),
            tls,
            connections: AtomicU64::new(0),
            stopping: watch::Sender::new(false),
            #[cfg(feature = "conformance")]
            echoes: false,
            surroundings,
        }
    }
}

impl Server {
    /// A server that speaks TLS if it is given an identity, and looks for newer ones.
    pub fn new(surroundings: Surroundings, tls: Option<Arc<Renewal>>) -> Server {
        Server(Arc::new(Shared::new(surroundings, tls)))
    }

    /// Serves one stream from its first byte to its last: TLS, plain requests, and a WebSocket if it becomes one.
    pub async fn serve(&self, io: impl Wire, peer: SocketAddr) {
        let patience = self.config().handshake_timeout;
        let Some(tls) = &self.0.tls else {
            return self.converse(io, peer, patience).await;
        };
        let acceptor = TlsAcceptor::from(tls.config());
        let start = self.now();
        let accepted = tokio::select! {
            accepted = timeout(patience, Box::pin(acceptor.accept(io))) => accepted,
            () = self.stopped() => return,
        };
        // Its state is a kilobyte, which every task would carry around several times, those without TLS too.
        match accepted.map(|accepted| accepted.map(Box::new)) {
            Ok(Ok(io)) => {
                let left = patience.saturating_sub(self.now().saturating_sub(start));
                self.converse(io, peer, left).await;
            }
            Ok(Err(error)) => debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => debug!(%peer, "TLS handshake took too long"),
        }
    }

    /// Speaks HTTP/1.1 and, once it is asked to, WebSocket; `patience` is how long a request's head may take.
    async fn converse(&self, io: impl Wire, peer: SocketAddr, patience: Duration) {
        // Boxed one by one: a conversation would carry the size of what came before it around for as long as it lasts.
        let Some(arrival) = Box::pin(self.requests(io, peer, patience)).await else { return };
        #[cfg(feature = "conformance")]
        if self.0.echoes {
            return Box::pin(conformance::echo(arrival.upgraded)).await;
        }
        Box::pin(connection::run(self.clone(), arrival)).await;
    }

    /// Answers plain requests, until one is an upgrade.
    async fn requests<Io: Wire>(
        &self,
        io: Io,
        peer: SocketAddr,
        patience: Duration,
    ) -> Option<Arrival<Io>> {
        let upgrade = Mutex::new(None);
        let service = service_fn(async |request: Request<Incoming>| {
            let (answer, accepted) = http::answer(request, peer, self);
            let (answer, accepted) = match accepted.map(|accepted| self.hear(accepted, peer)) {
                Some(Err(TooMany { wait, .. })) => (http::too_many(wait), None),
                Some(Ok(accepted)) => (answer, Some(accepted)),
                None => (answer, None),
            };
            self.metrics().http_response(answer.status().as_u16());
            debug!(%peer, status = answer.status().as_u16(), "request");
            if accepted.is_some() {
                *upgrade.lock().unwrap_or_else(PoisonError::into_inner) = accepted;
            }
            Ok::<_, std::convert::Infallible>(answer)
        });
        let mut requests = pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience)
                .max_buf_size(LONGEST_HEAD)
                .max_headers(MOST_HEADERS)
                .serve_connection(TokioIo::new(io), service)
                .with_upgrades()
        );
        let served = tokio::select! {
            served = timeout(LONGEST_HTTP, &mut requests) => served,
            () = self.stopped() => {
                requests.as_mut().graceful_shutdown();
                timeout(LONGEST_HTTP, &mut requests).await
            }
        };
        match served {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                // What the library refuses it answers by itself.
                if error.is_parse() {
                    let status = if error.is_parse_too_large() { 431 } else { 400 };
                    self.metrics().http_response(status);
                }
                debug!(%peer, %error, "HTTP ended");
                return None;
            }
            Err(_) => {
                debug!(%peer, "HTTP took too long");
                return None;
            }
        }
        let accepted = upgrade.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let upgraded = match accepted.upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => {
                debug!(%peer, %error, "upgrade failed");
                return None;
            }
        };
        // What was put in comes out again.
        let parts = upgraded.downcast::<TokioIo<Io>>().ok()?;
        let upgraded = Upgraded { io: parts.io.into_inner(), early: parts.read_buf };
        Some(Arrival { upgraded, token: accepted.token, peer })
    }

    /// Whether a request may become a WebSocket. A bad token may, to be told so there, unless there were too many from
    /// its address. It is looked at here already, so that those who come all at once are counted, too.
    fn hear(&self, accepted: http::Accepted, peer: SocketAddr) -> Result<http::Accepted, TooMany> {
        if self.config().bad_tokens_per_minute > 0 && !self.is_good(&accepted.token) {
            let mut guesses = self.0.guesses.lock().unwrap_or_else(PoisonError::into_inner);
            let noted = guesses.note(peer.ip(), self.now());
            if let Err(TooMany { news: true, .. }) = noted {
                warn!(address = %peer.ip(), "too many bad tokens: more get 429 for a minute");
            }
            noted?;
        }
        Ok(accepted)
    }

    fn is_good(&self, token: &Result<Token, NoToken>) -> bool {
        let verifier = self.0.surroundings.terms.verifier.borrow().clone();
        token.as_ref().is_ok_and(|token| verifier.verify(token.as_str(), self.time().unix).is_ok())
    }

    /// What is done beside the connections, for ever.
    async fn upkeep(&self) {
        tokio::join!(self.renew_certificate(), self.end_expired());
    }

    /// Looks at the certificate's files every second, for ever. A disk that hangs holds up nothing else.
    async fn renew_certificate(&self) {
        let Some(tls) = &self.0.tls else {
            return std::future::pending().await;
        };
        loop {
            sleep(tls::EVERY).await;
            let (tls, unix) = (tls.clone(), self.time().unix);
            if let Err(error) = spawn_blocking(move || tls.look(unix)).await {
                error!(%error, "looking at the certificate's files failed");
            }
        }
    }

    /// Lets a connection in; those that make room for it are asked to close.
    fn admit(&self, newcomer: Member, entry: Registered) -> Result<Place, Full> {
        let holder = *self.0.surroundings.holder.borrow();
        let evicted = self.pool().admit(newcomer, holder)?;
        for connection in evicted {
            self.hub().close(connection, crate::protocol::CloseReason::Evicted);
        }
        self.0.register.enter(newcomer.connection, entry);
        Ok(Place { server: self.clone(), connection: newcomer.connection })
    }

    fn next_connection(&self) -> ConnectionId {
        ConnectionId(self.0.connections.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn config(&self) -> &ServerConfig {
        &self.0.surroundings.config
    }

    fn hub(&self) -> &Hub {
        &self.0.surroundings.hub
    }

    fn metrics(&self) -> &Metrics {
        &self.0.surroundings.metrics
    }

    fn now(&self) -> Duration {
        self.0.surroundings.clock.now()
    }

    fn time(&self) -> session::Time {
        let clock = &self.0.surroundings.clock;
        session::Time { now: clock.now(), unix: clock.unix() }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.0.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses everything from here on, and asks everyone to leave.
    fn stop(&self) {
        // A connection joins the hub first and looks at the flag second, so none slips through between the two.
        self.0.stopping.send_replace(true);
        self.hub().close_all(crate::protocol::CloseReason::ServerStopping);
    }

    fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    async fn stopped(&self) {
        // The sender lives as long as `self`, so this cannot fail.
        let _ = self.0.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}

/// A connection's place in the pool and in the register; leaving is dropping it.
struct Place {
    server: Server,
    connection: ConnectionId,
}

impl Place {
    fn renew(&self, role: Role, expires_at: Duration) {
        self.server.pool().set_role(self.connection, role);
        self.server.0.register.renew(self.connection, expires_at);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.pool().leave(self.connection);
        self.server.0.register.leave(self.connection);
    }
}

/// A request's head beyond this is answered with 431. Four times the longest token.
const LONGEST_HEAD: usize = 16 * 1024;

/// More header fields than this are answered with 431.
const MOST_HEADERS: usize = 64;

/// Plain requests on one connection are over after this; nobody holds a socket by reading slowly.
const LONGEST_HTTP: Duration = Duration::from_secs(60);
