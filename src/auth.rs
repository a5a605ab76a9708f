//! Who is asking: a token, a key and the time become a [`Principal`], and a role becomes a proof.
//!
//! Tokens are JSON Web Tokens (RFC 7519), HS256 (RFC 7518 section 3.2). One key means one algorithm: what a
//! token's header says is compared with it and never chooses it.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

#[cfg(test)]
mod tests;

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
    /// Claim `user_id`, positive.
    pub user_id: u64,
    /// Claim `sub`, not empty.
    pub username: Arc<str>,
    /// Claim `role` or `roles`, or the default role.
    pub role: Role,
    /// Claim `exp`, since the Unix epoch.
    pub expires_at: Duration,
}

/// Proof that a command comes from an operator; only [`Principal::operator`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operator(());

/// Proof that a command comes from an administrator; only [`Principal::administrator`] makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Administrator(());

/// Checks tokens against one key.
pub struct Verifier {
    key: DecodingKey,
    rules: Validation,
    default_role: Role,
}

/// Why a token was refused. Clients are told no more than `Invalid token`; the log gets this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`LONGEST_TOKEN`].
    #[error("token of {0} bytes is longer than {LONGEST_TOKEN}")]
    TooLong(usize),
    /// Not a token of this key's algorithm, or forged.
    #[error("token refused: {0}")]
    Refused(String),
    /// A critical header extension (RFC 7515 section 4.1.11) is not understood.
    #[error("token demands an extension that is not understood")]
    Critical,
    /// `exp` has passed.
    #[error("token expired")]
    Expired,
    /// `nbf` has not come.
    #[error("token is not valid yet")]
    NotYet,
    /// `user_id` is not a positive integer, or `sub` is empty.
    #[error("token names no user")]
    NoUser,
}

/// A secret that is too short for HS256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret has {0} bytes; HS256 needs at least {SHORTEST_SECRET} (RFC 7518 section 3.2)")]
pub struct WeakSecret(pub usize);

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

impl Verifier {
    /// A verifier for HS256 with this secret; a token without a role gets `default_role`.
    pub fn hs256(secret: &[u8], default_role: Role) -> Result<Verifier, WeakSecret> {
        if secret.len() < SHORTEST_SECRET {
            return Err(WeakSecret(secret.len()));
        }
        let mut rules = Validation::new(Algorithm::HS256);
        // Time is checked below, against the `now` that is handed in and without leeway.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        rules.set_required_spec_claims(&["exp"]);
        Ok(Verifier { key: DecodingKey::from_secret(secret), rules, default_role })
    }

    /// Who the token stands for; `unix` is the time since the Unix epoch.
    pub fn verify(&self, token: &str, unix: Duration) -> Result<Principal, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong(token.len()));
        }
        let refused = |error: jsonwebtoken::errors::Error| TokenError::Refused(error.to_string());
        let data =
            jsonwebtoken::decode::<Claims>(token, &self.key, &self.rules).map_err(refused)?;
        if data.header.crit.is_some() {
            return Err(TokenError::Critical);
        }
        let claims = data.claims;
        let expires_at = seconds(claims.exp).ok_or(TokenError::Expired)?;
        if unix >= expires_at {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| seconds(nbf).is_none_or(|nbf| unix < nbf)) {
            return Err(TokenError::NotYet);
        }
        if claims.user_id == 0 || claims.sub.trim().is_empty() {
            return Err(TokenError::NoUser);
        }
        Ok(Principal {
            user_id: claims.user_id,
            role: self.role(claims.role, claims.roles),
            username: claims.sub.into(),
            expires_at,
        })
    }

    /// The highest role that the token names. One that names only unknown roles gets the least.
    fn role(&self, role: Option<String>, roles: Option<Vec<String>>) -> Role {
        if role.is_none() && roles.is_none() {
            return self.default_role;
        }
        let names = role.into_iter().chain(roles.into_iter().flatten());
        names.filter_map(|name| Role::from_name(&name)).max().unwrap_or(Role::Viewer)
    }
}

#[derive(Deserialize)]
struct Claims {
    user_id: u64,
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    role: Option<String>,
    roles: Option<Vec<String>>,
}

/// RFC 7519 NumericDate; `None` where it is before 1970 or beyond any calendar.
fn seconds(date: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(date).ok().filter(|date| *date <= LATEST)
}

/// RFC 7518 section 3.2: a key of the hash's size or larger.
pub const SHORTEST_SECRET: usize = 32;

/// Longer tokens are refused before they are parsed.
pub const LONGEST_TOKEN: usize = 4096;

/// 9999-12-31T23:59:59Z, the last second that RFC 3339 can write.
const LATEST: Duration = Duration::from_secs(253_402_300_799);
