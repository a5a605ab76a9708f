//! Many clients in one thread, which count what comes and when.

use std::{
    cell::RefCell,
    path::Path,
    rc::Rc,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::{Plan, Sender, bridge};

/// A connection, with TLS or without.
pub trait Socket: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Socket for T {}

/// Connects them all, prints `begin`, listens for a while, prints `end` and what was received: messages, lost ones, median
/// and 99 % of the time from the scan's stamp to its receipt in ms.
pub fn run(port: u16, sender: Sender, plan: &Plan) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let tally = Rc::new(RefCell::new(Tally::default()));
        let tls = plan.tls.as_deref().map(trusting);
        for index in 0..plan.clients {
            let socket = connect(port, sender, index, tls.as_ref()).await;
            let slow = plan.slow.filter(|_| index % 10 == 0);
            tokio::task::spawn_local(listen(socket, slow, tally.clone()));
        }
        sleep(WARM_UP).await;
        let delays = plan.clients * 20 * plan.seconds as usize + 1;
        tally.borrow_mut().delays = Some(Vec::with_capacity(2 * delays));
        println!("begin");
        sleep(Duration::from_secs(plan.seconds)).await;
        println!("end");
        let Tally { delays, lost } = tally.take();
        let mut delays = delays.unwrap();
        delays.sort_unstable();
        let at = |share: f64| {
            let index = (delays.len().saturating_sub(1) as f64 * share) as usize;
            f64::from(delays.get(index).copied().unwrap_or_default()) / 1000.0
        };
        println!("{} {lost} {} {}", delays.len(), at(0.5), at(0.99));
        // The server is to be looked at with everybody there.
        sleep(Duration::from_secs(2)).await;
    });
}

#[derive(Default)]
struct Tally {
    /// µs; `None` while nothing counts yet.
    delays: Option<Vec<u32>>,
    lost: u64,
}

async fn connect(
    port: u16,
    sender: Sender,
    index: usize,
    tls: Option<&TlsConnector>,
) -> Box<dyn Socket> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut socket: Box<dyn Socket> = match tls {
        Some(tls) => {
            let name = ServerName::try_from(bridge::NAME).unwrap();
            Box::new(tls.connect(name, socket).await.unwrap())
        }
        None => Box::new(socket),
    };
    if sender == Sender::Bridge {
        let user = 1 + index / 50;
        upgrade(&mut socket, &token(user, "viewer")).await;
        say(&mut socket, r#"{"type":"subscribe","subscription_type":"lidar"}"#).await;
    }
    socket
}

/// The one certificate in the folder.
fn trusting(folder: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(folder.join(bridge::CERTIFICATE)).unwrap();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// Becomes a WebSocket.
async fn upgrade(socket: &mut Box<dyn Socket>, token: &str) {
    let request = format!(
        "GET /ws?token={token} HTTP/1.1\r\nHost: robot\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(socket.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&answer));
}

/// A text message, masked by nothing.
async fn say(socket: &mut Box<dyn Socket>, text: &str) {
    socket.write_all(&masked(0x81, text.as_bytes())).await.unwrap();
}

fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![opcode];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        medium => {
            frame.push(0x80 | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Of the bench's own secret.
pub fn token(user_id: usize, role: &str) -> String {
    let claims = serde_json::json!({
        "user_id": user_id, "sub": format!("user {user_id}"), "role": role, "exp": unix().as_secs() + 3600,
    });
    let key = jsonwebtoken::EncodingKey::from_secret(super::bridge::SECRET);
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

async fn listen(mut socket: Box<dyn Socket>, slow: Option<usize>, tally: Rc<RefCell<Tally>>) {
    if slow == Some(0) {
        std::future::pending::<()>().await;
    }
    let mut buffer = vec![0; slow.unwrap_or(32 * 1024)];
    let mut frames = Frames::default();
    let mut last = None;
    let mut next = Instant::now();
    loop {
        let Ok(length @ 1..) = socket.read(&mut buffer).await else { return };
        let mut pongs = Vec::new();
        frames.feed(&buffer[..length], |opcode, tail| match opcode {
            PING => pongs.push(masked(0x8A, tail)),
            _ if slow.is_some() => {}
            _ => {
                let Some((seq, delay)) = read_tail(tail) else { return };
                let mut tally = tally.borrow_mut();
                if let Some(delays) = &mut tally.delays {
                    delays.push(delay);
                    tally.lost += last.map_or(0, |last: u64| seq - last - 1);
                }
                last = Some(seq);
            }
        });
        for pong in pongs {
            let _ = socket.write_all(&pong).await;
        }
        if slow.is_some() {
            next += Duration::from_secs(1);
            sleep_until(next).await;
        }
    }
}

/// Frames of a server, of which the ends alone are kept.
#[derive(Default)]
pub struct Frames {
    header: Vec<u8>,
    left: usize,
    tail: Vec<u8>,
}

impl Frames {
    /// Hands on each frame that is complete: its opcode, and its last bytes.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(u8, &[u8])) {
        while !bytes.is_empty() {
            if self.left == 0 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                let Some(length) = length(&self.header) else { continue };
                self.left = length;
                self.tail.clear();
            }
            let part = &bytes[..self.left.min(bytes.len())];
            bytes = &bytes[part.len()..];
            self.left -= part.len();
            if part.len() >= TAIL {
                self.tail.clear();
            }
            self.tail.extend_from_slice(&part[part.len().saturating_sub(TAIL)..]);
            if self.left == 0 {
                each(self.header[0] & 0x0F, &self.tail[self.tail.len().saturating_sub(TAIL)..]);
                self.header.clear();
            }
        }
    }
}

/// Of the payload, once the header is complete.
fn length(header: &[u8]) -> Option<usize> {
    match *header {
        [_, short] if short < 126 => Some(short.into()),
        [_, 126, high, low] => Some(u16::from_be_bytes([high, low]).into()),
        [_, 127, .., _] if header.len() == 10 => {
            Some(u64::from_be_bytes(header[2..].try_into().unwrap()) as usize)
        }
        _ => None,
    }
}

/// Number, and µs since the stamp, of the message that ends so: `"seq":7,"stamp":"2025-01-28T10:30:00.110000Z"}`.
fn read_tail(tail: &[u8]) -> Option<(u64, u32)> {
    let text = std::str::from_utf8(tail).ok()?;
    let (rest, stamp) = text.rsplit_once(r#","stamp":""#)?;
    let seq = rest.rsplit_once(r#""seq":"#)?.1.parse().ok()?;
    let now = unix().as_micros() as u64 % DAY;
    let sent = time_of_day(stamp.as_bytes())?;
    Some((seq, ((now + DAY - sent) % DAY) as u32))
}

/// µs since midnight of `2025-01-28T10:30:00.110000Z`.
fn time_of_day(stamp: &[u8]) -> Option<u64> {
    let digits = |range: std::ops::Range<usize>| {
        stamp.get(range)?.iter().try_fold(0, |value, digit| {
            digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0'))
        })
    };
    let seconds = (digits(11..13)? * 60 + digits(14..16)?) * 60 + digits(17..19)?;
    Some(seconds * 1_000_000 + digits(20..26)?)
}

/// A time since 1970, as the protocol writes it.
pub fn written(time: Duration) -> String {
    let time = jiff::Timestamp::try_from(UNIX_EPOCH + time).unwrap();
    format!("{time:.6}")
}

pub fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

/// Until everybody has a scan under way.
const WARM_UP: Duration = Duration::from_secs(2);

/// Longer than number and stamp.
const TAIL: usize = 128;

const PING: u8 = 0x9;

/// µs
const DAY: u64 = 86_400_000_000;
