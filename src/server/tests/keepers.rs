//! Health, readiness and metrics over plain HTTP.

use super::*;
use crate::telemetry::vitals::{Level, Part, Vitals};

fn part(name: &'static str, level: Level) -> Part {
    Part { name, level, message: format!("{name} is {level:?}"), values: Vec::new() }
}

/// What comes back, head and body.
async fn ask(rig: &Rig, peer: &str, line: &str) -> String {
    let (mut ours, theirs) = duplex(65536);
    let (server, peer) = (rig.server.clone(), peer.parse().unwrap());
    tokio::spawn(async move { server.serve(theirs, peer).await });
    let request = format!("{line} HTTP/1.1\r\nHost: robot.test\r\nConnection: close\r\n\r\n");
    ours.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    ours.read_to_string(&mut answer).await.unwrap();
    answer
}

fn rig(public: bool, parts: &[Part]) -> Rig {
    let config = ServerConfig { metrics_public: public, ..config() };
    let parts = parts.to_vec();
    let checkup = Arc::new(move || Vitals { parts: parts.clone(), ..Vitals::unknown() });
    Rig::keeping(config, Clock::virtual_from(UNIX), None, checkup)
}

const HERE: &str = "127.0.0.1:4711";

#[tokio::test(start_paused = true)]
async fn they_are_told_on_this_machine_and_elsewhere_only_where_that_was_chosen() {
    let peers = [
        (HERE, true),
        ("127.8.9.1:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("192.0.2.7:1", false),
        ("[::ffff:192.0.2.7]:1", false),
        ("[2001:db8::1]:1", false),
    ];
    for path in ["/healthz", "/readyz", "/metrics"] {
        for (peer, local) in peers {
            for public in [false, true] {
                let answer = ask(&rig(public, &[]), peer, &format!("GET {path}")).await;
                let expected = if public || local { "HTTP/1.1 200 " } else { "HTTP/1.1 403 " };
                assert!(answer.starts_with(expected), "{path} {peer} {public}: {answer}");
                assert!(public || local || !answer.contains("ready"), "{answer}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn they_are_only_to_be_read() {
    let rig = rig(false, &[]);
    for path in ["/healthz", "/readyz", "/metrics"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            let answer = ask(&rig, HERE, &format!("{method} {path}")).await;
            assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
        }
        let head = ask(&rig, HERE, &format!("HEAD {path}")).await;
        assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    }
    let answer = ask(&rig, HERE, "GET /metrics/").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn readiness_names_what_fails_and_health_is_another_matter() {
    use Level::{Error, Ok, Stale, Warn};
    let rows: [(&[Part], u16, &str, u16); 5] = [
        (&[], 200, r#"{"ready":true,"checks":[]}"#, 200),
        (
            &[part("scan", Ok), part("safety", Warn)],
            200,
            r#"{"ready":true,"checks":[{"name":"scan","ok":true},{"name":"safety","ok":true}]}"#,
            200,
        ),
        (
            &[part("scan", Stale)],
            503,
            r#"{"ready":false,"checks":[{"name":"scan","ok":false,"why":"scan is Stale"}]}"#,
            200,
        ),
        (
            &[part("audit", Error), part("scan", Ok)],
            503,
            r#"{"ready":false,"checks":[{"name":"audit","ok":false,"why":"audit is Error"},{"name":"scan","ok":true}]}"#,
            200,
        ),
        (
            &[part("safety", Stale)],
            503,
            r#"{"ready":false,"checks":[{"name":"safety","ok":false,"why":"safety is Stale"}]}"#,
            503,
        ),
    ];
    for (parts, ready, body, healthy) in rows {
        let rig = rig(false, parts);
        let answer = ask(&rig, HERE, "GET /readyz").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {ready} ")), "{answer}");
        assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}\n")), "{answer}");
        let answer = ask(&rig, HERE, "GET /healthz").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {healthy} ")), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_who_came_who_was_refused_and_what_was_said() {
    let rig = rig(false, &[]);
    let token = Claims::new(7, "viewer").sign();
    let mut viewer = rig.join(7, "viewer").await;
    let mut refused = rig.dial("/ws?token=forged").await;
    refused.expect_close(CloseReason::InvalidToken).await;
    ask(&rig, HERE, "GET /nothing").await;
    ask(&rig, HERE, "GET /ws").await;
    ask(&rig, HERE, "nonsense").await;
    viewer.round_trip().await;
    viewer.say("{").await;
    viewer.text().await;
    viewer.say(r#"{"type":"robot_control","command":"move_forward"}"#).await;
    viewer.text().await;
    viewer.say(r#"{"type":"robot_control","command":"stop"}"#).await;
    viewer.send(&close_frame(1000)).await;
    assert_eq!(viewer.receive().await, Some((CLOSE, 1000u16.to_be_bytes().to_vec())));
    drop(rig.join(8, "operator").await);
    idle().await;
    let answer = ask(&rig, HERE, "GET /metrics").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    for line in [
        "http_responses_total{status=\"101\"} 3",
        "http_responses_total{status=\"404\"} 1",
        "http_responses_total{status=\"426\"} 1",
        "http_responses_total{status=\"400\"} 1",
        "connections_opened_total 2",
        "connections_refused_total{code=\"4001\"} 1",
        "connections_closed_total{code=\"1000\"} 1",
        "connections_closed_total{code=\"1006\"} 1",
        "messages_received_total{type=\"ping\"} 1",
        "messages_received_total{type=\"invalid\"} 1",
        "messages_received_total{type=\"robot_control\"} 2",
        // Two welcomes, a pong, an error, a refusal. The refused one was told nothing.
        "messages_sent_total{stream=\"none\",encoding=\"json\"} 5",
        "commands_total{command=\"move_forward\",result=\"forbidden\"} 1",
        "commands_total{command=\"stop\",result=\"latched\"} 1",
    ] {
        let line = format!("oht50_bridge_{line}");
        assert!(answer.lines().any(|known| known == line), "{line} is not in\n{answer}");
    }
    assert!(!answer.contains(&token[token.len() - 16..]) && !answer.contains("lan"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_counted_is_told_at_once_and_once() {
    let rig = rig(false, &[]);
    let mut viewer = rig.join(7, "viewer").await;
    let pings = async || {
        let answer = ask(&rig, HERE, "GET /metrics").await;
        let line = "oht50_bridge_messages_received_total{type=\"ping\"} ";
        let count = answer.lines().find_map(|known| known.strip_prefix(line));
        count.unwrap_or("none").to_owned()
    };
    assert_eq!(pings().await, "none");
    for count in ["1", "2"] {
        viewer.round_trip().await;
        assert_eq!([pings().await, pings().await], [count; 2]);
    }
    viewer.say(r#"{"type":"ping"}"#).await;
    drop(viewer);
    idle().await;
    assert_eq!([pings().await, pings().await], ["3"; 2]);
}
