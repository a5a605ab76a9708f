//! The emergency-stop latch on disk: a restart, wanted or not, does not release it.
//!
//! One small text file. Its first line is `latched` or `released`; on `latched` the second line is the reason and the third
//! since when (RFC 3339). It is replaced as a whole (written beside, synced, renamed), so that a crash leaves the old state
//! or the new one.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use crate::{
    clock::Clock,
    protocol::server::timestamp,
    safety::{EmergencyStop, StopSource},
};

/// The latch as it was when the bridge last ended.
///
/// What cannot be read counts as latched, and says why. One that does not say since when is taken to begin now.
pub fn restore(directory: &Path, clock: &Clock) -> Option<EmergencyStop> {
    let path = directory.join(NAME);
    let (source, reason) = match fs::read_to_string(&path) {
        Ok(text) => match text.split_once('\n') {
            Some(("released", _)) => return None,
            Some(("latched", rest)) => {
                let (reason, since) = rest.split_once('\n').unwrap_or((rest, ""));
                (
                    StopSource::Restored { unix: time(since).unwrap_or_else(|| clock.unix()) },
                    // Once, however often the bridge has restarted.
                    format!("{BEFORE}{}", reason.trim().trim_start_matches(BEFORE)),
                )
            }
            _ => (StopSource::StateUnreadable, format!("{} is damaged", path.display())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => (StopSource::StateUnreadable, format!("{}: {error}", path.display())),
    };
    Some(EmergencyStop { source, by: None, since: clock.now(), reason })
}

/// When it was latched, also if that was before the bridge started; wall time since the Unix epoch.
pub fn began(stop: &EmergencyStop, clock: &Clock) -> Duration {
    match stop.source {
        StopSource::Restored { unix } => unix,
        _ => clock.unix_at(stop.since),
    }
}

/// Creates the directory and proves that the latch, and some of the audit log, can be kept there; the error names the path.
pub fn prepare(directory: &Path) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("state_directory {}: {error}", directory.display()))
    };
    fs::create_dir_all(directory).map_err(named)?;
    let probe = directory.join(".probe");
    fs::write(&probe, [0; PROBE]).and_then(|()| fs::remove_file(&probe)).map_err(named)
}

/// Keeps the file as the latch is. What cannot be written is logged once, and tried again twice a second.
pub async fn keep(
    directory: PathBuf,
    mut latched: watch::Receiver<Option<EmergencyStop>>,
    clock: Clock,
) {
    let mut failing = false;
    while latched.changed().await.is_ok() {
        loop {
            let text = match &*latched.borrow_and_update() {
                Some(stop) => {
                    let since = timestamp(began(stop, &clock));
                    format!("latched\n{}\n{since}\n", stop.reason.replace('\n', " "))
                }
                None => "released\n".to_owned(),
            };
            let directory = directory.clone();
            let written = spawn_blocking(move || write(&directory, &text)).await;
            match written.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
                Ok(()) => break,
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(%error, "the emergency-stop latch cannot be written: it may not outlive a crash");
                }
                Err(_) => {}
            }
            sleep(RETRY).await;
        }
        if std::mem::take(&mut failing) {
            tracing::info!("the emergency-stop latch was written");
        }
    }
}

/// What [`timestamp`] wrote.
fn time(text: &str) -> Option<Duration> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    u64::try_from(time.as_microsecond()).ok().map(Duration::from_micros)
}

fn write(directory: &Path, text: &str) -> io::Result<()> {
    let path = directory.join(NAME);
    let beside = directory.join(format!("{NAME}.new"));
    let mut file = File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, &path)?;
    File::open(directory)?.sync_all()
}

const NAME: &str = "emergency_stop";

const BEFORE: &str = "Latched before the bridge restarted: ";

/// So that it is kept within a second of there being room again.
const RETRY: Duration = Duration::from_millis(500);

/// Bytes; a full disk takes an empty file.
const PROBE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_750_000_000);
    const RESTORED: StopSource = StopSource::Restored { unix: NOW };

    fn check(content: Option<&[u8]>, expected: Option<(StopSource, &str)>) {
        let directory = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(directory.path().join(NAME), content).unwrap();
        }
        let restored = restore(directory.path(), &Clock::with_wall(|| NOW));
        match (restored, expected) {
            (None, None) => {}
            (Some(stop), Some((source, reason))) => {
                assert_eq!(stop.source, source);
                assert!(stop.reason.contains(reason), "{}", stop.reason);
            }
            (restored, expected) => panic!("{restored:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn what_cannot_be_read_counts_as_latched() {
        check(None, None);
        check(Some(b"released\n"), None);
        check(Some(b"latched\nPressed by lan\n"), Some((RESTORED, "Pressed by lan")));
        check(Some(b"latched\nPressed by lan\nlately\n"), Some((RESTORED, "Pressed by lan")));
        check(Some(b"latched"), Some((StopSource::StateUnreadable, "damaged")));
        check(Some(b""), Some((StopSource::StateUnreadable, "damaged")));
        check(Some(b"relea"), Some((StopSource::StateUnreadable, "damaged")));
        check(Some(b"\xff\xfe\n"), Some((StopSource::StateUnreadable, "UTF-8")));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_kept_is_restored_with_its_time_through_any_number_of_restarts() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::virtual_from(NOW);
        let keep = |stop: Option<EmergencyStop>| {
            let (latched, receiver) = watch::channel(None);
            let kept = tokio::spawn(keep(directory.path().to_owned(), receiver, clock.clone()));
            latched.send_replace(stop);
            async {
                // Looks at the newest once more before it sees that there will be none.
                drop(latched);
                kept.await.unwrap();
            }
        };
        sleep(Duration::from_secs(5)).await;
        let since = clock.now();
        sleep(Duration::from_secs(5)).await;
        keep(Some(pressed(since))).await;
        for _ in 0..2 {
            let restarted = Clock::virtual_from(clock.unix() + Duration::from_secs(60));
            let stop = restore(directory.path(), &restarted).unwrap();
            assert_eq!(stop.source, StopSource::Restored { unix: NOW + since });
            assert_eq!(stop.reason, "Latched before the bridge restarted: Pressed by lan");
            assert_eq!(stop.since, restarted.now());
            assert_eq!(began(&stop, &restarted), NOW + since);
            keep(Some(stop)).await;
        }
        keep(None).await;
        assert_eq!(restore(directory.path(), &clock), None);
    }

    fn pressed(since: Duration) -> EmergencyStop {
        let reason = "Pressed by lan".to_owned();
        EmergencyStop { source: StopSource::Web, by: None, since, reason }
    }

    #[test]
    fn a_directory_that_cannot_keep_it_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = prepare(&file.join("state")).unwrap_err().to_string();
        assert!(error.contains("state_directory") && error.contains("file/state"), "{error}");
        prepare(&directory.path().join("a/b")).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_disk_keeps_it_within_a_second_of_having_room_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_owned();
        let beside = path.join(format!("{NAME}.new"));
        std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
        let (latched, receiver) = watch::channel(None);
        let clock = Clock::virtual_from(NOW);
        tokio::spawn(keep(path.clone(), receiver, clock.clone()));
        latched.send_replace(Some(pressed(Duration::ZERO)));
        sleep(Duration::from_secs_f64(3.3)).await;
        assert_eq!(restore(&path, &clock), None, "there was no room");
        fs::remove_file(&beside).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert!(restore(&path, &clock).unwrap().reason.contains("Pressed by lan"));
    }
}
