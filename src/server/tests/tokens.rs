//! Tokens on the wire: what a client with a bad one gets, and what nobody else gets to see.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::*;
use crate::safety::LinkLoss;

mod corpus;
mod forged;
mod withdrawn;

/// The handshake is completed, then comes a Close with 4001 and nothing else.
async fn check_refused(target: &str) {
    let rig = Rig::new();
    rig.dial(target).await.expect_close(CloseReason::InvalidToken).await;
    assert!(rig.hub.is_empty(), "{target}");
}

#[tokio::test(start_paused = true)]
async fn a_bad_token_is_answered_with_4001_after_the_handshake() {
    let good = Claims::new(7, "operator");
    let forged = {
        let key = EncodingKey::from_secret(b"another secret of thirty-two bytes!!");
        jsonwebtoken::encode(&Header::default(), &good, &key).unwrap()
    };
    let expired = Claims { exp: UNIX.as_secs(), ..good.clone() }.sign();
    let nobody = Claims { user_id: 0, ..good.clone() }.sign();
    let nameless = Claims { sub: String::new(), ..good.clone() }.sign();
    let signed = good.sign();
    let unsigned = {
        let payload = signed.split('.').nth(1).unwrap();
        format!("eyJhbGciOiJub25lIn0.{payload}.")
    };
    check_refused("/ws").await;
    check_refused("/ws?token=").await;
    check_refused("/ws?token=rubbish").await;
    check_refused("/ws?token=a.b.c").await;
    check_refused("/ws?token=%zz").await;
    check_refused(&format!("/ws?token={}", "x".repeat(5000))).await;
    check_refused(&format!("/ws?token={forged}")).await;
    check_refused(&format!("/ws?token={unsigned}")).await;
    check_refused(&format!("/ws?token={expired}")).await;
    check_refused(&format!("/ws?token={nobody}")).await;
    check_refused(&format!("/ws?token={nameless}")).await;
    check_refused(&format!("/ws?token={signed}x")).await;
    check_refused(&format!("/ws?token={signed}&token={signed}")).await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_the_close_is_dropped_after_a_second() {
    let rig = Rig::new();
    let mut peer = rig.dial("/ws").await;
    assert!(matches!(peer.receive().await, Some((CLOSE, _))));
    let start = rig.server.now();
    assert_eq!(peer.receive().await, None);
    assert_eq!((rig.server.now() - start).as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_in_the_authorization_field_opens_the_door_too() {
    let rig = Rig::new();
    let mut peer = Peer(rig.connect(64 * 1024));
    let field = format!("+Authorization: Bearer {}", Claims::new(7, "viewer").sign());
    peer.send(handshake::request("GET /ws HTTP/1.1", &[&field]).as_bytes()).await;
    assert!(peer.head().await.starts_with("HTTP/1.1 101 "));
    let welcome = peer.text().await;
    assert!(welcome.contains("\"user_id\":7") && welcome.contains("\"role\":\"viewer\""));
}

#[tokio::test(start_paused = true)]
async fn the_connection_id_is_unguessable_and_never_the_same() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let mut peer = rig.dial(&target(7, "viewer")).await;
        let welcome = peer.text().await;
        let (_, rest) = welcome.split_once("\"connection_id\":\"").unwrap();
        let (id, _) = rest.split_once('"').unwrap();
        assert!(id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit()), "{id}");
        ids.push(id.to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_connection_ends_with_its_token() {
    let rig = Rig::new();
    let exp = UNIX.as_secs() + 8;
    let token = Claims { exp, ..Claims::new(7, "operator") }.sign();
    let mut peer = rig.dial(&format!("/ws?token={token}")).await;
    peer.text().await;
    peer.expect_close(CloseReason::TokenExpired).await;
    assert_eq!(rig.server.time().unix.as_secs(), exp);
    assert_eq!(rig.latch.take().lost.len(), 1);
}

/// A server whose wall clock stands still, until it is set.
fn with_wall_clock() -> (Rig, impl Fn(u64)) {
    let wall = Arc::new(Mutex::new(UNIX));
    let read = wall.clone();
    let rig = Rig::build(config(), Clock::with_wall(move || *read.lock().unwrap()), None);
    (rig, move |seconds| *wall.lock().unwrap() = UNIX + Duration::from_secs(seconds))
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_past_the_expiry_ends_the_connection_within_a_second() {
    let (rig, set) = with_wall_clock();
    // Is pinged every 10 s: nothing else wakes its connection up.
    let mut peer = rig.join(7, "viewer").await;
    idle().await;
    set(90_000);
    let start = rig.server.now();
    peer.expect_close(CloseReason::TokenExpired).await;
    assert!(rig.server.now() - start <= Duration::from_millis(1001));
    assert_eq!(rig.latch.take().lost[..], [(ConnectionId(1), LinkLoss::TokenExpired)]);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_counts_against_the_newest_token() {
    let (rig, set) = with_wall_clock();
    let (mut renewed, mut other) = (rig.join(7, "viewer").await, rig.join(8, "viewer").await);
    let newer = Claims { exp: UNIX.as_secs() + 100_000, ..Claims::new(7, "viewer") }.sign();
    renewed.say(&format!(r#"{{"type":"authenticate","token":"{newer}"}}"#)).await;
    assert!(renewed.text().await.contains("\"type\":\"authenticated\""));
    idle().await;
    set(90_000);
    other.expect_close(CloseReason::TokenExpired).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    renewed.round_trip().await;
    set(100_000);
    renewed.expect_close(CloseReason::TokenExpired).await;
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn no_part_of_a_token_is_ever_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Where there is one subscriber only, tracing asks the thread that meets a log line first whether anybody listens, and
    // remembers the answer: tests beside this one, which have none, would silence it.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let guard = tracing::subscriber::set_default(subscriber);
    let rig = Rig::new();
    let good = Claims::new(7, "operator").sign();
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    rig.dial(&format!("/ws?token={forged}")).await.expect_close(CloseReason::InvalidToken).await;
    let mut peer = rig.dial(&format!("/ws?token={good}")).await;
    peer.text().await;
    let newer = Claims { exp: UNIX.as_secs() + 90_000, ..Claims::new(7, "operator") }.sign();
    peer.say(&format!(r#"{{"type":"authenticate","token":"{newer}"}}"#)).await;
    peer.text().await;
    peer.send(&close_frame(1000)).await;
    idle().await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("opened") && log.contains("token refused"), "{log}");
    for token in [good, forged, newer] {
        for part in token.as_bytes().windows(16) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(!log.contains(part), "{part} stands in the log");
        }
    }
}
