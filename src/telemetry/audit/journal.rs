//! The audit log on disk: one file that grows, and older ones that were it.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use super::Sink;

/// `audit.jsonl` in a directory; full, it becomes `audit.1.jsonl`, that one `audit.2.jsonl`, and the oldest goes.
pub struct Journal {
    directory: PathBuf,
    max_bytes: u64,
    files: u32,
    current: Option<Current>,
}

struct Current {
    file: File,
    length: u64,
}

impl Journal {
    /// Opens or begins the log: at most `files` files, the current one included, of about `max_bytes` each.
    ///
    /// # Errors
    /// The file cannot be written; the error names it.
    pub fn open(directory: &Path, max_bytes: u64, files: u32) -> io::Result<Journal> {
        let mut journal =
            Journal { directory: directory.to_owned(), max_bytes, files, current: None };
        journal.append(b"").map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", journal.path(0).display()))
        })?;
        // There may have been more of them by an earlier configuration.
        for number in files..=MOST_FILES {
            if fs::remove_file(journal.path(number)).is_err() {
                break;
            }
        }
        Ok(journal)
    }

    /// The current file, number 0, or an older one.
    fn path(&self, number: u32) -> PathBuf {
        self.directory.join(match number {
            0 => "audit.jsonl".to_owned(),
            number => format!("audit.{number}.jsonl"),
        })
    }

    /// The current file; a new one if somebody took it away.
    fn current(&mut self) -> io::Result<&mut Current> {
        let path = self.path(0);
        let current = match self.current.take() {
            Some(current) if is_at(&current.file, &path)? => current,
            _ => open(&path, &self.directory)?,
        };
        Ok(self.current.insert(current))
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.sync()?;
        self.current = None;
        for number in (0..self.files - 1).rev() {
            match fs::rename(self.path(number), self.path(number + 1)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.current().map(|_| ())
    }
}

impl Sink for Journal {
    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let max_bytes = self.max_bytes;
        let Current { length, .. } = self.current()?;
        if *length > 0 && *length + lines.len() as u64 > max_bytes {
            self.rotate()?;
        }
        let Current { file, length } = self.current()?;
        if let Err(error) = file.write_all(lines) {
            // A part of a line is no line. Where it cannot be taken back, opening ends it.
            let _ = file.set_len(*length);
            self.current = None;
            return Err(error);
        }
        *length += lines.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        match &self.current {
            Some(Current { file, .. }) => file.sync_data(),
            None => Ok(()),
        }
    }
}

/// Whether this file is still the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (ours, there) = (
        file.metadata()?,
        match fs::metadata(path) {
            Ok(there) => there,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        },
    );
    Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
}

/// Opens for appending, and ends a line that a power cut has torn.
fn open(path: &Path, directory: &Path) -> io::Result<Current> {
    let mut file = File::options().read(true).append(true).create(true).mode(MODE).open(path)?;
    let mut length = file.metadata()?.len();
    if length > 0 {
        let mut end = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut end)?;
        if end != *b"\n" {
            file.write_all(b"\n")?;
            length += 1;
        }
    }
    // The file's name must outlive a power cut, too.
    File::open(directory)?.sync_all()?;
    Ok(Current { file, length })
}

/// Who drove when is not everybody's business.
const MODE: u32 = 0o640;

/// Highest number of files that a configuration can ask for.
const MOST_FILES: u32 = 100;
