//! The same server behind TLS, with a certificate that was made for the test.

use std::{fs, path::PathBuf, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion,
        client::WantsClientCert,
        pki_types::{CertificateDer, ServerName},
        version::{TLS12, TLS13},
    },
};

use super::*;
use crate::config::TlsFiles;

mod clients;
mod handshakes;
mod renewal;

/// Files that are gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let name = format!("oht50_bridge-tls-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Identity {
    certificate: CertificateDer<'static>,
    identity: TlsIdentity,
}

fn identity(name: &str) -> Identity {
    let folder = Folder::new(name);
    let made = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.write("cert.pem", &made.cert.pem()),
        key: folder.write("key.pem", &made.signing_key.serialize_pem()),
        client_ca: None,
    };
    let identity = TlsIdentity::load(&files, UNIX).unwrap();
    Identity { certificate: made.cert.der().clone(), identity }
}

fn connector(
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> TlsConnector {
    TlsConnector::from(Arc::new(client(certificate, version).with_no_client_auth()))
}

fn client(
    certificate: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
}

#[tokio::test(start_paused = true)]
async fn a_websocket_works_over_tls_1_2_and_1_3() {
    let Identity { certificate, identity } = identity("versions");
    let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
    for version in [&TLS12, &TLS13] {
        let name = ServerName::try_from("robot.test").unwrap();
        let connector = connector(&certificate, version);
        let io = connector.connect(name, rig.connect(64 * 1024)).await.unwrap();
        let mut peer = Peer(io);
        let line = format!("GET {} HTTP/1.1", target(7, "operator"));
        // The own origin is https here.
        let request = handshake::request(&line, &["+Origin: https://robot.test"]);
        peer.send(request.as_bytes()).await;
        assert!(peer.head().await.starts_with("HTTP/1.1 101 "));
        assert!(peer.text().await.contains("connection_established"));
        peer.round_trip().await;
        peer.send(&close_frame(1000)).await;
        assert!(matches!(peer.receive().await, Some((CLOSE, _))));
        assert_eq!(peer.receive().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn plain_bytes_on_a_tls_port_are_dropped_at_once_and_silence_after_the_handshake_time() {
    let Identity { identity, .. } = identity("plain");
    let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
    let check = async |bytes: &[u8], seconds: u64| {
        let start = rig.server.now();
        let mut peer = Peer(rig.connect(64 * 1024));
        peer.send(bytes).await;
        let mut answer = Vec::new();
        let _ = peer.0.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"));
        assert_eq!((rig.server.now() - start).as_secs(), seconds);
    };
    check(b"GET /ws HTTP/1.1\r\nHost: robot.test\r\n\r\n", 0).await;
    check(&[0xFF; 100], 0).await;
    check(b"", 5).await;
    check(&[0x16, 3, 1], 5).await;
}

#[tokio::test]
async fn tls_is_spoken_on_a_real_socket() {
    let Identity { certificate, identity } = identity("socket");
    let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
    let listening = rig.server.listen(rig.server.address()).await.unwrap();
    let address = listening.local_addr().unwrap();
    let (_stopping, stop) = watch::channel(false);
    let running = tokio::spawn(listening.run(stop));
    let io = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("robot.test").unwrap();
    let io = connector(&certificate, &TLS13).connect(name, io).await.unwrap();
    let url = format!("wss://robot.test{}", target(7, "operator"));
    let (mut client, _) = tokio_tungstenite::client_async(url, io).await.unwrap();
    let welcome = super::door::next(&mut client).await.unwrap();
    assert!(welcome.to_text().unwrap().contains("connection_established"));
    running.abort();
}

#[test]
fn an_identity_that_cannot_be_used_is_refused_with_its_file() {
    let folder = Folder::new("broken");
    let made = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    let certificate = folder.write("cert.pem", &made.cert.pem());
    let key = folder.write("key.pem", &made.signing_key.serialize_pem());
    let other_key = folder.write("other.pem", &other.signing_key.serialize_pem());
    let empty = folder.write("empty.pem", "");
    let garbage = folder.write("garbage.pem", "-----BEGIN CERTIFICATE-----\n!\n");
    let missing = folder.0.join("missing.pem");
    let check = |certificate: &PathBuf, key: &PathBuf, named: &PathBuf| {
        let files =
            TlsFiles { certificate: certificate.clone(), key: key.clone(), client_ca: None };
        let error = TlsIdentity::load(&files, UNIX).err().unwrap().to_string();
        assert!(error.contains(named.to_str().unwrap()), "{error}");
    };
    check(&missing, &key, &missing);
    check(&empty, &key, &empty);
    check(&garbage, &key, &garbage);
    check(&key, &key, &key);
    check(&certificate, &missing, &missing);
    check(&certificate, &empty, &empty);
    check(&certificate, &certificate, &certificate);
    check(&certificate, &other_key, &other_key);
}
