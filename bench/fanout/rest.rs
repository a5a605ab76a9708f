//! What it costs to be there: the bridge as it is shipped, with nobody connected, on the simulated robot that stands, beside
//! a node that subscribes to the same two topics and does nothing with them.

use std::{thread, time::Duration};

use futures::{FutureExt, Stream, StreamExt};
use r2r::{QosProfile, nav_msgs::msg::Odometry, sensor_msgs::msg::LaserScan};

use super::{
    Sender,
    figures::median,
    graph::{Program, Shipped},
    process::{Child, Usage, usage},
};

/// The lower bound: it takes what comes. Prints a line when it is there.
pub fn serve() {
    let context = r2r::Context::create().unwrap();
    let mut node = r2r::Node::create(context, "lower_bound", "").unwrap();
    let profile = QosProfile::sensor_data().keep_last(1);
    let mut scans = node.subscribe::<LaserScan>("/scan", profile.clone()).unwrap();
    let mut odometry = node.subscribe::<Odometry>("/odom", profile).unwrap();
    println!("ready");
    loop {
        node.spin_once(Duration::from_millis(20));
        discard(&mut scans);
        discard(&mut odometry);
    }
}

fn discard<T>(stream: &mut (impl Stream<Item = T> + Unpin)) {
    while let Some(Some(_)) = stream.next().now_or_never() {}
}

/// Of one core, by turns.
pub fn compare(seconds: u64, rounds: usize) {
    let mut runs = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        runs[0].push(measure(Sender::Kernel, seconds));
        runs[1].push(measure(Sender::Bridge, seconds));
    }
    let [bound, ours] = runs.map(|runs| median(runs.into_iter()));
    println!("\n| on a ROS graph | lower bound | bridge | ratio |\n|---|---|---|---|");
    println!(
        "| nobody connected, CPU of one core | {bound:.2} % | {ours:.2} % | {:.2} |",
        ours / bound
    );
}

fn measure(sender: Sender, seconds: u64) -> f64 {
    let _robot = Program::robot();
    let (mut bound, mut shipped) = (None, None);
    let process = match sender {
        Sender::Kernel => {
            let child = bound.insert(Child::start(&["--role", "subscriber"]));
            child.expect("ready");
            child.id()
        }
        Sender::Bridge => shipped.insert(Shipped::start()).id(),
    };
    thread::sleep(SETTLED);
    let before = usage(process);
    thread::sleep(Duration::from_secs(seconds));
    let Usage { cpu, .. } = usage(process);
    drop((bound, shipped));
    (cpu - before.cpu).as_secs_f64() / seconds as f64 * 100.0
}

/// Until both know each other, and the bridge that nobody comes.
const SETTLED: Duration = Duration::from_secs(6);
