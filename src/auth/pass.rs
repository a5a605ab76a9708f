//! What of an accepted token is kept, so that it can be withdrawn later.

use std::{sync::Arc, time::Duration};

use super::keys::Key;

/// By what a token can be withdrawn while its connection lasts: its key, its `jti`, and when it was issued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// None for a token that no key was needed for, as in tests.
    pub(super) key: Option<Arc<Key>>,
    pub(super) id: Option<Arc<str>>,
    /// Claim `iat`, since the Unix epoch.
    pub(super) issued_at: Option<Duration>,
}
