//! The secret that tokens are signed with: from a file or the environment, never from a ROS parameter.

use std::{fmt, path::PathBuf};

/// A secret that is long enough; its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Where the secret comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// `OHT50_JWT_SECRET_FILE`, which may change while the bridge runs.
    File(PathBuf),
    /// `OHT50_JWT_SECRET`
    Value(Secret),
}

/// Why there is no secret to work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Neither source is set, and there are no other keys.
    #[error(
        "no token secret, and no other keys: set {FILE} (a file), {VALUE}, or the parameter jwks_file"
    )]
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

impl SecretSource {
    /// The source that is set: `file` is `OHT50_JWT_SECRET_FILE`, `value` is `OHT50_JWT_SECRET`. None is an error only
    /// where there are no other keys.
    pub fn choose(
        file: Option<PathBuf>,
        value: Option<&str>,
    ) -> Result<Option<SecretSource>, SecretError> {
        match (file, value) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(SecretError::Both),
            (Some(file), None) => Ok(Some(SecretSource::File(file))),
            (None, Some(value)) => {
                Secret::new(VALUE, value.as_bytes()).map(|secret| Some(SecretSource::Value(secret)))
            }
        }
    }
}

impl Secret {
    /// The secret in a file of this content. One newline at its end is not part of the secret.
    pub fn from_file(content: &[u8]) -> Result<Secret, SecretError> {
        Secret::new(FILE, without_newline(content))
    }

    fn new(origin: &'static str, bytes: &[u8]) -> Result<Secret, SecretError> {
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
    fn check(got: Result<Secret, SecretError>, expected: Result<&[u8], &str>) {
        match (got, expected) {
            (Ok(secret), Ok(bytes)) => assert_eq!(secret.as_bytes(), bytes),
            (Err(error), Err(text)) => assert_eq!(error.to_string(), text),
            (got, _) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    fn of_value(value: &str) -> Result<Secret, SecretError> {
        match SecretSource::choose(None, Some(value))? {
            Some(SecretSource::Value(secret)) => Ok(secret),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_long_enough_wherever_it_comes_from() {
        let key = KEY.as_bytes();
        check(Secret::from_file(key), Ok(key));
        check(of_value(KEY), Ok(key));
        check(Secret::from_file(format!("{KEY}\n").as_bytes()), Ok(key));
        check(Secret::from_file(format!("{KEY}\r\n").as_bytes()), Ok(key));
        check(
            Secret::from_file(format!("{KEY}\n\n").as_bytes()),
            Ok(format!("{KEY}\n").as_bytes()),
        );
        let short = |origin, length| {
            format!(
                "{origin}: {length} bytes are too few for a token secret, at least 32 are needed"
            )
        };
        check(Secret::from_file(&key[1..]), Err(&short("OHT50_JWT_SECRET_FILE", 31)));
        check(Secret::from_file(b"\n"), Err(&short("OHT50_JWT_SECRET_FILE", 0)));
        check(of_value(&KEY[1..]), Err(&short("OHT50_JWT_SECRET", 31)));
        check(of_value(""), Err(&short("OHT50_JWT_SECRET", 0)));
    }

    #[test]
    fn there_is_one_source_or_none() {
        let file = || Some(PathBuf::from("/secret"));
        assert_eq!(SecretSource::choose(None, None), Ok(None));
        let chosen = SecretSource::choose(file(), None);
        assert_eq!(chosen, Ok(Some(SecretSource::File("/secret".into()))));
        assert_eq!(SecretSource::choose(file(), Some(KEY)), Err(SecretError::Both));
        assert_eq!(
            SecretError::Both.to_string(),
            "both OHT50_JWT_SECRET_FILE and OHT50_JWT_SECRET are set: keep one"
        );
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let source = SecretSource::choose(None, Some(KEY)).unwrap().unwrap();
        assert_eq!(format!("{source:?}"), "Value(Secret(..))");
    }
}
