//! The deny list: tokens that are refused although they are signed and in time.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use serde::Deserialize;

use super::{
    LONGEST_DENY_LIST, Principal,
    json::{self, Malformed},
    seconds,
};

/// Which tokens were withdrawn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revocations {
    tokens: HashSet<String>,
    users: HashMap<String, Duration>,
}

/// Why a deny list cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationsError {
    /// Longer than [`LONGEST_DENY_LIST`].
    #[error("the deny list has {0} bytes; at most {LONGEST_DENY_LIST} are read")]
    TooLong(usize),
    /// Not `{"jti": ["…"], "sub": {"…": SECONDS}}`.
    #[error(
        "the deny list is not of the form {{\"jti\": [\"ID\"], \"sub\": {{\"NAME\": SECONDS}}}}: {0}"
    )]
    Malformed(#[from] Malformed),
    /// A time that is none.
    #[error("the deny list has a time for user {0:?} that is before 1970 or after 9999")]
    BadTime(String),
}

impl Revocations {
    /// Reads a deny list: `jti`, a list of token ids; `sub`, by user name the Unix time before which all tokens of that
    /// user are void. Both may be absent; anything else is a mistake.
    pub fn from_list(text: &[u8]) -> Result<Revocations, RevocationsError> {
        if text.len() > LONGEST_DENY_LIST {
            return Err(RevocationsError::TooLong(text.len()));
        }
        let List { jti, sub } = json::object(text)?;
        let users = sub.into_iter().map(|(name, since)| match seconds(since) {
            Some(since) => Ok((name, since)),
            None => Err(RevocationsError::BadTime(name)),
        });
        Ok(Revocations { tokens: jti, users: users.collect::<Result<_, _>>()? })
    }

    /// Whether this very token was withdrawn.
    pub(super) fn hold_token(&self, principal: &Principal) -> bool {
        principal.pass.id.as_deref().is_some_and(|id| self.tokens.contains(id))
    }

    /// Whether the tokens were withdrawn that this user was given until some time. One without `iat` is of any time.
    pub(super) fn hold_user(&self, principal: &Principal) -> bool {
        self.users.get(&*principal.username).is_some_and(|since| {
            principal.pass.issued_at.is_none_or(|issued_at| issued_at < *since)
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    jti: HashSet<String>,
    #[serde(default)]
    sub: HashMap<String, f64>,
}
