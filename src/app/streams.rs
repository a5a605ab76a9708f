//! The thread that sends streams.

use std::io;

use rustix::{
    process::{getpriority_process, setpriority_process},
    thread::gettid,
};
use tokio::runtime::{Builder, Runtime};

/// A runtime of one thread for streams, and for nothing else: with a thousand clients one scan keeps it busy for 10 ms.
///
/// It gives way to the program's other threads (`nice(2)`): where there is not enough for everything, pictures become seldom
/// before stops become late.
pub fn runtime() -> io::Result<Runtime> {
    let modest = || {
        let own = Some(gettid());
        let given = getpriority_process(own).and_then(|nice| setpriority_process(own, nice + LESS));
        if let Err(error) = given {
            tracing::warn!(%error, "the streams' thread does not give way to others");
        }
    };
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("streams")
        .on_thread_start(modest)
        .build()
}

/// So much nicer than the process: half the weight of its other threads.
const LESS: i32 = 3;
