//! The accept loop, patience with strangers, and the orderly end.

use std::{collections::VecDeque, io, sync::atomic::AtomicUsize};

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::{client_async, tungstenite::Message};

use super::*;

/// Streams and errors in a given order, then nothing.
struct Script(VecDeque<io::Result<DuplexStream>>, Arc<AtomicUsize>);

impl Accept for Script {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        self.1.fetch_add(1, Ordering::Relaxed);
        match self.0.pop_front() {
            Some(next) => next.map(|io| (io, PEER)),
            None => std::future::pending().await,
        }
    }
}

struct Open {
    stopping: watch::Sender<bool>,
    running: tokio::task::JoinHandle<()>,
    accepts: Arc<AtomicUsize>,
}

fn open(rig: &Rig, script: impl IntoIterator<Item = io::Result<DuplexStream>>) -> Open {
    let (stopping, stop) = watch::channel(false);
    let accepts = Arc::new(AtomicUsize::new(0));
    let script = Script(script.into_iter().collect(), accepts.clone());
    let running = tokio::spawn(Listening::new(rig.server.clone(), script).run(stop));
    Open { stopping, running, accepts }
}

async fn join(io: DuplexStream, user_id: u64) -> Peer<DuplexStream> {
    let mut peer = Peer(io);
    let line = format!("GET {} HTTP/1.1", target(user_id, "operator"));
    peer.send(handshake::request(&line, &[]).as_bytes()).await;
    peer.head().await;
    peer.text().await;
    peer
}

#[tokio::test(start_paused = true)]
async fn on_stopping_everyone_is_told_and_the_last_to_leave_ends_it() {
    let rig = Rig::new();
    let (one, two, idle_page) = (duplex(65536), duplex(65536), duplex(65536));
    let open = open(&rig, [Ok(one.1), Ok(two.1), Ok(idle_page.1)]);
    let (mut one, mut two) = (join(one.0, 1).await, join(two.0, 2).await);
    let start = rig.server.now();
    open.stopping.send_replace(true);
    one.expect_close(CloseReason::ServerStopping).await;
    two.expect_close(CloseReason::ServerStopping).await;
    open.running.await.unwrap();
    assert_eq!(rig.server.now(), start, "a connection without a request does not hold it up");
    assert!(rig.hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn on_stopping_nobody_is_waited_for_longer_than_three_seconds() {
    let rig = Rig::new();
    let (stubborn, half) = (duplex(65536), duplex(65536));
    let open = open(&rig, [Ok(stubborn.1), Ok(half.1)]);
    let _stubborn = join(stubborn.0, 1).await;
    let mut half = Peer(half.0);
    half.send(b"GET / HTTP/1.1\r\nHost:").await;
    idle().await;
    let start = rig.server.now();
    open.stopping.send_replace(true);
    open.running.await.unwrap();
    assert!(rig.server.now() - start <= Duration::from_millis(3001));
    assert!(rig.hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_while_the_server_stops_is_sent_away() {
    let rig = Rig::new();
    let mut late = Peer(rig.connect(65536));
    let line = format!("GET {} HTTP/1.1", target(1, "operator"));
    let request = handshake::request(&line, &[]);
    let (first, rest) = request.split_at(20);
    late.send(first.as_bytes()).await;
    idle().await;
    rig.server.stop();
    late.send(rest.as_bytes()).await;
    assert!(late.head().await.starts_with("HTTP/1.1 101 "));
    late.expect_close(CloseReason::ServerStopping).await;
}

#[tokio::test(start_paused = true)]
async fn without_file_descriptors_the_accept_loop_waits_and_recovers() {
    let rig = Rig::new();
    let (client, server) = duplex(65536);
    let no_descriptors = || Err(io::Error::from_raw_os_error(24));
    let script = (0..10).map(|_| no_descriptors()).chain([Ok(server)]);
    let open = open(&rig, script);
    join(client, 1).await;
    assert_eq!(rig.server.now().as_millis(), 1000);
    assert_eq!(open.accepts.load(Ordering::Relaxed), 12);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_gone_before_its_accept_costs_no_time() {
    let rig = Rig::new();
    let (client, server) = duplex(65536);
    let aborted = || Err(io::ErrorKind::ConnectionAborted.into());
    let _open = open(&rig, (0..100).map(|_| aborted()).chain([Ok(server)]));
    join(client, 1).await;
    assert_eq!(rig.server.now(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_a_request_in_time_is_dropped() {
    let check = async |bytes: &str, pause: Duration| {
        let rig = Rig::new();
        let mut peer = Peer(rig.connect(65536));
        for byte in bytes.bytes() {
            if peer.0.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(pause).await;
        }
        let mut rest = Vec::new();
        let _ = peer.0.read_to_end(&mut rest).await;
        assert!(rig.server.now() <= Duration::from_secs(6), "{bytes}: {:?}", rig.server.now());
    };
    check("", Duration::ZERO).await;
    check("GET /ws HTTP/1.1\r\nHost: robot.test\r\n", Duration::ZERO).await;
    check("GET /ws HTTP/1.1\r\nHost: robot.test\r\n", Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_take_the_page_is_dropped_within_a_minute() {
    let rig = Rig::new();
    let (client, theirs) = duplex(16);
    let server = rig.server.clone();
    let serving = tokio::spawn(async move { server.serve(theirs, PEER).await });
    let mut client = Peer(client);
    client.send(b"GET / HTTP/1.1\r\nHost: robot.test\r\n\r\n").await;
    serving.await.unwrap();
    assert_eq!(rig.server.now().as_secs(), 60);
}

#[tokio::test]
async fn a_client_library_is_served_over_a_real_socket() {
    let rig = Rig::new();
    let listening = rig.server.listen(rig.server.address()).await.unwrap();
    let address = listening.local_addr().unwrap();
    let (stopping, stop) = watch::channel(false);
    let running = tokio::spawn(listening.run(stop));
    let url = format!("ws://{address}{}", target(7, "operator"));
    let io = TcpStream::connect(address).await.unwrap();
    let (mut client, _) = client_async(url, io).await.unwrap();
    let welcome = next(&mut client).await.unwrap().into_text().unwrap();
    assert!(welcome.contains("connection_established"), "{welcome}");
    client.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    let pong = next(&mut client).await.unwrap().into_text().unwrap();
    assert!(pong.contains("\"type\":\"pong\""), "{pong}");
    stopping.send_replace(true);
    let close = next(&mut client).await.unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1001));
    assert_eq!(next(&mut client).await, None);
    running.await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_named() {
    let rig = Rig::new();
    let first = rig.server.listen(rig.server.address()).await.unwrap();
    let address = first.local_addr().unwrap();
    let error = rig.server.listen(address).await.err().unwrap();
    assert!(matches!(error, ListenError::InUse(_)));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn an_address_of_another_machine_is_named() {
    let elsewhere: SocketAddr = "192.0.2.1:8080".parse().unwrap();
    let error = Rig::new().server.listen(elsewhere).await.err().unwrap();
    assert!(error.to_string().contains("192.0.2.1:8080"), "{error}");
}

/// The next message that is no ping; the library answers those.
pub async fn next<Io>(client: &mut tokio_tungstenite::WebSocketStream<Io>) -> Option<Message>
where
    Io: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    loop {
        match client.next().await?.unwrap() {
            Message::Ping(_) => {}
            message => return Some(message),
        }
    }
}
