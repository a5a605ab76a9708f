//! Plain HTTP: a request becomes an answer, and `GET /ws` an upgrade.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{
        ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
        HeaderValue, REFERRER_POLICY, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, UPGRADE,
        X_CONTENT_TYPE_OPTIONS,
    },
    upgrade::OnUpgrade,
};

use super::{
    Server, keepers, page,
    token::{NoToken, Token},
    upgrade,
};

/// A request that becomes a WebSocket.
pub struct Accepted {
    /// Resolves to the byte stream once the answer is out.
    pub upgrade: OnUpgrade,
    /// Checked after the upgrade: a browser cannot see why an upgrade was refused.
    pub token: Result<Token, NoToken>,
}

/// What the client gets.
pub type Answer = Response<Full<Bytes>>;

/// Answers one request.
pub fn answer(
    mut request: Request<Incoming>,
    peer: SocketAddr,
    server: &Server,
) -> (Answer, Option<Accepted>) {
    let (method, path) = (request.method(), request.uri().path());
    if path != WEBSOCKET {
        let answer = keepers::answer(method, path, peer, server);
        return (answer.unwrap_or_else(|| page(method, path)), None);
    }
    match upgrade::check(&request, server.config(), server.0.tls.is_some()) {
        Ok(accept) => {
            let token = Token::of(request.uri(), request.headers());
            let upgrade = hyper::upgrade::on(&mut request);
            (switching(&accept), Some(Accepted { upgrade, token }))
        }
        Err(refused) => {
            let mut answer = text(refused.status, refused.text);
            if let Some((name, value)) = refused.field {
                answer.headers_mut().insert(name, HeaderValue::from_static(value));
            }
            (answer, None)
        }
    }
}

/// The answer to one bad token too many; whole seconds, rounded up.
pub fn too_many(wait: Duration) -> Answer {
    let mut answer = text(StatusCode::TOO_MANY_REQUESTS, "Too many bad tokens from this address");
    let seconds = wait.as_millis().div_ceil(1000) as u64;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

fn page(method: &Method, path: &str) -> Answer {
    let Some(file) = page::find(path) else {
        return text(StatusCode::NOT_FOUND, "Not found");
    };
    if method != Method::GET && method != Method::HEAD {
        return not_allowed();
    }
    plain(StatusCode::OK, file.content_type, file.content)
}

/// What is only to be read was not asked to be read.
pub(super) fn not_allowed() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Answer {
    plain(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// Any content.
pub(super) fn plain(status: StatusCode, content_type: &'static str, content: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(content));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}

fn switching(accept: &str) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    answer
}

/// Where the WebSocket is.
const WEBSOCKET: &str = "/ws";

/// What every plain answer says: the page runs its own scripts alone, and talks to WebSockets.
const ALWAYS: [(HeaderName, &str); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-cache"),
];
