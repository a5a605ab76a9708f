//! What test suites of RFC 6455 need of this server: an echo, and longer messages than a robot is ever sent.
//!
//! Accepting, TLS, HTTP, the handshake, reading and writing frames are the product's own. With the feature `conformance`
//! alone.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{mpsc, watch};

use super::{
    Renewal, Server, Shared, Surroundings, TlsIdentity,
    line::{Line, Upgraded, Wire},
    reader::{self, Incoming, Reader},
    sender::Broken,
};
use crate::{
    auth::{KeyError, Role, Verifier},
    clock::Clock,
    config::{PoolPolicy, ServerConfig},
    hub::{Frame, Hub},
    safety::latch::StopLatch,
    session::Terms,
    telemetry::{audit::Audit, vitals::Vitals},
};

/// A server on any free port of loopback that sends back every message, and looks at no token.
///
/// # Errors
/// Never: the secret, which nobody is asked for, is long enough.
pub fn echo_server(tls: Option<TlsIdentity>) -> Result<Server, KeyError> {
    let (commands, _) = mpsc::channel(1);
    let (_, holder) = watch::channel(None);
    let config = config();
    let terms = Terms {
        verifier: watch::channel(Arc::new(Verifier::hs256(&[0; 32], config.default_role)?)).1,
        latch: StopLatch::default(),
        robot_id: 1,
        max_linear_speed: 1.0,
        max_angular_speed: 1.0,
        heartbeat_interval: config.heartbeat_interval,
        heartbeat_timeout: config.heartbeat_timeout,
        link_timeout: config.link_timeout,
        plan: Arc::default(),
    };
    let surroundings = Surroundings {
        config,
        terms,
        hub: Hub::new(),
        commands,
        holder,
        audit: Audit::default(),
        metrics: Arc::default(),
        checkup: Arc::new(Vitals::unknown),
        clock: Clock::system(),
    };
    let mut shared = Shared::new(surroundings, tls.map(Renewal::new).map(Arc::new));
    shared.echoes = true;
    Ok(Server(Arc::new(shared)))
}

/// Serves a WebSocket until it ends: what comes goes back, violations are answered as everywhere.
pub(super) async fn echo(upgraded: Upgraded<impl Wire>) {
    let mut line = Line::new(upgraded, LONGEST_MESSAGE, Clock::system()).await;
    loop {
        let Line { reader, sender } = &mut line;
        sender.arm(Duration::MAX);
        let incoming = tokio::select! {
            biased;
            sending = sender.broken() => match sending {
                Ok(()) => continue,
                Err(Broken) => return,
            },
            incoming = reader.next() => incoming,
        };
        if incoming == Incoming::Gone {
            return;
        }
        let ends = matches!(incoming, Incoming::Close(_) | Incoming::Violation(_));
        let overfull = sender.outbox(|outbox| {
            match incoming {
                Incoming::Text(text) => outbox.push(Frame::text(&text)),
                Incoming::Binary(payload) => outbox.push(Frame::binary(&payload)),
                Incoming::Ping(payload) => outbox.pong(&payload),
                Incoming::Close(code) => outbox.echo_close(code),
                Incoming::Violation(reason) => outbox.close(reason),
                Incoming::Pong(_) | Incoming::Gone => {}
            }
            outbox.is_overfull()
        });
        if ends {
            break;
        }
        // Nobody else sends while this one waits, and nothing more is read.
        if overfull && sender.finish().await.is_err() {
            return;
        }
    }
    line.part(LINGER).await;
}

/// Reads a WebSocket's bytes to their end, as a connection does; for inputs of any kind. Returns the number of messages,
/// and the close code of what ended them, if there was one.
pub async fn read_frames(bytes: &[u8]) -> (usize, Option<u16>) {
    let mut reader = Reader::new(Vec::new(), bytes, reader::LONGEST_MESSAGE).await;
    let mut messages = 0;
    loop {
        match reader.next().await {
            Incoming::Close(code) => return (messages, Some(code)),
            Incoming::Violation(reason) => return (messages, Some(reason.code())),
            Incoming::Gone => return (messages, None),
            _ => messages += 1,
        }
    }
}

fn config() -> ServerConfig {
    ServerConfig {
        bind_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 0,
        tls: None,
        allowed_origins: Vec::new(),
        require_origin: false,
        max_connections: 1000,
        max_connections_per_user: 1000,
        operator_places: 0,
        pool_policy: PoolPolicy::Reject,
        default_role: Role::Viewer,
        heartbeat_interval: Duration::from_secs(10),
        heartbeat_timeout: Duration::from_secs(25),
        link_timeout: Duration::from_millis(600),
        handshake_timeout: Duration::from_secs(5),
        bad_tokens_per_minute: 0,
        metrics_public: false,
    }
}

/// The longest message of Autobahn's test suite.
const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// How long the peer's Close is waited for.
const LINGER: Duration = Duration::from_secs(2);
