//! The emergency-stop latch on disk: a restart, wanted or not, does not release it.
//!
//! One small text file. Its first line is `latched` or `released`; on `latched` the second line is the reason. It is
//! replaced as a whole (written beside, synced, renamed), so that a crash leaves the old state or the new one.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::watch, task::spawn_blocking, time::sleep};

use crate::safety::{EmergencyStop, StopSource};

/// The latch as it was when the bridge last ended; `now` becomes its beginning.
///
/// What cannot be read counts as latched, and says why.
pub fn restore(directory: &Path, now: Duration) -> Option<EmergencyStop> {
    let path = directory.join(NAME);
    let (source, reason) = match fs::read_to_string(&path) {
        Ok(text) => match text.split_once('\n') {
            Some(("released", _)) => return None,
            Some(("latched", reason)) => (
                StopSource::Restored,
                format!("Latched before the bridge restarted: {}", reason.trim()),
            ),
            _ => (StopSource::StateUnreadable, format!("{} is damaged", path.display())),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => (StopSource::StateUnreadable, format!("{}: {error}", path.display())),
    };
    Some(EmergencyStop { source, by: None, since: now, reason })
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
pub async fn keep(directory: PathBuf, mut latched: watch::Receiver<Option<EmergencyStop>>) {
    let mut failing = false;
    while latched.changed().await.is_ok() {
        loop {
            let text = match &*latched.borrow_and_update() {
                Some(stop) => format!("latched\n{}\n", stop.reason.replace('\n', " ")),
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

/// So that it is kept within a second of there being room again.
const RETRY: Duration = Duration::from_millis(500);

/// Bytes; a full disk takes an empty file.
const PROBE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: Option<&[u8]>, expected: Option<(StopSource, &str)>) {
        let directory = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(directory.path().join(NAME), content).unwrap();
        }
        let restored = restore(directory.path(), Duration::ZERO);
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
        check(Some(b"latched\nPressed by lan\n"), Some((StopSource::Restored, "Pressed by lan")));
        check(Some(b""), Some((StopSource::StateUnreadable, "damaged")));
        check(Some(b"relea"), Some((StopSource::StateUnreadable, "damaged")));
        check(Some(b"\xff\xfe\n"), Some((StopSource::StateUnreadable, "UTF-8")));
    }

    #[test]
    fn what_was_written_is_restored() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "latched\nPressed by lan\n").unwrap();
        assert!(restore(directory.path(), Duration::ZERO).is_some());
        write(directory.path(), "released\n").unwrap();
        assert_eq!(restore(directory.path(), Duration::ZERO), None);
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
        tokio::spawn(keep(path.clone(), receiver));
        latched.send_replace(Some(EmergencyStop {
            source: StopSource::Web,
            by: None,
            since: Duration::ZERO,
            reason: "Pressed by lan".to_owned(),
        }));
        sleep(Duration::from_secs_f64(3.3)).await;
        assert_eq!(restore(&path, Duration::ZERO), None, "there was no room");
        fs::remove_file(&beside).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert!(restore(&path, Duration::ZERO).unwrap().reason.contains("Pressed by lan"));
    }
}
