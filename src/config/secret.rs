//! The secret that tokens are signed with: from a file or the environment, never from a ROS parameter.

use std::fmt;

/// A secret that is long enough; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why there is no secret to work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Neither source is set.
    #[error("no token secret: set {FILE} (a file) or {VALUE}")]
    Missing,
    /// Both are, and might differ.
    #[error("both {FILE} and {VALUE} are set: keep one")]
    Both,
    /// Guessable.
    #[error(
        "{origin}: {length} bytes are too few for a token secret, at least {MIN_LENGTH} are needed"
    )]
    TooShort {
        /// Which source.
        origin: &'static str,
        /// Of the secret, without the newline that ends a file.
        length: usize,
    },
}

impl Secret {
    /// Chooses and checks the secret: `file` is the content of the file that `OHT50_JWT_SECRET_FILE` names, `value` is
    /// `OHT50_JWT_SECRET`. One newline at the end of the file is not part of the secret.
    pub fn from_sources(file: Option<&[u8]>, value: Option<&str>) -> Result<Secret, SecretError> {
        let (origin, bytes) = match (file, value) {
            (None, None) => return Err(SecretError::Missing),
            (Some(_), Some(_)) => return Err(SecretError::Both),
            (Some(content), None) => (FILE, without_newline(content)),
            (None, Some(value)) => (VALUE, value.as_bytes()),
        };
        if bytes.len() < MIN_LENGTH {
            return Err(SecretError::TooShort { origin, length: bytes.len() });
        }
        Ok(Secret(bytes.to_vec()))
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

fn without_newline(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

const FILE: &str = "OHT50_JWT_SECRET_FILE";
const VALUE: &str = "OHT50_JWT_SECRET";
/// The output length of HMAC-SHA-256 (RFC 7518 section 3.2).
const MIN_LENGTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[track_caller]
    fn check(file: Option<&[u8]>, value: Option<&str>, expected: Result<&[u8], &str>) {
        match (Secret::from_sources(file, value), expected) {
            (Ok(secret), Ok(bytes)) => assert_eq!(secret.as_bytes(), bytes),
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
            (got, _) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_secret_comes_from_one_source_and_is_long_enough() {
        let key = KEY.as_bytes();
        check(Some(key), None, Ok(key));
        check(None, Some(KEY), Ok(key));
        check(Some(format!("{KEY}\n").as_bytes()), None, Ok(key));
        check(Some(format!("{KEY}\r\n").as_bytes()), None, Ok(key));
        check(Some(format!("{KEY}\n\n").as_bytes()), None, Ok(format!("{KEY}\n").as_bytes()));
        check(
            None,
            None,
            Err("no token secret: set OHT50_JWT_SECRET_FILE (a file) or OHT50_JWT_SECRET"),
        );
        check(
            Some(key),
            Some(KEY),
            Err("both OHT50_JWT_SECRET_FILE and OHT50_JWT_SECRET are set: keep one"),
        );
        let short = |origin, length| {
            format!(
                "{origin}: {length} bytes are too few for a token secret, at least 32 are needed"
            )
        };
        check(Some(&key[1..]), None, Err(&short("OHT50_JWT_SECRET_FILE", 31)));
        check(Some(b"\n"), None, Err(&short("OHT50_JWT_SECRET_FILE", 0)));
        check(None, Some(&KEY[1..]), Err(&short("OHT50_JWT_SECRET", 31)));
        check(None, Some(""), Err(&short("OHT50_JWT_SECRET", 0)));
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let secret = Secret::from_sources(None, Some(KEY)).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
