//! Raw requests against the documented answers.

use super::*;

const SAMPLE: [&str; 5] = [
    "Host: robot.test",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// RFC 6455's sample request with changes: `Name: value` replaces, `-Name` removes, `+Name: value` adds.
pub fn request(line: &str, changes: &[&str]) -> String {
    let name = |field: &str| field.split(':').next().unwrap_or_default().to_owned();
    let mut fields: Vec<String> = SAMPLE.map(str::to_owned).into();
    for change in changes {
        if let Some(removed) = change.strip_prefix('-') {
            fields.retain(|field| name(field) != removed);
        } else if let Some(added) = change.strip_prefix('+') {
            fields.push(added.to_owned());
        } else {
            let field = fields.iter_mut().find(|field| name(field) == name(change));
            *field.unwrap() = (*change).to_owned();
        }
    }
    format!("{line}\r\n{}\r\n\r\n", fields.join("\r\n"))
}

async fn exchange(rig: &Rig, request: &str) -> (String, String) {
    let mut peer = Peer(rig.connect(64 * 1024));
    peer.send(request.as_bytes()).await;
    let head = peer.head().await;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; if request.starts_with("HEAD") { 0 } else { length }];
    peer.0.read_exact(&mut body).await.unwrap();
    (head, String::from_utf8(body).unwrap())
}

async fn check(status: u16, line: &str, changes: &[&str]) {
    let request = request(line, changes);
    let (head, body) = exchange(&Rig::new(), &request).await;
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}\n{head}");
    assert!(status == 200 || body.len() < 1024, "{request}\n{body}");
    assert_eq!(status == 101, head.contains("sec-websocket-accept"), "{request}\n{head}");
}

const WS: &str = "GET /ws HTTP/1.1";

#[tokio::test(start_paused = true)]
async fn a_proper_handshake_is_completed_in_all_its_spellings() {
    check(101, WS, &[]).await;
    check(101, "GET /ws? HTTP/1.1", &[]).await;
    check(101, "GET /ws?token=rubbish HTTP/1.1", &[]).await;
    check(101, WS, &["Upgrade: WebSocket"]).await;
    check(101, WS, &["Upgrade: h2c, websocket"]).await;
    check(101, WS, &["Connection: keep-alive, Upgrade"]).await;
    check(101, WS, &["Connection: UPGRADE"]).await;
    check(101, WS, &["Connection: keep-alive", "+Connection: upgrade"]).await;
    check(101, WS, &["+Origin: http://robot.test"]).await;
    check(101, WS, &["+Origin: https://console.example"]).await;
    check(101, WS, &["+Sec-WebSocket-Protocol: chat"]).await;
    check(101, WS, &["+Sec-WebSocket-Extensions: permessage-deflate"]).await;
    check(101, WS, &["+Content-Length: 0"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_improper_handshake_is_told_what_it_lacks() {
    check(400, WS, &["-Host"]).await;
    check(400, WS, &["+Host: other.test"]).await;
    check(400, WS, &["Host:"]).await;
    check(426, WS, &["-Upgrade"]).await;
    check(426, WS, &["Upgrade: h2c"]).await;
    check(426, WS, &["Upgrade: websocket/13"]).await;
    check(400, WS, &["-Connection"]).await;
    check(400, WS, &["Connection: keep-alive"]).await;
    check(426, WS, &["-Sec-WebSocket-Version"]).await;
    check(426, WS, &["Sec-WebSocket-Version: 8"]).await;
    check(426, WS, &["Sec-WebSocket-Version: 14"]).await;
    check(426, WS, &["Sec-WebSocket-Version: 13, 8"]).await;
    check(426, WS, &["+Sec-WebSocket-Version: 13"]).await;
    check(400, WS, &["-Sec-WebSocket-Key"]).await;
    check(400, WS, &["Sec-WebSocket-Key:"]).await;
    check(400, WS, &["Sec-WebSocket-Key: c2hvcnQ="]).await;
    check(400, WS, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"]).await;
    check(400, WS, &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE="]).await;
    check(400, WS, &["Sec-WebSocket-Key: dGhlIHNhb.BsZSBub25jZQ=="]).await;
    check(400, WS, &["+Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]).await;
    check(400, WS, &["+Content-Length: 5"]).await;
    check(400, WS, &["+Transfer-Encoding: chunked"]).await;
    check(405, "POST /ws HTTP/1.1", &[]).await;
    check(405, "HEAD /ws HTTP/1.1", &[]).await;
    check(405, "OPTIONS /ws HTTP/1.1", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn pages_from_elsewhere_are_refused_before_the_upgrade() {
    check(403, WS, &["+Origin: http://evil.example"]).await;
    check(403, WS, &["+Origin: null"]).await;
    check(403, WS, &["+Origin:"]).await;
    check(403, WS, &["+Origin: https://robot.test"]).await;
    check(403, WS, &["+Origin: http://robot.test", "+Origin: http://robot.test"]).await;
    let hardened = Rig::with(|config| config.require_origin = true);
    let (head, _) = exchange(&hardened, &request(WS, &[])).await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_http_or_too_much_of_it_is_refused() {
    let long = format!("+X: {}", "x".repeat(20_000));
    let many = vec!["+X: x"; 100];
    check(431, WS, &[&long]).await;
    check(431, WS, &many).await;
    check(431, &format!("GET /ws?token={} HTTP/1.1", "x".repeat(20_000)), &[]).await;
    check(400, "GET /ws", &[]).await;
    check(400, "GET /ws HTTP/9.9", &[]).await;
    check(400, "G@T{ /ws HTTP/1.1", &[]).await;
    check(400, WS, &["+No Colon"]).await;
    check(400, WS, &["+Content-Length: -1"]).await;
    check(400, "\u{16}\u{3}\u{1}", &[]).await;
    let (head, _) = exchange(&Rig::new(), &request("GET /ws HTTP/1.0", &[])).await;
    assert!(head.contains(" 400 "), "{head}");
}

#[tokio::test(start_paused = true)]
async fn plain_requests_get_the_page_or_are_told_why_not() {
    check(200, "GET / HTTP/1.1", &[]).await;
    check(200, "GET /index.html?x=1 HTTP/1.1", &[]).await;
    check(200, "HEAD / HTTP/1.1", &[]).await;
    check(404, "GET /nothing HTTP/1.1", &[]).await;
    check(404, "GET /ws/ HTTP/1.1", &[]).await;
    check(404, "GET /WS HTTP/1.1", &[]).await;
    check(404, "GET /../Cargo.toml HTTP/1.1", &[]).await;
    check(404, "POST /nothing HTTP/1.1", &[]).await;
    check(405, "POST / HTTP/1.1", &[]).await;
    check(405, "DELETE /index.html HTTP/1.1", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn answers_carry_the_fields_that_go_with_them() {
    let rig = Rig::new();
    let check = async |line: &str, changes: &[&str], fields: &[&str]| {
        let (head, _) = exchange(&rig, &request(line, changes)).await;
        for field in fields {
            assert!(head.contains(&format!("\r\n{field}")), "{field} is missing:\n{head}");
        }
    };
    check(WS, &[], &["sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"]).await;
    check(WS, &["Sec-WebSocket-Version: 8"], &["sec-websocket-version: 13\r\n"]).await;
    check(WS, &["-Upgrade"], &["upgrade: websocket\r\n"]).await;
    check("POST /ws HTTP/1.1", &[], &["allow: GET\r\n"]).await;
    check("POST / HTTP/1.1", &[], &["allow: GET, HEAD\r\n"]).await;
    let safe = [
        "content-security-policy: default-src 'none'; script-src 'self';",
        "x-content-type-options: nosniff\r\n",
        "referrer-policy: no-referrer\r\n",
        "cache-control: no-cache\r\n",
    ];
    check("GET / HTTP/1.1", &[], &safe).await;
    check("GET / HTTP/1.1", &[], &["content-type: text/html; charset=utf-8\r\n"]).await;
    check("GET /nothing HTTP/1.1", &[], &safe).await;
}
