//! The server over in-memory streams: virtual time, a client that can misbehave, and nothing of the robot.

use std::{net::SocketAddr, sync::Weak, time::Duration};

use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{mpsc, watch},
};

use super::*;
use crate::{
    auth::Verifier,
    config::PoolPolicy,
    hub::Listener,
    protocol::CloseReason,
    safety::latch::StopLatch,
    session::{Command, Terms},
    telemetry::vitals::Vitals,
};

mod closing;
mod conversation;
mod door;
mod flood;
mod guessing;
mod handshake;
mod keepers;
mod malformed;
mod tls;
mod tokens;
mod violations;

pub const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";
pub const UNIX: Duration = Duration::from_secs(1_750_000_000);
pub const PEER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4711);

pub fn config() -> ServerConfig {
    ServerConfig {
        bind_address: PEER.ip(),
        port: 0,
        tls: None,
        allowed_origins: vec!["https://console.example".to_owned()],
        require_origin: false,
        max_connections: 1000,
        max_connections_per_user: 100,
        operator_places: 16,
        pool_policy: PoolPolicy::EvictOldest,
        default_role: Role::Operator,
        heartbeat_interval: Duration::from_secs(10),
        heartbeat_timeout: Duration::from_secs(25),
        link_timeout: Duration::from_millis(600),
        handshake_timeout: Duration::from_secs(5),
        metrics_public: false,
        bad_tokens_per_minute: 20,
    }
}

/// A server and everything around it.
pub struct Rig {
    pub server: Server,
    pub hub: Hub,
    pub latch: StopLatch,
    pub commands: mpsc::Receiver<Command>,
    pub holder: watch::Sender<Option<ConnectionId>>,
    /// Who is let in.
    pub access: watch::Sender<Arc<Verifier>>,
}

impl Rig {
    pub fn new() -> Rig {
        Rig::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut ServerConfig)) -> Rig {
        let mut config = config();
        change(&mut config);
        Rig::build(config, Clock::virtual_from(UNIX), None)
    }

    pub fn build(config: ServerConfig, clock: Clock, tls: Option<TlsIdentity>) -> Rig {
        Rig::keeping(config, clock, tls, Arc::new(Vitals::unknown))
    }

    /// With somebody who says how the bridge is.
    pub fn keeping(
        config: ServerConfig,
        clock: Clock,
        tls: Option<TlsIdentity>,
        checkup: Checkup,
    ) -> Rig {
        let hub = Hub::new();
        tokio::spawn(hub.clone().fan_out());
        let latch = StopLatch::default();
        let (sender, commands) = mpsc::channel(4);
        let holder = watch::Sender::new(None);
        let verifier = Verifier::hs256(SECRET, config.default_role).unwrap();
        let access = watch::Sender::new(Arc::new(verifier));
        let terms = Terms {
            verifier: access.subscribe(),
            latch: latch.clone(),
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
            hub: hub.clone(),
            commands: sender,
            holder: holder.subscribe(),
            audit: Audit::default(),
            metrics: Arc::default(),
            checkup,
            clock,
        };
        let server = Server::new(surroundings, tls.map(Renewal::new).map(Arc::new));
        let keeper = server.clone();
        tokio::spawn(async move { keeper.upkeep().await });
        Rig { server, hub, latch, commands, holder, access }
    }

    /// The client's end of a stream that the server serves; `capacity` bytes fit in each direction.
    pub fn connect(&self, capacity: usize) -> DuplexStream {
        let (ours, theirs) = duplex(capacity);
        let server = self.server.clone();
        tokio::spawn(async move { server.serve(theirs, PEER).await });
        ours
    }

    /// A WebSocket that has read nothing behind the handshake.
    pub async fn dial(&self, target: &str) -> Peer<DuplexStream> {
        self.dial_narrow(target, 64 * 1024).await
    }

    /// The same over a stream that holds little, so that a client that does not read is noticed.
    pub async fn dial_narrow(&self, target: &str, capacity: usize) -> Peer<DuplexStream> {
        let mut peer = Peer(self.connect(capacity));
        peer.send(handshake::request(&format!("GET {target} HTTP/1.1"), &[]).as_bytes()).await;
        let head = peer.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        peer
    }

    /// A client that was let in and has read the welcome.
    pub async fn join(&self, user_id: u64, role: &str) -> Peer<DuplexStream> {
        let mut peer = self.dial(&target(user_id, role)).await;
        let welcome = peer.text().await;
        assert!(welcome.contains("\"type\":\"connection_established\""), "{welcome}");
        peer
    }
}

/// Somebody who listens to nothing.
pub fn deaf() -> Weak<dyn Listener> {
    struct Deaf;
    impl Listener for Deaf {
        fn newer(&self) {}

        fn approach(&self) {}
    }
    Weak::<Deaf>::new()
}

/// Returns when every task waits for something: the paused clock moves on only then.
pub async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[derive(Clone, Serialize)]
pub struct Claims {
    pub user_id: u64,
    pub sub: String,
    pub exp: u64,
    pub role: String,
}

impl Claims {
    pub fn new(user_id: u64, role: &str) -> Claims {
        let exp = UNIX.as_secs() + 86_400;
        Claims { user_id, sub: "lan".to_owned(), exp, role: role.to_owned() }
    }

    pub fn sign(&self) -> String {
        let key = EncodingKey::from_secret(SECRET);
        jsonwebtoken::encode(&Header::default(), self, &key).unwrap()
    }
}

pub fn target(user_id: u64, role: &str) -> String {
    format!("/ws?token={}", Claims::new(user_id, role).sign())
}

/// A client that sends any bytes and sees every frame.
pub struct Peer<Io>(pub Io);

pub const CONTINUATION: u8 = 0;
pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// A masked final frame of a client (RFC 6455 section 5.2).
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        medium @ 126..=0xFFFF => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The same, to be continued.
pub fn fragment(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(opcode, payload);
    bytes[0] &= 0x7F;
    bytes
}

pub fn close_frame(code: u16) -> Vec<u8> {
    frame(CLOSE, &code.to_be_bytes())
}

impl<Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Peer<Io> {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub async fn say(&mut self, text: &str) {
        self.send(&frame(TEXT, text.as_bytes())).await;
    }

    /// Of an HTTP answer everything up to the empty line.
    pub async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
        String::from_utf8(head).unwrap()
    }

    /// The next frame that is no ping; `None` at the end of the stream. Pings are answered, as libraries do.
    pub async fn receive(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            match self.receive_any().await {
                Some((PING, payload)) => {
                    let _ = self.0.write_all(&frame(PONG, &payload)).await;
                }
                received => return received,
            }
        }
    }

    /// The next frame; `None` at the end of the stream.
    pub async fn receive_any(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await.ok()?;
        assert_eq!(first & 0xF0, 0x80, "final, and no reserved bits");
        let length = match self.0.read_u8().await.unwrap() {
            126 => usize::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap() as usize,
            short => usize::from(short),
        };
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).await.unwrap();
        Some((first & 0x0F, payload))
    }

    /// The next text; anything else is a failure.
    pub async fn text(&mut self) -> String {
        match self.receive().await {
            Some((TEXT, payload)) => String::from_utf8(payload).unwrap(),
            other => panic!("expected a text, not {other:?}"),
        }
    }

    /// The next frame is a Close of this reason, and after our own the stream ends.
    pub async fn expect_close(&mut self, reason: CloseReason) {
        let close = self.receive().await;
        self.check_close(close, reason).await;
    }

    /// The same, whatever stands before it.
    pub async fn expect_close_at_last(&mut self, reason: CloseReason) {
        loop {
            let received = self.receive_any().await;
            if !matches!(received, Some((TEXT | PING | PONG, _))) {
                return self.check_close(received, reason).await;
            }
        }
    }

    async fn check_close(&mut self, received: Option<(u8, Vec<u8>)>, reason: CloseReason) {
        let expected = [&reason.code().to_be_bytes()[..], reason.text().as_bytes()].concat();
        assert_eq!(received, Some((CLOSE, expected)), "{reason:?}");
        let _ = self.0.write_all(&close_frame(reason.code())).await;
        assert_eq!(self.receive().await, None);
    }

    /// Asks and waits for the answer: everything said before has been dealt with then.
    pub async fn round_trip(&mut self) {
        self.say(r#"{"type":"ping"}"#).await;
        let answer = self.text().await;
        assert!(answer.contains("\"type\":\"pong\""), "{answer}");
    }
}
