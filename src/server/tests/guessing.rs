//! Addresses that keep showing bad tokens.

use super::*;

const LIMIT: u64 = 3;
const ELSEWHERE: &str = "192.0.2.9:1000";

fn rig() -> Rig {
    Rig::with(|config| config.bad_tokens_per_minute = LIMIT as u32)
}

/// The answer's head to a request with this token.
async fn knock(rig: &Rig, from: SocketAddr, token: &str) -> (String, Peer<DuplexStream>) {
    let (ours, theirs) = duplex(64 * 1024);
    let server = rig.server.clone();
    tokio::spawn(async move { server.serve(theirs, from).await });
    let mut peer = Peer(ours);
    let line = format!("GET /ws?token={token} HTTP/1.1");
    peer.send(handshake::request(&line, &[]).as_bytes()).await;
    (peer.head().await, peer)
}

async fn status(rig: &Rig, from: SocketAddr, token: &str) -> u16 {
    let (head, _) = knock(rig, from, token).await;
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Shows bad tokens until they are refused.
async fn wear_out(rig: &Rig) {
    for _ in 0..LIMIT {
        assert_eq!(status(rig, PEER, "rubbish").await, 101);
    }
    assert_eq!(status(rig, PEER, "rubbish").await, 429);
}

#[tokio::test(start_paused = true)]
async fn bad_tokens_beyond_the_limit_get_429_for_a_minute() {
    let rig = rig();
    wear_out(&rig).await;
    let forged = format!("{}x", Claims::new(7, "operator").sign());
    let expired = Claims { exp: 1, ..Claims::new(7, "operator") }.sign();
    for bad in ["rubbish", "", &forged, &expired] {
        assert_eq!(status(&rig, PEER, bad).await, 429, "{bad}");
    }
    tokio::time::sleep(Duration::from_millis(59_500)).await;
    assert_eq!(status(&rig, PEER, "rubbish").await, 429);
    tokio::time::sleep(Duration::from_millis(501)).await;
    wear_out(&rig).await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_says_when_to_come_again() {
    let rig = rig();
    wear_out(&rig).await;
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    let (head, _) = knock(&rig, PEER, "rubbish").await;
    assert!(head.contains("\r\nretry-after: 50\r\n"), "{head}");
    assert!(!head.contains("sec-websocket-accept"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn good_tokens_and_open_connections_from_there_are_untouched() {
    let rig = rig();
    let mut open = rig.join(1, "viewer").await;
    wear_out(&rig).await;
    for _ in 0..10 {
        let token = Claims::new(7, "operator").sign();
        let (head, mut peer) = knock(&rig, PEER, &token).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(peer.text().await.contains("connection_established"));
    }
    open.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn other_addresses_and_plain_requests_are_untouched() {
    let rig = rig();
    wear_out(&rig).await;
    assert_eq!(status(&rig, ELSEWHERE.parse().unwrap(), "rubbish").await, 101);
    let mut page = Peer(rig.connect(1 << 20));
    page.send(b"GET / HTTP/1.1\r\nHost: robot.test\r\n\r\n").await;
    assert!(page.head().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn good_tokens_count_for_nothing_and_zero_is_no_limit() {
    let rig = rig();
    let good = Claims::new(7, "viewer").sign();
    for _ in 0..2 * LIMIT {
        assert_eq!(status(&rig, PEER, &good).await, 101);
    }
    wear_out(&rig).await;
    let off = Rig::with(|config| config.bad_tokens_per_minute = 0);
    for _ in 0..100 {
        assert_eq!(status(&off, PEER, "rubbish").await, 101);
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_come_all_at_once_are_counted_too() {
    let rig = rig();
    let knocks = (0..50).map(|_| status(&rig, PEER, "rubbish"));
    let answers = futures::future::join_all(knocks).await;
    assert_eq!(answers.iter().filter(|status| **status == 101).count(), LIMIT as usize);
}
