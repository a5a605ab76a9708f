//! What one connection is handed apart from its streams: a bounded queue that costs nothing while it is empty.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::Delivery;

/// Between the hub and one connection, who alone takes from it.
#[derive(Default)]
pub struct Mailbox {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Delivery>,
    overflowed: bool,
}

/// A delivery did not fit: the connection is too slow and must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

impl Mailbox {
    /// The next delivery, oldest first; at once [`Overflow`], and then again what is there. Cancel safe.
    pub async fn next(&self) -> Result<Delivery, Overflow> {
        loop {
            {
                let mut state = self.lock();
                if std::mem::take(&mut state.overflowed) {
                    return Err(Overflow);
                }
                if let Some(delivery) = state.queue.pop_front() {
                    if state.queue.is_empty() {
                        state.queue = VecDeque::new();
                    }
                    return Ok(delivery);
                }
            }
            self.news.notified().await;
        }
    }

    pub(super) fn put(&self, delivery: Delivery) {
        let mut state = self.lock();
        if state.queue.len() < MOST {
            state.queue.push_back(delivery);
        } else {
            state.overflowed = true;
        }
        drop(state);
        self.news.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deliveries that a connection may have outstanding.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn next(mailbox: &Mailbox) -> Option<Result<bool, Overflow>> {
        let next = mailbox.next().now_or_never()?;
        Some(next.map(|delivery| matches!(delivery, Delivery::Control(true))))
    }

    #[test]
    fn deliveries_come_in_their_order_and_an_overflow_before_them() {
        let mailbox = Mailbox::default();
        assert_eq!(next(&mailbox), None);
        mailbox.put(Delivery::Control(true));
        mailbox.put(Delivery::Control(false));
        assert_eq!(next(&mailbox), Some(Ok(true)));
        assert_eq!(next(&mailbox), Some(Ok(false)));
        assert_eq!(next(&mailbox), None);
        for number in 0..=MOST {
            mailbox.put(Delivery::Control(number == 0));
        }
        assert_eq!(next(&mailbox), Some(Err(Overflow)));
        assert_eq!(next(&mailbox), Some(Ok(true)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_delivery_is_waited_for() {
        let mailbox = Mailbox::default();
        let waiting = mailbox.next();
        let put = async {
            tokio::task::yield_now().await;
            mailbox.put(Delivery::Control(true));
        };
        let (delivery, ()) = tokio::join!(waiting, put);
        assert!(matches!(delivery, Ok(Delivery::Control(true))));
    }
}
