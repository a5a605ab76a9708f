//! How conversations end.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_clients_close_is_echoed_once() {
    let check = async |payload: &[u8], expected: u16| {
        let rig = Rig::new();
        let mut peer = rig.join(7, "operator").await;
        peer.send(&frame(CLOSE, payload)).await;
        assert_eq!(peer.receive().await, Some((CLOSE, expected.to_be_bytes().to_vec())));
        assert_eq!(peer.receive().await, None);
        assert!(rig.hub.is_empty());
    };
    for code in [1000u16, 1001, 1011, 3000, 4999] {
        check(&code.to_be_bytes(), code).await;
    }
    check(b"", 1000).await;
    check(&[&1000u16.to_be_bytes()[..], b"bye"].concat(), 1000).await;
    for forbidden in [0u16, 999, 1004, 1005, 1006, 1015, 2999, 5000] {
        check(&forbidden.to_be_bytes(), 1002).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_obeyed_after_our_close_and_nothing_else_is() {
    let mut rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    rig.hub.close(ConnectionId(1), CloseReason::Evicted);
    assert!(matches!(peer.receive().await, Some((CLOSE, _))));
    peer.say(r#"{"type":"robot_control","command":"move_forward"}"#).await;
    peer.say(r#"{"type":"robot_control","command":"emergency_stop"}"#).await;
    rig.latch.wait().await;
    idle().await;
    let waiting = rig.latch.take();
    assert_eq!(waiting.emergency_stops[0].user_id, 7);
    assert!(rig.commands.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_our_close_is_dropped_after_two_seconds() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    let start = rig.server.now();
    rig.hub.close(ConnectionId(1), CloseReason::Evicted);
    assert!(matches!(peer.receive().await, Some((CLOSE, _))));
    assert_eq!(peer.receive().await, None);
    assert_eq!((rig.server.now() - start).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_vanishes_is_gone_at_once() {
    let rig = Rig::new();
    let peer = rig.join(7, "operator").await;
    let start = rig.server.now();
    drop(peer);
    rig.latch.wait().await;
    assert_eq!(rig.latch.take().lost[0].0, ConnectionId(1));
    assert_eq!(rig.server.now(), start);
    idle().await;
    assert!(rig.hub.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_and_closed() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "viewer").await;
    for seconds in [10, 20] {
        assert!(matches!(peer.receive_any().await, Some((PING, _))));
        assert_eq!(rig.server.now().as_secs(), seconds);
    }
    peer.expect_close(CloseReason::NoHeartbeat).await;
    assert_eq!(rig.server.now().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_stays() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "viewer").await;
    for _ in 0..30 {
        let Some((PING, payload)) = peer.receive_any().await else { panic!("no ping") };
        peer.send(&frame(PONG, &payload)).await;
    }
    peer.round_trip().await;
    assert_eq!(rig.server.now().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_makes_room_but_not_at_the_cost_of_who_drives() {
    let rig = Rig::with(|config| (config.max_connections, config.operator_places) = (2, 1));
    let mut driver = rig.join(1, "operator").await;
    let mut second = rig.join(2, "operator").await;
    rig.holder.send_replace(Some(ConnectionId(1)));
    let mut third = rig.join(3, "operator").await;
    second.expect_close(CloseReason::Evicted).await;
    driver.round_trip().await;
    third.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn with_the_policy_reject_the_newcomer_is_told_that_the_pool_is_full() {
    let rig = Rig::with(|config| {
        config.max_connections = 1;
        config.operator_places = 0;
        config.pool_policy = PoolPolicy::Reject;
    });
    let mut first = rig.join(1, "viewer").await;
    rig.dial(&target(2, "operator")).await.expect_close(CloseReason::PoolFull).await;
    first.round_trip().await;
    first.send(&close_frame(1000)).await;
    idle().await;
    rig.join(3, "viewer").await.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn a_user_over_the_cap_loses_the_own_oldest_and_nobody_elses() {
    let rig = Rig::with(|config| config.max_connections_per_user = 2);
    let mut other = rig.join(1, "viewer").await;
    let mut first = rig.join(2, "viewer").await;
    let mut second = rig.join(2, "viewer").await;
    let mut third = rig.join(2, "viewer").await;
    first.expect_close(CloseReason::Evicted).await;
    for peer in [&mut other, &mut second, &mut third] {
        peer.round_trip().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_counts_in_the_pool_too() {
    let rig = Rig::with(|config| {
        (config.max_connections, config.operator_places) = (2, 1);
        config.pool_policy = PoolPolicy::Reject;
    });
    let mut first = rig.join(1, "viewer").await;
    rig.dial(&target(2, "viewer")).await.expect_close(CloseReason::PoolFull).await;
    let newer = Claims::new(1, "operator").sign();
    first.say(&format!(r#"{{"type":"authenticate","token":"{newer}"}}"#)).await;
    assert!(first.text().await.contains("authenticated"));
    rig.join(2, "viewer").await.round_trip().await;
}
