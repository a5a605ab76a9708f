//! The bridge as it is shipped, without its ROS node.

use oht50_bridge::{
    app::{App, Parts, access::Access, streams},
    clock::Clock,
    config::{Config, Environment, Params, SecretSource, Value},
    safety::latch::StopLatch,
    telemetry::audit::Journal,
};

use super::robot;

/// Of the bench's tokens.
pub const SECRET: &[u8] = b"a secret of thirty-two bytes, or more";

/// Prints its port, and serves until it is killed.
pub fn serve(clients: usize) {
    let state = tempfile::tempdir().unwrap();
    let most = i64::try_from(clients + 100).unwrap();
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
            tls: None,
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
