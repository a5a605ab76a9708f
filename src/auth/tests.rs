//! Good tokens, and the many kinds of bad ones.

use jsonwebtoken::{EncodingKey, Header};

use super::*;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: Duration = Duration::from_secs(1_750_000_000);

fn verifier() -> Verifier {
    Verifier::hs256(SECRET, Role::Operator).unwrap()
}

/// A token with this payload, as text, so that it may be any JSON.
fn token(header: &str, payload: &str, secret: &[u8]) -> String {
    let signed = format!("{}.{}", base64(header), base64(payload));
    let signature = jsonwebtoken::crypto::sign(
        signed.as_bytes(),
        &EncodingKey::from_secret(secret),
        Algorithm::HS256,
    );
    format!("{signed}.{}", signature.unwrap())
}

/// base64url without padding (RFC 4648 section 5).
fn base64(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let digits = |chunk: &[u8]| {
        let bits = chunk
            .iter()
            .chain([0, 0].iter())
            .take(3)
            .fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        (0..=chunk.len())
            .map(move |digit| ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize] as char)
    };
    text.as_bytes().chunks(3).flat_map(|chunk| digits(chunk).collect::<Vec<_>>()).collect()
}

const HS256: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

fn signed(payload: &str) -> String {
    token(HS256, payload, SECRET)
}

fn check(payload: &str, expected: Result<(u64, &str, Role), &str>) {
    let verdict = verifier().verify(&signed(payload), NOW);
    match (&verdict, expected) {
        (Ok(principal), Ok((user_id, username, role))) => {
            assert_eq!(principal.user_id, user_id, "{payload}");
            assert_eq!(&*principal.username, username, "{payload}");
            assert_eq!(principal.role, role, "{payload}");
        }
        (Err(error), Err(expected)) => {
            assert!(error.to_string().contains(expected), "{payload}: {error}");
        }
        _ => panic!("{payload}: {verdict:?} instead of {expected:?}"),
    }
}

#[test]
fn a_token_names_its_user_and_role() {
    use Role::{Administrator, Operator, Viewer};
    check(r#"{"user_id":7,"sub":"lan","exp":1750000001}"#, Ok((7, "lan", Operator)));
    check(r#"{"user_id":7,"sub":"lan","exp":1750000000.5}"#, Ok((7, "lan", Operator)));
    check(r#"{"user_id":7,"sub":"lan","exp":1750000001,"role":"viewer"}"#, Ok((7, "lan", Viewer)));
    check(
        r#"{"user_id":7,"sub":"lan","exp":1750000001,"roles":["viewer","administrator","x"]}"#,
        Ok((7, "lan", Administrator)),
    );
    check(
        r#"{"user_id":7,"sub":"lan","exp":1750000001,"role":"viewer","roles":["operator"]}"#,
        Ok((7, "lan", Operator)),
    );
    check(
        r#"{"user_id":7,"sub":"Lân","exp":1750000001,"aud":"x","more":1}"#,
        Ok((7, "Lân", Operator)),
    );
}

#[test]
fn a_role_that_is_not_known_gets_the_least() {
    for role in
        [r#""role":"root""#, r#""role":"Administrator""#, r#""roles":[]"#, r#""roles":["x"]"#]
    {
        check(
            &format!(r#"{{"user_id":7,"sub":"lan","exp":1750000001,{role}}}"#),
            Ok((7, "lan", Role::Viewer)),
        );
    }
}

#[test]
fn claims_that_are_wrong_are_refused() {
    let rows = [
        (r#"{"user_id":7,"sub":"lan","exp":1750000000}"#, "expired"),
        (r#"{"user_id":7,"sub":"lan","exp":-1}"#, "token"),
        (r#"{"user_id":7,"sub":"lan","exp":1e300}"#, "token"),
        (r#"{"user_id":7,"sub":"lan"}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":null}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":"1750000001"}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":1750000001,"nbf":1750000001}"#, "not valid yet"),
        (r#"{"user_id":0,"sub":"lan","exp":1750000001}"#, "names no user"),
        (r#"{"user_id":-7,"sub":"lan","exp":1750000001}"#, "refused"),
        (r#"{"user_id":7.5,"sub":"lan","exp":1750000001}"#, "refused"),
        (r#"{"user_id":"7","sub":"lan","exp":1750000001}"#, "refused"),
        (r#"{"sub":"lan","exp":1750000001}"#, "refused"),
        (r#"{"user_id":7,"exp":1750000001}"#, "refused"),
        (r#"{"user_id":7,"sub":"","exp":1750000001}"#, "names no user"),
        (r#"{"user_id":7,"sub":"  ","exp":1750000001}"#, "names no user"),
        (r#"{"user_id":7,"sub":3,"exp":1750000001}"#, "refused"),
        (r#"{"user_id":7,"user_id":8,"sub":"lan","exp":1750000001}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":1750000001,"role":3}"#, "refused"),
        (r#"[7,"lan",1750000001]"#, "refused"),
        ("not json", "refused"),
    ];
    for (payload, expected) in rows {
        check(payload, Err(expected));
    }
}

#[test]
fn what_is_not_signed_with_the_key_by_its_algorithm_is_refused() {
    let payload = r#"{"user_id":7,"sub":"lan","exp":1750000001}"#;
    let good = signed(payload);
    let parts: Vec<&str> = good.split('.').collect();
    let other = token(HS256, payload, b"another secret of at least 32 bytes!");
    let rows = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        other,
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}."),
        format!("{good}x"),
        format!("{good}=="),
        format!(" {good}"),
        format!("{}.{}.{}", parts[0], base64(&payload.replace('7', "8")), parts[2]),
        token(r#"{"alg":"none"}"#, payload, SECRET),
        token(r#"{"alg":"HS384"}"#, payload, SECRET),
        token(r#"{"alg":"HS512","typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"RS256","typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"hs256"}"#, payload, SECRET),
        token(r#"{"typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"HS256","crit":["exp"]}"#, payload, SECRET),
        "x".repeat(LONGEST_TOKEN + 1),
    ];
    assert!(verifier().verify(&good, NOW).is_ok());
    for row in rows {
        assert!(verifier().verify(&row, NOW).is_err(), "{row}");
    }
}

#[test]
fn a_token_of_an_independent_encoder_is_accepted() {
    #[derive(serde::Serialize)]
    struct Claims {
        user_id: u64,
        sub: &'static str,
        exp: u64,
    }
    let claims = Claims { user_id: 7, sub: "lan", exp: 1_750_000_001 };
    let token =
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET))
            .unwrap();
    assert_eq!(
        verifier().verify(&token, NOW).unwrap().expires_at,
        Duration::from_secs(1_750_000_001)
    );
}

#[test]
fn a_short_secret_is_refused() {
    assert_eq!(Verifier::hs256(&SECRET[..31], Role::Viewer).err(), Some(WeakSecret(31)));
}

#[test]
fn only_operators_and_above_get_the_proof() {
    let proof = |role| {
        Principal { user_id: 1, username: "a".into(), role, expires_at: NOW }.operator().is_some()
    };
    assert_eq!([Role::Viewer, Role::Operator, Role::Administrator].map(proof), [false, true, true]);
}
