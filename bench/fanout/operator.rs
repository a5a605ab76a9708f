//! One operator among many who look: how long his commands take.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use super::clients::{token, unix};

/// What is measured, each from the client's sending to its receipt of the answer. A motion's answer follows its first
/// velocity, and a stop's the zero.
pub const WHAT: [&str; 4] =
    ["ping", "motion to first velocity", "stop to zero", "emergency stop to zero"];

/// What is sent to the robot, in the order of a turn; each changes whether it moves.
pub const SENT: [&str; 4] = ["motion", "stop", "motion", "emergency stop"];

/// Prints a line of times in ms for each, sorted, and one of when each of [`SENT`] was sent, again and again, µs since the
/// Unix epoch.
pub fn run(port: u16, seconds: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut operator = Operator::connect(port).await;
        let end = Instant::now() + Duration::from_secs(seconds);
        let mut times: [Vec<f64>; 4] = Default::default();
        let mut sent = Vec::new();
        for turn in 0.. {
            if Instant::now() > end {
                break;
            }
            // Anywhere between two scans, each of them: what was heard before may have come with one.
            let anywhere = |step: u64| sleep(Duration::from_millis(turn * step % 50));
            anywhere(17).await;
            let forward = if turn % 2 == 0 { 0.2 } else { -0.2 };
            let drive = json!({"type": "robot_control", "command": "drive",
                "parameters": {"linear": forward, "angular": 0.0}});
            let command = |command: &str| json!({"type": "robot_control", "command": command});
            times[0].push(operator.ask(json!({"type": "ping"}), "pong").await);
            for (stop, place) in [("stop", 2), ("emergency_stop", 3)] {
                anywhere(37).await;
                sent.push(unix().as_micros().to_string());
                times[1].push(operator.succeed(drive.clone()).await);
                anywhere(29).await;
                sent.push(unix().as_micros().to_string());
                times[place].push(operator.succeed(command(stop)).await);
                operator.rest().await;
            }
            let reset = json!({"type": "robot_control", "command": "reset_emergency_stop",
                "parameters": {"confirm": true}});
            operator.succeed(reset).await;
        }
        for mut times in times {
            times.sort_by(f64::total_cmp);
            let words: Vec<String> = times.iter().map(|time| format!("{time:.3}")).collect();
            println!("{}", words.join(" "));
        }
        println!("{}", sent.join(" "));
    });
}

struct Operator {
    socket: WebSocketStream<TcpStream>,
}

impl Operator {
    async fn connect(port: u16) -> Operator {
        let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let address = format!("ws://robot/ws?token={}", token(1_000_000, "operator"));
        let (socket, _) = client_async(address, socket).await.unwrap();
        let mut operator = Operator { socket };
        operator.hear("connection_established").await;
        let say = json!({"type": "subscribe", "subscription_type": "telemetry"});
        operator.ask(say, "subscription_confirmed").await;
        operator
    }

    /// ms until the answer.
    async fn ask(&mut self, message: Value, answer: &str) -> f64 {
        self.answered(message, answer).await.1
    }

    async fn succeed(&mut self, message: Value) -> f64 {
        let (answer, time) = self.answered(message, "robot_control_response").await;
        assert_eq!(answer["success"], true, "{answer}");
        time
    }

    async fn answered(&mut self, message: Value, answer: &str) -> (Value, f64) {
        let start = Instant::now();
        self.send(message).await;
        let answer = self.hear(answer).await;
        (answer, start.elapsed().as_secs_f64() * 1000.0)
    }

    /// Until the robot stands.
    async fn rest(&mut self) {
        loop {
            let telemetry = self.hear("telemetry_update").await;
            if telemetry["data"]["speed"].as_f64().is_some_and(|speed| speed < 0.005) {
                return;
            }
        }
    }

    async fn send(&mut self, message: Value) {
        futures::SinkExt::send(&mut self.socket, Message::text(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let message = self.socket.next().await.unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            if message["type"] == kind {
                return message;
            }
        }
    }
}
