//! The server's TLS identity: certificate chain and key, for TLS 1.2 and 1.3.

use std::{path::PathBuf, sync::Arc};

use tokio_rustls::rustls::{
    self, ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    version::{TLS12, TLS13},
};

use crate::config::TlsFiles;

/// A certificate chain and its key; cheap to clone.
#[derive(Clone)]
pub struct TlsIdentity(pub(super) Arc<ServerConfig>);

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
    /// The two do not belong together, or are of a kind that is not supported.
    #[error("{} and {} make no TLS identity: {cause}", files.certificate.display(), files.key.display())]
    Unusable {
        /// Both.
        files: TlsFiles,
        /// What went wrong.
        cause: rustls::Error,
    },
}

impl TlsIdentity {
    /// Reads the identity from PEM files. Blocks; called before the server listens.
    pub fn load(files: &TlsFiles) -> Result<TlsIdentity, TlsError> {
        let unreadable = |what, file: &PathBuf| {
            let file = file.clone();
            move |cause| TlsError::Unreadable { what, file, cause }
        };
        let chain = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unreadable("a certificate", &files.certificate))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(files.certificate.clone()));
        }
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(unreadable("a private key", &files.key))?;
        let config = server_config(chain, key)
            .map_err(|cause| TlsError::Unusable { files: files.clone(), cause })?;
        Ok(TlsIdentity(Arc::new(config)))
    }
}

/// The provider is named here: a second one elsewhere in the program must not change what this server speaks.
fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
