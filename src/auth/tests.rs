//! Good tokens, and the many kinds of bad ones.

use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;

mod keys;
pub mod signer;
mod withdrawal;

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
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bytes)
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
        r#"{"user_id":7,"sub":"Lân","exp":1750000001,"aud":7,"iss":["x"],"more":1}"#,
        Ok((7, "Lân", Operator)),
    );
    // A robot's clock may be behind; `nbf` says from when a token counts.
    check(
        r#"{"user_id":7,"sub":"lan","exp":1750009999,"iat":1750009000}"#,
        Ok((7, "lan", Operator)),
    );
    check(
        r#"{"user_id":9007199254740991,"sub":"lan","exp":1750000001}"#,
        Ok(((1 << 53) - 1, "lan", Operator)),
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
        (r#"{"user_id":9007199254740992,"sub":"lan","exp":1750000001}"#, "names no user"),
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
        (r#"{"user_id":7,"sub":"lan","exp":1750000001,"jti":7}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":1750000001,"iat":"now"}"#, "refused"),
        (r#"{"user_id":7,"sub":"lan","exp":1750000001,"x":1,"x":1}"#, "refused"),
        (r#"[7,"lan",1750000001,null,null,null,null,null,null,null]"#, "refused"),
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
        format!("{}.{}.{}", parts[0], base64(payload.replace('7', "8")), parts[2]),
        token(r#"{"alg":"none"}"#, payload, SECRET),
        token(r#"{"alg":"HS384"}"#, payload, SECRET),
        token(r#"{"alg":"HS512","typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"RS256","typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"hs256"}"#, payload, SECRET),
        token(r#"{"typ":"JWT"}"#, payload, SECRET),
        token(r#"{"alg":"HS256","crit":["exp"]}"#, payload, SECRET),
        token(r#"{"alg":"HS256","crit":null}"#, payload, SECRET),
        token(r#"{"alg":"HS256","b64":true}"#, payload, SECRET),
        token(r#"{"alg":"HS256","alg":"HS256"}"#, payload, SECRET),
        token(r#"{"alg":"HS256","typ":"JWE"}"#, payload, SECRET),
        token(r#"{"alg":"HS256","typ":7}"#, payload, SECRET),
        token(r#"["HS256","JWT",null,false,false]"#, payload, SECRET),
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
    assert_eq!(Verifier::hs256(&SECRET[..31], Role::Viewer).err(), Some(KeyError::WeakSecret(31)));
}

#[test]
fn only_operators_and_above_get_the_proof() {
    let proof = |role| {
        let pass = Pass::default();
        let principal = Principal { user_id: 1, username: "a".into(), role, expires_at: NOW, pass };
        principal.operator().is_some()
    };
    assert_eq!([Role::Viewer, Role::Operator, Role::Administrator].map(proof), [false, true, true]);
}

#[test]
fn a_header_may_name_its_type_and_say_more() {
    let payload = r#"{"user_id":7,"sub":"lan","exp":1750000001}"#;
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt"}"#,
        r#"{"alg":"HS256","typ":"at+jwt"}"#,
        r#"{"alg":"HS256","typ":"application/at+JWT"}"#,
        r#"{"alg":"HS256","kid":"any","x5t":"x","jku":"https://evil.example/keys"}"#,
    ] {
        assert!(verifier().verify(&token(header, payload, SECRET), NOW).is_ok(), "{header}");
    }
}

#[test]
fn a_clock_at_the_beginning_of_time_judges_too() {
    let token = signed(r#"{"user_id":7,"sub":"lan","exp":1}"#);
    assert!(verifier().verify(&token, Duration::ZERO).is_ok());
    assert_eq!(verifier().verify(&token, Duration::from_secs(1)), Err(TokenError::Expired));
}

#[test]
fn issuer_and_audience_must_be_exactly_those_that_are_wanted() {
    let rules = Rules {
        default_role: Role::Viewer,
        issuer: Some("https://id.example".to_owned()),
        audience: Some("oht50".to_owned()),
    };
    let keys = Keys::secret(SECRET).unwrap();
    let verifier = Verifier::new(keys, Revocations::default(), rules);
    let good = r#""iss":"https://id.example","aud":"oht50""#;
    for (ends, expected) in [
        (good, None),
        (r#""iss":"https://id.example","aud":["x","oht50"]"#, None),
        (r#""aud":"oht50""#, Some(TokenError::OtherIssuer)),
        (r#""iss":"https://id.example/","aud":"oht50""#, Some(TokenError::OtherIssuer)),
        (r#""iss":["https://id.example"],"aud":"oht50""#, Some(TokenError::OtherIssuer)),
        (r#""iss":"https://id.example""#, Some(TokenError::OtherAudience)),
        (r#""iss":"https://id.example","aud":"OHT50""#, Some(TokenError::OtherAudience)),
        (r#""iss":"https://id.example","aud":[]"#, Some(TokenError::OtherAudience)),
        (r#""iss":"https://id.example","aud":["oht50",7]"#, Some(TokenError::OtherAudience)),
    ] {
        let token = signed(&format!(r#"{{"user_id":7,"sub":"lan","exp":1750000001,{ends}}}"#));
        assert_eq!(verifier.verify(&token, NOW).err(), expected, "{ends}");
    }
}

#[test]
fn the_cryptography_passes_its_self_test() {
    assert_eq!(self_test(), Ok(()));
    assert_eq!(self_test(), Ok(()), "a second time, too");
}
