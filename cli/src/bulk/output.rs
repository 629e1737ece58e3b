//! The file of answers. Each is a line, written at once and whole, so that the
//! program can be killed at any moment; the next run reads the file and goes on.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

use super::previous_answers::Earlier;
use super::row::{Format, Row};
use super::target::Subject;

/// How much a power cut may cost. Whatever kills only the program costs nothing.
const SYNC: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
    format: Format,
    /// How many bytes and lines are written, and whole.
    length: u64,
    lines: u64,
    synced: Instant,
}

impl Output {
    /// Opens the file or makes it, and mends it if its last line is torn. A file
    /// that is not an output about this subject is refused and left as it is.
    pub fn open(path: &Path, format: Format, subject: &Subject) -> Result<(Self, Earlier), String> {
        let name = path.display();
        let cannot = |what: &str, error: &io::Error| format!("{name} cannot be {what}: {error}");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(|error| cannot("opened", &error))?;
        if !file.metadata().is_ok_and(|about| about.is_file()) {
            return Err(format!(
                "{name} is not an ordinary file, which --output has to be: a run that was interrupted goes on from it"
            ));
        }
        // A file system without locks is no reason not to go on.
        if let Err(TryLockError::WouldBlock) = FileExt::try_lock(&file) {
            return Err(format!(
                "{name} is being written by another figma-payments; let it end, or choose another --output"
            ));
        }
        let earlier = Earlier::read(&file, format, subject);
        let mut earlier = earlier.map_err(|why| format!("{name} {why}"))?;
        file.set_len(earlier.length).map_err(|error| cannot("written", &error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| cannot("written", &error))?;
        if earlier.length == 0 {
            let header = format.header();
            file.write_all(header.as_bytes()).map_err(|error| {
                let _ = file.set_len(0);
                cannot("written", &error)
            })?;
            (earlier.length, earlier.lines) = (header.len() as u64, header.lines().count() as u64);
        }
        let (length, lines, synced) = (earlier.length, earlier.lines, Instant::now());
        Ok((Output { file, path: path.to_owned(), format, length, lines, synced }, earlier))
    }

    /// Adds a row.
    pub fn append(&mut self, row: &Row) -> Result<(), String> {
        let line = self.format.write(row)?;
        let written =
            self.file.write_all(&line).and_then(|()| match self.synced.elapsed() < SYNC {
                true => Ok(()),
                false => self.sync(),
            });
        if let Err(error) = written {
            // The next run would mend it, but others may read the file before.
            let _ = self.file.set_len(self.length);
            return Err(format!(
                "line {} of {} cannot be written: {error}\nThe lines before it are whole. Make room, and run the same command again: it goes on from there.",
                self.lines + 1,
                self.path.display(),
            ));
        }
        self.length += line.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Has the disk keep what was written.
    pub fn sync(&mut self) -> io::Result<()> {
        self.synced = Instant::now();
        self.file.sync_data()
    }
}
