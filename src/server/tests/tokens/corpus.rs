//! Every kind of bad token that is known to have opened somebody's door, by a name each.

use serde_json::{Value, json};

use super::super::UNIX;
use crate::auth::{
    Algorithm,
    tests::{base64, signer::Signer},
};

/// What a client shows.
pub struct Attempt {
    pub name: String,
    pub target: String,
    /// Fields of the request beside the usual ones.
    pub fields: Vec<String>,
}

/// Whom the server trusts: the secret without a name, the others with one.
pub fn trusted() -> [(&'static Signer, Option<&'static str>); 4] {
    let [hs, ed, ec, rs] = Algorithm::ALL.map(Signer::of);
    [(hs, None), (ed, Some("ed")), (ec, Some("ec")), (rs, Some("rs"))]
}

pub fn claims() -> Value {
    json!({"user_id": 7, "sub": "lan", "role": "operator", "exp": UNIX.as_secs() + 3600})
}

pub fn header(signer: &Signer, kid: Option<&str>) -> Value {
    let mut header = signer.header();
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    header
}

/// A token that is good in every way.
pub fn good(signer: &Signer, kid: Option<&str>) -> String {
    signer.token_of(header(signer, kid).to_string(), claims().to_string())
}

pub fn all() -> Vec<Attempt> {
    let mut tokens = Vec::new();
    for (signer, kid) in trusted() {
        let algorithm = signer.algorithm.as_str();
        let rows = signatures(signer, kid).into_iter().chain(forms(signer, kid));
        tokens.extend(rows.map(|(name, token)| (format!("{algorithm}: {name}"), token)));
    }
    tokens.extend(confusions());
    tokens.extend(curves());
    tokens.extend(headers());
    tokens.extend(payloads());
    let in_query = tokens.into_iter().map(|(name, token)| {
        let target = format!("/ws?token={}", percent_encode(&token));
        Attempt { name, target, fields: Vec::new() }
    });
    in_query.chain(places()).collect()
}

type Rows = Vec<(String, String)>;

fn named(rows: Vec<(&str, String)>) -> Rows {
    rows.into_iter().map(|(name, token)| (name.to_owned(), token)).collect()
}

/// A signature that is not this key's, of this message, by this algorithm.
fn signatures(signer: &Signer, kid: Option<&str>) -> Rows {
    let token = good(signer, kid);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = Signer::new(signer.algorithm);
    let header = header(signer, kid).to_string();
    let someone_else = json!({"user_id": 8, "sub": "lan", "exp": UNIX.as_secs() + 3600});
    let of_another_message = signer.token_of(&header, someone_else.to_string());
    let of_another_message = of_another_message.rsplit_once('.').unwrap().1;
    let half = &signature[..signature.len() / 2];
    let swapped = if signature.starts_with('A') { 'B' } else { 'A' };
    let mut rows = named(vec![
        ("stripped signature", format!("{message}.")),
        ("signature left out", message.to_owned()),
        ("half a signature", format!("{message}.{half}")),
        ("a signature too long", format!("{message}.{signature}AAAA")),
        ("signature twice", format!("{message}.{signature}{signature}")),
        ("garbage signature", format!("{message}.{}", base64([7; 64]))),
        ("zero signature", format!("{message}.{}", base64([0; 64]))),
        ("one bit changed", format!("{message}.{swapped}{}", &signature[1..])),
        ("signature of another message", format!("{message}.{of_another_message}")),
        ("another key", other.token_of(&header, claims().to_string())),
        ("signature of a shorter message", {
            let claims = message.split_once('.').unwrap().1;
            format!("{message}.{}", signer.sign(claims))
        }),
    ]);
    for name in ["none", "None", "NONE", "nOnE", "", "null"] {
        let header = header.replace(signer.algorithm.as_str(), name);
        let unsigned = format!("{}.{}", base64(&header), base64(claims().to_string()));
        rows.push((format!("algorithm {name:?} without signature"), format!("{unsigned}.")));
        rows.push((
            format!("algorithm {name:?} signed"),
            signer.token_of(&header, claims().to_string()),
        ));
    }
    for name in ["HS256", "EdDSA", "ES256", "RS256", "HS384", "HS512", "ES384", "PS256", "RS384"] {
        if name != signer.algorithm.as_str() {
            let header = header.replace(signer.algorithm.as_str(), name);
            let token = signer.token_of(&header, claims().to_string());
            rows.push((format!("said to be {name}"), token));
        }
    }
    let small =
        header.replace(signer.algorithm.as_str(), &signer.algorithm.as_str().to_lowercase());
    rows.push((
        "algorithm in small letters".to_owned(),
        signer.token_of(small, claims().to_string()),
    ));
    rows
}

/// Base64url that two readers might read differently, and other numbers of parts.
fn forms(signer: &Signer, kid: Option<&str>) -> Rows {
    let token = good(signer, kid);
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let padded = |part: &str| format!("{part}{}", &"==="[..(4 - part.len() % 4) % 4]);
    // Claims of 3n+1 bytes leave four bits unused in their last character.
    let mut text = claims().to_string();
    while text.len() % 3 != 1 {
        text.insert(1, ' ');
    }
    let loose = base64(&text);
    let last = loose.chars().last().unwrap();
    let next = char::from_u32(u32::from(last) + 1).unwrap();
    let loose = format!("{header}.{}{next}", &loose[..loose.len() - 1]);
    let blank = format!("{header}.{}", padded(&base64(&text)));
    named(vec![
        ("padded signature", format!("{header}.{payload}.{signature}=")),
        ("padded payload, signed so", format!("{blank}.{}", signer.sign(&blank))),
        ("unused bits set, signed so", format!("{loose}.{}", signer.sign(&loose))),
        ("plus in the signature", format!("{header}.{payload}.+{}", &signature[1..])),
        ("slash in the signature", format!("{header}.{payload}./{}", &signature[1..])),
        ("space before", format!(" {token}")),
        ("space after", format!("{token} ")),
        ("newline after", format!("{token}\n")),
        ("newline within", format!("{header}.{payload}\n.{signature}")),
        ("tab within", format!("{header}\t.{payload}.{signature}")),
        ("NUL after", format!("{token}\0")),
        ("dot before", format!(".{token}")),
        ("dot after", format!("{token}.")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts, as encrypted ones", format!("{token}.{signature}.{signature}")),
        ("parts in another order", format!("{payload}.{header}.{signature}")),
        ("quoted", format!("\"{token}\"")),
        ("not ASCII", format!("{header}.{payload}é.{signature}")),
    ])
}

/// HS256 with what everybody knows of a public key: CVE-2015-9235 and its kin.
fn confusions() -> Rows {
    let mut rows = Rows::new();
    for (signer, kid) in trusted().into_iter().skip(1) {
        let jwk = signer.jwk();
        let forms = [
            ("PEM", signer.public_pem.clone().into_bytes()),
            ("PEM without its last newline", signer.public_pem.trim_end().as_bytes().to_vec()),
            ("DER", signer.public_der.clone()),
            ("JWK", jwk.to_string().into_bytes()),
            ("JWK with kid", signer.named_jwk(kid.unwrap()).to_string().into_bytes()),
            (
                "number as text",
                jwk["x"].as_str().or(jwk["n"].as_str()).unwrap().as_bytes().to_vec(),
            ),
        ];
        for (form, secret) in forms {
            let forger = Signer::secret(&secret);
            for (whose, kid) in [("named", kid), ("nameless", None)] {
                let name =
                    format!("HS256 with the {} key as {form}, {whose}", signer.algorithm.as_str());
                rows.push((name, good(&forger, kid)));
            }
        }
    }
    for (name, secret) in
        [("empty", &b""[..]), ("NUL", b"\0"), ("secret", b"secret"), ("32 zeros", &[0; 32])]
    {
        rows.push((format!("HS256 with the secret {name:?}"), good(&Signer::secret(secret), None)));
    }
    rows
}

/// What is particular to ES256: RFC 7518 section 3.4 wants r and s, and nothing around them.
fn curves() -> Rows {
    let (signer, kid) = trusted()[2];
    let token = good(signer, kid);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let raw = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature)
        .unwrap();
    let (r, s) = raw.split_at(32);
    let integer = |number: &[u8]| {
        let mut bytes: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [&[2, bytes.len() as u8], &bytes[..]].concat()
    };
    let numbers = [integer(r), integer(s)].concat();
    let der = [&[0x30, numbers.len() as u8], &numbers[..]].concat();
    // The order of the group, FIPS 186-4 D.1.2.3: zero to a checker that forgets the range.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let signed = |signature: &[u8]| format!("{message}.{}", base64(signature));
    named(vec![
        ("ES256: DER instead of r and s", signed(&der)),
        ("ES256: r zero, CVE-2022-21449", signed(&[&[0; 32], s].concat())),
        ("ES256: s zero, CVE-2022-21449", signed(&[r, &[0; 32]].concat())),
        ("ES256: r and s the order", signed(&[order, order].concat())),
        ("ES256: s the order", signed(&[r, &order].concat())),
        ("ES256: r and s one", signed(&[&[0; 31][..], &[1], &[0; 31], &[1]].concat())),
        ("ES256: r and s in another order", signed(&[s, r].concat())),
        ("ES256: r and s padded to 66 bytes", signed(&[&[0], r, &[0], s].concat())),
        ("ES256: DER in zeros", signed(&[0x30, 6, 2, 1, 0, 2, 1, 0])),
    ])
}

/// Headers that say where another key is to be had, or what else is to be believed.
fn headers() -> Rows {
    let mut rows = Rows::new();
    let stranger = Signer::new(Algorithm::EdDsa);
    let rsa = Signer::new(Algorithm::Rs256);
    let certificate = json!([base64(&rsa.public_der)]);
    for (name, signer, member, value) in [
        ("its own key in jwk", &stranger, "jwk", stranger.jwk()),
        ("its own RSA key in jwk", &rsa, "jwk", rsa.jwk()),
        ("its own key behind jku", &stranger, "jku", json!("https://evil.example/keys.json")),
        (
            "its own key behind a jku of this machine",
            &stranger,
            "jku",
            json!("http://127.0.0.1:8080/keys.json"),
        ),
        ("its own key behind a jku of a file", &stranger, "jku", json!("file:///dev/null")),
        ("its own certificate in x5c", &rsa, "x5c", certificate),
        ("its own certificate behind x5u", &rsa, "x5u", json!("https://evil.example/cert.pem")),
        ("the fingerprint of its own certificate", &rsa, "x5t", json!(base64([7; 20]))),
    ] {
        for kid in [None, Some("ed"), Some("mine")] {
            let mut header = header(signer, kid);
            header[member] = value.clone();
            let token = signer.token_of(header.to_string(), claims().to_string());
            rows.push((format!("{name}, kid {kid:?}"), token));
        }
    }
    let nothing = Signer::secret(b"");
    let (long, ed) = ("k".repeat(2000), Signer::of(Algorithm::EdDsa));
    for kid in [
        "/dev/null",
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///dev/null",
        "https://evil.example/key",
        "x' UNION SELECT 'secret",
        "'; DROP TABLE keys; --",
        "|/bin/sh -c id",
        "$(id)",
        "{{7*7}}",
        "\0",
        "ed\0",
        "",
        " ",
        "ED",
        "ｅｄ",
        "e\u{301}d",
        "\u{202e}de",
        "__proto__",
        "0",
        &long,
    ] {
        let shown: String = kid.chars().take(24).collect();
        let empty = nothing.token_of(header(&nothing, Some(kid)).to_string(), claims().to_string());
        rows.push((format!("kid {shown:?} and an empty secret"), empty));
        rows.push((format!("kid {shown:?} and a good signature"), good(ed, Some(kid))));
    }
    for (signer, kid) in trusted() {
        for other in ["ed", "ec", "rs"] {
            if kid != Some(other) {
                let name = format!("{} with the kid of {other}", signer.algorithm.as_str());
                rows.push((name, good(signer, Some(other))));
            }
        }
    }
    for (name, kid) in
        [("a number", json!(7)), ("a list", json!(["ed"])), ("an object", json!({"a": "ed"}))]
    {
        let header = json!({"alg": "EdDSA", "kid": kid});
        rows.push((
            format!("kid is {name}"),
            ed.token_of(header.to_string(), claims().to_string()),
        ));
    }
    let deep =
        format!(r#"{{"alg":"EdDSA","kid":"ed","x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    for (name, header) in [
        ("crit of an extension", r#"{"alg":"EdDSA","kid":"ed","crit":["exp"]}"#),
        ("crit of alg", r#"{"alg":"EdDSA","kid":"ed","crit":["alg"]}"#),
        ("crit empty", r#"{"alg":"EdDSA","kid":"ed","crit":[]}"#),
        ("crit null", r#"{"alg":"EdDSA","kid":"ed","crit":null}"#),
        ("b64 false", r#"{"alg":"EdDSA","kid":"ed","b64":false,"crit":["b64"]}"#),
        ("b64 false and not critical", r#"{"alg":"EdDSA","kid":"ed","b64":false}"#),
        ("alg twice", r#"{"alg":"none","alg":"EdDSA","kid":"ed"}"#),
        ("alg twice, escaped", r#"{"alg":"EdDSA","\u0061lg":"none","kid":"ed"}"#),
        ("kid twice", r#"{"alg":"EdDSA","kid":"rs","kid":"ed"}"#),
        ("alg a number", r#"{"alg":7,"kid":"ed"}"#),
        ("alg null", r#"{"alg":null,"kid":"ed"}"#),
        ("alg a list", r#"{"alg":["EdDSA"],"kid":"ed"}"#),
        ("alg with a space", r#"{"alg":"EdDSA ","kid":"ed"}"#),
        ("no alg", r#"{"kid":"ed"}"#),
        ("header empty", "{}"),
        ("header a list", r#"["EdDSA","JWT","ed",false,false]"#),
        ("header a text", r#""EdDSA""#),
        ("header null", "null"),
        ("header nothing", ""),
        ("header not closed", r#"{"alg":"EdDSA","kid":"ed""#),
        ("two headers", r#"{"alg":"EdDSA","kid":"ed"}{}"#),
        ("header behind a byte order mark", "\u{feff}{\"alg\":\"EdDSA\",\"kid\":\"ed\"}"),
        ("typ of an encrypted token", r#"{"alg":"EdDSA","kid":"ed","typ":"JWE"}"#),
        ("typ of a logout token", r#"{"alg":"EdDSA","kid":"ed","typ":"logout+jwt"}"#),
        ("typ a number", r#"{"alg":"EdDSA","kid":"ed","typ":7}"#),
        ("header nested 500 times", &deep),
    ] {
        rows.push((name.to_owned(), ed.token_of(header, claims().to_string())));
    }
    let encrypted = r#"{"alg":"dir","enc":"A128GCM","kid":"ed"}"#;
    rows.push(("encrypted".to_owned(), format!("{}..AAAA.AAAA.AAAA", base64(encrypted))));
    rows.push(("not UTF-8 in the header".to_owned(), {
        ed.token_of(b"{\"alg\":\"EdDSA\",\"kid\":\"ed\",\"x\":\"\xff\"}", claims().to_string())
    }));
    rows
}

/// Signed as they should be, and wrong in what they say.
fn payloads() -> Rows {
    let (ed, kid) = trusted()[1];
    let header = header(ed, kid).to_string();
    let exp = UNIX.as_secs() + 3600;
    let mut rows = Rows::new();
    for (member, value) in [
        ("exp", r#""1750003600""#),
        ("exp", "-1"),
        ("exp", "0"),
        ("exp", "1750000000"),
        ("exp", "1749999999.9"),
        ("exp", "NaN"),
        ("exp", "Infinity"),
        ("exp", "1e400"),
        ("exp", "1e30"),
        ("exp", "18446744073709551616"),
        ("exp", "true"),
        ("exp", "null"),
        ("exp", "[1750003600]"),
        ("exp", "{}"),
        ("exp", "0x7fffffff"),
        ("nbf", "1750000001"),
        ("nbf", "1750000000.5"),
        ("nbf", r#""1""#),
        ("nbf", "-1"),
        ("nbf", "1e30"),
        ("nbf", "true"),
        ("iat", r#""now""#),
        ("iat", "true"),
        ("jti", "7"),
        ("jti", r#"["a"]"#),
        ("user_id", "0"),
        ("user_id", "-1"),
        ("user_id", "1.5"),
        ("user_id", "7.0"),
        ("user_id", r#""7""#),
        ("user_id", "null"),
        ("user_id", "9007199254740993"),
        ("user_id", "18446744073709551616"),
        ("user_id", "true"),
        ("user_id", "[7]"),
        ("sub", r#""""#),
        ("sub", r#"" ""#),
        ("sub", r#""\t\n""#),
        ("sub", r#""\u2003""#),
        ("sub", "7"),
        ("sub", "null"),
        ("sub", r#"["lan"]"#),
        ("sub", r#""\ud800""#),
        ("role", "7"),
        ("role", r#"["operator"]"#),
        ("role", "true"),
        ("role", "{}"),
        ("roles", r#""operator""#),
        ("roles", "[7]"),
        ("roles", r#"[["operator"]]"#),
        ("roles", "{}"),
        ("roles", r#"[null]"#),
    ] {
        let mut claims = claims();
        claims[member] = "MARK".into();
        let claims = claims.to_string().replace(r#""MARK""#, value);
        rows.push((format!("{member} is {value}"), ed.token_of(&header, claims)));
    }
    for member in ["exp", "user_id", "sub"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(member);
        rows.push((format!("{member} is missing"), ed.token_of(&header, claims.to_string())));
    }
    let nested = ed.token_of(&header, claims().to_string());
    let deep = format!(
        r#"{{"user_id":7,"sub":"lan","exp":{exp},"x":{}{}}}"#,
        "[".repeat(800),
        "]".repeat(800)
    );
    let deeper = format!(
        r#"{{"user_id":7,"sub":"lan","exp":{exp},"x":{}1{}}}"#,
        r#"{"a":"#.repeat(300),
        "}".repeat(300)
    );
    let long = format!(r#"{{"user_id":7,"sub":"{}","exp":{exp}}}"#, "l".repeat(8000));
    for (name, payload) in [
        ("user_id twice", format!(r#"{{"user_id":7,"user_id":1,"sub":"lan","exp":{exp}}}"#)),
        ("exp twice, escaped", format!(r#"{{"user_id":7,"sub":"lan","exp":1,"\u0065xp":{exp}}}"#)),
        (
            "role twice",
            format!(
                r#"{{"user_id":7,"sub":"lan","exp":{exp},"role":"viewer","role":"administrator"}}"#
            ),
        ),
        (
            "a member twice that is not read",
            format!(r#"{{"user_id":7,"sub":"lan","exp":{exp},"x":1,"x":1}}"#),
        ),
        ("claims in a list", format!(r#"[7,"lan",{exp},null,null,null,null,null,null,null]"#)),
        ("claims a text", r#""lan""#.to_owned()),
        ("claims null", "null".to_owned()),
        ("claims nothing", String::new()),
        ("claims empty", "{}".to_owned()),
        ("claims twice", format!("{}{}", claims(), claims())),
        ("claims with a comment", format!(r#"{{"user_id":7,"sub":"lan","exp":{exp}/**/}}"#)),
        ("claims with a comma too many", format!(r#"{{"user_id":7,"sub":"lan","exp":{exp},}}"#)),
        ("claims behind a byte order mark", format!("\u{feff}{}", claims())),
        ("a token in a token", nested.clone()),
        ("a token in a text", format!("\"{nested}\"")),
        ("claims of lists nested 800 times", deep),
        ("claims of objects nested 300 times", deeper),
        ("a name of 8000 letters", long),
    ] {
        rows.push((name.to_owned(), ed.token_of(&header, payload)));
    }
    rows.push((
        "claims not UTF-8".to_owned(),
        ed.token_of(&header, b"{\"user_id\":7,\"sub\":\"\xff\",\"exp\":1750003600}"),
    ));
    for length in [4097, 12_000] {
        let filler = |letters: usize| {
            format!(r#"{{"user_id":7,"sub":"lan","exp":{exp},"x":"{}"}}"#, "x".repeat(letters))
        };
        let token = (0..).map(|more| ed.token_of(&header, filler(length / 2 + more)));
        let token = token.into_iter().find(|token| token.len() >= length).unwrap();
        rows.push((format!("{length} bytes and good otherwise"), token));
    }
    rows
}

/// Tokens in the wrong place, or in two.
fn places() -> Vec<Attempt> {
    let (signer, kid) = trusted()[0];
    let good = good(signer, kid);
    let json = json!({"token": good}).to_string();
    let rows: Vec<(&str, String, Vec<String>)> = vec![
        ("no token", "/ws".into(), vec![]),
        ("token empty", "/ws?token=".into(), vec![]),
        ("token without value", "/ws?token".into(), vec![]),
        ("token a dot", "/ws?token=.".into(), vec![]),
        ("token two dots", "/ws?token=..".into(), vec![]),
        ("token rubbish", "/ws?token=rubbish".into(), vec![]),
        ("token a broken escape", format!("/ws?token={good}%"), vec![]),
        ("token not UTF-8", format!("/ws?token={good}%ff"), vec![]),
        ("token escaped twice", format!("/ws?token={}", good.replace('.', "%252E")), vec![]),
        ("two tokens in the query", format!("/ws?token={good}&token={good}"), vec![]),
        ("a good and an empty one", format!("/ws?token={good}&token="), vec![]),
        ("token in capitals", format!("/ws?TOKEN={good}"), vec![]),
        ("access_token", format!("/ws?access_token={good}"), vec![]),
        ("Bearer in the query", format!("/ws?token=Bearer%20{good}"), vec![]),
        ("token as JSON", format!("/ws?token={}", percent_encode(&json)), vec![]),
        (
            "query and field",
            format!("/ws?token={good}"),
            vec![format!("+Authorization: Bearer {good}")],
        ),
        (
            "query bad and field good",
            "/ws?token=x".into(),
            vec![format!("+Authorization: Bearer {good}")],
        ),
        (
            "two fields",
            "/ws".into(),
            vec![
                format!("+Authorization: Bearer {good}"),
                format!("+Authorization: Bearer {good}"),
            ],
        ),
        ("Bearer and nothing", "/ws".into(), vec!["+Authorization: Bearer".into()]),
        ("Bearer and spaces", "/ws".into(), vec!["+Authorization: Bearer   ".into()]),
        ("Bearer twice", "/ws".into(), vec![format!("+Authorization: Bearer Bearer {good}")]),
        (
            "Bearer with a comma",
            "/ws".into(),
            vec![format!("+Authorization: Bearer {good}, Bearer {good}")],
        ),
        ("Bearer with quotes", "/ws".into(), vec![format!("+Authorization: Bearer \"{good}\"")]),
        ("Basic", "/ws".into(), vec![format!("+Authorization: Basic {good}")]),
        ("another scheme", "/ws".into(), vec![format!("+Authorization: Token {good}")]),
        ("no scheme", "/ws".into(), vec![format!("+Authorization: {good}")]),
        ("cookie", "/ws".into(), vec![format!("+Cookie: token={good}")]),
        ("another field", "/ws".into(), vec![format!("+X-Authorization: Bearer {good}")]),
        ("subprotocol", "/ws".into(), vec![format!("+Sec-WebSocket-Protocol: bearer, {good}")]),
    ];
    let attempt = |(name, target, fields): (&str, String, Vec<String>)| Attempt {
        name: name.to_owned(),
        target,
        fields,
    };
    rows.into_iter().map(attempt).collect()
}

/// All but what is unreserved, RFC 3986 section 2.3.
fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
