//! Requests that no client should send: each has its answer, a short one, and none holds a connection.

use super::{handshake::request, *};

const WS: &str = "GET /ws HTTP/1.1";

/// The bytes get this status, and the connection has ended within the time for a request.
async fn check(status: u16, bytes: &[u8]) {
    let answer = exchange(bytes).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    let sent = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned();
    let got = head.split(' ').nth(1).unwrap_or("0");
    assert_eq!(got, status.to_string(), "{sent}\n{answer}");
    assert!(body.len() < 1024, "{sent}\n{body}");
}

async fn exchange(bytes: &[u8]) -> String {
    let rig = Rig::new();
    let mut peer = Peer(rig.connect(256 * 1024));
    peer.send(bytes).await;
    let mut answer = Vec::new();
    let _ = peer.0.read_to_end(&mut answer).await;
    assert!(rig.server.now() < Duration::from_secs(6), "{:?}", rig.server.now());
    String::from_utf8_lossy(&answer).into_owned()
}

async fn check_line(status: u16, line: &str) {
    check(status, request(line, &[]).as_bytes()).await;
}

async fn check_field(status: u16, changes: &[&str]) {
    check(status, request(WS, changes).as_bytes()).await;
}

#[tokio::test(start_paused = true)]
async fn request_lines() {
    check_line(400, "GET  /ws HTTP/1.1").await;
    check_line(400, "GET /ws  HTTP/1.1").await;
    check_line(400, "GET\t/ws HTTP/1.1").await;
    check_line(400, " GET /ws HTTP/1.1").await;
    check_line(400, "GET /ws http/1.1").await;
    check_line(400, "GET /ws HTTP/1.2").await;
    check_line(400, "GET /ws HTTP/2.0").await;
    check_line(400, "GET /ws HTTP/1.0").await;
    check_line(400, "GET /ws\0 HTTP/1.1").await;
    check_line(400, "GET http:///ws HTTP/1.1").await;
    check_line(400, "GET http://other.test/ws HTTP/1.1").await;
    check_line(400, "GET http://robot.test:8080/ws HTTP/1.1").await;
    check_line(400, "GET http://user@robot.test/ws HTTP/1.1").await;
    check_line(405, "get /ws HTTP/1.1").await;
    check_line(405, "CONNECT /ws HTTP/1.1").await;
    check_line(405, "TRACE /ws HTTP/1.1").await;
    check_line(404, "CONNECT robot.test:80 HTTP/1.1").await;
    check_line(404, "OPTIONS * HTTP/1.1").await;
    check_line(404, "GET * HTTP/1.1").await;
    check_line(404, "GET ws HTTP/1.1").await;
    check_line(404, "GET //ws HTTP/1.1").await;
    check_line(404, "GET /ws/ HTTP/1.1").await;
    check_line(404, "GET /WS HTTP/1.1").await;
    check_line(404, "GET /./ws HTTP/1.1").await;
    check_line(404, "GET /%77s HTTP/1.1").await;
    check_line(404, "GET /ws;x HTTP/1.1").await;
    check_line(404, "GET /ws\\ HTTP/1.1").await;
    check_line(404, &format!("GET /{} HTTP/1.1", "x".repeat(15 * 1024))).await;
    check_line(431, &format!("GET /ws?{} HTTP/1.1", "x".repeat(17 * 1024))).await;
    check_line(431, &format!("GET /ws?{} HTTP/1.1", "x".repeat(100 * 1024))).await;
}

#[tokio::test(start_paused = true)]
async fn host_fields() {
    check_field(400, &["Host: robot.test, other.test"]).await;
    check_field(400, &["Host: robot test"]).await;
    check_field(400, &["Host: http://robot.test/"]).await;
    check_field(400, &["Host: robot.test/ws"]).await;
    check_field(400, &["Host: user@robot.test"]).await;
    check_field(400, &["Host: robot.test:99999"]).await;
    check_field(400, &["Host: robot.test:"]).await;
    check_field(400, &["Host: :8080"]).await;
    check_field(400, &["Host: [::1"]).await;
    check_field(400, &["Host: \u{e9}"]).await;
    check_field(400, &["-Host", "+Host : robot.test"]).await;
    check_field(400, &["+host: robot.test"]).await;
}

#[tokio::test(start_paused = true)]
async fn fields_of_the_upgrade() {
    check_field(426, &["Upgrade: \"websocket\""]).await;
    check_field(426, &["Upgrade: web socket"]).await;
    check_field(426, &["Upgrade: websocket;q=1"]).await;
    check_field(400, &["Connection: close"]).await;
    check_field(400, &["Connection: Upgrade;x"]).await;
    check_field(426, &["Sec-WebSocket-Version: 12"]).await;
    check_field(426, &["Sec-WebSocket-Version: 013"]).await;
    check_field(426, &["Sec-WebSocket-Version: thirteen"]).await;
    check_field(400, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==x"]).await;
    check_field(400, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWRlIHNhbXBsZQ=="]).await;
    check_field(400, &["Sec-WebSocket-Key: ========================"]).await;
}

#[tokio::test(start_paused = true)]
async fn bodies_and_other_fields() {
    check_field(400, &["+Content-Length: 0", "+Content-Length: 5"]).await;
    check_field(400, &["+Content-Length: 5", "+Transfer-Encoding: chunked"]).await;
    check_field(400, &["+Transfer-Encoding: gzip"]).await;
    check_field(400, &["+Transfer-Encoding: chunked, identity"]).await;
    check_field(400, &["+X: a\r\n folded"]).await;
    check_field(400, &["+X: a\0b"]).await;
    check_field(400, &["+X\0: b"]).await;
    check_field(400, &["+X : b"]).await;
    check_field(400, &["+: b"]).await;
    check_field(101, &vec!["+X: x"; MOST_HEADERS - 5]).await;
    check_field(431, &vec!["+X: x"; MOST_HEADERS - 4]).await;
    check_field(431, &[&format!("+X: {}", "x".repeat(17 * 1024))]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_request_at_all() {
    const NOTHING: u16 = 0;
    check(400, b"hello world, this is no request\r\n\r\n").await;
    check(400, &[0; 64]).await;
    check(400, &[0xFF; 64]).await;
    check(400, request(WS, &[]).replace("\r\n", "\r").as_bytes()).await;
    // TLS begins its greeting on the port of plain text.
    check(400, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3]).await;
    // Who speaks HTTP/2 understands no answer of HTTP/1.1.
    check(NOTHING, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    check(NOTHING, b"\r\n\r\n\r\n\r\n").await;
    check(NOTHING, b"GET /ws HT").await;
    check(NOTHING, b"").await;
}

#[tokio::test(start_paused = true)]
async fn what_rfc_9112_lets_a_server_accept() {
    check_line(101, "\r\nGET /ws HTTP/1.1").await;
    check_line(101, "GET http://robot.test/ws HTTP/1.1").await;
    check_line(101, "GET http://ROBOT.test/ws HTTP/1.1").await;
    check_field(101, &["Host: [::1]:8080"]).await;
    check_field(101, &["+Upgrade: websocket"]).await;
    check_field(101, &["Connection: close, Upgrade"]).await;
    check_field(101, &["+Expect: 100-continue"]).await;
    check(101, request(WS, &[]).replace("\r\n", "\n").as_bytes()).await;
}

/// What comes in one piece with the request, behind it, is read as frames.
async fn behind_the_request(bytes: &[u8]) -> Peer<DuplexStream> {
    let rig = Rig::new();
    let mut peer = Peer(rig.connect(64 * 1024));
    let line = format!("GET {} HTTP/1.1", target(7, "viewer"));
    peer.send(&[request(&line, &[]).as_bytes(), bytes].concat()).await;
    let head = peer.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let welcome = peer.text().await;
    assert!(welcome.contains("connection_established"), "{welcome}");
    peer
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_comes_with_the_request_is_answered() {
    let mut peer = behind_the_request(&frame(TEXT, br#"{"type":"ping"}"#)).await;
    let answer = peer.text().await;
    assert!(answer.contains("\"type\":\"pong\""), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_second_request_behind_the_upgrade_is_a_violation() {
    let mut peer = behind_the_request(b"GET / HTTP/1.1\r\nHost: robot.test\r\n\r\n").await;
    peer.expect_close(CloseReason::ProtocolError).await;
}
