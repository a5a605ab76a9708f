//! A token in the compact form (RFC 7515 section 3.1), taken apart.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    Algorithm, LONGEST_TOKEN,
    json::{self, Malformed, present},
};

/// Why a token was refused. Clients are told no more than `Invalid token`; the log gets this, which repeats nothing
/// of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`LONGEST_TOKEN`].
    #[error("token of {0} bytes is longer than {LONGEST_TOKEN}")]
    TooLong(usize),
    /// Not three parts, or one of them not base64url.
    #[error("token refused: its {0} is not base64url, or the token has not three parts")]
    NotCompact(&'static str),
    /// Not the JSON of a header or of claims.
    #[error("token refused: its {part}: {cause}")]
    Malformed {
        /// `header` or `claims`.
        part: &'static str,
        /// Where.
        cause: Malformed,
    },
    /// `alg` is none of ours.
    #[error("token refused: its algorithm is not one of HS256, EdDSA, ES256 and RS256")]
    UnknownAlgorithm,
    /// It is another kind of token, by its `typ`.
    #[error("token refused: its typ is not JWT or at+jwt")]
    OtherType,
    /// A critical header extension (RFC 7515 section 4.1.11), or `b64` (RFC 7797).
    #[error("token refused: it demands an extension that is not understood")]
    Critical,
    /// Its `kid` and `alg` fit no key.
    #[error("token refused: no key of its algorithm and name")]
    NoKey,
    /// Not signed by the key.
    #[error("token refused: its signature is wrong")]
    Forged,
    /// `exp` has passed.
    #[error("token expired")]
    Expired,
    /// `nbf` has not come.
    #[error("token is not valid yet")]
    NotYet,
    /// `user_id` is not a positive integer, or `sub` is empty.
    #[error("token names no user")]
    NoUser,
    /// `iss` is not `token_issuer`.
    #[error("token is of another issuer")]
    OtherIssuer,
    /// `aud` does not have `token_audience`.
    #[error("token is for another audience")]
    OtherAudience,
    /// On the deny list.
    #[error("token was revoked")]
    Revoked,
}

/// A token whose signature nobody has looked at yet.
pub struct Unverified<'a> {
    pub algorithm: Algorithm,
    /// Looks up a key, and nothing else.
    pub key_name: Option<String>,
    /// What is signed.
    pub message: &'a str,
    pub signature: &'a str,
    claims: &'a str,
}

/// The claims that are read.
#[derive(Deserialize)]
pub struct Claims {
    pub user_id: u64,
    pub sub: String,
    pub exp: f64,
    pub nbf: Option<f64>,
    pub iat: Option<f64>,
    pub jti: Option<String>,
    pub iss: Option<Audience>,
    pub aud: Option<Audience>,
    pub role: Option<String>,
    pub roles: Option<Vec<String>>,
}

/// A text, several, or what is no concern of those who do not look.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Several(Vec<String>),
    Other(IgnoredAny),
}

impl Unverified<'_> {
    /// Takes a token apart and reads its header.
    pub fn parse(token: &str) -> Result<Unverified<'_>, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong(token.len()));
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::NotCompact("form"))?;
        let (header, claims) = message.split_once('.').ok_or(TokenError::NotCompact("form"))?;
        let header: Header = read("header", header)?;
        if header.crit || header.b64 {
            return Err(TokenError::Critical);
        }
        let typ = header.typ.as_deref().unwrap_or("JWT");
        // RFC 7515 section 4.1.9: the prefix may be left out, and letters may be small.
        let short =
            typ.split_once('/').filter(|(first, _)| first.eq_ignore_ascii_case("application"));
        let typ = short.map_or(typ, |(_, rest)| rest);
        if !["JWT", "at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known)) {
            return Err(TokenError::OtherType);
        }
        let algorithm = Algorithm::from_name(&header.alg).ok_or(TokenError::UnknownAlgorithm)?;
        Ok(Unverified { algorithm, key_name: header.kid, message, signature, claims })
    }

    /// The claims; to be asked for once the signature was found right.
    pub fn claims(&self) -> Result<Claims, TokenError> {
        read("claims", self.claims)
    }
}

impl Audience {
    /// Whether it is, or has, exactly this.
    pub fn has(&self, wanted: &str) -> bool {
        match self {
            Audience::One(text) => text == wanted,
            Audience::Several(texts) => texts.iter().any(|text| text == wanted),
            Audience::Other(_) => false,
        }
    }

    /// Whether it is exactly this.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Audience::One(text) if text == wanted)
    }
}

/// The members that are read. What says where a key is to be had (`jku`, `jwk`, `x5u`, `x5c`) is not among them.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
}

fn read<T: DeserializeOwned>(part: &'static str, text: &str) -> Result<T, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::NotCompact(part))?;
    json::object(&bytes).map_err(|cause| TokenError::Malformed { part, cause })
}
