//! One client on a real ROS graph: from the stamp of the simulated robot's scan to its receipt, by the executables as they
//! are shipped, beside the least that a subscriber with a socket can do.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    process::{self, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use futures::{FutureExt, StreamExt};
use oht50_bridge::hub::Frame;
use r2r::{QosProfile, sensor_msgs::msg::LaserScan};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    Plan, Sender, bridge, clients, figures::median, figures::numbers, kernel, process::Child,
};

/// The lower bound: one thread that spins a node and sends one message as each scan comes. Prints its port.
pub fn serve() {
    let context = r2r::Context::create().unwrap();
    let mut node = r2r::Node::create(context, "lower_bound", "").unwrap();
    let profile = QosProfile::sensor_data().keep_last(1);
    let mut scans = node.subscribe::<LaserScan>("/scan", profile).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    let (mut socket, _) = listener.accept().unwrap();
    socket.set_nodelay(true).unwrap();
    for seq in 0.. {
        let scan = loop {
            node.spin_once(Duration::from_millis(20));
            if let Some(Some(scan)) = scans.next().now_or_never() {
                break scan;
            }
        };
        let stamp = Duration::new(scan.header.stamp.sec as u64, scan.header.stamp.nanosec);
        let message = kernel::message(seq, &clients::written(stamp));
        if socket.write_all(&Frame::text(&message).bytes()[..]).is_err() {
            return;
        }
    }
}

/// Median and 99 % of each, in ms, of as many runs by turns.
pub fn compare(seconds: u64, rounds: usize) {
    let plan = Plan { clients: 1, seconds, slow: None, tls: None };
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        runs[0].push(measure(Sender::Kernel, &plan));
        runs[1].push(measure(Sender::Bridge, &plan));
    }
    println!("\n| on a ROS graph | lower bound | bridge | ratio |\n|---|---|---|---|");
    for (what, place) in [("scan to receipt, median", 2), ("scan to receipt, 99 %", 3)] {
        let [bound, ours] = runs.each_ref().map(|runs| median(runs.iter().map(|run| run[place])));
        println!("| 1 client, {what} | {bound:.2} ms | {ours:.2} ms | {:.2} |", ours / bound);
    }
}

fn measure(sender: Sender, plan: &Plan) -> Vec<f64> {
    let _robot = Program::robot();
    let (mut bound, mut shipped) = (None, None);
    let port = match sender {
        Sender::Kernel => bound.insert(Child::start(&["--role", "graph"])).line(),
        Sender::Bridge => shipped.insert(Shipped::start()).port.to_string(),
    };
    let mut clients = Child::clients(sender, &port, plan);
    clients.expect("begin");
    clients.expect("end");
    let received = numbers(&clients.line());
    drop((bound, shipped));
    received
}

/// The bridge as it is shipped, on a port of its own; ends with its owner.
pub struct Shipped {
    program: Program,
    pub port: u16,
    _state: TempDir,
}

impl Shipped {
    /// Returns when it listens.
    pub fn start() -> Shipped {
        let (port, state) = (free_port(), tempfile::tempdir().unwrap());
        let program = Program::start(
            Command::new(env!("CARGO_BIN_EXE_oht50_bridge"))
                .env("OHT50_JWT_SECRET", std::str::from_utf8(bridge::SECRET).unwrap())
                .args(["--ros-args", "--params-file"])
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/config/bridge.yaml"))
                .args(["-p", &format!("port:={port}"), "-p", "lidar_node:=oht50_sim", "-p"])
                .arg(format!("state_directory:={}", state.path().display())),
        );
        await_listening(port);
        Shipped { program, port, _state: state }
    }

    pub fn id(&self) -> u32 {
        self.program.0.id()
    }
}

/// An executable as it is shipped; asked to end with its owner, since the middleware holds others up where one was killed.
pub struct Program(process::Child);

impl Program {
    /// The simulated robot.
    pub fn robot() -> Program {
        Program::start(
            Command::new(env!("CARGO_BIN_EXE_oht50_sim"))
                .args(["--ros-args", "--params-file"])
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/config/sim.yaml")),
        )
    }

    fn start(command: &mut Command) -> Program {
        Program(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let asked = kill_process(Pid::from_child(&self.0), Signal::TERM);
        if asked.is_err() || self.0.wait().is_err() {
            let _ = self.0.kill();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn await_listening(port: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the bridge does not listen");
        thread::sleep(Duration::from_millis(20));
    }
}
