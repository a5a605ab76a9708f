//! What is asked of all connections at once, so that none of them has to wake up for it: what each has counted, and whether its
//! token has come to its end by a wall clock that was set.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::sleep};

use super::Server;
use crate::{protocol::CloseReason, safety::ConnectionId, telemetry::metrics::Metrics};

/// Those who were let in and are still there.
#[derive(Default)]
pub struct Register {
    entries: Mutex<BTreeMap<ConnectionId, Registered>>,
    arrived: Notify,
}

/// A connection as the register knows it.
pub struct Registered {
    /// The end of its token, since the Unix epoch.
    pub expires_at: Duration,
    /// Its counts.
    pub counts: Arc<dyn Counts>,
}

/// Whoever counts by itself.
pub trait Counts: Send + Sync {
    /// Adds to `metrics` what was counted since the last call.
    fn hand_over(&self, metrics: &Metrics);
}

impl Register {
    /// A connection is there.
    pub fn enter(&self, connection: ConnectionId, entry: Registered) {
        self.entries().insert(connection, entry);
        self.arrived.notify_one();
    }

    /// Its token is a newer one, until then.
    pub fn renew(&self, connection: ConnectionId, expires_at: Duration) {
        if let Some(entry) = self.entries().get_mut(&connection) {
            entry.expires_at = expires_at;
        }
    }

    /// It is gone; one that never was there may say so too.
    pub fn leave(&self, connection: ConnectionId) {
        self.entries().remove(&connection);
    }

    /// Adds to `metrics` what all of them have counted so far.
    pub fn collect(&self, metrics: &Metrics) {
        for entry in self.entries().values() {
            entry.counts.hand_over(metrics);
        }
    }

    /// Those whose tokens ended at `unix` or before.
    fn expired(&self, unix: Duration) -> Vec<ConnectionId> {
        let entries = self.entries();
        let expired = entries.iter().filter(|(_, entry)| entry.expires_at <= unix);
        expired.map(|(connection, _)| *connection).collect()
    }

    /// Returns once somebody is there.
    async fn inhabited(&self) {
        while self.entries().is_empty() {
            self.arrived.notified().await;
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, Registered>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Closes connections whose tokens have come to their end by the wall clock, for ever. By the time that was left at login
    /// they end by themselves; this is for a clock that was set.
    pub(super) async fn end_expired(&self) {
        loop {
            self.0.register.inhabited().await;
            sleep(EVERY).await;
            for connection in self.0.register.expired(self.time().unix) {
                self.hub().close(connection, CloseReason::TokenExpired);
            }
        }
    }
}

/// Half of what is promised, so that a busy machine keeps the promise too.
const EVERY: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::telemetry::vitals::Vitals;

    struct Bytes(u64);

    impl Counts for Bytes {
        fn hand_over(&self, metrics: &Metrics) {
            metrics.sent_bytes(self.0);
        }
    }

    fn register() -> Register {
        let register = Register::default();
        for (number, expires_at, bytes) in [(1, 100, 10), (2, 300, 200), (3, 200, 3000)] {
            let expires_at = Duration::from_secs(expires_at);
            let entry = Registered { expires_at, counts: Arc::new(Bytes(bytes)) };
            register.enter(ConnectionId(number), entry);
        }
        register
    }

    #[test]
    fn a_token_ends_at_its_time_and_a_newer_one_later() {
        let register = register();
        let expired = |seconds| {
            let expired = register.expired(Duration::from_secs(seconds));
            expired.into_iter().map(|connection| connection.0).collect::<Vec<_>>()
        };
        assert_eq!([expired(99), expired(100), expired(200)], [vec![], vec![1], vec![1, 3]]);
        register.renew(ConnectionId(1), Duration::from_secs(250));
        register.renew(ConnectionId(4), Duration::from_secs(0));
        assert_eq!([expired(200), expired(250)], [vec![3], vec![1, 3]]);
        register.leave(ConnectionId(3));
        assert_eq!(expired(1000), [1, 2]);
    }

    #[test]
    fn who_is_there_is_counted() {
        let (register, metrics) = (register(), Metrics::new());
        register.leave(ConnectionId(2));
        register.leave(ConnectionId(4));
        register.collect(&metrics);
        let text = metrics.text(&Vitals::unknown());
        assert!(text.contains("oht50_bridge_sent_bytes_total 3010\n"), "{text}");
    }

    #[test]
    fn where_nobody_is_nobody_is_looked_after() {
        let register = register();
        assert!(register.inhabited().now_or_never().is_some());
        (1..=3).for_each(|number| register.leave(ConnectionId(number)));
        assert!(register.inhabited().now_or_never().is_none());
    }
}
