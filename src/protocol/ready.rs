//! What `/readyz` answers.

use serde::Serialize;

use super::server;

/// One check; `why` where it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Check<'a> {
    /// One word.
    pub name: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// Why not, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'a str>,
}

/// One JSON object with a newline: whether all is well, and each check.
pub fn body(checks: &[Check<'_>]) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        ready: bool,
        checks: &'a [Check<'a>],
    }
    let ready = checks.iter().all(|check| check.ok);
    server::json(&Body { ready, checks }) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_when_every_check_holds_and_says_why_one_does_not() {
        let well = Check { name: "audit", ok: true, why: None };
        let ill = Check { name: "scan", ok: false, why: Some("No fresh \"scan\"") };
        let rows = [
            (vec![well], r#"{"ready":true,"checks":[{"name":"audit","ok":true}]}"#),
            (
                vec![well, ill],
                r#"{"ready":false,"checks":[{"name":"audit","ok":true},{"name":"scan","ok":false,"why":"No fresh \"scan\""}]}"#,
            ),
        ];
        for (checks, expected) in rows {
            assert_eq!(body(&checks), format!("{expected}\n"));
        }
    }
}
