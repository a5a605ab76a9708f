//! What signatures are checked with: a secret, and the keys of a JWK Set (RFC 7517).

use std::{collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};

use super::{
    LONGEST_KEY_SET, SHORTEST_SECRET,
    json::{self, Malformed},
};

mod jwk;

use jwk::{Jwk, Set};

/// How a token is signed; a key has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// HMAC with SHA-256, RFC 7518 section 3.2: whoever checks can also sign.
    Hs256,
    /// Ed25519, RFC 8037 section 3.1.
    EdDsa,
    /// ECDSA on P-256 with SHA-256, RFC 7518 section 3.4.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 section 3.3.
    Rs256,
}

/// The keys that are trusted now; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    named: BTreeMap<Arc<str>, Arc<Key>>,
    nameless: Vec<Arc<Key>>,
}

/// One key. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub(super) struct Key {
    name: Option<Arc<str>>,
    algorithm: Algorithm,
    material: DecodingKey,
}

/// Why keys cannot be used. It repeats nothing of a key but its `kid`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A secret that is too short for HS256.
    #[error(
        "the secret has {0} bytes; HS256 needs at least {SHORTEST_SECRET} (RFC 7518 section 3.2)"
    )]
    WeakSecret(usize),
    /// The file is longer than [`LONGEST_KEY_SET`].
    #[error("the key set has {0} bytes; at most {LONGEST_KEY_SET} are read")]
    TooLong(usize),
    /// Not `{"keys": [{…}, …]}`.
    #[error("the key set is no JWK Set: {0}")]
    Malformed(#[from] Malformed),
    /// `{"keys": []}`
    #[error("the key set is empty")]
    Empty,
    /// More than 16.
    #[error("the key set has {0} keys; at most {MOST_KEYS} are taken")]
    TooMany(usize),
    /// One of the keys.
    #[error("{key}: {problem}")]
    Unusable {
        /// Its position, counted from 1, and its `kid`.
        key: String,
        /// What is wrong with it.
        problem: KeyProblem,
    },
}

/// What is wrong with a key of a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// Another `kty` than `oct`, `OKP`, `EC` and `RSA`.
    #[error("its kty is not oct, OKP, EC or RSA")]
    UnknownType,
    /// A curve that none of the algorithms is of.
    #[error("its crv is not {0}")]
    WrongCurve(&'static str),
    /// A member that the type of key needs.
    #[error("{0} is missing, or not base64url of the right length")]
    BadMember(&'static str),
    /// `alg` says another thing than type and curve.
    #[error("its alg is not {0}, which its kty makes it")]
    Contradiction(&'static str),
    /// `use` is there, and not `sig`.
    #[error("its use is not sig: list only keys that sign")]
    OtherUse,
    /// `key_ops` is there, without `verify`.
    #[error("its key_ops are without verify")]
    OtherOperations,
    /// The half of the key that signs.
    #[error("it holds the private half ({0}): a robot needs the public half alone")]
    Private(&'static str),
    /// HMAC below 256 bits.
    #[error("its k has {0} bytes; HS256 needs at least {SHORTEST_SECRET}")]
    ShortSecret(usize),
    /// RSA of an unsafe or an unreasonable size.
    #[error("its modulus has {0} bits; 2048 to 8192 are accepted")]
    ModulusSize(usize),
    /// RSA with an exponent that protects nothing.
    #[error("its exponent e is not an odd number from 3 to 2^32 - 1")]
    Exponent,
    /// Empty, or longer than 256 bytes.
    #[error("its kid is empty, or longer than {LONGEST_NAME} bytes")]
    BadName,
    /// Two keys of one name.
    #[error("another key has the same kid")]
    SameName,
}

impl Algorithm {
    /// Every one.
    pub const ALL: [Algorithm; 4] =
        [Algorithm::Hs256, Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

    /// The value of `alg`, RFC 7518 section 3.1.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Hs256 => "HS256",
            Algorithm::EdDsa => "EdDSA",
            Algorithm::Es256 => "ES256",
            Algorithm::Rs256 => "RS256",
        }
    }

    /// The algorithm of this name, which is compared letter by letter.
    pub fn from_name(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    pub(super) fn library(self) -> jsonwebtoken::Algorithm {
        match self {
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        }
    }
}

impl Keys {
    /// A secret for HS256; it has no name.
    pub fn secret(secret: &[u8]) -> Result<Keys, KeyError> {
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyError::WeakSecret(secret.len()));
        }
        let material = DecodingKey::from_secret(secret);
        let key = Key { name: None, algorithm: Algorithm::Hs256, material };
        Ok(Keys { nameless: vec![Arc::new(key)], ..Keys::default() })
    }

    /// The keys of a JWK Set, all of which must be usable.
    ///
    /// # Errors
    /// The first key that is weak, private, or for something else; or a set that is none.
    pub fn from_set(text: &[u8]) -> Result<Keys, KeyError> {
        if text.len() > LONGEST_KEY_SET {
            return Err(KeyError::TooLong(text.len()));
        }
        let Set { keys: listed } = json::object(text)?;
        match listed.len() {
            0 => return Err(KeyError::Empty),
            1..=MOST_KEYS => {}
            more => return Err(KeyError::TooMany(more)),
        }
        let mut keys = Keys::default();
        for (at, jwk) in listed.iter().enumerate() {
            let unusable = |problem| KeyError::Unusable { key: called(at, jwk), problem };
            let key = Arc::new(jwk.key().map_err(unusable)?);
            match key.name.clone() {
                Some(name) if keys.named.contains_key(&name) => {
                    return Err(unusable(KeyProblem::SameName));
                }
                Some(name) => {
                    keys.named.insert(name, key);
                }
                None => keys.nameless.push(key),
            }
        }
        Ok(keys)
    }

    /// These keys and those.
    pub fn and(mut self, others: Keys) -> Keys {
        self.named.extend(others.named);
        self.nameless.extend(others.nameless);
        self
    }

    /// Which keys a token of this header may be signed with: the one it names; or those without a name, if it names
    /// none that is known. Never one of another algorithm.
    pub(super) fn candidates(&self, name: Option<&str>, algorithm: Algorithm) -> Vec<&Arc<Key>> {
        let named = name.and_then(|name| self.named.get(name));
        let keys: Vec<_> = match named {
            Some(key) => vec![key],
            None => self.nameless.iter().collect(),
        };
        keys.into_iter().filter(|key| key.algorithm == algorithm).collect()
    }

    pub(super) fn contains(&self, key: &Arc<Key>) -> bool {
        self.named.values().chain(&self.nameless).any(|known| known == key)
    }
}

impl Key {
    /// Whether the key made this signature (base64url) of this message.
    pub(super) fn signed(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.library();
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.material, algorithm)
            .unwrap_or(false)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {:?})", self.algorithm.as_str(), self.name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        use DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
        let same = match (self.material.kind(), other.material.kind()) {
            (SecretOrDer(a), SecretOrDer(b)) => a == b,
            (RsaModulusExponent { n, e }, RsaModulusExponent { n: m, e: f }) => n == m && e == f,
            _ => false,
        };
        same && self.algorithm == other.algorithm && self.name == other.name
    }
}

impl Eq for Key {}

/// For people: which key of the set.
fn called(at: usize, jwk: &Jwk) -> String {
    match &jwk.kid {
        Some(kid) => format!("key {} ({:?})", at + 1, kid.chars().take(SHOWN).collect::<String>()),
        None => format!("key {} (without kid)", at + 1),
    }
}

fn decode(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

/// A token without a `kid` may be checked with each of them.
const MOST_KEYS: usize = 16;

/// Bytes of a `kid`.
const LONGEST_NAME: usize = 256;

/// Characters of a `kid` in an error.
const SHOWN: usize = 64;
