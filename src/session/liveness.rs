//! Proof that the client is there: pings that it answers, and how fresh the newest answer is.
//!
//! A command is believed only behind a fresh pong: TCP keeps the order, so what comes behind the answer to a ping is
//! younger than that ping. What sat in a network for seconds is thereby known to be old.

use std::{collections::VecDeque, time::Duration};

use crate::auth::Role;

/// A ping's payload: its number, big-endian.
pub type Payload = [u8; 8];

/// The pings of one connection.
#[derive(Debug)]
pub struct Liveness {
    numbered: u64,
    /// Number and time of pings that were not answered yet, oldest first.
    under_way: VecDeque<(u64, Duration)>,
    /// When the newest ping that was answered had been sent.
    proved: Option<Duration>,
    /// When the newest pong came.
    answered: Duration,
    next: Duration,
}

impl Liveness {
    /// A connection that begins at `now`; its first ping is due at once.
    pub fn new(now: Duration) -> Liveness {
        Liveness { numbered: 0, under_way: VecDeque::new(), proved: None, answered: now, next: now }
    }

    /// When the next ping is due.
    pub fn due(&self) -> Duration {
        self.next
    }

    /// A new ping at `now`, and the next one after `interval`.
    pub fn ping(&mut self, interval: Duration, now: Duration) -> Payload {
        self.numbered += 1;
        if self.under_way.len() == MOST {
            self.under_way.pop_front();
        }
        self.under_way.push_back((self.numbered, now));
        self.next = now + interval;
        self.numbered.to_be_bytes()
    }

    /// A pong came. One that answers no ping of ours proves nothing.
    pub fn pong(&mut self, payload: &[u8], now: Duration) {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else { return };
        let Some(at) = self.under_way.iter().position(|(known, _)| *known == number) else {
            return;
        };
        self.proved = Some(self.under_way[at].1);
        self.under_way.drain(..=at);
        self.answered = now;
    }

    /// A ping is wanted now.
    pub fn hurry(&mut self, now: Duration) {
        self.next = self.next.min(now);
    }

    /// Whether what comes now was sent less than `age` ago.
    pub fn is_fresh(&self, age: Duration, now: Duration) -> bool {
        self.proved.is_some_and(|sent| now.saturating_sub(sent) <= age)
    }

    /// When a client that answers nothing more has been silent for `timeout`, counted from `since` at the earliest.
    pub fn silent_at(&self, since: Duration, timeout: Duration) -> Duration {
        self.answered.max(since) + timeout
    }
}

/// Time between pings: often to those who might drive, more often to who does.
pub fn interval(heartbeat: Duration, role: Role, driving: bool) -> Duration {
    let interval = match role {
        _ if driving => PING_DRIVER,
        Role::Viewer => heartbeat,
        Role::Operator | Role::Administrator => PING_OPERATOR,
    };
    interval.min(heartbeat)
}

const PING_DRIVER: Duration = Duration::from_millis(200);
const PING_OPERATOR: Duration = Duration::from_secs(1);

/// A motion is believed behind the answer to a ping that is at most this old.
pub const FRESH: Duration = Duration::from_millis(1500);

/// Pings remembered; at five a second, more than any answer may take.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_pong_proves_the_time_of_its_ping_and_not_of_its_arrival() {
        let mut link = Liveness::new(ms(0));
        assert!(!link.is_fresh(ms(1500), ms(0)), "nothing was answered yet");
        let first = link.ping(ms(1000), ms(0));
        link.pong(&first, ms(900));
        assert!(link.is_fresh(ms(1500), ms(1500)));
        assert!(!link.is_fresh(ms(1500), ms(1501)));
    }

    #[test]
    fn a_newer_pong_answers_for_the_older_pings_and_none_counts_twice() {
        let mut link = Liveness::new(ms(0));
        let first = link.ping(ms(200), ms(0));
        let second = link.ping(ms(200), ms(200));
        link.pong(&second, ms(210));
        link.pong(&first, ms(5000));
        link.pong(&second, ms(5000));
        assert!(!link.is_fresh(ms(1500), ms(5000)));
        assert_eq!(link.silent_at(ms(0), ms(600)), ms(810));
    }

    #[test]
    fn a_pong_that_answers_nothing_proves_nothing() {
        let mut link = Liveness::new(ms(0));
        link.ping(ms(200), ms(0));
        for payload in [&b""[..], b"1234567", b"12345678", b"123456789", &7u64.to_be_bytes()] {
            link.pong(payload, ms(10));
        }
        assert!(!link.is_fresh(ms(1500), ms(10)));
    }

    #[test]
    fn pings_that_are_never_answered_do_not_pile_up() {
        let mut link = Liveness::new(ms(0));
        for n in 0..1000 {
            link.ping(ms(200), ms(200 * n));
        }
        assert_eq!(link.under_way.len(), MOST);
    }
}
