//! What it costs to send every scan to everybody, beside what the kernel alone costs.
//!
//! The lower bound is one thread with one buffer, framed beforehand, and a plain `send` to each socket. The bridge is the
//! whole program but its ROS node: perception, zones, encoding, hub, sessions and sockets, on the simulated robot. Both get
//! the same clients in a process of their own, one after the other in one run, and CPU is what the kernel says the
//! server's threads took.
//!
//! `cargo bench --bench fanout -- --clients 100,1000 --seconds 8 --rounds 3`; with ROS, `--role on-graph` adds what the graph
//! takes for one client, and `--role at-rest` what the bridge takes with none. `./dev bench` runs all three.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a benchmark that cannot begin may panic
#![allow(clippy::disallowed_methods)] // it measures time, which nobody hands it

#[path = "fanout/bridge.rs"]
mod bridge;
#[path = "fanout/clients.rs"]
mod clients;
#[path = "fanout/figures.rs"]
mod figures;
#[cfg(feature = "ros")]
#[path = "fanout/graph.rs"]
mod graph;
#[path = "fanout/kernel.rs"]
mod kernel;
#[path = "fanout/operator.rs"]
mod operator;
#[path = "fanout/process.rs"]
mod process;
#[cfg(feature = "ros")]
#[path = "fanout/rest.rs"]
mod rest;
#[path = "fanout/robot.rs"]
mod robot;

use std::{path::PathBuf, time::Duration};

use figures::{Figures, median, ratio};
use process::Child;

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Kernel,
    Bridge,
}

/// What one run is like.
#[derive(Debug, Clone)]
struct Plan {
    clients: usize,
    seconds: u64,
    /// Bytes a second that every tenth client takes, if not all there is.
    slow: Option<usize>,
    /// With TLS, by a certificate that the server puts into this folder.
    tls: Option<PathBuf>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, default| value(name).map_or(default, |text| text.parse().unwrap());
    let clients = number("--clients-of-port", 0);
    let plan = Plan {
        clients: number("--many", 0),
        seconds: number("--seconds", 8) as u64,
        slow: value("--slow").map(|text| text.parse().unwrap()),
        tls: value("--tls").map(PathBuf::from),
    };
    let sender = match value("--sender").as_deref() {
        Some("kernel") => Some(Sender::Kernel),
        Some("bridge") => Some(Sender::Bridge),
        _ => None,
    };
    match (value("--role").as_deref(), sender) {
        (Some("server"), Some(Sender::Kernel)) => kernel::serve(),
        (Some("server"), Some(Sender::Bridge)) => bridge::serve(&plan),
        (Some("clients"), Some(sender)) => clients::run(clients as u16, sender, &plan),
        #[cfg(feature = "ros")]
        (Some("graph"), _) => graph::serve(),
        #[cfg(feature = "ros")]
        (Some("on-graph"), _) => graph::compare(plan.seconds, number("--rounds", 3)),
        #[cfg(feature = "ros")]
        (Some("subscriber"), _) => rest::serve(),
        #[cfg(feature = "ros")]
        (Some("at-rest"), _) => rest::compare(plan.seconds, number("--rounds", 3)),
        (Some("operator"), _) => operator::run(clients as u16, plan.seconds),
        _ => {
            let many = value("--clients").unwrap_or_else(|| "1,100,1000,2000".to_owned());
            let many = many.split(',').map(|text| text.parse().unwrap());
            compare(many.collect(), plan.seconds, number("--rounds", 3));
        }
    }
}

/// Kernel and bridge by turns, so that a machine that changes changes both.
fn compare(many: Vec<usize>, seconds: u64, rounds: usize) {
    println!("| clients | | lower bound | bridge | ratio |\n|---|---|---|---|---|");
    for clients in many {
        let plan = Plan { clients, seconds, slow: None, tls: None };
        let (kernel, bridge) = by_turns(&plan, rounds);
        table(&format!("{clients}"), &kernel, &bridge);
        if (100..=1000).contains(&clients) {
            let folder = tempfile::tempdir().unwrap();
            let secure = Plan { tls: Some(folder.path().to_owned()), ..plan.clone() };
            let bridge: Vec<_> = (0..rounds).map(|_| measure(Sender::Bridge, &secure)).collect();
            table(&format!("{clients} with TLS, the bound without"), &kernel, &bridge);
        }
        if clients >= 100 {
            let slow = Plan { slow: Some(2048), ..plan };
            let (kernel, bridge) = by_turns(&slow, rounds);
            table(&format!("{clients}, a tenth at 2 KB/s"), &kernel, &bridge);
        }
    }
    println!(
        "\n| subscribers | operator's | median | 99 % | most | of |\n|---|---|---|---|---|---|"
    );
    // Who takes nothing at all is gone after 9 s, so that this is as long as it lasts.
    for (subscribers, stalled, seconds) in
        [(0, false, seconds), (500, false, seconds), (1000, false, seconds), (1000, true, 2)]
    {
        for (what, times) in operate(subscribers, stalled.then_some(0), seconds) {
            let subscribers =
                format!("{subscribers}{}", if stalled { ", a tenth stalled" } else { "" });
            let at = |share| times.get(((times.len() - 1) as f64 * share) as usize).unwrap();
            println!(
                "| {subscribers} | {what} | {:.2} ms | {:.2} ms | {:.2} ms | {} |",
                at(0.5),
                at(0.99),
                at(1.0),
                times.len()
            );
        }
    }
}

fn by_turns(plan: &Plan, rounds: usize) -> (Vec<Figures>, Vec<Figures>) {
    let mut all = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        all.0.push(measure(Sender::Kernel, plan));
        all.1.push(measure(Sender::Bridge, plan));
    }
    all
}

fn table(title: &str, kernel: &[Figures], bridge: &[Figures]) {
    let row = |what: &str, unit: &str, of: &dyn Fn(&Figures) -> f64| {
        let [bound, ours] = [kernel, bridge].map(|runs| median(runs.iter().map(of)));
        println!(
            "| {title} | {what} | {bound:.2} {unit} | {ours:.2} {unit} | {} |",
            ratio(ours, bound)
        );
    };
    row("CPU for each message", "µs", &|run| run.cpu_per_message);
    row("scan to receipt, median", "ms", &|run| run.delay[0]);
    row("scan to receipt, 99 %", "ms", &|run| run.delay[1]);
    row("lost", "messages", &|run| run.lost as f64);
    row("memory for each connection", "KiB", &|run| run.memory);
    row("memory grown meanwhile", "MiB", &|run| run.growth);
    row("the kernel's socket memory at the end", "MiB", &|run| run.kernel_memory);
    row("context switches for each message", "", &|run| run.switches);
}

/// One server and its clients, from start to end.
fn measure(sender: Sender, plan: &Plan) -> Figures {
    let mut server = Child::server(sender, plan);
    let port = server.line();
    let empty = server.memory();
    let mut clients = Child::clients(sender, &port, plan);
    clients.expect("begin");
    let (before, first) = (process::usage(server.id()), server.memory());
    clients.expect("end");
    let (after, last) = (process::usage(server.id()), server.memory());
    let kernel_memory = process::socket_memory();
    let received = clients.line();
    Figures::new(&received, before, after, [empty, first, last], kernel_memory, plan.clients)
}

/// Round trips of an operator, and from commands to what the robot is sent, beside that many subscribers.
fn operate(subscribers: usize, slow: Option<usize>, seconds: u64) -> Vec<(&'static str, Vec<f64>)> {
    let plan = Plan { clients: subscribers, seconds: 4 * seconds, slow, tls: None };
    let mut server = Child::server(Sender::Bridge, &plan);
    let port = server.line();
    let mut clients = Child::clients(Sender::Bridge, &port, &plan);
    clients.expect("begin");
    let mut operator = Child::operator(&port, 3 * seconds);
    let mut times: Vec<_> =
        operator::WHAT.map(|what| (what, figures::numbers(&operator.line()))).into();
    let sent = figures::numbers(&operator.line());
    let published: Vec<f64> = sent.iter().map(|_| figures::numbers(&server.line())[0]).collect();
    for (what, name) in [
        ("motion to published velocity", "motion"),
        ("stop to published zero", "stop"),
        ("emergency stop to published zero", "emergency stop"),
    ] {
        let of_it = sent.iter().zip(operator::SENT.iter().cycle());
        let of_it = of_it.filter(|(_, sent)| **sent == name).map(|(at, _)| *at);
        times.push((what, to_publication(&published, of_it)));
    }
    times
}

/// From each sending to what the robot was sent next, ms.
fn to_publication(published: &[f64], sent: impl Iterator<Item = f64>) -> Vec<f64> {
    let after = |sent| published.iter().find(|at| **at >= sent).map(|at| (at - sent) / 1000.0);
    let mut times: Vec<f64> = sent.filter_map(after).collect();
    times.sort_by(f64::total_cmp);
    times
}

/// 20 Hz.
const PERIOD: Duration = Duration::from_millis(50);
