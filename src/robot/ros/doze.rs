//! Pauses between two turns of the node's thread, while nobody depends on them.
//!
//! r2r builds its wait set anew for each turn, and a robot that stands tells odometry and scans 70 times a second.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::Thread,
    time::Duration,
};

/// Whether the thread may pause, and how it is woken when it no longer may.
#[derive(Debug, Default)]
pub(super) struct Doze {
    allowed: AtomicBool,
    paused: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Doze {
    /// Says which thread pauses. Once, before anybody allows it to.
    pub(super) fn serve(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    /// Allows pauses, or ends them at once.
    pub(super) fn allow(&self, allowed: bool) {
        self.allowed.store(allowed, Ordering::Release);
        if !allowed && let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Pauses the calling thread, if it may.
    pub(super) fn pause(&self, longest: Duration) {
        if self.allowed.load(Ordering::Acquire) {
            self.paused.store(true, Ordering::Relaxed);
            std::thread::park_timeout(longest);
        }
    }

    /// Whether there was a pause since this was asked last.
    pub(super) fn take_paused(&self) -> bool {
        self.paused.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn who_may_pauses_as_long_as_was_said() {
        let doze = Doze::default();
        doze.allow(true);
        let clock = Clock::system();
        let begun = clock.now();
        doze.pause(Duration::from_millis(20));
        assert!(clock.now() - begun >= Duration::from_millis(20));
        assert_eq!([doze.take_paused(), doze.take_paused()], [true, false]);
    }

    #[test]
    fn who_may_not_does_not_and_is_woken() {
        let doze = Arc::new(Doze::default());
        let (turns, turned) = mpsc::channel();
        let paused = doze.clone();
        doze.allow(true);
        let work = move || {
            for _ in 0..3 {
                turns.send(()).unwrap();
                paused.pause(Duration::MAX);
            }
        };
        let thread = std::thread::Builder::new().spawn(work).unwrap();
        doze.serve(thread.thread().clone());
        turned.recv().unwrap();
        doze.allow(false);
        turned.recv().unwrap();
        turned.recv().unwrap();
        thread.join().unwrap();
        doze.take_paused();
        doze.pause(Duration::MAX);
        assert!(!doze.take_paused());
    }
}
