//! Which web pages may connect (RFC 6454): the bridge's own, and those that are configured.

use hyper::{
    HeaderMap,
    header::{HOST, ORIGIN},
};

use crate::config::ServerConfig;

/// Whether the page that the request comes from may connect. A client that is no browser sends no Origin.
pub fn is_allowed(headers: &HeaderMap, config: &ServerConfig, tls: bool) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => !config.require_origin,
        (Some(origin), None) => origin.to_str().is_ok_and(|origin| {
            config.allowed_origins.iter().any(|allowed| allowed == origin)
                || is_own(origin, headers, tls)
        }),
        (Some(_), Some(_)) => false,
    }
}

/// Whether the page was served from where the request goes to.
fn is_own(origin: &str, headers: &HeaderMap, tls: bool) -> bool {
    let (scheme, default_port) = if tls { ("https", ":443") } else { ("http", ":80") };
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else {
        return false;
    };
    let authority = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix(default_port).map(str::to_owned).unwrap_or(text)
    };
    origin
        .split_once("://")
        .is_some_and(|(sent, page)| sent == scheme && authority(page) == authority(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tls: bool, require: bool, host: &str, origins: &[&str], expected: bool) {
        let config = ServerConfig {
            allowed_origins: vec!["https://console.example".into(), "http://a.example:3000".into()],
            require_origin: require,
            ..crate::server::tests::config()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(ORIGIN, origin.parse().unwrap());
        }
        let allowed = is_allowed(&headers, &config, tls);
        assert_eq!(allowed, expected, "{host} {origins:?} tls {tls} required {require}");
    }

    #[test]
    fn the_own_page_and_configured_pages_may_connect() {
        check(false, true, "robot.test:8080", &["http://robot.test:8080"], true);
        check(false, true, "Robot.Test:8080", &["http://robot.test:8080"], true);
        check(false, true, "robot.test:80", &["http://robot.test"], true);
        check(true, true, "robot.test", &["https://robot.test:443"], true);
        check(true, true, "robot.test:8443", &["https://robot.test:8443"], true);
        check(false, true, "[::1]:8080", &["http://[::1]:8080"], true);
        check(false, true, "robot.test", &["https://console.example"], true);
        check(true, true, "robot.test", &["http://a.example:3000"], true);
    }

    #[test]
    fn other_pages_may_not() {
        check(false, false, "robot.test", &["http://evil.example"], false);
        check(false, false, "robot.test", &["null"], false);
        check(false, false, "robot.test", &[""], false);
        check(false, false, "robot.test", &["robot.test"], false);
        check(false, false, "robot.test", &["https://robot.test"], false);
        check(true, false, "robot.test", &["http://robot.test"], false);
        check(false, false, "robot.test:8080", &["http://robot.test"], false);
        check(false, false, "robot.test:8080", &["http://robot.test:8081"], false);
        check(false, false, "robot.test", &["http://robot.test.evil.example"], false);
        check(false, false, "robot.test", &["http://evil.example/http://robot.test"], false);
        check(false, false, "robot.test", &["http://robot.test/"], false);
        check(false, false, "robot.test", &["http://user@robot.test"], false);
        check(false, false, "robot.test", &["https://console.example.evil.example"], false);
        check(false, false, "robot.test", &["https://console.example:8443"], false);
        check(false, false, "robot.test", &["https://CONSOLE.example"], false);
        check(false, false, "robot.test", &["https://console.example, http://robot.test"], false);
        check(false, false, "robot.test", &["http://robot.test", "http://robot.test"], false);
    }

    #[test]
    fn a_missing_origin_passes_unless_one_is_required() {
        check(false, false, "robot.test", &[], true);
        check(false, true, "robot.test", &[], false);
    }
}
