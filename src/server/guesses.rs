//! How many bad tokens an address may show before its next ones are turned away at the door.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

/// Counts bad tokens by address; bounded, and of no consequence for good ones.
pub struct Guesses {
    /// In a minute that begins with the first; 0: as many as they like.
    most: u32,
    addresses: HashMap<IpAddr, Record>,
}

/// A bad token that is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// For so long bad tokens from there are refused.
    pub wait: Duration,
    /// The first of this minute: worth a line in the log.
    pub news: bool,
}

struct Record {
    since: Duration,
    count: u32,
    refused: bool,
}

impl Guesses {
    /// Allows so many a minute from one address; 0 turns the count off.
    pub fn new(most: u32) -> Guesses {
        Guesses { most, addresses: HashMap::new() }
    }

    /// A bad token came from there.
    pub fn note(&mut self, address: IpAddr, now: Duration) -> Result<(), TooMany> {
        if self.most == 0 {
            return Ok(());
        }
        self.make_room(now);
        let begin = || Record { since: now, count: 0, refused: false };
        let record = self.addresses.entry(network(address)).or_insert_with(begin);
        if record.is_over(now) {
            *record = begin();
        }
        let news = !record.refused;
        if news && record.count < self.most {
            record.count += 1;
            return Ok(());
        }
        if news {
            // The minute of refusals begins here.
            (record.since, record.refused) = (now, true);
        }
        let wait = MINUTE.saturating_sub(now.saturating_sub(record.since));
        Err(TooMany { wait, news })
    }

    /// Forgets what is over; if that is not enough, the half that is known for longest.
    fn make_room(&mut self, now: Duration) {
        if self.addresses.len() < MOST_ADDRESSES {
            return;
        }
        self.addresses.retain(|_, record| !record.is_over(now));
        if self.addresses.len() < MOST_ADDRESSES {
            return;
        }
        let mut known: Vec<_> =
            self.addresses.iter().map(|(address, record)| (record.since, *address)).collect();
        let (older, _, _) = known.select_nth_unstable(MOST_ADDRESSES / 2);
        for (_, address) in older {
            self.addresses.remove(address);
        }
    }
}

impl Record {
    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= MINUTE
    }
}

/// What one customer of a provider gets: of IPv4 an address, of IPv6 64 bits of one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
        v4 => v4,
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// A few hundred kilobytes.
const MOST_ADDRESSES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000_000 + seconds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Bad tokens at these seconds; for each what is still to be waited, or nothing.
    fn check(most: u32, seconds: &[u64], expected: &[Option<u64>]) {
        let mut guesses = Guesses::new(most);
        let waits: Vec<_> = seconds
            .iter()
            .map(|second| guesses.note(address("192.0.2.1"), at(*second)))
            .map(|noted| noted.err().map(|too_many| too_many.wait.as_secs()))
            .collect();
        assert_eq!(waits, expected, "{most} a minute, at {seconds:?}");
    }

    #[test]
    fn more_than_so_many_in_a_minute_are_refused_for_a_minute() {
        check(3, &[0, 0, 0, 0], &[None, None, None, Some(60)]);
        check(3, &[0, 10, 20, 30, 31, 89], &[None, None, None, Some(60), Some(59), Some(1)]);
        check(1, &[0, 1, 61, 62], &[None, Some(60), None, Some(60)]);
        check(2, &[0, 59, 60, 61, 62], &[None, None, None, None, Some(60)]);
        check(0, &[0; 5], &[None; 5]);
    }

    #[test]
    fn it_is_news_once_a_minute() {
        let mut guesses = Guesses::new(1);
        let mut news =
            |second| guesses.note(address("192.0.2.1"), at(second)).err().map(|e| e.news);
        assert_eq!(news(0), None);
        assert_eq!([news(1), news(2), news(60)], [Some(true), Some(false), Some(false)]);
        assert_eq!([news(61), news(62)], [None, Some(true)]);
    }

    fn check_shared(one: &str, other: &str, shared: bool) {
        let mut guesses = Guesses::new(1);
        assert!(guesses.note(address(one), at(0)).is_ok());
        assert_eq!(guesses.note(address(other), at(0)).is_err(), shared, "{one} {other}");
    }

    #[test]
    fn an_ipv4_address_and_a_64_of_ipv6_are_one_source() {
        check_shared("192.0.2.1", "192.0.2.1", true);
        check_shared("192.0.2.1", "192.0.2.2", false);
        check_shared("192.0.2.1", "::ffff:192.0.2.1", true);
        check_shared("2001:db8::1", "2001:db8::ffff:0:0:1", true);
        check_shared("2001:db8::1", "2001:db8:0:1::1", false);
    }

    #[test]
    fn any_number_of_addresses_is_bounded_and_the_latest_are_known() {
        let mut guesses = Guesses::new(1);
        let nth = |n: u32| IpAddr::V4(n.into());
        for n in 0..100_000 {
            assert!(guesses.note(nth(n), at(0) + Duration::from_micros(n.into())).is_ok());
            assert!(guesses.addresses.len() <= MOST_ADDRESSES);
        }
        let recent = 100_000 - MOST_ADDRESSES as u32 / 2 + 1;
        for n in recent..100_000 {
            assert!(guesses.note(nth(n), at(1)).is_err(), "{n}");
        }
        assert!(guesses.note(nth(0), at(1)).is_ok(), "forgotten long ago");
    }

    #[test]
    fn what_is_over_makes_room_first() {
        let mut guesses = Guesses::new(1);
        for n in 0..MOST_ADDRESSES as u32 {
            let now = if n == 0 { at(59) } else { at(0) };
            assert!(guesses.note(IpAddr::V4(n.into()), now).is_ok());
        }
        assert!(guesses.note(address("192.0.2.1"), at(60)).is_ok());
        assert_eq!(guesses.addresses.len(), 2);
    }
}
