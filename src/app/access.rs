//! Keys and deny list: read at the start, and again whenever their files change.
//!
//! A file counts once it was found the same twice, so that one that is being written is not judged. What cannot be used
//! changes nothing: the last good content stays in force, and the log says what is wrong, once.

use std::{
    fmt,
    fs::{self, File},
    future::pending,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinError, spawn_blocking},
    time::{sleep, timeout},
};

use crate::{
    auth::{
        KeyError, Keys, LONGEST_DENY_LIST, LONGEST_KEY_SET, Revocations, RevocationsError, Rules,
        Verifier,
    },
    config::{AccessConfig, Secret, SecretError, SecretSource},
};

/// Where keys and deny list come from, with what they were when they were last in order.
pub struct Access {
    /// What cannot change.
    fixed: Keys,
    secret: Option<Watched<Keys>>,
    key_set: Option<Watched<Keys>>,
    revocations: Option<Watched<Revocations>>,
    rules: Rules,
}

/// Why a file, or all of them, cannot be used. It repeats nothing of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// There is nothing to check tokens with; or a secret that cannot be used.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file is not there, cannot be read, or is no file.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// Nobody writes so much by hand.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// What stands in it.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// What stands in it.
    #[error(transparent)]
    Revocations(#[from] RevocationsError),
    /// One of the above, with the source of the file's name, and the name.
    #[error("{origin} {}: {cause}", path.display())]
    File {
        /// The parameter or variable.
        origin: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<AccessError>,
    },
}

impl Access {
    /// Reads every file; at least one of them, or the secret, must have a key. Blocks; called before the server listens.
    pub fn open(
        config: &AccessConfig,
        secret: Option<SecretSource>,
    ) -> Result<Access, AccessError> {
        if secret.is_none() && config.jwks_file.is_none() {
            return Err(SecretError::Missing.into());
        }
        let (fixed, secret) = match secret {
            Some(SecretSource::Value(secret)) => (Keys::secret(secret.as_bytes())?, None),
            Some(SecretSource::File(path)) => (Keys::default(), Some(path)),
            None => Default::default(),
        };
        let secret = secret.map(|path| Watched::open(SECRET, path)).transpose()?;
        let Files { key_set, revocations } = Files::open(config)?;
        Ok(Access { fixed, secret, key_set, revocations, rules: config.rules.clone() })
    }

    /// Whether the files that the configuration names can be used. Blocks.
    pub fn check(config: &AccessConfig) -> Result<(), AccessError> {
        Files::open(config).map(|_| ())
    }

    /// What counts now.
    pub fn verifier(&self) -> Verifier {
        let keys = |watched: &Option<Watched<Keys>>| {
            watched.as_ref().map(|watched| watched.good.clone()).unwrap_or_default()
        };
        let all = self.fixed.clone().and(keys(&self.secret)).and(keys(&self.key_set));
        let revocations = self.revocations.as_ref().map(|watched| watched.good.clone());
        Verifier::new(all, revocations.unwrap_or_default(), self.rules.clone())
    }

    /// Looks at every file. Blocks.
    fn look(&mut self) {
        let Access { secret, key_set, revocations, .. } = self;
        secret.iter_mut().chain(key_set).for_each(Watched::look);
        revocations.iter_mut().for_each(Watched::look);
    }

    fn has_files(&self) -> bool {
        self.secret.is_some() || self.key_set.is_some() || self.revocations.is_some()
    }

    fn is_stale(&self) -> bool {
        let keys = self.secret.iter().chain(&self.key_set).any(|watched| watched.fault.is_some());
        keys || self.revocations.iter().any(|watched| watched.fault.is_some())
    }
}

/// Replaces the verifier within half a second of a file's change, and says whether a file cannot be used. Runs for ever.
pub async fn keep(
    mut access: Access,
    verifier: watch::Sender<Arc<Verifier>>,
    stale: watch::Sender<bool>,
) {
    while access.has_files() {
        sleep(PERIOD).await;
        access = match look(access, &stale).await {
            Ok(access) => access,
            // It panicked, and says so; the keys would stay as they are for ever.
            Err(_) => return,
        };
        stale
            .send_if_modified(|was| std::mem::replace(was, access.is_stale()) != access.is_stale());
        let newer = access.verifier();
        if **verifier.borrow() != newer {
            tracing::info!("keys or deny list have changed, and are in force");
            verifier.send_replace(Arc::new(newer));
        }
    }
    pending().await
}

/// A disk that hangs makes stale what stands on it.
async fn look(mut access: Access, stale: &watch::Sender<bool>) -> Result<Access, JoinError> {
    let mut looking = spawn_blocking(move || {
        access.look();
        access
    });
    match timeout(STUCK, &mut looking).await {
        Ok(looked) => looked,
        Err(_) => {
            stale.send_replace(true);
            tracing::error!("the disk with the keys, or the deny list, does not answer");
            looking.await
        }
    }
}

/// The files that the configuration names.
struct Files {
    key_set: Option<Watched<Keys>>,
    revocations: Option<Watched<Revocations>>,
}

impl Files {
    fn open(config: &AccessConfig) -> Result<Files, AccessError> {
        let AccessConfig { jwks_file, revocation_file, .. } = config.clone();
        Ok(Files {
            key_set: jwks_file.map(|path| Watched::open(KEY_SET, path)).transpose()?,
            revocations: revocation_file.map(|path| Watched::open(DENY_LIST, path)).transpose()?,
        })
    }
}

/// A kind of file.
#[derive(Clone, Copy)]
struct Kind<T> {
    /// Who names it.
    origin: &'static str,
    /// Bytes.
    longest: usize,
    parse: fn(&[u8]) -> Result<T, AccessError>,
}

/// One file.
struct Watched<T> {
    kind: Kind<T>,
    path: PathBuf,
    /// The last look at it, and whether it was judged.
    seen: Result<Vec<u8>, AccessError>,
    judged: bool,
    /// What it was when it was last in order.
    good: T,
    /// What is wrong with it now.
    fault: Option<AccessError>,
}

impl<T: PartialEq + 'static> Watched<T> {
    fn open(kind: Kind<T>, path: PathBuf) -> Result<Watched<T>, AccessError> {
        let seen = read(&path, kind.longest);
        match seen.clone().and_then(|content| (kind.parse)(&content)) {
            Ok(good) => Ok(Watched { kind, path, seen, judged: true, good, fault: None }),
            Err(cause) => {
                Err(AccessError::File { origin: kind.origin, path, cause: Box::new(cause) })
            }
        }
    }

    fn look(&mut self) {
        let now = read(&self.path, self.kind.longest);
        if now != self.seen {
            self.seen = now;
            self.judged = false;
        } else if !self.judged {
            self.judged = true;
            self.judge();
        }
    }

    fn judge(&mut self) {
        match self.seen.clone().and_then(|content| (self.kind.parse)(&content)) {
            Ok(value) => {
                self.good = value;
                if self.fault.take().is_some() {
                    tracing::info!(file = %self, "in order again");
                }
            }
            Err(fault) if self.fault.as_ref() == Some(&fault) => {}
            Err(fault) => {
                tracing::error!(file = %self, %fault, "cannot be used; what it was before stays in force");
                self.fault = Some(fault);
            }
        }
    }
}

impl<T> fmt::Display for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.origin, self.path.display())
    }
}

/// The content, if it is a file of a reasonable length.
fn read(path: &Path, longest: usize) -> Result<Vec<u8>, AccessError> {
    let unreadable = |error: std::io::Error| AccessError::Unreadable(error.to_string());
    // Opening a pipe would wait for somebody to write.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(AccessError::Unreadable("it is not a file".to_owned()));
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(longest as u64 + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > longest { Err(AccessError::TooLong(longest)) } else { Ok(content) }
}

const SECRET: Kind<Keys> = Kind {
    origin: "OHT50_JWT_SECRET_FILE",
    longest: LONGEST_KEY_SET,
    parse: |content| Ok(Keys::secret(Secret::from_file(content)?.as_bytes())?),
};

const KEY_SET: Kind<Keys> = Kind {
    origin: "jwks_file",
    longest: LONGEST_KEY_SET,
    parse: |content| Ok(Keys::from_set(content)?),
};

const DENY_LIST: Kind<Revocations> = Kind {
    origin: "revocation_file",
    longest: LONGEST_DENY_LIST,
    parse: |content| Ok(Revocations::from_list(content)?),
};

/// Between two looks; a change is in force after two.
const PERIOD: Duration = Duration::from_millis(250);

/// A look that takes longer is told.
const STUCK: Duration = Duration::from_secs(2);
