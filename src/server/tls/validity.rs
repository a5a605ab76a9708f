//! From when to when a certificate is valid: the one thing of X.509 that is told to people before a handshake fails.

use std::{fmt, time::Duration};

use jiff::{Timestamp, civil, tz::TimeZone};

/// Both ends belong to it (RFC 5280 section 4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first moment.
    pub not_before: Timestamp,
    /// The last moment.
    pub not_after: Timestamp,
}

/// Why a certificate is of no use now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// Since then.
    Expired(Timestamp),
    /// Until then.
    NotYetValid(Timestamp),
}

impl Validity {
    /// Of a certificate in DER; `None` where it cannot be read.
    pub fn of(certificate: &[u8]) -> Option<Validity> {
        let mut to_be_signed = Der(certificate).enter(SEQUENCE)?.enter(SEQUENCE)?;
        if to_be_signed.0.first() == Some(&VERSION) {
            to_be_signed.take()?;
        }
        for _serial_number_signature_issuer in 0..3 {
            to_be_signed.take()?;
        }
        let mut validity = to_be_signed.enter(SEQUENCE)?;
        Some(Validity { not_before: validity.time()?, not_after: validity.time()? })
    }

    /// What is wrong with it at this time since the Unix epoch.
    pub fn complaint(&self, unix: Duration) -> Option<Complaint> {
        let now = Timestamp::from_second(unix.as_secs().try_into().ok()?).ok()?;
        if now > self.not_after {
            Some(Complaint::Expired(self.not_after))
        } else if now < self.not_before {
            Some(Complaint::NotYetValid(self.not_before))
        } else {
            None
        }
    }

    /// Its last moment as Unix time, s.
    pub fn end(&self) -> f64 {
        self.not_after.as_duration().as_secs_f64()
    }

    /// From its first moment to its last, s.
    pub fn length(&self) -> f64 {
        self.end() - self.not_before.as_duration().as_secs_f64()
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Complaint::Expired(at) => write!(f, "has expired: it was valid until {at}"),
            Complaint::NotYetValid(from) => write!(f, "is not valid yet, but from {from}"),
        }
    }
}

/// Elements of DER (X.690), one behind the other.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element: its tag and its content.
    fn take(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], mut rest) = self.0.split_first_chunk()?;
        let mut length = usize::from(length);
        if length >= LONG {
            let (digits, behind) = rest.split_at_checked(length - LONG)?;
            if digits.len() > 4 {
                return None;
            }
            length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            rest = behind;
        }
        let (content, behind) = rest.split_at_checked(length)?;
        self.0 = behind;
        Some((tag, content))
    }

    /// What is inside of the next element.
    fn enter(&mut self, tag: u8) -> Option<Der<'a>> {
        self.take().filter(|(found, _)| *found == tag).map(|(_, content)| Der(content))
    }

    fn time(&mut self) -> Option<Timestamp> {
        let (tag, content) = self.take()?;
        let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i16 = year.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let part = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
        let (date, time) = ((part(0)?, part(2)?), (part(4)?, part(6)?, part(8)?));
        let moment = civil::DateTime::new(year, date.0, date.1, time.0, time.1, time.2, 0).ok()?;
        (rest.len() == 10).then(|| TimeZone::UTC.to_timestamp(moment).ok())?
    }
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// From here on a length has digits of its own, this many less.
const LONG: usize = 0x80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(from: i32, to: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(["robot.test".to_owned()]).unwrap();
        (params.not_before, params.not_after) =
            (date_time_ymd(from, 1, 2), date_time_ymd(to, 3, 4));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn check(from: i32, to: i32) {
        let validity = Validity::of(&certificate(from, to)).unwrap();
        assert_eq!(validity.not_before.to_string(), format!("{from}-01-02T00:00:00Z"));
        assert_eq!(validity.not_after.to_string(), format!("{to}-03-04T00:00:00Z"));
    }

    #[test]
    fn both_ends_are_read_in_both_forms() {
        check(1975, 2049);
        check(2024, 2050);
        check(2051, 4096);
    }

    #[test]
    fn a_complaint_names_the_date() {
        let validity = Validity::of(&certificate(2024, 2026)).unwrap();
        let at = |date: &str| {
            let seconds = format!("{date}T00:00:00Z").parse::<Timestamp>().unwrap().as_second();
            let complaint = validity.complaint(Duration::from_secs(seconds as u64));
            complaint.map(|complaint| complaint.to_string())
        };
        assert_eq!(at("2024-01-01").unwrap(), "is not valid yet, but from 2024-01-02T00:00:00Z");
        assert_eq!(at("2024-01-02"), None);
        assert_eq!(at("2026-03-04"), None);
        let expired = "has expired: it was valid until 2026-03-04T00:00:00Z";
        assert_eq!(at("2026-03-05").unwrap(), expired);
    }

    #[test]
    fn what_is_cut_off_is_no_certificate() {
        let whole = certificate(2024, 2026);
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Validity::of(&bytes);
            let _ = Der(&bytes).time();
        }

        #[test]
        fn a_changed_byte_is_no_harm(at in 0..200_usize, byte in any::<u8>()) {
            let mut certificate = certificate(2024, 2026);
            certificate[at] = byte;
            let _ = Validity::of(&certificate);
        }
    }
}
