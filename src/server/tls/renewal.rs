//! A certificate that is renewed while the bridge runs: its files are looked at every second, and a newer identity that
//! is whole takes the older one's place. Connections that are open keep theirs.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio_rustls::rustls::ServerConfig;
use tracing::{error, info};

use super::{Contents, TlsIdentity, Validity};
use crate::config::TlsFiles;

/// What became of the certificate, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Where it stands.
    pub file: PathBuf,
    /// Whether it is the one in the files.
    pub standing: Standing,
    /// From when to when the one in use is valid, if that could be read.
    pub validity: Option<Validity>,
    /// Why the files cannot be used, while they cannot.
    pub refusal: Option<String>,
}

impl Certificate {
    /// When the one in use ends, as Unix time, s.
    pub fn end(&self) -> Option<f64> {
        self.validity.map(|validity| validity.end())
    }
}

/// Whether the certificate in use is the one in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As at the start.
    Loaded,
    /// It was renewed since.
    Reloaded,
    /// The files hold something that cannot be used; the last good one still is.
    Stale,
}

/// The identity in use, and the search for a newer one.
pub struct Renewal {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
    certificate: RwLock<Certificate>,
    search: Mutex<Search>,
}

/// What the files held at the last look.
struct Search {
    found: Result<Contents, String>,
    /// Whether it has been dealt with.
    settled: bool,
}

impl Renewal {
    /// Begins with this one.
    pub fn new(identity: TlsIdentity) -> Renewal {
        let TlsIdentity { files, contents, config, validity } = identity;
        let file = files.certificate.clone();
        let standing = Standing::Loaded;
        Renewal {
            files,
            config: RwLock::new(config),
            certificate: RwLock::new(Certificate { file, standing, validity, refusal: None }),
            search: Mutex::new(Search { found: Ok(contents), settled: true }),
        }
    }

    /// For the next handshake.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What became of the certificate. Never waits for a disk.
    pub fn certificate(&self) -> Certificate {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files; `unix` judges whether what they hold is valid. Blocks. What is new must stand still from one
    /// look to the next: two files cannot be replaced at once.
    pub fn look(&self, unix: Duration) {
        let mut search = self.search.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Contents::read(&self.files).map_err(|error| error.to_string());
        if found != search.found {
            *search = Search { found, settled: false };
        } else if !search.settled {
            search.settled = true;
            let identity = found.and_then(|contents| {
                TlsIdentity::of(&self.files, contents).map_err(|error| error.to_string())
            });
            self.settle(identity, unix);
        }
    }

    fn settle(&self, identity: Result<TlsIdentity, String>, unix: Duration) {
        let mut certificate = self.certificate();
        match identity {
            Ok(identity) => {
                identity.warn(unix);
                let until = identity.validity.map_or("an unknown date".to_owned(), |validity| {
                    validity.not_after.to_string()
                });
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = identity.config;
                certificate.validity = identity.validity;
                (certificate.standing, certificate.refusal) = (Standing::Reloaded, None);
                info!("the certificate was reloaded; it is valid until {until}");
            }
            Err(error) => {
                error!(%error, "the certificate's files cannot be used; the last good ones stay in use");
                (certificate.standing, certificate.refusal) = (Standing::Stale, Some(error));
            }
        }
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = certificate;
    }
}

/// Between two looks at the files.
pub const EVERY: Duration = Duration::from_secs(1);
