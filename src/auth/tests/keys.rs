//! Key sets that are taken and those that are not, and which key a token is checked with.

use serde_json::{Value, json};

use super::signer::{Signer, set};
use crate::auth::{Algorithm, KeyError, Keys, Revocations, Role, Rules, TokenError, Verifier};

fn ed() -> Value {
    Signer::of(Algorithm::EdDsa).jwk()
}

fn rsa() -> Value {
    Signer::of(Algorithm::Rs256).jwk()
}

fn ec() -> Value {
    Signer::of(Algorithm::Es256).jwk()
}

fn with(mut jwk: Value, member: &str, value: impl Into<Value>) -> Value {
    jwk[member] = value.into();
    jwk
}

/// A modulus of this many bits.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] = 0xff >> (bytes.len() * 8 - bits);
    super::base64(bytes)
}

fn check(text: &str, expected: Result<(), &str>) {
    let told = Keys::from_set(text.as_bytes()).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(told, expected.map_err(str::to_owned), "{text}");
}

#[test]
fn a_set_of_usable_keys_is_taken() {
    let oct = json!({"kty": "oct", "k": super::base64([7; 32])});
    for keys in [
        vec![ed()],
        vec![ec(), rsa(), ed(), oct.clone()],
        vec![with(ed(), "kid", "a"), with(ec(), "kid", "b"), oct.clone()],
        vec![with(ed(), "use", "sig"), with(ec(), "key_ops", json!(["verify"]))],
        vec![
            with(ed(), "alg", "EdDSA"),
            with(ec(), "alg", "ES256"),
            with(rsa(), "alg", "RS256"),
            with(oct, "alg", "HS256"),
        ],
        vec![with(rsa(), "n", modulus(2048)), with(rsa(), "n", modulus(8192))],
        vec![with(rsa(), "x5c", json!(["MII"])), with(rsa(), "any", 7)],
        vec![ed(); 16],
    ] {
        check(&set(&keys), Ok(()));
    }
}

#[test]
fn a_key_that_is_weak_private_or_for_something_else_is_named_with_the_reason() {
    let secret = |bytes: usize| json!({"kty": "oct", "k": super::base64(vec![7; bytes])});
    let curve = "its crv is not P-256";
    let size = |bits| format!("its modulus has {bits} bits; 2048 to 8192 are accepted");
    let half = |member| {
        format!("it holds the private half ({member}): a robot needs the public half alone")
    };
    let exponent = "its exponent e is not an odd number from 3 to 2^32 - 1";
    for (key, problem) in [
        (secret(31), "its k has 31 bytes; HS256 needs at least 32".to_owned()),
        (secret(0), "its k has 0 bytes; HS256 needs at least 32".to_owned()),
        (
            with(secret(32), "k", "not base64url!"),
            "k is missing, or not base64url of the right length".to_owned(),
        ),
        (with(rsa(), "n", modulus(1024)), size(1024)),
        (with(rsa(), "n", modulus(2047)), size(2047)),
        (with(rsa(), "n", modulus(8193)), size(8193)),
        (with(rsa(), "n", ""), size(0)),
        (with(rsa(), "e", "AQ"), exponent.to_owned()),
        (with(rsa(), "e", "AQAA"), exponent.to_owned()),
        (
            with(rsa(), "e", Value::Null),
            "e is missing, or not base64url of the right length".to_owned(),
        ),
        (with(rsa(), "d", "AQAB"), half("d")),
        (with(rsa(), "p", "AQAB"), half("p")),
        (with(ec(), "d", "AQAB"), half("d")),
        (with(ed(), "d", Value::Null), half("d")),
        (with(ec(), "crv", "P-384"), curve.to_owned()),
        (with(ec(), "crv", "secp256k1"), curve.to_owned()),
        (with(ec(), "crv", Value::Null), curve.to_owned()),
        (
            with(ec(), "y", Value::Null),
            "y is missing, or not base64url of the right length".to_owned(),
        ),
        (
            with(ec(), "x", super::base64([1; 31])),
            "x is missing, or not base64url of the right length".to_owned(),
        ),
        (with(ed(), "crv", "X25519"), "its crv is not Ed25519".to_owned()),
        (with(ed(), "kty", "AKP"), "its kty is not oct, OKP, EC or RSA".to_owned()),
        (with(rsa(), "alg", "HS256"), "its alg is not RS256, which its kty makes it".to_owned()),
        (with(rsa(), "alg", "PS256"), "its alg is not RS256, which its kty makes it".to_owned()),
        (
            with(secret(32), "alg", "HS512"),
            "its alg is not HS256, which its kty makes it".to_owned(),
        ),
        (with(ed(), "alg", "none"), "its alg is not EdDSA, which its kty makes it".to_owned()),
        (with(rsa(), "use", "enc"), "its use is not sig: list only keys that sign".to_owned()),
        (with(ed(), "key_ops", json!(["sign"])), "its key_ops are without verify".to_owned()),
        (with(ed(), "key_ops", json!([])), "its key_ops are without verify".to_owned()),
    ] {
        check(
            &set(&[ed(), with(key, "kid", "2025")]),
            Err(&format!("key 2 (\"2025\"): {problem}")),
        );
    }
    check(
        &set(&[with(ed(), "use", "enc")]),
        Err("key 1 (without kid): its use is not sig: list only keys that sign"),
    );
    let long = "k".repeat(257);
    check(
        &set(&[with(ed(), "kid", long)]),
        Err(&format!("key 1 (\"{}\"): its kid is empty, or longer than 256 bytes", "k".repeat(64))),
    );
    check(
        &set(&[with(ed(), "kid", "a"), with(ec(), "kid", "a")]),
        Err("key 2 (\"a\"): another key has the same kid"),
    );
}

#[test]
fn what_is_no_set_is_refused_and_nothing_of_it_is_repeated() {
    check(r#"{"keys":[]}"#, Err("the key set is empty"));
    check(&set(&vec![ed(); 17]), Err("the key set has 17 keys; at most 16 are taken"));
    for text in [
        "",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":[7]}"#,
        r#"{"keys":[{"kty":"EC","kty":"EC"}]}"#,
        r#"{"keys":[{"kty":"oct","k":["hunter2"]}]}"#,
    ] {
        let error = Keys::from_set(text.as_bytes()).unwrap_err();
        assert!(matches!(error, KeyError::Malformed(_)), "{text}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let long = format!("{}{}", set(&[ed()]), " ".repeat(64 * 1024));
    assert!(matches!(Keys::from_set(long.as_bytes()), Err(KeyError::TooLong(_))));
    let keys = Keys::from_set(
        set(&[json!({"kty": "oct", "k": super::base64([7; 32]), "kid": "a"})]).as_bytes(),
    );
    assert_eq!(
        format!("{:?}", keys.unwrap()),
        r#"Keys { named: {"a": Key(HS256, Some("a"))}, nameless: [] }"#
    );
}

#[test]
fn a_name_chooses_its_key_and_no_name_the_keys_without_one() {
    let [hs, ed, ec, rs] = Algorithm::ALL.map(Signer::of);
    let spare = Signer::new(Algorithm::EdDsa);
    let listed = [ed.named_jwk("ed"), ec.named_jwk("ec"), rs.jwk(), spare.jwk()];
    let keys = Keys::from_set(set(&listed).as_bytes()).unwrap();
    let secret = b"a secret of thirty-two bytes, or more";
    let keys = keys.and(Keys::secret(secret).unwrap());
    let rules = Rules { default_role: Role::Viewer, issuer: None, audience: None };
    let verifier = Verifier::new(keys, Revocations::default(), rules);
    let trusted = Signer::secret(secret);
    let named = |signer: &Signer, kid: Option<&str>| {
        let mut header = signer.header();
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let claims = r#"{"user_id":7,"sub":"lan","exp":1750000001}"#;
        verifier.verify(&signer.token_of(header.to_string(), claims), super::NOW).err()
    };
    for (signer, kid, expected) in [
        (ed, Some("ed"), None),
        (ec, Some("ec"), None),
        (rs, None, None),
        (rs, Some("unknown"), None),
        (&spare, None, None),
        (&trusted, None, None),
        (&trusted, Some("unknown"), None),
        // A name that is known counts, and so does its algorithm.
        (ed, Some("ec"), Some(TokenError::NoKey)),
        (&trusted, Some("ed"), Some(TokenError::NoKey)),
        (&spare, Some("ed"), Some(TokenError::Forged)),
        (ed, None, Some(TokenError::Forged)),
        (ec, None, Some(TokenError::NoKey)),
        (ec, Some("EC"), Some(TokenError::NoKey)),
        (hs, None, Some(TokenError::Forged)),
    ] {
        assert_eq!(named(signer, kid), expected, "{:?} {kid:?}", signer.algorithm);
    }
}
