//! Who signs tokens in tests: one key of each algorithm, made once in a run.

use std::sync::OnceLock;

use jsonwebtoken::{EncodingKey, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::base64;
use crate::auth::Algorithm;

pub struct Signer {
    pub algorithm: Algorithm,
    key: EncodingKey,
    /// SubjectPublicKeyInfo, PEM and DER; empty of a secret.
    pub public_pem: String,
    pub public_der: Vec<u8>,
}

impl Signer {
    pub fn secret(secret: &[u8]) -> Signer {
        let key = EncodingKey::from_secret(secret);
        let (public_pem, public_der) = Default::default();
        Signer { algorithm: Algorithm::Hs256, key, public_pem, public_der }
    }

    /// A new key.
    pub fn new(algorithm: Algorithm) -> Signer {
        let pair = match algorithm {
            Algorithm::Hs256 => return Signer::secret(&random()),
            Algorithm::EdDsa => KeyPair::generate_for(&PKCS_ED25519),
            Algorithm::Es256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            Algorithm::Rs256 => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        }
        .unwrap();
        let der = pair.serialize_der();
        let key = match algorithm {
            // PKCS#1 is what stands in PKCS#8 behind 26 bytes, where the key has 2048 bits.
            Algorithm::Rs256 => EncodingKey::from_rsa_der(&der[26..]),
            Algorithm::Es256 => EncodingKey::from_ec_der(&der),
            _ => EncodingKey::from_ed_der(&ed25519(&der)),
        };
        let public_der = rcgen::PublicKeyData::subject_public_key_info(&pair);
        Signer { algorithm, key, public_pem: pair.public_key_pem(), public_der }
    }

    /// The one key of an algorithm that all tests trust.
    pub fn of(algorithm: Algorithm) -> &'static Signer {
        static ALL: [OnceLock<Signer>; 4] = [const { OnceLock::new() }; 4];
        ALL[algorithm as usize].get_or_init(|| Signer::new(algorithm))
    }

    /// The key as a set lists it, without `kid` and `alg`; of a secret the secret itself.
    pub fn jwk(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm.library()).unwrap();
        serde_json::to_value(jwk.algorithm).unwrap()
    }

    pub fn named_jwk(&self, kid: &str) -> Value {
        let mut jwk = self.jwk();
        jwk["kid"] = kid.into();
        jwk
    }

    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm.as_str(), "typ": "JWT"})
    }

    /// Of any two texts.
    pub fn token_of(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        let signed = format!("{}.{}", base64(header), base64(claims));
        format!("{signed}.{}", self.sign(&signed))
    }

    pub fn sign(&self, message: &str) -> String {
        let algorithm = self.algorithm.library();
        jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, algorithm).unwrap()
    }
}

/// A set of these keys.
pub fn set(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

fn random() -> [u8; 32] {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).unwrap();
    secret
}

/// In the 48 bytes of PKCS#8 version 1, as the library wants it: the seed stands in the same place of any version.
fn ed25519(der: &[u8]) -> Vec<u8> {
    const PREFIX: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let at = der.windows(2).position(|pair| pair == [4, 0x20]).unwrap() + 2;
    [&PREFIX, &der[at..at + 32]].concat()
}
