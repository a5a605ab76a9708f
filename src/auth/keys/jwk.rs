//! One JSON Web Key (RFC 7517, RFC 7518 section 6, RFC 8037): parsed, judged, and made a key of.

use jsonwebtoken::DecodingKey;
use serde::Deserialize;

use super::{Algorithm, Key, KeyProblem, LONGEST_NAME, SHORTEST_SECRET, decode};
use crate::auth::json::present;

/// `{"keys": […]}`
#[derive(Deserialize)]
pub struct Set {
    pub keys: Vec<Jwk>,
}

/// A key as it is written. Members that are not listed are passed over, as RFC 7517 section 4 wants it.
#[derive(Deserialize)]
pub struct Jwk {
    kty: String,
    pub kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    k: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    #[serde(default, deserialize_with = "present")]
    d: bool,
    #[serde(default, deserialize_with = "present")]
    p: bool,
    #[serde(default, deserialize_with = "present")]
    q: bool,
}

impl Jwk {
    pub fn key(&self) -> Result<Key, KeyProblem> {
        if self.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return Err(KeyProblem::OtherUse);
        }
        if self.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify")) {
            return Err(KeyProblem::OtherOperations);
        }
        if self.kid.as_ref().is_some_and(|kid| !(1..=LONGEST_NAME).contains(&kid.len())) {
            return Err(KeyProblem::BadName);
        }
        let private = [("d", self.d), ("p", self.p), ("q", self.q)];
        if let Some((member, _)) = private.into_iter().find(|(_, there)| *there) {
            return Err(KeyProblem::Private(member));
        }
        let (algorithm, material) = match self.kty.as_str() {
            "oct" => (Algorithm::Hs256, self.secret()?),
            "OKP" => (Algorithm::EdDsa, self.ed25519()?),
            "EC" => (Algorithm::Es256, self.p256()?),
            "RSA" => (Algorithm::Rs256, self.rsa()?),
            _ => return Err(KeyProblem::UnknownType),
        };
        if self.alg.as_deref().is_some_and(|alg| alg != algorithm.as_str()) {
            return Err(KeyProblem::Contradiction(algorithm.as_str()));
        }
        Ok(Key { name: self.kid.as_deref().map(Into::into), algorithm, material })
    }

    fn secret(&self) -> Result<DecodingKey, KeyProblem> {
        let secret = decode(self.k.as_deref()).ok_or(KeyProblem::BadMember("k"))?;
        if secret.len() < SHORTEST_SECRET {
            return Err(KeyProblem::ShortSecret(secret.len()));
        }
        Ok(DecodingKey::from_secret(&secret))
    }

    fn ed25519(&self) -> Result<DecodingKey, KeyProblem> {
        self.is_on("Ed25519")?;
        Ok(DecodingKey::from_ed_der(&self.coordinate("x", self.x.as_deref())?))
    }

    fn p256(&self) -> Result<DecodingKey, KeyProblem> {
        self.is_on("P-256")?;
        let x = self.coordinate("x", self.x.as_deref())?;
        let y = self.coordinate("y", self.y.as_deref())?;
        // SEC 1 section 2.3.3: 4 stands for a point that is not compressed.
        Ok(DecodingKey::from_ec_der(&[&[4], &x[..], &y[..]].concat()))
    }

    fn rsa(&self) -> Result<DecodingKey, KeyProblem> {
        let number = |member, text: &Option<String>| {
            let bytes = decode(text.as_deref()).ok_or(KeyProblem::BadMember(member))?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Ok(bytes[zeros..].to_vec())
        };
        let modulus = number("n", &self.n)?;
        let exponent = number("e", &self.e)?;
        let unused = modulus.first().map_or(0, |first| first.leading_zeros() as usize);
        let bits = modulus.len() * 8 - unused;
        if !(2048..=8192).contains(&bits) {
            return Err(KeyProblem::ModulusSize(bits));
        }
        let odd = exponent.last().is_some_and(|last| last % 2 == 1);
        if !odd || exponent == [1] || exponent.len() > 4 {
            return Err(KeyProblem::Exponent);
        }
        Ok(DecodingKey::from_rsa_raw_components(&modulus, &exponent))
    }

    fn is_on(&self, curve: &'static str) -> Result<(), KeyProblem> {
        let right = self.crv.as_deref() == Some(curve);
        right.then_some(()).ok_or(KeyProblem::WrongCurve(curve))
    }

    fn coordinate(&self, member: &'static str, text: Option<&str>) -> Result<Vec<u8>, KeyProblem> {
        let bytes = decode(text).filter(|bytes| bytes.len() == COORDINATE);
        bytes.ok_or(KeyProblem::BadMember(member))
    }
}

/// Bytes of a coordinate on either curve.
const COORDINATE: usize = 32;
