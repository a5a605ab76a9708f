//! What was accepted and no longer is.

use serde_json::json;

use super::{
    NOW,
    signer::{Signer, set},
};
use crate::auth::{Algorithm, Keys, Revocations, Role, Rules, TokenError, Verifier, Withdrawn};

fn verifier(keys: Keys, list: &str) -> Verifier {
    let rules = Rules { default_role: Role::Viewer, issuer: None, audience: None };
    Verifier::new(keys, Revocations::from_list(list.as_bytes()).unwrap(), rules)
}

/// A token with these members more, under this deny list: whether it is accepted, and whether it still is when the
/// list comes later.
fn check(more: &str, list: &str, expected: Result<(), Withdrawn>) {
    let signer = Signer::of(Algorithm::EdDsa);
    let keys = Keys::from_set(set(&[signer.jwk()]).as_bytes()).unwrap();
    let claims = format!(r#"{{"user_id":7,"sub":"lan","exp":1750000001{more}}}"#);
    let token = signer.token_of(signer.header().to_string(), claims);
    let before = verifier(keys.clone(), "{}").verify(&token, NOW).unwrap();
    let now = verifier(keys, list);
    assert_eq!(now.still_accepts(&before), expected, "{more} {list}");
    assert_eq!(now.verify(&token, NOW).map(|_| ()), expected.map_err(|_| TokenError::Revoked));
}

#[test]
fn a_deny_list_withdraws_tokens_by_their_id_and_by_their_user_and_time() {
    check("", "{}", Ok(()));
    check(r#","jti":"a""#, r#"{"jti":["b","A"]}"#, Ok(()));
    check(r#","jti":"a""#, r#"{"jti":["b","a"]}"#, Err(Withdrawn::Token));
    check("", r#"{"jti":["a"]}"#, Ok(()));
    check(r#","iat":1700000000"#, r#"{"sub":{"lan":1700000000}}"#, Ok(()));
    check(r#","iat":1699999999.5"#, r#"{"sub":{"lan":1700000000}}"#, Err(Withdrawn::User));
    check(r#","iat":-1"#, r#"{"sub":{"lan":1}}"#, Err(Withdrawn::User));
    check("", r#"{"sub":{"lan":0}}"#, Err(Withdrawn::User));
    check("", r#"{"sub":{"Lan":1700000000,"minh":1700000000}}"#, Ok(()));
}

#[test]
fn a_deny_list_with_a_mistake_is_refused_whole() {
    for (list, expected) in [
        ("", "the deny list is not of the form"),
        ("[]", "the deny list is not of the form"),
        (r#"{"jti":"a"}"#, "the deny list is not of the form"),
        (r#"{"jti":[7]}"#, "the deny list is not of the form"),
        (r#"{"subs":{}}"#, "the deny list is not of the form"),
        (r#"{"sub":{"lan":1,"lan":2}}"#, "the deny list is not of the form"),
        (r#"{"sub":{"lan":"1"}}"#, "the deny list is not of the form"),
        (r#"{"sub":{"lan":-1}}"#, "for user \"lan\" that is before 1970"),
        (r#"{"sub":{"lan":1e300}}"#, "for user \"lan\" that is before 1970"),
        (&format!("{{}}{}", " ".repeat(1024 * 1024)), "at most 1048576 are read"),
    ] {
        let error = Revocations::from_list(list.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{}: {error}", &list[..list.len().min(40)]);
    }
}

#[test]
fn who_came_by_a_key_goes_with_it() {
    let (old, new) = (Signer::new(Algorithm::EdDsa), Signer::new(Algorithm::EdDsa));
    let keys = |listed: &[serde_json::Value]| Keys::from_set(set(listed).as_bytes()).unwrap();
    let claims = json!({"user_id": 7, "sub": "lan", "exp": 1_750_000_001});
    let mut header = old.header();
    header["kid"] = "a".into();
    let token = old.token_of(header.to_string(), claims.to_string());
    let principal = verifier(keys(&[old.named_jwk("a")]), "{}").verify(&token, NOW).unwrap();
    for (listed, expected) in [
        (vec![old.named_jwk("a"), new.named_jwk("b")], Ok(())),
        (vec![new.named_jwk("b")], Err(Withdrawn::Key)),
        (vec![new.named_jwk("a")], Err(Withdrawn::Key)),
        (vec![old.named_jwk("b")], Err(Withdrawn::Key)),
    ] {
        assert_eq!(verifier(keys(&listed), "{}").still_accepts(&principal), expected, "{listed:?}");
    }
}
