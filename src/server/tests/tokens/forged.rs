//! The whole corpus at the door: nobody comes in, and then the good ones do.

use std::collections::BTreeSet;

use tokio::net::TcpStream;

use super::{
    super::*,
    corpus::{self, Attempt, good, trusted},
};
use crate::auth::{Keys, Revocations, Rules, tests::signer::set};

/// A server that trusts a secret without a name and three named keys.
fn rig() -> Rig {
    // Real sockets take real time; the tokens' stands still.
    let unlimited = ServerConfig { bad_tokens_per_minute: 0, ..config() };
    let rig = Rig::build(unlimited, Clock::with_wall(|| UNIX), None);
    let listed = trusted().map(|(signer, kid)| match kid {
        Some(kid) => signer.named_jwk(kid),
        None => signer.jwk(),
    });
    let keys = Keys::from_set(set(&listed).as_bytes()).unwrap();
    let rules = Rules { default_role: Role::Viewer, issuer: None, audience: None };
    rig.access.send_replace(Arc::new(Verifier::new(keys, Revocations::default(), rules)));
    rig
}

async fn dial<Io>(io: Io, attempt: &Attempt) -> Peer<Io>
where
    Io: Wire,
{
    let mut peer = Peer(io);
    let fields: Vec<&str> = attempt.fields.iter().map(String::as_str).collect();
    let request = handshake::request(&format!("GET {} HTTP/1.1", attempt.target), &fields);
    peer.send(request.as_bytes()).await;
    let head = peer.head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{}: {head}", attempt.name);
    peer
}

/// After the handshake a Close with 4001 and nothing before it.
async fn check_refused<Io>(io: Io, attempt: &Attempt)
where
    Io: Wire,
{
    let mut peer = dial(io, attempt).await;
    let expected = [&4001u16.to_be_bytes()[..], b"Invalid token"].concat();
    assert_eq!(peer.receive().await, Some((CLOSE, expected)), "{}", attempt.name);
    let _ = peer.0.write_all(&close_frame(4001)).await;
    assert_eq!(peer.receive().await, None, "{}", attempt.name);
}

async fn check_accepted<Io>(io: Io, attempt: &Attempt)
where
    Io: Wire,
{
    let welcome = dial(io, attempt).await.text().await;
    assert!(welcome.contains("\"type\":\"connection_established\""), "{}: {welcome}", attempt.name);
}

/// One of each algorithm in the query, one in the field.
fn good_ones() -> Vec<Attempt> {
    let in_query = trusted().map(|(signer, kid)| {
        let (name, token) = (signer.algorithm.as_str().to_owned(), good(signer, kid));
        Attempt { name, target: format!("/ws?token={token}"), fields: Vec::new() }
    });
    let (signer, kid) = trusted()[3];
    let field = format!("+Authorization: Bearer {}", good(signer, kid));
    let in_field =
        Attempt { name: "field".to_owned(), target: "/ws".to_owned(), fields: vec![field] };
    in_query.into_iter().chain([in_field]).collect()
}

#[tokio::test(start_paused = true)]
async fn no_bad_token_of_any_kind_opens_the_door_and_a_good_one_of_each_algorithm_does() {
    let mut rig = rig();
    let corpus = corpus::all();
    let names: BTreeSet<_> = corpus.iter().map(|attempt| &attempt.name).collect();
    assert_eq!(names.len(), corpus.len(), "each has a name of its own");
    assert!(corpus.len() >= 350, "{}", corpus.len());
    for attempt in &corpus {
        check_refused(rig.connect(64 * 1024), attempt).await;
        assert!(rig.hub.is_empty(), "{}", attempt.name);
    }
    assert!(rig.commands.try_recv().is_err(), "nothing was asked of the robot");
    let waiting = rig.latch.take();
    assert!(waiting.lost.is_empty() && rig.latch.sequence() == 0, "nobody came, nobody stopped");
    for attempt in good_ones() {
        check_accepted(rig.connect(64 * 1024), &attempt).await;
    }
}

#[tokio::test]
async fn the_same_holds_on_a_real_socket() {
    let rig = rig();
    let listening = rig.server.listen(rig.server.address()).await.unwrap();
    let address = listening.local_addr().unwrap();
    let (_stopping, stop) = watch::channel(false);
    let running = tokio::spawn(listening.run(stop));
    for attempt in corpus::all() {
        check_refused(TcpStream::connect(address).await.unwrap(), &attempt).await;
    }
    for attempt in good_ones() {
        check_accepted(TcpStream::connect(address).await.unwrap(), &attempt).await;
    }
    running.abort();
}
