//! What was measured, and how it is told.

use super::process::Usage;

/// One run.
pub struct Figures {
    /// µs
    pub cpu_per_message: f64,
    /// Median and 99 %, ms.
    pub delay: [f64; 2],
    pub lost: u64,
    /// Of the process, once everybody is there, KiB for each connection.
    pub memory: f64,
    /// Of the process while it was measured, MiB.
    pub growth: f64,
    /// MiB
    pub kernel_memory: f64,
    /// Voluntary, for each message.
    pub switches: f64,
}

impl Figures {
    /// `received`: messages, lost ones, median and 99 % of the delay in ms; `memory`: without clients, with them, and at the
    /// end, bytes.
    pub fn new(
        received: &str,
        before: Usage,
        after: Usage,
        [empty, first, last]: [u64; 3],
        kernel_memory: u64,
        clients: usize,
    ) -> Figures {
        let [messages, lost, median, most] = numbers(received)[..] else {
            panic!("{received} is not what clients tell")
        };
        assert!(messages > 0.0, "nothing was received");
        Figures {
            cpu_per_message: (after.cpu - before.cpu).as_secs_f64() * 1e6 / messages,
            delay: [median, most],
            lost: lost as u64,
            memory: first.saturating_sub(empty) as f64 / 1024.0 / clients as f64,
            growth: (last as f64 - first as f64) / MIB,
            kernel_memory: kernel_memory as f64 / MIB,
            switches: (after.switches - before.switches) as f64 / messages,
        }
    }
}

/// Of a line, separated by blanks.
pub fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn ratio(ours: f64, bound: f64) -> String {
    if bound > 0.0 { format!("{:.2}", ours / bound) } else { String::new() }
}

const MIB: f64 = 1024.0 * 1024.0;
