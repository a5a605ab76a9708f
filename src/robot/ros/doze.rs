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

    /// Pauses the calling thread, if it may, and says whether it did.
    pub(super) fn pause(&self, longest: Duration) -> bool {
        let allowed = self.allowed.load(Ordering::Acquire);
        if allowed {
            std::thread::park_timeout(longest);
        }
        allowed
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
        assert!(doze.pause(Duration::from_millis(20)));
        assert!(clock.now() - begun >= Duration::from_millis(20));
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
        assert!(!doze.pause(Duration::MAX));
    }
}
