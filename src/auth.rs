//! Who is asking: a token, the keys and the time become a [`Principal`], and a role becomes a proof.
//!
//! Tokens are JSON Web Tokens (RFC 7519) in the compact form, signed with HS256, EdDSA, ES256 or RS256. One key means
//! one algorithm: what a token's header says is compared with it and never chooses it. `json` reads, `keys` holds
//! what signatures are checked with, `token` takes a token apart, and [`Verifier`] judges it.

use std::{sync::Arc, time::Duration};

mod json;
mod keys;
mod pass;
mod revocations;
mod self_test;
#[cfg(test)]
pub(crate) mod tests;
mod token;
mod verifier;

pub use json::Malformed;
pub use keys::{Algorithm, KeyError, KeyProblem, Keys};
pub use pass::Pass;
pub use revocations::{Revocations, RevocationsError};
pub use self_test::{SelfTestError, self_test};
pub use token::TokenError;
pub use verifier::{Rules, Verifier, Withdrawn};

/// What somebody may do; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees everything, stops the robot.
    Viewer,
    /// Drives it.
    Operator,
    /// Takes control from others.
    Administrator,
}

impl Role {
    /// Every one, from the least to the most.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Operator, Role::Administrator];
}

/// A user whose token was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Claim `user_id`, positive and at most 2^53 - 1, which JavaScript keeps exactly.
    pub user_id: u64,
    /// Claim `sub`, not empty.
    pub username: Arc<str>,
    /// Claim `role` or `roles`, or the default role.
    pub role: Role,
    /// Claim `exp`, since the Unix epoch.
    pub expires_at: Duration,
    /// By what the token can be withdrawn.
    pub pass: Pass,
}

/// Proof that a command comes from an operator; only [`Principal::operator`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator(());

/// Proof that a command comes from an administrator; only [`Principal::administrator`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator(());

impl Role {
    /// The name in tokens and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Administrator => "administrator",
        }
    }

    /// The role of this name.
    pub fn from_name(name: &str) -> Option<Role> {
        [Role::Viewer, Role::Operator, Role::Administrator]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

impl Principal {
    /// The proof, if the role suffices.
    pub fn operator(&self) -> Option<Operator> {
        (self.role >= Role::Operator).then_some(Operator(()))
    }

    /// The proof, if the role suffices.
    pub fn administrator(&self) -> Option<Administrator> {
        (self.role >= Role::Administrator).then_some(Administrator(()))
    }
}

/// RFC 7519 NumericDate; `None` where it is before 1970 or beyond any calendar.
fn seconds(date: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(date).ok().filter(|date| *date <= LATEST)
}

/// RFC 7518 section 3.2: a key of the hash's size or larger.
pub const SHORTEST_SECRET: usize = 32;

/// Longer tokens are refused before they are parsed.
pub const LONGEST_TOKEN: usize = 4096;

/// Longer key files are refused before they are parsed.
pub const LONGEST_KEY_SET: usize = 64 * 1024;

/// Longer deny lists are refused before they are parsed.
pub const LONGEST_DENY_LIST: usize = 1024 * 1024;

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
const LATEST: Duration = Duration::from_secs(253_402_300_799);
