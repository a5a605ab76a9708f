//! Clients that do not read, read slowly, or say too much.

use super::*;
use crate::{
    hub::{Audience, Frame},
    protocol::Stream,
};

const EMERGENCY_STOP: &str = r#"{"type":"robot_control","command":"emergency_stop"}"#;

#[tokio::test(start_paused = true)]
async fn an_emergency_stop_is_latched_though_the_client_never_reads() {
    let rig = Rig::new();
    // Nothing of the welcome fits but its first bytes.
    let mut peer = rig.dial_narrow(&target(7, "viewer"), 16).await;
    peer.say(EMERGENCY_STOP).await;
    rig.latch.wait().await;
    assert_eq!(rig.latch.take().emergency_stops[0].user_id, 7);
}

#[tokio::test(start_paused = true)]
async fn an_emergency_stop_gets_through_behind_any_number_of_pings_and_streams() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(7, "viewer"), 1024).await;
    peer.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#).await;
    idle().await;
    rig.hub.publish(Stream::Lidar, Frame::text(&"x".repeat(10_000)));
    for _ in 0..10_000 {
        peer.send(&frame(PING, &[0; 125])).await;
    }
    peer.say(EMERGENCY_STOP).await;
    rig.latch.wait().await;
    assert_eq!(rig.latch.take().emergency_stops.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalled_gets_the_newest_value_and_never_a_backlog() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(7, "viewer"), 1024).await;
    peer.text().await;
    for stream in ["lidar", "telemetry"] {
        peer.say(&format!(r#"{{"type":"subscribe","subscription_type":"{stream}"}}"#)).await;
        peer.text().await;
    }
    for number in 0..50 {
        // 400 bytes: two fit, the third gets half-way.
        rig.hub.publish(Stream::Lidar, Frame::text(&format!("l{number:0>400}")));
        idle().await;
    }
    rig.hub.publish(Stream::Telemetry, Frame::text("t"));
    idle().await;
    let mut received = Vec::new();
    for _ in 0..5 {
        received.push(peer.text().await);
    }
    let lidar = |number: usize| format!("l{number:0>400}");
    assert_eq!(received[..3], [lidar(0), lidar(1), lidar(2)], "what was on its way");
    assert_eq!(received[3..], ["t".to_owned(), lidar(49)]);
    peer.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_value_that_has_not_begun_a_newer_one_takes_the_place() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(7, "viewer"), 512).await;
    peer.text().await;
    peer.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#).await;
    peer.text().await;
    // Fills the stream to its last byte: 4 + 508.
    rig.hub.publish(Stream::Lidar, Frame::text(&"f".repeat(508)));
    idle().await;
    for value in ["old", "older", "newest"] {
        rig.hub.publish(Stream::Lidar, Frame::text(value));
        idle().await;
    }
    rig.hub.notify(&Audience::All, &Frame::text("event"));
    idle().await;
    peer.text().await;
    assert_eq!((peer.text().await, peer.text().await), ("event".into(), "newest".into()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_take_its_events_is_closed() {
    let rig = Rig::new();
    let mut by_number = rig.join(1, "viewer").await;
    for _ in 0..300 {
        rig.hub.notify(&Audience::User(1), &Frame::text("event"));
    }
    by_number.expect_close_at_last(CloseReason::TooSlow).await;

    let mut by_size = rig.dial_narrow(&target(2, "viewer"), 1024).await;
    by_size.text().await;
    for _ in 0..200 {
        rig.hub.notify(&Audience::User(2), &Frame::text(&"x".repeat(2000)));
    }
    idle().await;
    by_size.expect_close_at_last(CloseReason::TooSlow).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_and_never_reads_is_closed() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(1, "viewer"), 1024).await;
    let asking = frame(TEXT, br#"{"type":"ping"}"#).repeat(100);
    while peer.0.write_all(&asking).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(rig.hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_for_seven_seconds_is_dropped() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(1, "viewer"), 1024).await;
    peer.text().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let start = rig.server.now();
    rig.hub.notify(&Audience::All, &Frame::text(&"x".repeat(2000)));
    rig.latch.wait().await;
    // Its motion has ended, to the timer's millisecond.
    assert_eq!((rig.server.now() - start).as_millis() / 10, 700);
    let mut rest = Vec::new();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(rig.hub.is_empty());
    peer.0.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest.len(), 1024);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_not_a_stalled_one() {
    let rig = Rig::new();
    let mut peer = rig.dial_narrow(&target(1, "viewer"), 1024).await;
    peer.text().await;
    rig.hub.notify(&Audience::All, &Frame::text(&"x".repeat(5000)));
    let mut piece = [0; 1024];
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        peer.send(&frame(PONG, b"")).await;
        peer.0.read_exact(&mut piece[..1000]).await.unwrap();
    }
    assert_eq!(rig.hub.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_messages_does_not_hold_up_what_is_to_be_sent() {
    let rig = Rig::new();
    let peer = rig.join(1, "viewer").await;
    let (read, mut write) = tokio::io::split(peer.0);
    let flood = async move {
        let pongs = frame(PONG, b"").repeat(100);
        while write.write_all(&pongs).await.is_ok() {}
    };
    rig.hub.notify(&Audience::All, &Frame::text("event"));
    let mut reading = Peer(tokio::io::join(read, tokio::io::sink()));
    tokio::select! {
        () = flood => panic!("the flood ended"),
        event = reading.text() => assert_eq!(event, "event"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_empty_fragments_holds_up_nobody() {
    let rig = Rig::new();
    let mut attacker = rig.join(1, "viewer").await;
    let mut other = rig.join(2, "viewer").await;
    attacker.send(&fragment(TEXT, b"")).await;
    let flood = async {
        let fragments = fragment(CONTINUATION, b"").repeat(1000);
        loop {
            attacker.send(&fragments).await;
        }
    };
    tokio::select! {
        () = flood => {}
        () = async { for _ in 0..100 { other.round_trip().await } } => {}
    }
    attacker.expect_close_at_last(CloseReason::TooBig).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_sent_gets_its_turn_among_any_number_of_messages() {
    let rig = Rig::new();
    let mut peer = rig.join(1, "viewer").await;
    let pings: Vec<u8> =
        (0..400u16).flat_map(|number| frame(PING, &number.to_be_bytes())).collect();
    peer.send(&pings).await;
    let mut newest = 0;
    while newest < 399 {
        let Some((PONG, payload)) = peer.receive().await else {
            panic!("expected a pong behind {newest}");
        };
        let number = u16::from_be_bytes(payload.try_into().unwrap());
        assert!(number - newest <= 64, "no pong between {newest} and {number}");
        newest = number;
    }
}
