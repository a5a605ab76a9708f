//! The audit log: lines come in from anywhere and never wait; one task writes them.
//!
//! Nothing here knows what a line says. A line that cannot be kept is counted, and the count is written as soon as
//! anything can be: the log never keeps quiet about what it lacks.

use std::{
    collections::VecDeque,
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::{JoinError, spawn_blocking},
    time::{sleep, timeout},
};

mod journal;
#[cfg(test)]
mod tests;

pub use journal::Journal;

/// Takes lines for the log; cheap to clone. Its calls neither wait nor fail: no lock is held while anything is written.
#[derive(Clone, Default)]
pub struct Audit(Arc<Shared>);

/// Where lines are kept.
pub trait Sink: Send {
    /// Keeps whole lines, or fails and keeps none of them. With no lines it says whether it could. May block.
    fn append(&mut self, lines: &[u8]) -> io::Result<()>;

    /// Returns once a power cut cannot take what was appended. May block.
    fn sync(&mut self) -> io::Result<()>;
}

/// How the log does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Lines that were written.
    pub written: u64,
    /// Lines that wait to be written, or are being written.
    pub waiting: u64,
    /// Lines that found no room.
    pub lost: u64,
    /// See [`Audit::writable`].
    pub writable: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    written: AtomicU64,
    bell: Notify,
    writable: watch::Sender<bool>,
    closing: watch::Sender<bool>,
}

#[derive(Default)]
struct Queue {
    records: VecDeque<Record>,
    /// Lines for which there was no room, and which were not owned up to yet.
    lost: u64,
    /// Since the start: lines that were taken in, and lines for which there was no room.
    taken_in: u64,
    all_lost: u64,
}

struct Record {
    line: String,
    /// Is to be synced.
    stop: bool,
}

impl Audit {
    /// Hands over a line, its newline included.
    pub fn record(&self, line: String) {
        self.put(Record { line, stop: false }, ROOM);
    }

    /// Hands over a line about a stop: it has room of its own, and is synced.
    pub fn record_stop(&self, line: String) {
        self.put(Record { line, stop: true }, ROOM + ROOM_FOR_STOPS);
    }

    /// Whether the log is being kept: false before the first write, while writing fails or hangs, and until lost lines
    /// are owned up to.
    pub fn writable(&self) -> watch::Receiver<bool> {
        self.0.writable.subscribe()
    }

    /// How the log does.
    pub fn kept(&self) -> Kept {
        let writable = *self.0.writable.borrow();
        let (taken_in, lost) = {
            let queue = self.lock();
            (queue.taken_in, queue.all_lost)
        };
        let written = self.0.written.load(Ordering::Relaxed);
        Kept { written, waiting: taken_in.saturating_sub(written), lost, writable }
    }

    /// Lets [`keep`] end once it has written what is waiting.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    fn put(&self, record: Record, room: usize) {
        let mut queue = self.lock();
        let full = queue.records.len() >= room;
        if full {
            queue.lost += 1;
            queue.all_lost += 1;
        } else {
            queue.taken_in += 1;
            queue.records.push_back(record);
        }
        drop(queue);
        if full {
            self.failed(&"too many lines are waiting");
        }
        self.0.bell.notify_one();
    }

    /// What waits, and how many lines were lost since the last call.
    fn take(&self) -> (VecDeque<Record>, u64) {
        let mut queue = self.lock();
        // The line that owns up to lost ones is one more.
        queue.taken_in += u64::from(queue.lost > 0);
        (std::mem::take(&mut queue.records), std::mem::take(&mut queue.lost))
    }

    /// Everything that was taken is kept.
    fn written(&self) {
        let complete = self.lock().lost == 0;
        if complete && !self.0.writable.send_replace(true) {
            tracing::info!("the audit log is being written");
        }
    }

    fn failed(&self, why: &dyn fmt::Display) {
        if self.0.writable.send_replace(false) {
            tracing::error!(%why, "the audit log cannot be written: new motions are refused");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes what comes until [`Audit::close`], and then what is left; `lost` makes the line about lines that were lost,
/// `next_check` says how soon it is time for the next [`CHECK`].
///
/// What cannot be written is tried again twice a second. An error means that the sink panicked.
pub async fn keep(
    audit: Audit,
    sink: Box<dyn Sink>,
    lost: impl Fn(u64) -> String,
    next_check: impl Fn() -> Duration,
) -> Result<(), JoinError> {
    let mut closing = audit.0.closing.subscribe();
    let mut writer =
        Writer { sink, audit: audit.clone(), batch: VecDeque::new(), owes_sync: false };
    loop {
        tokio::select! {
            () = audit.0.bell.notified() => {}
            () = sleep(next_check()) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
        let last = *closing.borrow();
        let (records, count) = audit.take();
        writer.batch.extend(records);
        if count > 0 {
            writer.batch.push_back(Record { line: lost(count), stop: false });
        }
        loop {
            let result;
            (writer, result) = write(&audit, writer).await?;
            let Err(error) = result else { break };
            audit.failed(&error);
            if *closing.borrow() {
                tracing::error!(%error, lines = writer.batch.len(), "left out of the audit log");
                return Ok(());
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        }
        audit.written();
        if last {
            return Ok(());
        }
    }
}

/// The side that may block.
struct Writer {
    sink: Box<dyn Sink>,
    audit: Audit,
    /// What is not kept yet.
    batch: VecDeque<Record>,
    owes_sync: bool,
}

impl Writer {
    /// Appends in chunks; one sync serves every stop among them.
    fn write(&mut self) -> io::Result<()> {
        loop {
            let mut chunk = String::new();
            let mut lines = 0;
            for record in &self.batch {
                if lines > 0 && chunk.len() + record.line.len() > CHUNK {
                    break;
                }
                chunk.push_str(&record.line);
                lines += 1;
            }
            self.sink.append(chunk.as_bytes())?;
            self.audit.0.written.fetch_add(lines as u64, Ordering::Relaxed);
            self.owes_sync |= self.batch.drain(..lines).any(|record| record.stop);
            if self.batch.is_empty() {
                break;
            }
        }
        if self.owes_sync {
            self.sink.sync()?;
            self.owes_sync = false;
        }
        Ok(())
    }
}

/// A disk that hangs is told like one that fails.
async fn write(audit: &Audit, mut writer: Writer) -> Result<(Writer, io::Result<()>), JoinError> {
    let mut writing = spawn_blocking(move || {
        let result = writer.write();
        (writer, result)
    });
    match timeout(STUCK, &mut writing).await {
        Ok(written) => written,
        Err(_) => {
            audit.failed(&"the disk does not answer");
            writing.await
        }
    }
}

/// Lines that may wait to be written.
const ROOM: usize = 1024;

/// So many more, if they are about stops.
const ROOM_FOR_STOPS: usize = 1024;

/// Bytes that are appended at once.
const CHUNK: usize = 64 * 1024;

/// Without lines the sink is to be asked this often whether it could keep some.
pub const CHECK: Duration = Duration::from_secs(1);

/// So that motion is allowed again within a second of there being room.
const RETRY: Duration = Duration::from_millis(500);

/// A write that takes longer counts as failed until it is done.
const STUCK: Duration = Duration::from_secs(2);
