//! Commands, answers, events and streams between a client and the robot's side.

use super::*;
use crate::{
    hub::{Audience, Frame},
    protocol::{Answer, Stream},
};

#[tokio::test(start_paused = true)]
async fn the_welcome_comes_first() {
    let rig = Rig::new();
    let mut peer = rig.dial(&target(7, "operator")).await;
    let welcome = peer.text().await;
    assert!(
        welcome.starts_with(
            r#"{"type":"connection_established","user_id":7,"username":"lan","timestamp":""#
        ),
        "{welcome}"
    );
    assert_eq!(rig.hub.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn frames_that_came_with_the_handshake_are_not_lost() {
    let rig = Rig::new();
    let mut peer = Peer(rig.connect(64 * 1024));
    let mut bytes =
        handshake::request(&format!("GET {} HTTP/1.1", target(7, "viewer")), &[]).into_bytes();
    bytes.extend(frame(TEXT, br#"{"type":"ping"}"#));
    peer.send(&bytes).await;
    assert!(peer.head().await.starts_with("HTTP/1.1 101 "));
    assert!(peer.text().await.contains("connection_established"));
    assert!(peer.text().await.contains("\"type\":\"pong\""));
}

#[tokio::test(start_paused = true)]
async fn a_command_goes_to_the_robots_side_and_its_answer_comes_back() {
    let mut rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    peer.say(r#"{"type":"robot_control","command":"dock","request_id":"d1"}"#).await;
    let command = rig.commands.recv().await.unwrap();
    assert_eq!((command.caller.user_id, command.caller.connection), (7, ConnectionId(1)));
    assert!(command.alive.get());
    let outcome = Ok("Docked".to_owned());
    rig.hub.answer(command.caller.connection, Answer { ticket: command.ticket, outcome });
    let answer = peer.text().await;
    assert!(answer.contains("\"success\":true") && answer.contains("d1"), "{answer}");
    drop(peer);
    idle().await;
    assert!(!command.alive.get(), "a lost link voids the command");
}

#[tokio::test(start_paused = true)]
async fn a_command_that_finds_no_room_is_answered_with_busy() {
    let mut rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    for _ in 0..5 {
        peer.say(r#"{"type":"robot_control","command":"dock"}"#).await;
    }
    let busy = peer.text().await;
    assert!(busy.contains("\"success\":false") && busy.contains("\"busy\""), "{busy}");
    assert!(busy.contains("The robot's command queue is full"), "{busy}");
    assert!((0..4).all(|_| rig.commands.try_recv().is_ok()));
    drop(rig.commands);
    peer.say(r#"{"type":"robot_control","command":"dock"}"#).await;
    assert!(peer.text().await.contains("\"busy\""));
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_answered_when_zero_is_out() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "viewer").await;
    peer.say(r#"{"type":"robot_control","command":"stop"}"#).await;
    peer.round_trip().await;
    rig.latch.serve(rig.latch.take().sequence);
    let answer = peer.text().await;
    assert!(answer.contains("robot_control_response") && answer.contains("true"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn streams_go_to_who_subscribed_and_as_long() {
    let rig = Rig::new();
    let mut one = rig.join(1, "viewer").await;
    let mut other = rig.join(1, "viewer").await;
    rig.hub.publish(Stream::Lidar, Frame::text("before"));
    one.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#).await;
    assert!(one.text().await.contains("subscription_confirmed"));
    one.say(r#"{"type":"subscribe","subscription_type":"lidar"}"#).await;
    assert!(one.text().await.contains("subscription_confirmed"));
    assert_eq!(rig.hub.subscribers(Stream::Lidar), 1);
    rig.hub.publish(Stream::Lidar, Frame::text("first"));
    rig.hub.publish(Stream::Telemetry, Frame::text("not asked for"));
    assert_eq!(one.text().await, "first");
    rig.hub.publish(Stream::Lidar, Frame::text("second"));
    assert_eq!(one.text().await, "second");
    one.say(r#"{"type":"unsubscribe","subscription_type":"lidar"}"#).await;
    assert!(one.text().await.contains("unsubscription_confirmed"));
    rig.hub.publish(Stream::Lidar, Frame::text("third"));
    one.round_trip().await;
    other.round_trip().await;
    assert_eq!(rig.hub.subscribers(Stream::Lidar), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_under_way_than_is_acknowledged() {
    let rig = Rig::new();
    let mut peer = rig.join(1, "viewer").await;
    let subscribe =
        r#"{"type":"subscribe","subscription_type":"lidar","options":{"max_in_flight":2}}"#;
    peer.say(subscribe).await;
    assert!(peer.text().await.contains("subscription_confirmed"));
    let publish = |seq: u64| {
        let frame = Frame::text(&format!("scan {seq}")).numbered(seq);
        rig.hub.publish(Stream::Lidar, frame);
    };
    for seq in 1..=2 {
        publish(seq);
        assert_eq!(peer.text().await, format!("scan {seq}"));
    }
    for seq in 3..=9 {
        publish(seq);
        peer.round_trip().await;
    }
    peer.say(r#"{"type":"ack","subscription_type":"lidar","seq":1}"#).await;
    assert_eq!(peer.text().await, "scan 9", "the newest, and none of those between");
    publish(10);
    peer.round_trip().await;
    // Asked for anew, nothing is under way.
    peer.say(&subscribe.replace('2', "1")).await;
    assert!(peer.text().await.contains("subscription_confirmed"));
    publish(11);
    assert_eq!(peer.text().await, "scan 11");
}

#[tokio::test(start_paused = true)]
async fn a_value_that_came_too_soon_follows_when_its_time_has_come() {
    let rig = Rig::new();
    let mut peer = rig.join(1, "viewer").await;
    peer.say(r#"{"type":"subscribe","subscription_type":"telemetry","options":{"rate_hz":0.5}}"#)
        .await;
    assert!(peer.text().await.contains("subscription_confirmed"));
    for seq in 1..=2 {
        rig.hub.publish(Stream::Telemetry, Frame::text(&format!("value {seq}")));
        assert_eq!(peer.text().await, format!("value {seq}"));
    }
    let before = tokio::time::Instant::now();
    for seq in 3..=5 {
        rig.hub.publish(Stream::Telemetry, Frame::text(&format!("value {seq}")));
        peer.round_trip().await;
    }
    assert_eq!(peer.text().await, "value 5");
    let waited = before.elapsed();
    assert!((1.9..2.1).contains(&waited.as_secs_f64()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn events_reach_whom_they_concern() {
    let rig = Rig::new();
    let mut viewer = rig.join(1, "viewer").await;
    let mut operator = rig.join(2, "operator").await;
    rig.hub.notify(&Audience::User(1), &Frame::text("to one"));
    rig.hub.notify(&Audience::Group("operator".to_owned()), &Frame::text("to operators"));
    rig.hub.notify(&Audience::All, &Frame::text("to all"));
    assert_eq!((viewer.text().await, viewer.text().await), ("to one".into(), "to all".into()));
    let received = (operator.text().await, operator.text().await);
    assert_eq!(received, ("to operators".into(), "to all".into()));
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_changes_the_role_here_too() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "viewer").await;
    let newer = Claims::new(7, "operator").sign();
    peer.say(&format!(r#"{{"type":"authenticate","token":"{newer}"}}"#)).await;
    assert!(peer.text().await.contains("authenticated"));
    rig.hub.notify(&Audience::Group("operator".to_owned()), &Frame::text("to operators"));
    assert_eq!(peer.text().await, "to operators");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_in_their_order_with_their_payload() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "viewer").await;
    for payload in [&b""[..], b"Hello", &[0xA5; 125]] {
        peer.send(&frame(PING, payload)).await;
        assert_eq!(peer.receive().await, Some((PONG, payload.to_vec())));
    }
    peer.send(&[frame(PING, b"1"), frame(PING, b"2"), frame(PING, b"3")].concat()).await;
    for payload in [b"1", b"2", b"3"] {
        assert_eq!(peer.receive().await, Some((PONG, payload.to_vec())));
    }
    peer.round_trip().await;
}
