use std::{
    fs,
    path::Path,
    sync::{
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
};

use super::*;

/// A disk that can be full, counts its syncs, and can be made to hang.
#[derive(Clone, Default)]
struct Disk(Arc<State>);

#[derive(Default)]
struct State {
    text: Mutex<String>,
    full: AtomicBool,
    appends: AtomicUsize,
    syncs: AtomicUsize,
    hangs: Mutex<Option<mpsc::Receiver<()>>>,
}

impl Sink for Disk {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if let Some(hanging) = self.0.hangs.lock().unwrap().take() {
            let _ = hanging.recv();
        }
        self.0.appends.fetch_add(1, Ordering::SeqCst);
        if self.0.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.text.lock().unwrap().push_str(std::str::from_utf8(lines).unwrap());
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Disk {
    fn text(&self) -> String {
        self.0.text.lock().unwrap().clone()
    }

    fn syncs(&self) -> usize {
        self.0.syncs.load(Ordering::SeqCst)
    }

    fn fill(&self, full: bool) {
        self.0.full.store(full, Ordering::SeqCst);
    }
}

fn start(disk: &Disk) -> (Audit, tokio::task::JoinHandle<Result<(), JoinError>>) {
    let audit = Audit::default();
    let lost = |count| format!("lost {count}\n");
    let keeper = tokio::spawn(keep(audit.clone(), Box::new(disk.clone()), lost, || CHECK));
    (audit, keeper)
}

async fn until(writable: &mut watch::Receiver<bool>, expected: bool) {
    writable.wait_for(|writable| *writable == expected).await.unwrap();
}

async fn seconds(seconds: f64) {
    sleep(Duration::from_secs_f64(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn lines_are_kept_in_order_and_only_stops_are_synced_a_burst_of_them_once() {
    let disk = Disk::default();
    let (audit, keeper) = start(&disk);
    assert!(!*audit.writable().borrow(), "nothing was tried yet");
    until(&mut audit.writable(), true).await;
    for number in 0..3 {
        audit.record(format!("line {number}\n"));
    }
    seconds(0.1).await;
    assert_eq!((disk.text().as_str(), disk.syncs()), ("line 0\nline 1\nline 2\n", 0));
    let before = disk.0.appends.load(Ordering::SeqCst);
    for _ in 0..100 {
        audit.record_stop("stop\n".to_owned());
    }
    audit.record("line 3\n".to_owned());
    seconds(0.1).await;
    let appends = disk.0.appends.load(Ordering::SeqCst) - before;
    assert!(appends <= 2 && disk.syncs() == 1, "{appends} appends, {} syncs", disk.syncs());
    assert!(disk.text().ends_with("stop\nline 3\n"));
    audit.close();
    keeper.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_at_the_end_is_still_written() {
    let disk = Disk::default();
    let (audit, keeper) = start(&disk);
    audit.record("first\n".to_owned());
    audit.record_stop("last\n".to_owned());
    audit.close();
    keeper.await.unwrap().unwrap();
    assert_eq!((disk.text().as_str(), disk.syncs()), ("first\nlast\n", 1));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_and_tried_again_and_nothing_is_lost_or_kept_twice() {
    let disk = Disk::default();
    let (audit, keeper) = start(&disk);
    let mut writable = audit.writable();
    until(&mut writable, true).await;
    disk.fill(true);
    audit.record("one\n".to_owned());
    audit.record_stop("two\n".to_owned());
    until(&mut writable, false).await;
    let before = disk.0.appends.load(Ordering::SeqCst);
    for _ in 0..50 {
        audit.record("more\n".to_owned());
        seconds(0.1).await;
    }
    let tried = disk.0.appends.load(Ordering::SeqCst) - before;
    assert!((9..=11).contains(&tried), "twice a second, not {tried} times in five");
    assert!(!*writable.borrow());
    disk.fill(false);
    until(&mut writable, true).await;
    audit.close();
    keeper.await.unwrap().unwrap();
    assert_eq!(disk.text(), format!("one\ntwo\n{}", "more\n".repeat(50)));
    assert_eq!(disk.syncs(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_without_a_word_is_noticed_within_a_second() {
    let disk = Disk::default();
    let (audit, _keeper) = start(&disk);
    until(&mut audit.writable(), true).await;
    disk.fill(true);
    seconds(1.1).await;
    assert!(!*audit.writable().borrow());
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_bounded_stops_have_room_of_their_own_and_what_is_lost_is_owned_up_to() {
    let disk = Disk::default();
    disk.fill(true);
    let (audit, _keeper) = start(&disk);
    seconds(0.5).await;
    for _ in 0..5000 {
        audit.record("command\n".to_owned());
    }
    for _ in 0..5000 {
        audit.record_stop("stop\n".to_owned());
    }
    assert_eq!(audit.lock().records.len(), ROOM + ROOM_FOR_STOPS);
    assert_eq!(audit.kept().waiting, (ROOM + ROOM_FOR_STOPS) as u64);
    assert!(!*audit.writable().borrow());
    disk.fill(false);
    until(&mut audit.writable(), true).await;
    let text = disk.text();
    let count = |word: &str| text.lines().filter(|line| *line == word).count();
    assert_eq!((count("command"), count("stop")), (ROOM, ROOM_FOR_STOPS));
    let (kept, lost) = (ROOM + ROOM_FOR_STOPS, 10_000 - ROOM - ROOM_FOR_STOPS);
    assert!(text.ends_with(&format!("lost {lost}\n")));
    let (written, lost) = (kept as u64 + 1, lost as u64);
    assert_eq!(audit.kept(), Kept { written, waiting: 0, lost, writable: true });
}

#[tokio::test(start_paused = true)]
async fn too_many_lines_at_once_are_a_failure_until_they_are_owned_up_to() {
    let disk = Disk::default();
    let (audit, _keeper) = start(&disk);
    let mut writable = audit.writable();
    until(&mut writable, true).await;
    for _ in 0..=ROOM {
        audit.record("command\n".to_owned());
    }
    assert!(!*writable.borrow());
    until(&mut writable, true).await;
    assert!(disk.text().ends_with("command\nlost 1\n"));
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_disk_that_fails() {
    let disk = Disk::default();
    disk.fill(true);
    let (audit, keeper) = start(&disk);
    audit.record("line\n".to_owned());
    seconds(0.5).await;
    audit.close();
    timeout(Duration::from_millis(100), keeper).await.unwrap().unwrap().unwrap();
}

#[test]
fn what_was_lost_counts_until_it_was_owned_up_to() {
    let audit = Audit::default();
    for _ in 0..=ROOM {
        audit.record("command\n".to_owned());
    }
    audit.written();
    assert!(!*audit.writable().borrow());
    assert_eq!(audit.take().1, 1);
    audit.written();
    assert!(*audit.writable().borrow());
}

/// In real time, since the paused clock stands while a thread is blocked.
#[tokio::test]
async fn a_disk_that_hangs_holds_nobody_up_and_counts_as_failing() {
    let disk = Disk::default();
    let (audit, keeper) = start(&disk);
    let mut writable = audit.writable();
    until(&mut writable, true).await;
    let (release, hanging) = mpsc::channel();
    *disk.0.hangs.lock().unwrap() = Some(hanging);
    audit.record("line\n".to_owned());
    until(&mut writable, false).await;
    audit.record_stop("stop\n".to_owned());
    release.send(()).unwrap();
    until(&mut writable, true).await;
    audit.close();
    keeper.await.unwrap().unwrap();
    assert_eq!(disk.text(), "line\nstop\n");
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

#[test]
fn a_full_file_is_kept_beside_the_new_one_and_the_oldest_goes() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut journal = Journal::open(directory, 10, 3).unwrap();
    journal.append(b"longer than a file may be\n").unwrap();
    assert_eq!(names(directory), ["audit.jsonl"]);
    for number in 0..10 {
        journal.append(format!("{number}234\n").as_bytes()).unwrap();
    }
    assert_eq!(names(directory), ["audit.1.jsonl", "audit.2.jsonl", "audit.jsonl"]);
    assert_eq!(read(directory, "audit.jsonl"), "8234\n9234\n");
    assert_eq!(read(directory, "audit.1.jsonl"), "6234\n7234\n");
    assert_eq!(read(directory, "audit.2.jsonl"), "4234\n5234\n");
    journal.append(b"a line longer than a file may be\n").unwrap();
    journal.append(b"x\n").unwrap();
    assert_eq!(read(directory, "audit.1.jsonl"), "a line longer than a file may be\n");
    assert_eq!(read(directory, "audit.jsonl"), "x\n");
}

#[test]
fn a_restart_goes_on_with_the_file_and_removes_what_is_too_many() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let mut journal = Journal::open(directory, 5, 5).unwrap();
    for number in 0..5 {
        journal.append(format!("{number}234\n").as_bytes()).unwrap();
    }
    drop(journal);
    let mut journal = Journal::open(directory, 100, 2).unwrap();
    journal.append(b"5\n").unwrap();
    assert_eq!(names(directory), ["audit.1.jsonl", "audit.jsonl"]);
    assert_eq!(read(directory, "audit.jsonl"), "4234\n5\n");
}

#[test]
fn a_line_that_was_torn_is_ended_and_no_other_line_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("audit.jsonl"), b"whole\nto").unwrap();
    let mut journal = Journal::open(directory.path(), 100, 2).unwrap();
    journal.append(b"next\n").unwrap();
    assert_eq!(read(directory.path(), "audit.jsonl"), "whole\nto\nnext\n");
}

#[test]
fn a_file_that_is_taken_away_is_begun_again_and_a_directory_that_is_gone_is_an_error() {
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("state");
    fs::create_dir(&directory).unwrap();
    let mut journal = Journal::open(&directory, 100, 2).unwrap();
    journal.append(b"one\n").unwrap();
    fs::rename(directory.join("audit.jsonl"), directory.join("elsewhere")).unwrap();
    journal.append(b"two\n").unwrap();
    assert_eq!(read(&directory, "audit.jsonl"), "two\n");
    let away = outer.path().join("away");
    fs::rename(&directory, &away).unwrap();
    assert!(journal.append(b"").is_err());
    assert!(journal.append(b"three\n").is_err());
    fs::rename(&away, &directory).unwrap();
    journal.append(b"four\n").unwrap();
    journal.sync().unwrap();
    assert_eq!(read(&directory, "audit.jsonl"), "two\nfour\n");
}

#[test]
fn a_full_disk_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", directory.path().join("audit.jsonl")).unwrap();
    let mut journal = Journal::open(directory.path(), 100, 2).unwrap();
    for _ in 0..2 {
        let error = journal.append(b"line\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

#[test]
fn what_cannot_be_opened_is_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("audit.jsonl")).unwrap();
    let error = Journal::open(directory.path(), 100, 2).err().unwrap().to_string();
    assert!(error.contains("/audit.jsonl: "), "{error}");
}

#[test]
fn others_cannot_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    drop(Journal::open(directory.path(), 100, 2).unwrap());
    let mode = fs::metadata(directory.path().join("audit.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o007, 0);
}
