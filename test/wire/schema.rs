//! As much of JSON Schema (draft 7) as `docs/asyncapi.yaml` uses. An unknown keyword panics: nothing is skipped.

use serde_json::Value;

/// Whether members that a schema does not name are allowed.
#[derive(Clone, Copy, PartialEq)]
pub enum Unnamed {
    /// As the schema says.
    Allowed,
    /// No member that the schema forgot: for what the bridge says.
    Refused,
}

/// What is wrong with `value`, where; empty if it conforms. `root` resolves `$ref`.
pub fn faults(root: &Value, schema: &Value, value: &Value, unnamed: Unnamed) -> Vec<String> {
    let mut faults = Vec::new();
    Check { root, unnamed, faults: &mut faults }.value(schema, value, "");
    faults
}

struct Check<'a> {
    root: &'a Value,
    unnamed: Unnamed,
    faults: &'a mut Vec<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        if let Some(reference) = schema.get("$ref") {
            let path = reference
                .as_str()
                .and_then(|text| text.strip_prefix('#'))
                .expect("a local reference");
            let target = self.root.pointer(path).unwrap_or_else(|| panic!("{path} leads nowhere"));
            return self.value(&target.clone(), value, at);
        }
        if schema == &Value::Bool(false) {
            return self.faults.push(format!("{at}: must not be there"));
        }
        for (keyword, rule) in schema.as_object().expect("a schema is an object") {
            let holds = match keyword.as_str() {
                "description" | "format" | "title" | "examples" | "default" => true,
                "type" => list(rule).iter().any(|name| is(value, name.as_str().expect("a name"))),
                "const" => value == rule,
                "enum" => list(rule).contains(value),
                "minimum" => value.as_f64().is_none_or(|value| Some(value) >= rule.as_f64()),
                "maximum" => value.as_f64().is_none_or(|value| Some(value) <= rule.as_f64()),
                "maxLength" => value
                    .as_str()
                    .is_none_or(|value| Some(value.chars().count() as u64) <= rule.as_u64()),
                "minItems" => {
                    value.as_array().is_none_or(|value| Some(value.len() as u64) >= rule.as_u64())
                }
                "maxItems" => {
                    value.as_array().is_none_or(|value| Some(value.len() as u64) <= rule.as_u64())
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(rule, item, &format!("{at}/{index}"));
                    }
                    true
                }
                "required" => list(rule).iter().all(|key| {
                    !value.is_object() || value.get(key.as_str().expect("a name")).is_some()
                }),
                "maxProperties" => {
                    value.as_object().is_none_or(|value| Some(value.len() as u64) <= rule.as_u64())
                }
                "properties" => {
                    for (key, rule) in rule.as_object().expect("an object") {
                        if let Some(inner) = value.get(key) {
                            self.value(rule, inner, &format!("{at}/{key}"));
                        }
                    }
                    self.unnamed == Unnamed::Allowed || named(rule, value)
                }
                "additionalProperties" => {
                    assert_eq!(rule, &Value::Bool(false), "only false is known");
                    named(&schema["properties"], value)
                }
                "oneOf" => self.fitting(rule, value) == 1,
                "anyOf" => self.fitting(rule, value) >= 1,
                other => panic!("{at}: the keyword {other} is not known"),
            };
            if !holds {
                self.faults.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
            }
        }
    }

    fn fitting(&self, rules: &Value, value: &Value) -> usize {
        let fits = |rule: &&Value| faults(self.root, rule, value, self.unnamed).is_empty();
        list(rules).iter().filter(fits).count()
    }
}

/// Whether every member of an object is among the properties.
fn named(properties: &Value, value: &Value) -> bool {
    value.as_object().is_none_or(|value| value.keys().all(|key| properties.get(key).is_some()))
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().map_or(std::slice::from_ref(rule), Vec::as_slice)
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the type {other} is not known"),
    }
}
