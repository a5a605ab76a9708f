//! The opening handshake of a WebSocket, server side (RFC 6455 section 4.2).

use hyper::{
    HeaderMap, Method, Request, StatusCode, Version,
    body::Body,
    header::{CONNECTION, HOST, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE},
    http::uri::Authority,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::origin;
use crate::config::ServerConfig;

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What the client gets.
    pub status: StatusCode,
    /// A text for people.
    pub text: &'static str,
    /// A header field that goes with the status.
    pub field: Option<(HeaderName, &'static str)>,
}

/// Checks the request; returns the value of Sec-WebSocket-Accept.
pub fn check<B: Body>(
    request: &Request<B>,
    config: &ServerConfig,
    tls: bool,
) -> Result<String, Refused> {
    let headers = request.headers();
    if request.method() != Method::GET {
        let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "A WebSocket starts with GET");
        return Err(refused.with(hyper::header::ALLOW, "GET"));
    }
    if request.version() != Version::HTTP_11 {
        return Err(bad("A WebSocket needs HTTP/1.1"));
    }
    let Some(host) = only(headers, &HOST).filter(|host| is_host(host)) else {
        return Err(bad("One Host field is needed"));
    };
    if request.uri().authority().is_some_and(|named| !named.as_str().eq_ignore_ascii_case(host)) {
        // RFC 9112 section 3.2.2 would have it win, and the origin is compared with the field.
        return Err(bad("The request names two hosts"));
    }
    if !request.body().is_end_stream() {
        return Err(bad("An upgrade has no body"));
    }
    if !lists(headers, &UPGRADE, "websocket") {
        let refused = Refused::new(StatusCode::UPGRADE_REQUIRED, "This is a WebSocket endpoint");
        return Err(refused.with(UPGRADE, "websocket"));
    }
    if !lists(headers, &CONNECTION, "upgrade") {
        return Err(bad("Connection: Upgrade is missing"));
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        let refused = Refused::new(StatusCode::UPGRADE_REQUIRED, "WebSocket version 13 is needed");
        return Err(refused.with(SEC_WEBSOCKET_VERSION, "13"));
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY)
        .filter(|key| is_key(key))
        .ok_or_else(|| bad("Sec-WebSocket-Key is not 16 bytes in base64"))?;
    if !origin::is_allowed(headers, config, tls) {
        return Err(Refused::new(StatusCode::FORBIDDEN, "This origin may not connect"));
    }
    Ok(derive_accept_key(key.as_bytes()))
}

impl Refused {
    const fn new(status: StatusCode, text: &'static str) -> Refused {
        Refused { status, text, field: None }
    }

    fn with(mut self, name: HeaderName, value: &'static str) -> Refused {
        self.field = Some((name, value));
        self
    }
}

const fn bad(text: &'static str) -> Refused {
    Refused::new(StatusCode::BAD_REQUEST, text)
}

/// The value of a field that stands there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim).filter(|value| !value.is_empty()),
        _ => None,
    }
}

/// Whether a comma-separated field, or several of the name, holds this token in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// A host and, perhaps, a port (RFC 9110 section 7.2).
fn is_host(text: &str) -> bool {
    text.parse::<Authority>().is_ok_and(|authority| {
        let whole = authority.host().len() == text.len() || authority.port_u16().is_some();
        whole && !authority.host().is_empty() && !text.contains('@')
    })
}

/// 16 bytes in base64 (RFC 4648 section 4): 22 digits and two of padding.
fn is_key(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len() == 24 && text.strip_suffix("==").is_some_and(|digits| digits.bytes().all(digit))
}
