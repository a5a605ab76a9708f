//! The judgement on a token, and on what was accepted before.

use std::{sync::Arc, time::Duration};

use super::{
    KeyError, Keys, Pass, Principal, Revocations, Role, TokenError, seconds,
    token::{Claims, Unverified},
};

/// Checks tokens against keys, rules and a deny list. It does not change; newer keys are another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    keys: Keys,
    revocations: Revocations,
    rules: Rules,
}

/// What is asked of every token beside its signature and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Role of a token that names none.
    pub default_role: Role,
    /// What `iss` must be; without it `iss` is not looked at.
    pub issuer: Option<String>,
    /// What `aud` must be or have; without it `aud` is not looked at.
    pub audience: Option<String>,
}

/// Why a token that was accepted no longer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withdrawn {
    /// Its key is not among the keys any more.
    #[error("its key is gone")]
    Key,
    /// The deny list has its `jti`.
    #[error("its token is on the deny list")]
    Token,
    /// The deny list has its user, from a later time on.
    #[error("its user is on the deny list")]
    User,
}

impl Verifier {
    /// A verifier with these keys, under these rules, that refuses what is on the list.
    pub fn new(keys: Keys, revocations: Revocations, rules: Rules) -> Verifier {
        Verifier { keys, revocations, rules }
    }

    /// A verifier for HS256 with this secret alone; a token without a role gets `default_role`.
    pub fn hs256(secret: &[u8], default_role: Role) -> Result<Verifier, KeyError> {
        let rules = Rules { default_role, issuer: None, audience: None };
        Ok(Verifier::new(Keys::secret(secret)?, Revocations::default(), rules))
    }

    /// Who the token stands for; `unix` is the time since the Unix epoch.
    pub fn verify(&self, token: &str, unix: Duration) -> Result<Principal, TokenError> {
        let token = Unverified::parse(token)?;
        let keys = self.keys.candidates(token.key_name.as_deref(), token.algorithm);
        if keys.is_empty() {
            return Err(TokenError::NoKey);
        }
        let signer = keys.into_iter().find(|key| key.signed(token.message, token.signature));
        let key = signer.ok_or(TokenError::Forged)?;
        let claims = token.claims()?;
        let expires_at = seconds(claims.exp).ok_or(TokenError::Expired)?;
        // Without leeway. What `iat` says of the future is no reason to refuse: that is what `nbf` is for, and a robot
        // whose clock is a little behind would refuse every new token.
        if unix >= expires_at {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|nbf| seconds(nbf).is_none_or(|nbf| unix < nbf)) {
            return Err(TokenError::NotYet);
        }
        self.check_ends(&claims)?;
        if !(1..=GREATEST_ID).contains(&claims.user_id) || claims.sub.trim().is_empty() {
            return Err(TokenError::NoUser);
        }
        let pass = Pass {
            key: Some(key.clone()),
            id: claims.jti.map(Arc::from),
            issued_at: claims.iat.and_then(seconds),
        };
        let principal = Principal {
            user_id: claims.user_id,
            role: self.role(claims.role, claims.roles),
            username: claims.sub.into(),
            expires_at,
            pass,
        };
        self.still_accepts(&principal).map_err(|_| TokenError::Revoked)?;
        Ok(principal)
    }

    /// Whether somebody whose token was accepted, by an older verifier perhaps, would still be let in. Time is not
    /// looked at.
    pub fn still_accepts(&self, principal: &Principal) -> Result<(), Withdrawn> {
        if principal.pass.key.as_ref().is_some_and(|key| !self.keys.contains(key)) {
            return Err(Withdrawn::Key);
        }
        if self.revocations.hold_token(principal) {
            return Err(Withdrawn::Token);
        }
        if self.revocations.hold_user(principal) {
            return Err(Withdrawn::User);
        }
        Ok(())
    }

    /// Who made the token, and for whom.
    fn check_ends(&self, claims: &Claims) -> Result<(), TokenError> {
        let Rules { issuer, audience, .. } = &self.rules;
        if let Some(issuer) = issuer
            && !claims.iss.as_ref().is_some_and(|iss| iss.is(issuer))
        {
            return Err(TokenError::OtherIssuer);
        }
        if let Some(audience) = audience
            && !claims.aud.as_ref().is_some_and(|aud| aud.has(audience))
        {
            return Err(TokenError::OtherAudience);
        }
        Ok(())
    }

    /// The highest role that the token names. One that names only unknown roles gets the least.
    fn role(&self, role: Option<String>, roles: Option<Vec<String>>) -> Role {
        if role.is_none() && roles.is_none() {
            return self.rules.default_role;
        }
        let names = role.into_iter().chain(roles.into_iter().flatten());
        names.filter_map(|name| Role::from_name(&name)).max().unwrap_or(Role::Viewer)
    }
}

/// 2^53 - 1: greater numbers are not exact in JavaScript, and two users would be one.
const GREATEST_ID: u64 = 9_007_199_254_740_991;
