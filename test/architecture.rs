//! The house rules that a compiler does not hold: who uses whom, and who knows what.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that unwraps fails, which is its job

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module with the modules it may use. Anything else is an edge that ARCHITECTURE.md does not have.
const ARROWS: &[(&str, &[&str])] = &[
    ("auth", &[]),
    ("clock", &[]),
    ("lidar", &[]),
    ("sim", &[]),
    ("safety", &["auth"]),
    ("protocol", &["auth", "safety"]),
    ("config", &["auth", "lidar", "safety"]),
    ("session", &["auth", "protocol", "safety"]),
    ("telemetry", &[]),
    ("hub", &["auth", "protocol", "safety"]),
    ("robot", &["clock", "config", "lidar", "safety", "telemetry"]),
    ("server", &["auth", "clock", "config", "hub", "protocol", "safety", "session", "telemetry"]),
    (
        "app",
        &[
            "auth",
            "clock",
            "config",
            "hub",
            "lidar",
            "protocol",
            "robot",
            "safety",
            "server",
            "session",
            "telemetry",
        ],
    ),
];

/// A name of the outside world, and the only places that may know it.
const KNOWS: &[(&str, &[&str])] = &[
    ("r2r::", &["robot/ros", "bin/oht50_sim"]),
    ("serde_json::", &["protocol", "auth/json"]),
    ("base64::", &["auth"]),
    ("tokio_tungstenite", &["server"]),
    ("hyper", &["server"]),
    ("socket2", &["server"]),
    ("rustls", &["server"]),
    ("tokio::net", &["server"]),
    ("jsonwebtoken::", &["auth"]),
    ("prometheus_client", &["telemetry"]),
    ("/proc/", &["telemetry/process"]),
    ("Instant::now", &["clock", "bin/oht50_sim"]),
    ("SystemTime::now", &["clock", "bin/oht50_sim"]),
    ("env::var", &["main"]),
    ("thread::Builder", &["robot/ros", "bin/oht50_sim"]),
    ("SafeVelocity(", &["safety"]),
];

/// Of safety the server may name the stops' lane and the words for connections, and nothing that decides.
const SERVER_MAY_NAME: &[&str] = &["latch", "ConnectionId", "Caller", "LinkLoss"];

struct Source {
    /// Below src, without `.rs`.
    name: String,
    /// Without tests and comments.
    code: String,
}

impl Source {
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 40, "the sources were not found");
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().with_extension("");
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            Source {
                name: name.to_str().unwrap().to_owned(),
                code: code.collect::<Vec<_>>().join("\n"),
            }
        })
        .filter(|source| !source.name.split('/').any(|part| part == "tests"))
        .collect()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The crate's modules that the code names, in paths and in `use crate::{…}` lists.
fn used_modules(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (_, rest) in code.match_indices("crate::").map(|(at, word)| code.split_at(at + word.len()))
    {
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => word.clear(),
                    letter if depth == 0 && (letter.is_alphanumeric() || letter == '_') => {
                        word.push(letter);
                    }
                    ':' if depth == 0 && !word.is_empty() => {
                        used.insert(std::mem::take(&mut word));
                    }
                    _ => {}
                }
            }
        } else {
            used.insert(
                rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned(),
            );
        }
    }
    let known: BTreeSet<&str> = ARROWS.iter().map(|(module, _)| *module).collect();
    used.retain(|module| known.contains(module.as_str()));
    used
}

#[test]
fn modules_use_only_what_the_arrows_allow() {
    let mut wrong = Vec::new();
    for source in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|(module, _)| *module == source.module())
        else {
            assert!(
                ["lib", "main", "bin"].contains(&source.module()),
                "{} has no arrows",
                source.name
            );
            continue;
        };
        for used in used_modules(&source.code) {
            if used != source.module() && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_arrows_have_no_circle_and_none_too_many() {
    let order: Vec<&str> = ARROWS.iter().map(|(module, _)| *module).collect();
    let mut unused = Vec::new();
    for (at, (module, allowed)) in ARROWS.iter().enumerate() {
        for used in *allowed {
            let place = order.iter().position(|known| known == used).unwrap();
            assert!(place < at, "{module} uses {used}, which stands below it");
        }
        let of_module = sources().into_iter().filter(|source| source.module() == *module);
        let really: BTreeSet<String> =
            of_module.flat_map(|source| used_modules(&source.code)).collect();
        unused.extend(
            allowed
                .iter()
                .filter(|used| !really.contains(**used))
                .map(|used| format!("{module} -> {used}")),
        );
    }
    assert!(unused.is_empty(), "allowed and never used: {unused:?}");
}

#[test]
fn only_the_places_that_may_know_the_outside_world_do() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (word, places) in KNOWS {
            let allowed = places.iter().any(|place| source.name.starts_with(place));
            if source.code.contains(word) && !allowed {
                wrong.push(format!("{} knows {word}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_server_knows_of_safety_the_stops_lane_alone() {
    for source in sources().iter().filter(|source| source.module() == "server") {
        for (at, _) in source.code.match_indices("safety::") {
            let rest = &source.code[at + "safety::".len()..];
            let list = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().unwrap(),
                None => rest.split([';', ',', ')', ' ']).next().unwrap(),
            };
            for name in list.split(',').map(|name| name.trim().split(':').next().unwrap()) {
                assert!(
                    name.is_empty() || SERVER_MAY_NAME.contains(&name),
                    "{} names safety::{name}",
                    source.name
                );
            }
        }
    }
}

#[test]
fn a_file_is_one_noun() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|source| (source.code.lines().count(), source.name))
        .filter(|(lines, _)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "files over 400 lines: {long:?}");
}

#[test]
fn one_name_and_one_version() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = fs::read_to_string(root.join("package.xml")).unwrap();
    let field = |tag: &str| {
        let rest = package.split_once(&format!("<{tag}>")).unwrap().1;
        rest.split_once('<').unwrap().0.to_owned()
    };
    assert_eq!(field("name"), env!("CARGO_PKG_NAME"));
    assert_eq!(field("version"), env!("CARGO_PKG_VERSION"));
    let client = fs::read_to_string(root.join("web/package.json")).unwrap();
    assert!(client.contains(&format!(r#""version": "{}""#, env!("CARGO_PKG_VERSION"))), "{client}");
}
