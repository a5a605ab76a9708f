//! JSON as tokens, key sets and deny lists are written: one object, no member twice.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize as _,
    de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::error::Category;

/// Where a text stops being what was wanted. It repeats nothing of the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at line {line}, column {column}")]
pub struct Malformed {
    what: &'static str,
    line: usize,
    column: usize,
}

/// Reads a text that is exactly one JSON object without repeated members.
///
/// RFC 7519 section 4 lets a reader take the last of two; two readers that choose differently see two tokens.
pub(super) fn object<T: DeserializeOwned>(text: &[u8]) -> Result<T, Malformed> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    Strict { top: true }.deserialize(&mut reader).map_err(Malformed::from)?;
    reader.end()?;
    Ok(serde_json::from_slice(text)?)
}

/// Whether a member is there, whatever its value; for `#[serde(deserialize_with)]`.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Malformed {
        let what = match error.classify() {
            Category::Data => "a member is missing, repeated or of the wrong type",
            Category::Io | Category::Syntax | Category::Eof => "it is not JSON",
        };
        Malformed { what, line: error.line(), column: error.column() }
    }
}

/// Looks at every value. serde_json bounds the depth, at 128 levels.
#[derive(Clone, Copy)]
struct Strict {
    /// Only an object will do.
    top: bool,
}

const INSIDE: Strict = Strict { top: false };

impl Strict {
    fn scalar<E: Error>(self) -> Result<(), E> {
        if self.top { Err(E::custom("not an object")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.scalar()
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.scalar()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.scalar()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.scalar()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        self.scalar()?;
        while elements.next_element_seed(INSIDE)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("a member twice"));
            }
            members.next_value_seed(INSIDE)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn check(text: &str, expected: Result<(), &str>) {
        let read = object::<BTreeMap<String, serde_json::Value>>(text.as_bytes());
        let read = read.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn exactly_one_object_without_repeated_members_is_read() {
        check("{}", Ok(()));
        check(r#" {"a":[1,-1,0.5,true,null,"x",{"a":{}}]} "#, Ok(()));
        check("", Err("it is not JSON at line 1, column 0"));
        check("{\n\"a\":", Err("it is not JSON at line 2, column 4"));
        check("{}{}", Err("it is not JSON at line 1, column 3"));
        check("\u{feff}{}", Err("it is not JSON at line 1, column 1"));
        let wrong = |column| {
            format!("a member is missing, repeated or of the wrong type at line 1, column {column}")
        };
        check("[]", Err(&wrong(2)));
        check(r#""a""#, Err(&wrong(3)));
        check("7", Err(&wrong(1)));
        check("null", Err(&wrong(4)));
        check(r#"{"a":1,"a":1}"#, Err(&wrong(10)));
        check(r#"{"a":1,"\u0061":1}"#, Err(&wrong(15)));
        check(r#"{"x":[{"a":1,"a":2}]}"#, Err(&wrong(16)));
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        check(&deep, Err("it is not JSON at line 1, column 132"));
    }
}
