//! A hundred who were let in, and whose tokens end all at once.

use super::super::*;
use crate::{
    auth::{Keys, Revocations, Rules},
    safety::LinkLoss,
};

const MANY: u64 = 100;

/// A hundred are in; then something happens, and they go: all, with this reason, within a second, their motion first.
async fn check(rig: &Rig, change: impl FnOnce(&Rig), reason: CloseReason, within: Duration) {
    let mut peers = Vec::new();
    for user_id in 1..=MANY {
        let mut peer = rig.dial(&token(user_id)).await;
        peer.text().await;
        peers.push(peer);
    }
    idle().await;
    let start = rig.server.now();
    change(rig);
    for peer in &mut peers {
        peer.expect_close_at_last(reason).await;
    }
    assert!(rig.server.now() - start <= within, "{:?}", rig.server.now() - start);
    let lost = rig.latch.take().lost;
    assert_eq!(lost.len() as u64, MANY);
    assert!(lost.iter().all(|(_, loss)| *loss == LinkLoss::TokenExpired), "{lost:?}");
    assert!(rig.hub.is_empty());
}

/// Of 10 s, issued now.
fn token(user_id: u64) -> String {
    #[derive(Serialize)]
    struct Full {
        #[serde(flatten)]
        claims: Claims,
        iat: u64,
        jti: String,
    }
    let claims = Claims { exp: UNIX.as_secs() + 10, ..Claims::new(user_id, "operator") };
    let full = Full { claims, iat: UNIX.as_secs(), jti: format!("id-{}", user_id % 2) };
    let key = EncodingKey::from_secret(SECRET);
    format!("/ws?token={}", jsonwebtoken::encode(&Header::default(), &full, &key).unwrap())
}

fn put(rig: &Rig, secret: &[u8], list: &str) {
    let rules = Rules { default_role: Role::Viewer, issuer: None, audience: None };
    let revocations = Revocations::from_list(list.as_bytes()).unwrap();
    let verifier = Verifier::new(Keys::secret(secret).unwrap(), revocations, rules);
    rig.access.send_replace(Arc::new(verifier));
}

const AT_ONCE: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn a_hundred_go_when_their_tokens_run_out() {
    let within = Duration::from_secs(10);
    check(&Rig::new(), |_| {}, CloseReason::TokenExpired, within).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_go_with_their_key() {
    let other = b"another secret of thirty-two bytes!!";
    check(&Rig::new(), |rig| put(rig, other, "{}"), CloseReason::TokenRevoked, AT_ONCE).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_go_when_they_stand_on_the_deny_list() {
    let list = format!(r#"{{"sub":{{"lan":{}}}}}"#, UNIX.as_secs() + 1);
    check(&Rig::new(), |rig| put(rig, SECRET, &list), CloseReason::TokenRevoked, AT_ONCE).await;
    let list = r#"{"jti":["id-0","id-1"]}"#;
    check(&Rig::new(), |rig| put(rig, SECRET, list), CloseReason::TokenRevoked, AT_ONCE).await;
}

#[tokio::test(start_paused = true)]
async fn whom_a_change_does_not_concern_stays() {
    let rig = Rig::new();
    let mut even = rig.dial(&token(2)).await;
    let mut odd = rig.dial(&token(3)).await;
    even.text().await;
    odd.text().await;
    put(&rig, SECRET, r#"{"jti":["id-0"],"sub":{"minh":1800000000}}"#);
    even.expect_close_at_last(CloseReason::TokenRevoked).await;
    odd.round_trip().await;
    rig.dial(&token(4)).await.expect_close(CloseReason::InvalidToken).await;
    let mut newcomer = rig.dial(&token(5)).await;
    newcomer.text().await;
    newcomer.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_counts_instead_of_the_one_that_was_shown_first() {
    let rig = Rig::new();
    let mut peer = rig.dial(&token(2)).await;
    peer.text().await;
    let newer = Claims::new(2, "operator").sign();
    peer.say(&format!(r#"{{"type":"authenticate","token":"{newer}"}}"#)).await;
    assert!(peer.text().await.contains("authenticated"));
    put(&rig, SECRET, r#"{"jti":["id-0"]}"#);
    peer.round_trip().await;
    put(&rig, SECRET, r#"{"sub":{"lan":1}}"#);
    peer.expect_close_at_last(CloseReason::TokenRevoked).await;
}
