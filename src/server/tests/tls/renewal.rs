//! A certificate that changes while the server runs.

use super::*;
use crate::server::tls::{Certificate, Renewal, Standing};

struct Pair {
    certificate: String,
    key: String,
    der: CertificateDer<'static>,
}

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    Pair {
        certificate: made.cert.pem(),
        key: made.signing_key.serialize_pem(),
        der: made.cert.der().clone(),
    }
}

/// A server whose files can be replaced.
struct Renewed {
    folder: Folder,
    rig: Rig,
    first: Pair,
}

impl Renewed {
    fn new(name: &str) -> Renewed {
        let folder = Folder::new(name);
        let first = pair();
        let files = TlsFiles {
            certificate: folder.write("cert.pem", &first.certificate),
            key: folder.write("key.pem", &first.key),
            client_ca: None,
        };
        let identity = TlsIdentity::load(&files, UNIX).unwrap();
        let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
        Renewed { folder, rig, first }
    }

    fn renewal(&self) -> &Renewal {
        self.rig.server.0.tls.as_ref().unwrap()
    }

    fn look(&self) -> Standing {
        self.renewal().look(UNIX);
        self.certificate().standing
    }

    fn certificate(&self) -> Certificate {
        self.renewal().certificate()
    }

    /// Whether a client that trusts this certificate alone gets in.
    async fn admits(&self, certificate: &CertificateDer<'static>) -> bool {
        let name = ServerName::try_from("robot.test").unwrap();
        let connector = connector(certificate, &TLS13);
        connector.connect(name, self.rig.connect(64 * 1024)).await.is_ok()
    }

    async fn join(&self) -> Peer<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> {
        let name = ServerName::try_from("robot.test").unwrap();
        let connector = connector(&self.first.der, &TLS13);
        let mut peer = Peer(connector.connect(name, self.rig.connect(64 * 1024)).await.unwrap());
        let line = format!("GET {} HTTP/1.1", target(7, "operator"));
        peer.send(handshake::request(&line, &[]).as_bytes()).await;
        peer.head().await;
        peer.text().await;
        peer
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_pair_is_used_from_then_on_and_open_connections_go_on() {
    let renewed = Renewed::new("newer");
    let mut open = renewed.join().await;
    assert_eq!(renewed.look(), Standing::Loaded);
    let second = pair();
    renewed.folder.write("cert.pem", &second.certificate);
    renewed.folder.write("key.pem", &second.key);
    assert_eq!(renewed.look(), Standing::Loaded, "it may still be being written");
    assert_eq!(renewed.look(), Standing::Reloaded);
    assert!(renewed.admits(&second.der).await);
    assert!(!renewed.admits(&renewed.first.der).await);
    open.round_trip().await;
}

#[tokio::test(start_paused = true)]
async fn files_that_are_half_written_or_do_not_fit_leave_the_old_pair() {
    let renewed = Renewed::new("half");
    let second = pair();
    let half = &second.certificate[..second.certificate.len() / 2];
    for (certificate, key) in [
        (&second.certificate[..], &renewed.first.key[..]),
        (&renewed.first.certificate, &second.key),
        (half, &second.key),
        ("", &second.key),
        (&second.certificate, ""),
        (&second.certificate, "-----BEGIN PRIVATE KEY-----\n!\n"),
    ] {
        renewed.folder.write("cert.pem", certificate);
        renewed.folder.write("key.pem", key);
        renewed.look();
        assert_eq!(renewed.look(), Standing::Stale, "{certificate} {key}");
        assert!(renewed.certificate().refusal.unwrap().contains(".pem"));
        assert!(renewed.admits(&renewed.first.der).await);
    }
    fs::remove_file(renewed.folder.0.join("key.pem")).unwrap();
    renewed.look();
    assert_eq!(renewed.look(), Standing::Stale);
    assert!(renewed.admits(&renewed.first.der).await);
    renewed.folder.write("cert.pem", &second.certificate);
    renewed.folder.write("key.pem", &second.key);
    renewed.look();
    assert_eq!(renewed.look(), Standing::Reloaded);
    assert_eq!(renewed.certificate().refusal, None);
    assert!(renewed.admits(&second.der).await);
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_is_replaced_file_by_file_is_no_fault() {
    let renewed = Renewed::new("steps");
    let second = pair();
    renewed.folder.write("cert.pem", &second.certificate);
    assert_eq!(renewed.look(), Standing::Loaded);
    renewed.folder.write("key.pem", &second.key);
    assert_eq!(renewed.look(), Standing::Loaded);
    assert_eq!(renewed.look(), Standing::Reloaded);
}

#[tokio::test]
async fn the_end_of_the_newer_one_is_known() {
    let renewed = Renewed::new("until");
    let not_after = || renewed.certificate().validity.unwrap().not_after.to_string();
    let mut params = rcgen::CertificateParams::new(["robot.test".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2033, 2, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    renewed.folder.write("cert.pem", &params.self_signed(&key).unwrap().pem());
    renewed.folder.write("key.pem", &key.serialize_pem());
    assert!(not_after().starts_with("4096"));
    renewed.look();
    renewed.look();
    assert_eq!(not_after(), "2033-02-01T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn a_listening_server_looks_by_itself() {
    let renewed = Renewed::new("listening");
    let (_stopping, stop) = watch::channel(false);
    let listening = renewed.rig.server.listen(renewed.rig.server.address()).await.unwrap();
    let running = tokio::spawn(listening.run(stop));
    let second = pair();
    renewed.folder.write("cert.pem", &second.certificate);
    renewed.folder.write("key.pem", &second.key);
    while renewed.certificate().standing != Standing::Reloaded {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(renewed.rig.server.now() < Duration::from_secs(4));
    running.abort();
}
