//! What the server agrees to, byte by byte: greetings of clients that a library of today would not send.

use super::*;

const RECORD_ALERT: u8 = 0x15;
const RECORD_HANDSHAKE: u8 = 0x16;

/// Alerts of RFC 8446 section 6.
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

/// ECDHE with AES-128-GCM: what every client of TLS 1.2 has.
const OF_TODAY: u16 = 0xC02B;

/// A ClientHello (RFC 5246 section 7.4.1.2) with the extensions that elliptic curves need.
fn client_hello(version: u16, suites: &[u16]) -> Vec<u8> {
    let list = |numbers: &[u16]| -> Vec<u8> {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat()
    };
    let extension = |kind: u16, content: &[u8]| -> Vec<u8> {
        [&kind.to_be_bytes()[..], &(content.len() as u16).to_be_bytes(), content].concat()
    };
    let extensions = [
        extension(10, &list(&[0x0017, 0x001D])), // curves: P-256, X25519
        extension(11, &[1, 0]),                  // points: uncompressed
        extension(13, &list(&[0x0403, 0x0804, 0x0401, 0x0203])), // signatures
        extension(0xFF01, &[0]),                 // renegotiation_info
    ]
    .concat();
    let body = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &[0],
        &list(suites),
        &[1, 0],
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    let handshake = [&[1, 0][..], &(body.len() as u16).to_be_bytes(), &body].concat();
    let length = (handshake.len() as u16).to_be_bytes();
    [&[RECORD_HANDSHAKE, 3, 1][..], &length, &handshake].concat()
}

/// The first record of the answer, and that the connection ends.
async fn answer(rig: &Rig, hello: &[u8]) -> (u8, Vec<u8>) {
    let mut peer = Peer(rig.connect(64 * 1024));
    peer.send(hello).await;
    let kind = peer.0.read_u8().await.unwrap();
    let _version = peer.0.read_u16().await.unwrap();
    let mut content = vec![0; usize::from(peer.0.read_u16().await.unwrap())];
    peer.0.read_exact(&mut content).await.unwrap();
    if kind == RECORD_ALERT {
        assert!(peer.0.read_u8().await.is_err(), "nothing follows the alert");
    }
    (kind, content)
}

fn rig(name: &str) -> Rig {
    Rig::build(config(), Clock::virtual_from(UNIX), Some(identity(name).identity))
}

#[tokio::test(start_paused = true)]
async fn versions_before_1_2_are_refused() {
    let rig = rig("old");
    for version in [0x0300, 0x0301, 0x0302] {
        let (kind, content) = answer(&rig, &client_hello(version, &[OF_TODAY, 0xC009])).await;
        assert_eq!((kind, &content[..]), (RECORD_ALERT, &[2, PROTOCOL_VERSION][..]), "{version:x}");
    }
    let (kind, content) = answer(&rig, &client_hello(0x0303, &[OF_TODAY])).await;
    assert_eq!((kind, content[0]), (RECORD_HANDSHAKE, 2), "a ServerHello");
    assert_eq!(content[4..6], [3, 3], "of TLS 1.2");
}

#[tokio::test(start_paused = true)]
async fn weak_cipher_suites_are_refused() {
    let rig = rig("weak");
    for (name, suites) in [
        ("RC4", &[0x0004, 0x0005, 0xC007, 0xC011][..]),
        ("3DES", &[0x000A, 0x0016, 0xC008, 0xC012]),
        ("CBC with SHA-1", &[0xC009, 0xC00A, 0xC013, 0xC014, 0x0033, 0x0039]),
        ("CBC with SHA-2", &[0xC023, 0xC024, 0xC027, 0xC028]),
        ("RSA key exchange", &[0x002F, 0x0035, 0x009C, 0x009D]),
        ("nothing encrypted", &[0x0001, 0x0002, 0x003B, 0xC006]),
        ("nobody authenticated", &[0x0018, 0x0034, 0xC018]),
        ("fit for export", &[0x0003, 0x0008, 0x0014]),
        ("none", &[]),
    ] {
        let (kind, content) = answer(&rig, &client_hello(0x0303, suites)).await;
        assert_eq!((kind, content[0]), (RECORD_ALERT, 2), "{name}");
        assert!(name == "none" || content[1] == HANDSHAKE_FAILURE, "{name}: {content:?}");
    }
}

/// What is agreed upon, where the client offers these protocols.
async fn agreed(offered: &[&str]) -> Result<Option<Vec<u8>>, String> {
    let Identity { certificate, identity } = identity(&format!("alpn-{}", offered.join("-").len()));
    let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
    let mut config = client(&certificate, &TLS13).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("robot.test").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let io = connector.connect(name, rig.connect(64 * 1024)).await;
    let io = io.map_err(|error| error.to_string())?;
    Ok(io.get_ref().1.alpn_protocol().map(<[u8]>::to_vec))
}

#[tokio::test(start_paused = true)]
async fn http_1_1_is_what_is_spoken() {
    assert_eq!(agreed(&[]).await, Ok(None));
    assert_eq!(agreed(&["http/1.1"]).await, Ok(Some(b"http/1.1".to_vec())));
    assert_eq!(agreed(&["h2", "http/1.1"]).await, Ok(Some(b"http/1.1".to_vec())));
    let refused = agreed(&["h2"]).await.unwrap_err();
    assert!(refused.contains("NoApplicationProtocol"), "{refused}");
}
