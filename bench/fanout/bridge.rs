//! The bridge as it is shipped, without its ROS node.

use std::{fs, path::Path};

use oht50_bridge::{
    app::{App, Parts, access::Access, streams},
    clock::Clock,
    config::{Config, Environment, Params, SecretSource, TlsFiles, Value},
    safety::latch::StopLatch,
    server::TlsIdentity,
    telemetry::audit::Journal,
};

use super::{Plan, robot};

/// Of the bench's tokens.
pub const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";

/// Prints its port, and serves until it is killed.
pub fn serve(plan: &Plan) {
    let state = tempfile::tempdir().unwrap();
    let most = i64::try_from(plan.clients + 100).unwrap();
    let directory = state.path().to_str().unwrap().to_owned();
    let octagon = vec![
        0.35, 0.145, 0.145, 0.35, -0.145, 0.35, -0.35, 0.145, -0.35, -0.145, -0.145, -0.35, 0.145,
        -0.35, 0.35, -0.145,
    ];
    let params: Params = [
        ("base_from_laser", Value::DoubleArray(vec![0.2, 0.0, 0.0])),
        ("footprint", Value::DoubleArray(octagon)),
        ("state_directory", Value::String(directory)),
        ("max_connections", Value::Integer(most)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let config = Config::from_params(&params, &Environment::default()).unwrap();
    // As `main` builds it.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let streams = streams::runtime().unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let (robot, inputs) = robot::start(clock.clone());
        let secret = SecretSource::choose(None, std::str::from_utf8(SECRET).ok()).unwrap();
        let app = App::start(Parts {
            access: Access::open(&config.access, secret).unwrap(),
            tls: plan.tls.as_deref().map(|folder| identity(folder, &clock)),
            inputs,
            outputs: std::sync::Arc::new(robot),
            latch: StopLatch::default(),
            emergency_stop: None,
            audit: Box::new(Journal::open(state.path(), 16 << 20, 2).unwrap()),
            streams: streams.handle().clone(),
            metrics: std::sync::Arc::default(),
            clock,
            config,
        });
        let listening = app.server().listen(([127, 0, 0, 1], 0)).await.unwrap();
        println!("{}", listening.local_addr().unwrap().port());
        app.run(listening, std::future::pending()).await.unwrap();
    });
}

/// Of its own, for who knows the folder.
fn identity(folder: &Path, clock: &Clock) -> TlsIdentity {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let files = TlsFiles {
        certificate: folder.join(CERTIFICATE),
        key: folder.join("key.pem"),
        client_ca: None,
    };
    fs::write(&files.certificate, made.cert.pem()).unwrap();
    fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    TlsIdentity::load(&files, clock.unix()).unwrap()
}

/// Whose certificate it is.
pub const NAME: &str = "robot";

/// The file in the folder of a [`Plan`].
pub const CERTIFICATE: &str = "certificate.pem";
