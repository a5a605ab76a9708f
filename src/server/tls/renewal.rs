//! A certificate that is renewed while the bridge runs: its files are looked at every second, and a newer identity that
//! is whole takes the older one's place. Connections that are open keep theirs.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio_rustls::rustls::ServerConfig;
use tracing::{error, info};

use super::{Contents, TlsIdentity};
use crate::config::TlsFiles;

/// What became of the certificate, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whether it is the one in the files.
    pub standing: Standing,
    /// When the one in use ends, if that could be read.
    pub not_after: Option<Timestamp>,
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
        let not_after = validity.map(|validity| validity.not_after);
        Renewal {
            files,
            config: RwLock::new(config),
            certificate: RwLock::new(Certificate { standing: Standing::Loaded, not_after }),
            search: Mutex::new(Search { found: Ok(contents), settled: true }),
        }
    }

    /// For the next handshake.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What became of the certificate.
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
        let mut certificate = self.certificate.write().unwrap_or_else(PoisonError::into_inner);
        match identity {
            Ok(identity) => {
                identity.warn(unix);
                let not_after = identity.validity.map(|validity| validity.not_after);
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = identity.config;
                *certificate = Certificate { standing: Standing::Reloaded, not_after };
                let until = not_after.map_or("an unknown date".to_owned(), |date| date.to_string());
                info!("the certificate was reloaded; it is valid until {until}");
            }
            Err(error) => {
                certificate.standing = Standing::Stale;
                error!(%error, "the certificate's files cannot be used; the last good ones stay in use");
            }
        }
    }
}

/// Between two looks at the files.
pub const EVERY: Duration = Duration::from_secs(1);
