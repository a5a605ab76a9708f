//! The other processes of a run, and what the kernel knows about them.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    process::{self, ChildStdout, Command, Stdio},
    time::Duration,
};

use super::{Plan, Sender, robot};

/// A process of this program in another role; ends with its owner.
pub struct Child {
    process: process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a process has used since its start, without the robot that a real one would have elsewhere.
#[derive(Clone, Copy)]
pub struct Usage {
    /// On the processor, user and system.
    pub cpu: Duration,
    /// How often a thread had nothing to do.
    pub switches: u64,
}

impl Child {
    pub fn server(sender: Sender, plan: &Plan) -> Child {
        let many = plan.clients.to_string();
        let mut arguments = vec!["--role", "server", "--sender", name(sender), "--many", &many];
        arguments.extend(plan.tls.iter().flat_map(|folder| ["--tls", folder.to_str().unwrap()]));
        Child::start(&arguments)
    }

    pub fn clients(sender: Sender, port: &str, plan: &Plan) -> Child {
        let (many, seconds) = (plan.clients.to_string(), plan.seconds.to_string());
        let mut arguments = vec!["--role", "clients", "--sender", name(sender)];
        arguments.extend(["--clients-of-port", port, "--many", &many, "--seconds", &seconds]);
        let slow = plan.slow.map(|bytes| bytes.to_string());
        arguments.extend(slow.iter().flat_map(|bytes| ["--slow", bytes]));
        arguments.extend(plan.tls.iter().flat_map(|folder| ["--tls", folder.to_str().unwrap()]));
        Child::start(&arguments)
    }

    pub fn operator(port: &str, seconds: u64) -> Child {
        let seconds = seconds.to_string();
        Child::start(&["--role", "operator", "--clients-of-port", port, "--seconds", &seconds])
    }

    pub fn start(arguments: &[&str]) -> Child {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Child { process, lines }
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("a process ended early").unwrap()
    }

    pub fn expect(&mut self, word: &str) {
        assert_eq!(self.line(), word);
    }

    /// Resident, bytes.
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        field(&status, "VmRSS:") * 1024
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a process has used, by its id.
pub fn usage(process: u32) -> Usage {
    let mut usage = Usage { cpu: Duration::ZERO, switches: 0 };
    for task in fs::read_dir(format!("/proc/{process}/task")).unwrap() {
        let path = task.unwrap().path();
        let read = |name: &str| fs::read_to_string(path.join(name)).unwrap();
        if read("comm").trim() == robot::THREAD {
            continue;
        }
        let on_cpu = read("schedstat");
        let nanoseconds = on_cpu.split_whitespace().next().unwrap().parse().unwrap();
        usage.cpu += Duration::from_nanos(nanoseconds);
        usage.switches += field(&read("status"), "voluntary_ctxt_switches:");
    }
    usage
}

/// What all TCP sockets of this machine hold in the kernel, bytes.
pub fn socket_memory() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap();
    let tcp = text.lines().find(|line| line.starts_with("TCP:")).unwrap();
    let pages: u64 = tcp.split_whitespace().last().unwrap().parse().unwrap();
    pages * 4096
}

fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn name(sender: Sender) -> &'static str {
    match sender {
        Sender::Kernel => "kernel",
        Sender::Bridge => "bridge",
    }
}
