//! The server's TLS identity: certificate chain and key, for TLS 1.2 and 1.3, and whose clients may come.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio_rustls::rustls::{
    self, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use tracing::warn;

use crate::config::TlsFiles;

mod renewal;
mod validity;

pub use renewal::{Certificate, Renewal, Standing};
pub use validity::{Complaint, Validity};

pub(super) use renewal::EVERY;

/// A certificate chain and its key, ready for use.
pub struct TlsIdentity {
    files: TlsFiles,
    /// What the files held.
    contents: Contents,
    config: Arc<ServerConfig>,
    validity: Option<Validity>,
}

/// Why there is no identity; names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Absent, unreadable, or not PEM.
    #[error("cannot read {what} from {}: {cause}", file.display())]
    Unreadable {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// Where it should be.
        file: PathBuf,
        /// What went wrong.
        cause: pem::Error,
    },
    /// PEM without a certificate.
    #[error("{} holds no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// What should judge clients' certificates cannot.
    #[error("{} cannot be used to judge clients' certificates: {cause}", file.display())]
    UnusableAuthority {
        /// Where it stands.
        file: PathBuf,
        /// What went wrong.
        cause: String,
    },
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("{} and {} make no TLS identity: {cause}", certificate.display(), key.display())]
    Unusable {
        /// Where the chain stands.
        certificate: PathBuf,
        /// Where the key stands.
        key: PathBuf,
        /// What went wrong.
        cause: rustls::Error,
    },
}

/// What the files hold, to see whether they changed.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl TlsIdentity {
    /// Reads the identity from PEM files, and warns of what will be a surprise: a certificate that is not valid at
    /// `unix`, a key that everybody can read. Blocks.
    ///
    /// # Errors
    /// A file that cannot be read or used, by name.
    pub fn load(files: &TlsFiles, unix: Duration) -> Result<TlsIdentity, TlsError> {
        let identity = TlsIdentity::of(files, Contents::read(files)?)?;
        identity.warn(unix);
        Ok(identity)
    }

    fn of(files: &TlsFiles, contents: Contents) -> Result<TlsIdentity, TlsError> {
        let chain = certificates(&files.certificate, &contents.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .map_err(unreadable("a private key", &files.key))?;
        let clients = match (&files.client_ca, &contents.client_ca) {
            (Some(file), Some(content)) => client_verifier(file, content)?,
            _ => WebPkiClientVerifier::no_client_auth(),
        };
        let validity = chain.first().and_then(|certificate| Validity::of(certificate));
        let config = server_config(chain, key, clients).map_err(unusable(files))?;
        Ok(TlsIdentity { files: files.clone(), contents, config: Arc::new(config), validity })
    }

    fn warn(&self, unix: Duration) {
        let TlsFiles { certificate, key, .. } = &self.files;
        if let Some(complaint) = self.validity.and_then(|validity| validity.complaint(unix)) {
            warn!(file = %certificate.display(), "the certificate {complaint}");
        }
        let mode = fs::metadata(key).map_or(0, |metadata| metadata.permissions().mode());
        if mode & READABLE_BY_OTHERS != 0 {
            warn!(file = %key.display(), "the private key can be read by everybody on this machine");
        }
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Contents, TlsError> {
        let read = |what, file: &PathBuf| {
            fs::read(file).map_err(pem::Error::Io).map_err(unreadable(what, file))
        };
        Ok(Contents {
            certificate: read("a certificate", &files.certificate)?,
            key: read("a private key", &files.key)?,
            client_ca: match &files.client_ca {
                Some(file) => Some(read("a certificate", file)?),
                None => None,
            },
        })
    }
}

fn unreadable(what: &'static str, file: &Path) -> impl Fn(pem::Error) -> TlsError {
    move |cause| TlsError::Unreadable { what, file: file.to_owned(), cause }
}

fn unusable(files: &TlsFiles) -> impl Fn(rustls::Error) -> TlsError {
    let TlsFiles { certificate, key, .. } = files;
    move |cause| TlsError::Unusable { certificate: certificate.clone(), key: key.clone(), cause }
}

fn certificates(file: &Path, content: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(content)
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable("a certificate", file))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(file.to_owned()));
    }
    Ok(chain)
}

/// Demands a certificate that one of these authorities has signed, for clients, and that is valid now.
fn client_verifier(file: &Path, content: &[u8]) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let unusable = |cause: String| TlsError::UnusableAuthority { file: file.to_owned(), cause };
    let mut roots = RootCertStore::empty();
    for authority in certificates(file, content)? {
        roots.add(authority).map_err(|cause| unusable(cause.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|cause| unusable(cause.to_string()))
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    clients: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Named here: a second one elsewhere in the program must not change what this server speaks.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Of a file's mode.
const READABLE_BY_OTHERS: u32 = 0o004;
