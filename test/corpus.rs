//! The bodies of the fuzz targets over the committed seeds, and over what becomes of them when a byte is changed or lost.
//! `./dev fuzz` looks further.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that unwraps fails, which is its job

use std::{fs, path::Path};

#[path = "../fuzz/bodies.rs"]
mod bodies;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 2, "{target} has no seeds");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn check(target: &str, body: fn(&[u8])) {
    for seed in seeds(target) {
        body(&seed);
        // Every seventh place: no multiple of a field, and the test stays short.
        for at in (0..seed.len()).step_by(7) {
            body(&seed[..at]);
            let mut changed = seed.clone();
            changed[at] ^= 1 << (at % 8);
            body(&changed);
        }
    }
}

#[test]
fn client_messages() {
    check("client_message", bodies::client_message);
}

#[test]
fn frames() {
    check("frames", bodies::frames);
}

#[test]
fn tokens() {
    check("token", bodies::token);
}

#[test]
fn scans() {
    check("scan", bodies::scan);
}

#[test]
fn motions() {
    check("motion", bodies::motion);
}
