//! Keys and deny list in real files: changed while the robot moves, half written, and mended.

use std::{fs, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use oht50_bridge::config;
use serde_json::{Value, json};

use super::{
    client::Client,
    motion,
    robot::{Bench, UNIX},
    seconds,
};

/// The files, which go when this does.
struct Files {
    _directory: tempfile::TempDir,
    keys: PathBuf,
    list: PathBuf,
}

impl Files {
    fn new() -> Files {
        let directory = tempfile::tempdir().unwrap();
        let at = |name| directory.path().join(name);
        let files =
            Files { keys: at("keys.json"), list: at("revoked.json"), _directory: directory };
        files.trust(&["old"]);
        fs::write(&files.list, "{}").unwrap();
        files
    }

    async fn bench(&self) -> Bench {
        let text = |path: &PathBuf| config::Value::String(path.to_str().unwrap().to_owned());
        Bench::configured(&[("jwks_file", text(&self.keys)), ("revocation_file", text(&self.list))])
            .await
    }

    /// As a rename puts a whole new file into the place of the old one.
    fn trust(&self, names: &[&str]) {
        let keys: Vec<_> = names.iter().map(|name| json!({"kty": "oct", "kid": name, "k": URL_SAFE_NO_PAD.encode(secret(name))})).collect();
        let beside = self.keys.with_extension("new");
        fs::write(&beside, json!({"keys": keys}).to_string()).unwrap();
        fs::rename(&beside, &self.keys).unwrap();
    }

    /// In place.
    fn revoke(&self, list: &Value) {
        fs::write(&self.list, list.to_string()).unwrap();
    }
}

fn secret(name: &str) -> [u8; 32] {
    let mut secret = [b'.'; 32];
    secret[..name.len()].copy_from_slice(name.as_bytes());
    secret
}

fn token(key: &str, more: Value) -> String {
    let mut claims = json!({"user_id": 7, "sub": "lan", "exp": UNIX.as_secs() + 86_400, "iat": UNIX.as_secs(), "jti": "a"});
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let header = Header { kid: Some(key.to_owned()), ..Header::default() };
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret(key))).unwrap()
}

async fn moving(bench: &Bench, token: &str) -> Client {
    let mut driver = Client::with(bench, token).await;
    driver.say(motion("turn_left", json!({"speed": 0.1, "duration": 60}))).await;
    assert_eq!(driver.answer("robot_control_response").await["success"], true);
    driver.listen(seconds(1.0)).await;
    assert_eq!(bench.robot.commanded().angular, 0.1);
    driver
}

/// Within a second of the change zero was published, and then the driver was told.
async fn check_stopped(bench: &Bench, mut driver: Client, change: impl FnOnce()) {
    let asked = bench.clock.now();
    change();
    let zero = bench.robot.next_zero().await;
    assert!(zero - asked <= Duration::from_secs(1), "{:?}", zero - asked);
    driver.listen(seconds(0.1)).await;
    assert_eq!(driver.closed, Some(4001));
    assert_eq!(bench.robot.commanded().angular, 0.0);
}

#[tokio::test(start_paused = true)]
async fn whose_key_is_taken_out_of_the_set_stops_and_is_out_within_a_second() {
    let files = Files::new();
    let bench = files.bench().await;
    let driver = moving(&bench, &token("old", json!({}))).await;
    // First both, so that nobody is thrown out who does not have to be.
    files.trust(&["old", "new"]);
    let mut driver = driver;
    driver.listen(seconds(2.0)).await;
    assert_eq!(driver.closed, None);
    Client::with(&bench, &token("new", json!({}))).await.close().await;
    check_stopped(&bench, driver, || files.trust(&["new"])).await;
    assert_eq!(Client::refused(&bench, &token("old", json!({}))).await, 4001);
    Client::with(&bench, &token("new", json!({}))).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_put_on_the_deny_list_stops_and_is_out_within_a_second() {
    for list in [json!({"jti": ["a"]}), json!({"sub": {"lan": UNIX.as_secs() + 1}})] {
        let files = Files::new();
        let bench = files.bench().await;
        let mut other =
            Client::with(&bench, &token("old", json!({"sub": "minh", "jti": "b"}))).await;
        let driver = moving(&bench, &token("old", json!({}))).await;
        check_stopped(&bench, driver, || files.revoke(&list)).await;
        assert_eq!(Client::refused(&bench, &token("old", json!({}))).await, 4001);
        Client::with(&bench, &token("old", json!({"iat": UNIX.as_secs() + 2, "jti": "c"}))).await;
        other.listen(seconds(0.1)).await;
        assert_eq!(other.closed, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_broken_half_written_or_gone_changes_nothing_and_is_told() {
    let files = Files::new();
    let bench = files.bench().await;
    files.revoke(&json!({"jti": ["gone"]}));
    let mut client = Client::with(&bench, &token("old", json!({}))).await;
    client.listen(seconds(1.0)).await;
    assert!(!*bench.access_is_stale().borrow());
    for (file, content) in [
        (&files.keys, Some("{\"keys\":[")),
        (&files.keys, Some("{\"keys\":[]}")),
        (&files.keys, Some("")),
        (&files.keys, None),
        (&files.list, Some("{\"jti\":[\"a\"")),
        (&files.list, Some("{\"jtis\":[\"a\"]}")),
        (&files.list, None),
    ] {
        let good = fs::read(file).unwrap();
        match content {
            Some(content) => fs::write(file, content).unwrap(),
            None => fs::remove_file(file).unwrap(),
        }
        client.listen(seconds(1.0)).await;
        assert_eq!(client.closed, None, "{content:?}");
        assert!(*bench.access_is_stale().borrow(), "{content:?}");
        assert_eq!(Client::refused(&bench, &token("old", json!({"jti": "gone"}))).await, 4001);
        Client::with(&bench, &token("old", json!({}))).await.close().await;
        fs::write(file, good).unwrap();
        client.listen(seconds(1.0)).await;
        assert!(!*bench.access_is_stale().borrow(), "{content:?} was mended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_being_written_is_not_judged() {
    let files = Files::new();
    let bench = files.bench().await;
    let mut client = Client::with(&bench, &token("old", json!({}))).await;
    let stale = bench.access_is_stale();
    let good = fs::read(&files.keys).unwrap();
    for length in 0..good.len() {
        fs::write(&files.keys, &good[..length]).unwrap();
        client.listen(seconds(0.2)).await;
        assert!(!*stale.borrow(), "{length}");
    }
    fs::write(&files.keys, &good).unwrap();
    client.listen(seconds(1.0)).await;
    assert_eq!(client.closed, None);
}
