//! Every violation ends in the close code it deserves.

use super::*;
use CloseReason::{BinaryRefused, InvalidUtf8, ProtocolError, TooBig};

async fn check(bytes: &[u8], reason: CloseReason) {
    let rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    peer.send(bytes).await;
    peer.expect_close(reason).await;
    assert_eq!(rig.server.now(), Duration::ZERO, "the end follows at once");
    idle().await;
    assert!(rig.hub.is_empty(), "the connection has left");
    assert_eq!(rig.latch.take().lost.len(), 1, "its motion has ended");
}

/// A message of this many bytes that is understood to be no JSON: the connection goes on.
async fn check_accepted(bytes: &[u8]) {
    let rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    peer.send(bytes).await;
    let answer = peer.text().await;
    assert!(answer.contains("Invalid JSON format"), "{answer}");
    peer.round_trip().await;
}

const FRAME: usize = 16 * 1024;
const MESSAGE: usize = 64 * 1024;

fn message_in_frames(length: usize) -> Vec<u8> {
    let text = vec![b'x'; length];
    let mut chunks = text.chunks(FRAME).enumerate().peekable();
    let mut bytes = Vec::new();
    while let Some((index, chunk)) = chunks.next() {
        let opcode = if index == 0 { TEXT } else { CONTINUATION };
        let make = if chunks.peek().is_some() { fragment } else { frame };
        bytes.extend(make(opcode, chunk));
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn messages_are_accepted_up_to_the_limits_and_refused_above() {
    for length in [1, 125, 126, 65535, MESSAGE - 1, MESSAGE] {
        check_accepted(&frame(TEXT, &vec![b'x'; length])).await;
    }
    check(&frame(TEXT, &vec![b'x'; MESSAGE + 1]), TooBig).await;
    for length in [FRAME + 1, MESSAGE - 1, MESSAGE] {
        check_accepted(&message_in_frames(length)).await;
    }
    check(&message_in_frames(MESSAGE + 1), TooBig).await;
}

#[tokio::test(start_paused = true)]
async fn an_announced_giant_is_refused_before_it_comes() {
    let header = |length: u64| [&[0x81, 0xFF][..], &length.to_be_bytes(), &[0; 4]].concat();
    check(&header(16 << 20), TooBig).await;
    check(&header(u64::MAX >> 1), TooBig).await;
    check(&header(u64::MAX), TooBig).await;
    let mut rest = header(16 << 20);
    rest[0] = 0x80 | CONTINUATION;
    check(&[fragment(TEXT, b"x"), rest].concat(), TooBig).await;
}

#[tokio::test(start_paused = true)]
async fn binary_messages_are_refused() {
    check(&frame(BINARY, b""), BinaryRefused).await;
    check(&frame(BINARY, &[0; 1000]), BinaryRefused).await;
}

#[tokio::test(start_paused = true)]
async fn text_that_is_not_utf_8_is_refused() {
    check(&frame(TEXT, b"\xff"), InvalidUtf8).await;
    check(&frame(TEXT, b"\xed\xa0\x80"), InvalidUtf8).await;
    check(&frame(TEXT, b"cut \xe2\x82"), InvalidUtf8).await;
    let split = [fragment(TEXT, b"\xe2"), frame(CONTINUATION, b"\x28\xa1")].concat();
    check(&split, InvalidUtf8).await;
    let reason = [&1000u16.to_be_bytes()[..], b"\xff"].concat();
    check(&frame(CLOSE, &reason), InvalidUtf8).await;
}

#[tokio::test(start_paused = true)]
async fn frames_that_rfc_6455_forbids_are_refused() {
    check(&[0x81, 0x02, b'{', b'}'], ProtocolError).await; // not masked
    for reserved_bit in [0x40, 0x20, 0x10] {
        let mut bytes = frame(TEXT, b"{}");
        bytes[0] |= reserved_bit;
        check(&bytes, ProtocolError).await;
    }
    for opcode in [3, 4, 7, 11, 15] {
        check(&frame(opcode, b""), ProtocolError).await;
    }
    check(&fragment(PING, b""), ProtocolError).await;
    check(&frame(PING, &[0; 126]), ProtocolError).await;
    check(&frame(CONTINUATION, b"x"), ProtocolError).await;
    check(&[fragment(TEXT, b"{"), frame(TEXT, b"}")].concat(), ProtocolError).await;
    check(&frame(CLOSE, &[3]), ProtocolError).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_on_writing_after_a_violation_still_gets_its_close() {
    let rig = Rig::new();
    let mut peer = rig.join(7, "operator").await;
    let rest = vec![0; 300_000];
    peer.send(&[&frame(TEXT, &[b'x'; MESSAGE + 1])[..], &rest].concat()).await;
    peer.expect_close(TooBig).await;
}
