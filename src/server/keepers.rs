//! What the bridge's keepers ask for over plain HTTP: is it alive, is it ready, and its metrics.
//!
//! From this machine, or from anywhere where `metrics_public` says so. Behind a proxy everybody comes from this machine.

use std::net::SocketAddr;

use hyper::{Method, StatusCode};

use super::{
    Server,
    http::{Answer, not_allowed, plain, text},
};
use crate::{
    protocol::ready::{self, Check},
    telemetry::{
        metrics,
        vitals::{Level, Part, Vitals},
    },
};

/// The answer, if the path is one of theirs.
pub fn answer(method: &Method, path: &str, peer: SocketAddr, server: &Server) -> Option<Answer> {
    let answer = match path {
        HEALTH => health,
        READY => ready,
        METRICS => figures,
        _ => return None,
    };
    if !server.config().metrics_public && !peer.ip().to_canonical().is_loopback() {
        return Some(text(StatusCode::FORBIDDEN, "Only from this machine"));
    }
    if method != Method::GET && method != Method::HEAD {
        return Some(not_allowed());
    }
    Some(answer(&(server.0.surroundings.checkup)(), server))
}

/// Whether the process works: it answers, and the task that decides about motion is not stuck.
fn health(vitals: &Vitals, _: &Server) -> Answer {
    let stuck = |part: &Part| part.name == "safety" && part.level == Level::Stale;
    match vitals.parts.iter().any(stuck) {
        false => text(StatusCode::OK, "ok"),
        true => text(StatusCode::SERVICE_UNAVAILABLE, "No decision is made"),
    }
}

/// Whether the robot can be driven, as far as the bridge goes.
fn ready(vitals: &Vitals, _: &Server) -> Answer {
    let checks: Vec<_> = vitals
        .parts
        .iter()
        .map(|part| Check {
            name: part.name,
            ok: part.is_ready(),
            why: (!part.is_ready()).then_some(part.message.as_str()),
        })
        .collect();
    let status = if vitals.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    plain(status, "application/json", ready::body(&checks).into())
}

fn figures(vitals: &Vitals, server: &Server) -> Answer {
    server.0.register.collect(server.metrics());
    plain(StatusCode::OK, metrics::CONTENT_TYPE, server.metrics().text(vitals).into())
}

const HEALTH: &str = "/healthz";
const READY: &str = "/readyz";
const METRICS: &str = "/metrics";
