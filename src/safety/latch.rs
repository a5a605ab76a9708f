//! The lane that stops take: it bypasses every queue and cannot overflow.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

use super::{Caller, ConnectionId, LinkLoss};

#[cfg(test)]
mod tests;

/// The handle by which a reader stops the robot before anything else is looked at.
///
/// Calls never block, never fail and are idempotent: what is waiting is a set of callers, so a flood from one
/// connection is one entry and the set is bounded by the connection pool. The owner of the Gate
/// [`wait`](StopLatch::wait)s, [`take`](StopLatch::take)s, publishes zero, and reports it by
/// [`served`](StopLatch::served).
#[derive(Clone, Default)]
pub struct StopLatch(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    notify: Notify,
    served: watch::Sender<u64>,
}

/// What the latch holds for the owner of the Gate.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Who asked for an emergency stop; the first one counts as its cause.
    pub emergency_stops: Vec<Caller>,
    /// The ROS service was called for one.
    pub called: bool,
    /// The robot's own emergency stop was pressed, however briefly.
    pub pressed: bool,
    /// Who asked for a stop.
    pub stops: Vec<Caller>,
    /// One of them may have asked just now: no network is known to have held it back.
    pub attended: bool,
    /// Connections that are gone, and why.
    pub lost: Vec<(ConnectionId, LinkLoss)>,
    /// Sequence number of the newest stop in here; what was parsed before it is void.
    pub sequence: u64,
}

impl StopLatch {
    /// Latches the emergency stop; returns the number that [`served`](StopLatch::served) will reach once zero is out.
    pub fn emergency_stop(&self, caller: Caller) -> u64 {
        self.put(|waiting| {
            remember(&mut waiting.emergency_stops, caller);
            waiting.sequence += 1;
        })
    }

    /// The same, by the ROS service.
    pub fn emergency_stop_by_service(&self) -> u64 {
        self.put(|waiting| {
            waiting.called = true;
            waiting.sequence += 1;
        })
    }

    /// The same, by the robot's own emergency stop.
    pub fn emergency_stop_by_hardware(&self) -> u64 {
        self.put(|waiting| {
            waiting.pressed = true;
            waiting.sequence += 1;
        })
    }

    /// Ends the motion; returns the number that [`served`](StopLatch::served) will reach once zero is out.
    /// `fresh`: no network is known to have held it back.
    pub fn stop(&self, caller: Caller, fresh: bool) -> u64 {
        self.put(|waiting| {
            remember(&mut waiting.stops, caller);
            waiting.attended |= fresh;
            waiting.sequence += 1;
        })
    }

    /// Opens the link of a connection; its loss, however it comes, reaches the owner of the Gate.
    pub fn link(&self, connection: ConnectionId) -> Link {
        let alive =
            Alive(Arc::new(Life { there: AtomicBool::new(true), heard: AtomicU64::new(0) }));
        Link { latch: self.clone(), connection, alive }
    }

    /// Number of the newest stop: a command that carries a smaller number than a stop is older than that stop.
    pub fn sequence(&self) -> u64 {
        self.lock().sequence
    }

    /// Returns when something is waiting. Called by the owner of the Gate.
    pub async fn wait(&self) {
        self.0.notify.notified().await;
    }

    /// Takes what is waiting. Called by the owner of the Gate.
    pub fn take(&self) -> Waiting {
        let mut waiting = self.lock();
        let sequence = waiting.sequence;
        std::mem::replace(&mut *waiting, Waiting { sequence, ..Waiting::default() })
    }

    /// A new number without a stop, to void what was parsed until now.
    pub fn mark(&self) -> u64 {
        let mut waiting = self.lock();
        waiting.sequence += 1;
        waiting.sequence
    }

    /// Says that zero was published for every stop up to `sequence`.
    pub fn serve(&self, sequence: u64) {
        self.0.served.send_replace(sequence);
    }

    /// The number of the newest stop for which zero was published.
    pub fn served(&self) -> watch::Receiver<u64> {
        self.0.served.subscribe()
    }

    fn put(&self, change: impl FnOnce(&mut Waiting)) -> u64 {
        let mut waiting = self.lock();
        change(&mut waiting);
        let sequence = waiting.sequence;
        drop(waiting);
        self.0.notify.notify_one();
        sequence
    }

    /// A panic elsewhere must not take the stop away: a poisoned lock is used as it is.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The link of one connection. Losing it, or dropping it, ends the motion it commanded.
pub struct Link {
    latch: StopLatch,
    connection: ConnectionId,
    alive: Alive,
}

/// Whether the link that a command came by is still there, and when its client spoke last; cheap to clone.
#[derive(Debug, Clone)]
pub struct Alive(Arc<Life>);

#[derive(Debug)]
struct Life {
    there: AtomicBool,
    /// Milliseconds, monotonic.
    heard: AtomicU64,
}

impl Link {
    /// Marks the link as lost, once. Commands that are still on their way are void from here on.
    pub fn lose(&self, cause: LinkLoss) {
        if self.alive.0.there.swap(false, Ordering::SeqCst) {
            self.latch.put(|waiting| waiting.lost.push((self.connection, cause)));
        }
    }

    /// Reports that the client does not answer, though its connection may still be there: it loses control.
    pub fn silent(&self) {
        let loss = (self.connection, LinkLoss::Silent);
        self.latch.put(|waiting| {
            if !waiting.lost.contains(&loss) {
                waiting.lost.push(loss);
            }
        });
    }

    /// The client said something at `now`.
    pub fn hear(&self, now: Duration) {
        let milliseconds = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.alive.0.heard.store(milliseconds, Ordering::Relaxed);
    }

    /// To travel with each command.
    pub fn alive(&self) -> Alive {
        self.alive.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.lose(LinkLoss::Closed);
    }
}

impl Alive {
    /// Whether the link is still there.
    pub fn get(&self) -> bool {
        self.0.there.load(Ordering::SeqCst)
    }

    /// When the client spoke last.
    pub fn heard(&self) -> Duration {
        Duration::from_millis(self.0.heard.load(Ordering::Relaxed))
    }
}

fn remember(callers: &mut Vec<Caller>, caller: Caller) {
    if !callers.iter().any(|known| known.connection == caller.connection) {
        callers.push(caller);
    }
}
