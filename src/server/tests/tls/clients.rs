//! Certificates of clients, where they are demanded.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;

use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

type Shown = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn signed(by: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Option<Shown> {
    let mut params = CertificateParams::new(["console".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    Some((certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap()))
}

/// Whether a client with this certificate is let in.
async fn admits(
    rig: &Rig,
    trusted: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    shown: Option<Shown>,
) -> bool {
    let builder = client(trusted, version);
    let config = match shown {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("robot.test").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    // In TLS 1.3 the client is done before the server has judged.
    let Ok(io) = connector.connect(name, rig.connect(64 * 1024)).await else {
        return false;
    };
    let mut peer = Peer(io);
    let line = format!("GET {} HTTP/1.1", target(7, "operator"));
    if peer.0.write_all(handshake::request(&line, &[]).as_bytes()).await.is_err() {
        return false;
    }
    let _ = peer.0.flush().await;
    peer.head().await.starts_with("HTTP/1.1 101 ")
}

#[tokio::test(start_paused = true)]
async fn only_certificates_of_the_authority_that_are_valid_and_for_clients_get_in() {
    let folder = Folder::new("clients");
    let ours = authority();
    let foreign = authority();
    let made = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.write("cert.pem", &made.cert.pem()),
        key: folder.write("key.pem", &made.signing_key.serialize_pem()),
        client_ca: Some(folder.write("authority.pem", &ours.as_ref().pem())),
    };
    let identity = TlsIdentity::load(&files, UNIX).unwrap();
    let rig = Rig::build(config(), Clock::virtual_from(UNIX), Some(identity));
    for version in [&TLS12, &TLS13] {
        let check = async |what: &str, shown: Option<Shown>, expected: bool| {
            let admitted = admits(&rig, made.cert.der(), version, shown).await;
            assert_eq!(admitted, expected, "{what}, {version:?}");
        };
        check("good", signed(&ours, |_| {}), true).await;
        check("none", None, false).await;
        check("foreign", signed(&foreign, |_| {}), false).await;
        check("expired", signed(&ours, |p| p.not_after = date_time_ymd(2001, 1, 1)), false).await;
        check("too early", signed(&ours, |p| p.not_before = date_time_ymd(3000, 1, 1)), false)
            .await;
        let for_servers = |params: &mut CertificateParams| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        };
        check("a server's", signed(&ours, for_servers), false).await;
    }
}

#[test]
fn an_authority_that_cannot_be_used_is_named() {
    let folder = Folder::new("authority");
    let made = rcgen::generate_simple_self_signed(["robot.test".to_owned()]).unwrap();
    let certificate = folder.write("cert.pem", &made.cert.pem());
    let key = folder.write("key.pem", &made.signing_key.serialize_pem());
    let check = |authority: PathBuf| {
        let files = TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: Some(authority.clone()),
        };
        let error = TlsIdentity::load(&files, UNIX).err().unwrap().to_string();
        assert!(error.contains(authority.to_str().unwrap()), "{error}");
    };
    check(folder.0.join("missing.pem"));
    check(folder.write("empty.pem", ""));
    check(folder.write("key-only.pem", &made.signing_key.serialize_pem()));
    check(
        folder
            .write("garbage.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    );
}
