//! Whose tokens count: where keys and deny list stand, and what a token has to say of its two ends.

use std::path::PathBuf;

use super::{ConfigError, Values};
use crate::auth::Rules;

/// Whose tokens count. The secret is none of it, since any node can read parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessConfig {
    /// JWK Set with the public keys of issuers.
    pub jwks_file: Option<PathBuf>,
    /// The deny list.
    pub revocation_file: Option<PathBuf>,
    /// What every token must say, beside its signature and its time.
    pub rules: Rules,
}

impl AccessConfig {
    pub(super) fn read(values: &Values<'_>) -> Result<AccessConfig, ConfigError> {
        let given = |name| Ok(Some(values.text(name)?).filter(|text| !text.is_empty()));
        Ok(AccessConfig {
            jwks_file: values.path("jwks_file")?,
            revocation_file: values.path("revocation_file")?,
            rules: Rules {
                default_role: values.role("default_role")?,
                issuer: given("token_issuer")?,
                audience: given("token_audience")?,
            },
        })
    }
}
