//! JSON as the protocol accepts it: one object, no key twice, nested to a limit, every number finite.

use std::{collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The members of an object.
pub(super) type Object = BTreeMap<String, Json>;

/// A JSON value, as far as the protocol looks into it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Its elements were checked and dropped: no message has a use for them.
    Array,
    Object(Object),
}

/// Reads a text that is exactly one JSON object.
pub(super) fn object(text: &str) -> Result<Object, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit(); // Value counts
    let value = Value { levels: MAX_DEPTH }.deserialize(&mut reader)?;
    reader.end()?;
    match value {
        Json::Object(object) => Ok(object),
        _ => Err(Error::custom("not an object")),
    }
}

/// Reads one value that may open this many levels of objects and arrays.
#[derive(Clone, Copy)]
struct Value {
    levels: usize,
}

impl Value {
    fn inside<E: Error>(self) -> Result<Value, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Value { levels }),
            None => Err(E::custom("nested too deeply")),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        while elements.next_element_seed(inside)?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut object = Object::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(inside)?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key twice"));
            }
        }
        Ok(Json::Object(object))
    }
}

/// Levels of objects and arrays, the message itself included.
const MAX_DEPTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_object_is_accepted() {
        for text in ["{}", " {} \n", r#"{"a":[{"b":null},1,-0,1e308,"\u00e9"],"b":{"a":{}}}"#] {
            assert!(object(text).is_ok(), "{text}");
        }
        for text in [
            "",
            " ",
            "{",
            "}",
            "[]",
            "1",
            "null",
            "\"{}\"",
            "{}{}",
            "{},",
            "{} x",
            "{'a':1}",
            "{a:1}",
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":+1}"#,
            r#"{"a":.5}"#,
            r#"{"a":"\ud800"}"#,
            "\u{feff}{}",
            "{\"a\":\"\n\"}",
            "{/**/}",
        ] {
            assert!(object(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_is_finite() {
        for number in ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", &"9".repeat(400)] {
            assert!(object(&format!(r#"{{"a":{number}}}"#)).is_err(), "{number}");
            assert!(object(&format!(r#"{{"a":[[{number}]]}}"#)).is_err(), "{number}");
        }
        let tiny = object(r#"{"a":1e-999}"#).expect("underflow is zero");
        assert_eq!(tiny["a"], Json::Number(0.0));
    }

    #[test]
    fn no_object_has_a_key_twice() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[[{"a":1,"b":2,"a":3}]]}"#,
        ] {
            assert!(object(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_message_nests_to_the_limit_and_no_further() {
        let nested = |levels: usize| {
            let inside = levels - 1; // the message is the first level
            format!(r#"{{"a":{}{}}}"#, "[".repeat(inside), "]".repeat(inside))
        };
        assert!(object(&nested(MAX_DEPTH)).is_ok());
        assert!(object(&nested(MAX_DEPTH + 1)).is_err());
        assert!(object(&nested(30_000)).is_err());
    }
}
