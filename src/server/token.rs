//! The token of an upgrade request: from the query or from the Authorization field, and from one of them alone.

use std::fmt;

use hyper::{HeaderMap, Uri, header::AUTHORIZATION};

/// A token as the client sent it. It never shows in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// There is no token, or more than one, or it is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoToken;

impl Token {
    /// The token of `?token=` (percent-decoded) or of `Authorization: Bearer` (RFC 6750 section 2.1).
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Result<Token, NoToken> {
        let in_query = uri
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
            .filter_map(|pair| pair.strip_prefix("token="))
            .map(percent_decode);
        let in_header = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
            let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
            let bearer = scheme.eq_ignore_ascii_case("bearer");
            bearer.then(|| Some(token.trim().to_owned()))
        });
        let mut tokens = in_query.chain(in_header);
        match (tokens.next(), tokens.next()) {
            (Some(Some(token)), None) if !token.is_empty() => Ok(Token(token)),
            _ => Err(NoToken),
        }
    }

    /// What the verifier reads.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// RFC 3986 section 2.1; `None` where an escape is broken or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, authorization: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let token = Token::of(&uri.parse().unwrap(), &headers);
        assert_eq!(token.ok().as_ref().map(Token::as_str), expected, "{uri} {authorization:?}");
    }

    #[test]
    fn one_token_is_found_wherever_it_stands() {
        check("/ws?token=a.b.c", &[], Some("a.b.c"));
        check("/ws?x=1&token=a.b.c&y=2", &[], Some("a.b.c"));
        check("/ws?token=a%2Eb%2ec", &[], Some("a.b.c"));
        check("/ws?token=a+b=", &[], Some("a+b="));
        check("/ws", &["Bearer a.b.c"], Some("a.b.c"));
        check("/ws", &["bearer  a.b.c "], Some("a.b.c"));
        check("/ws?token=a.b.c", &["Basic dTpw"], Some("a.b.c"));
    }

    #[test]
    fn none_or_several_or_a_broken_one_are_no_token() {
        check("/ws", &[], None);
        check("/ws?", &[], None);
        check("/ws?token", &[], None);
        check("/ws?token=", &[], None);
        check("/ws?Token=a.b.c", &[], None);
        check("/ws?token=a.b.c&token=a.b.c", &[], None);
        check("/ws?token=a.b.c", &["Bearer a.b.c"], None);
        check("/ws", &["Bearer a.b.c", "Bearer a.b.c"], None);
        check("/ws", &["Basic dTpw"], None);
        check("/ws", &["Bearer"], None);
        check("/ws", &["Bearer "], None);
        check("/ws?token=%", &[], None);
        check("/ws?token=%2", &[], None);
        check("/ws?token=%zz", &[], None);
        check("/ws?token=%ff%fe", &[], None);
    }

    #[test]
    fn a_token_does_not_show() {
        let token = Token::of(&"/ws?token=secret".parse().unwrap(), &HeaderMap::new()).unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
