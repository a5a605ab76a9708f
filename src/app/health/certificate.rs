//! The certificate's health: whether it is valid, for how long, and whether its files can be used.

use std::time::Duration;

use crate::{
    server::{Certificate, Standing},
    telemetry::vitals::{Level, Part},
};

/// Never a failure: whoever is connected can drive, and the next file mends it. `unix` is the time now.
pub fn part(certificate: Option<&Certificate>, unix: Duration) -> Part {
    let mut values = vec![("tls", certificate.is_some().to_string())];
    let (level, message) = match certificate {
        Some(certificate) => {
            measure(certificate, unix, &mut values);
            judge(certificate, unix)
        }
        None => (Level::Ok, "No TLS".to_owned()),
    };
    Part { name: "certificate", level, message, values }
}

fn judge(certificate: &Certificate, unix: Duration) -> (Level, String) {
    let Certificate { validity, refusal, .. } = certificate;
    if let Some(complaint) = validity.and_then(|validity| validity.complaint(unix)) {
        return (Level::Warn, format!("The certificate {complaint}"));
    }
    if refusal.is_some() {
        return (Level::Warn, "The certificate's files cannot be used".to_owned());
    }
    match validity {
        Some(validity) if left(validity.end(), unix) < LATE.min(validity.length() / LATE_PART) => {
            (Level::Warn, format!("The certificate ends soon: {}", validity.not_after))
        }
        Some(validity) => (Level::Ok, format!("Valid until {}", validity.not_after)),
        None => (Level::Ok, "Until when it is valid cannot be read".to_owned()),
    }
}

fn measure(certificate: &Certificate, unix: Duration, values: &mut Vec<(&'static str, String)>) {
    let Certificate { file, standing, validity, refusal } = certificate;
    let standing = match standing {
        Standing::Loaded => "loaded",
        Standing::Reloaded => "reloaded",
        Standing::Stale => "stale",
    };
    values.push(("file", file.display().to_string()));
    values.push(("standing", standing.to_owned()));
    if let Some(validity) = validity {
        values.push(("not_after", validity.not_after.to_string()));
        values.push(("days_left", format!("{:.1}", left(validity.end(), unix) / DAY)));
    }
    values.extend(refusal.iter().map(|refusal| ("error", refusal.clone())));
}

/// Seconds; negative once it has ended.
fn left(end: f64, unix: Duration) -> f64 {
    end - unix.as_secs_f64()
}

/// A day in s.
const DAY: f64 = 86_400.0;

/// Renewal is late if so much is left, or so small a part of the whole: some certificates last a day.
const LATE: f64 = 14.0 * DAY;
const LATE_PART: f64 = 4.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Validity;

    fn certificate(from: &str, to: &str, refusal: Option<&str>) -> Certificate {
        let at = |date: &str| format!("{date}:00:00Z").parse().unwrap();
        Certificate {
            file: "/etc/robot.pem".into(),
            standing: if refusal.is_some() { Standing::Stale } else { Standing::Reloaded },
            validity: Some(Validity { not_before: at(from), not_after: at(to) }),
            refusal: refusal.map(str::to_owned),
        }
    }

    /// On 2025-06-30 at noon.
    fn at_noon(certificate: Option<&Certificate>) -> Part {
        part(certificate, Duration::from_secs(1_751_284_800))
    }

    fn check(from: &str, to: &str, refusal: Option<&str>, expected: (Level, &str, &str)) {
        let (level, message, days_left) = expected;
        let part = at_noon(Some(&certificate(from, to, refusal)));
        assert_eq!((part.level, part.message.as_str()), (level, message));
        let value = |key| {
            let found = part.values.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| value.as_str())
        };
        assert_eq!(value("file"), Some("/etc/robot.pem"));
        assert_eq!(value("days_left"), Some(days_left));
        assert_eq!(value("error"), refusal);
        assert_eq!(value("standing") == Some("stale"), refusal.is_some());
        assert!(part.is_ready());
    }

    #[test]
    #[rustfmt::skip]
    fn it_is_said_in_time_that_it_ends_and_that_its_files_cannot_be_used() {
        use Level::{Ok, Warn};
        check("2025-01-01T00", "2026-01-01T00", None, (Ok, "Valid until 2026-01-01T00:00:00Z", "184.5"));
        check("2025-01-01T00", "2025-07-14T13", None, (Ok, "Valid until 2025-07-14T13:00:00Z", "14.0"));
        check("2025-01-01T00", "2025-07-14T11", None, (Warn, "The certificate ends soon: 2025-07-14T11:00:00Z", "14.0"));
        check("2025-06-30T00", "2025-07-01T00", None, (Ok, "Valid until 2025-07-01T00:00:00Z", "0.5"));
        check("2025-06-29T18", "2025-06-30T17", None, (Warn, "The certificate ends soon: 2025-06-30T17:00:00Z", "0.2"));
        check("2025-01-01T00", "2025-06-30T00", None, (Warn, "The certificate has expired: it was valid until 2025-06-30T00:00:00Z", "-0.5"));
        check("2025-07-01T00", "2025-09-01T00", None, (Warn, "The certificate is not valid yet, but from 2025-07-01T00:00:00Z", "62.5"));
        check("2025-01-01T00", "2026-01-01T00", Some("half a key"), (Warn, "The certificate's files cannot be used", "184.5"));
    }

    #[test]
    fn without_tls_and_with_dates_that_cannot_be_read_there_is_nothing_to_say() {
        assert_eq!(at_noon(None).message, "No TLS");
        let unread =
            Certificate { validity: None, ..certificate("2025-01-01T00", "2026-01-01T00", None) };
        let part = at_noon(Some(&unread));
        assert_eq!(part.level, Level::Ok);
        assert_eq!(part.values.len(), 3);
    }
}
