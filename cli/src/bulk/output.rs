//! The file of answers. Each row is written at once and in one write, so that the program
//! can be killed at any moment. The next run reads the file and continues it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs4::{FileExt, TryLockError};

use super::previous_answers::PreviousAnswers;
use super::row::{Format, Row};
use super::target::Target;

/// How often the file is synced to the disk. A power cut loses the answers since the last
/// sync; killing the program loses none.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Output {
    file: File,
    path: PathBuf,
    format: Format,
    /// The length of all complete lines, in bytes.
    length: u64,
    /// How many complete lines there are.
    lines: u64,
    synced_at: Instant,
}

impl Output {
    /// Opens the file, or creates it. An incomplete last row is cut off.
    ///
    /// # Errors
    ///
    /// The file cannot be used, or is not an output of a run with this format and target.
    /// It is then left as it is.
    pub fn open(
        path: &Path,
        format: Format,
        target: &Target,
    ) -> Result<(Self, PreviousAnswers), String> {
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
                "{name} is not an ordinary file; --output has to be one, so that a run that was interrupted can continue it"
            ));
        }
        // Some file systems have no locks. There the run goes on without one.
        if let Err(TryLockError::WouldBlock) = FileExt::try_lock(&file) {
            return Err(format!(
                "another figma-payments is writing to {name}; wait until it ends, or choose another --output"
            ));
        }
        let previous = PreviousAnswers::read(&file, format, target);
        let mut previous = previous.map_err(|why| format!("{name} {why}"))?;
        file.set_len(previous.length).map_err(|error| cannot("written", &error))?;
        file.seek(SeekFrom::End(0)).map_err(|error| cannot("written", &error))?;
        if previous.length == 0 {
            let header = format.header();
            file.write_all(header.as_bytes()).map_err(|error| {
                let _ = file.set_len(0);
                cannot("written", &error)
            })?;
            previous.length = header.len() as u64;
            previous.lines = header.lines().count() as u64;
        }
        let output = Output {
            file,
            path: path.to_owned(),
            format,
            length: previous.length,
            lines: previous.lines,
            synced_at: Instant::now(),
        };
        Ok((output, previous))
    }

    /// Adds a row.
    pub fn append(&mut self, row: &Row) -> Result<(), String> {
        let line = self.format.write(row)?;
        let written = self.file.write_all(&line).and_then(|()| self.sync_if_due());
        if let Err(error) = written {
            // The next run would cut an incomplete row off, but other programs may read the
            // file before that.
            let _ = self.file.set_len(self.length);
            return Err(format!(
                "line {} of {} cannot be written: {error}\nThe lines before it are complete. Free some disk space, and run the same command again to continue.",
                self.lines + 1,
                self.path.display(),
            ));
        }
        self.length += line.len() as u64;
        self.lines += 1;
        Ok(())
    }

    fn sync_if_due(&mut self) -> io::Result<()> {
        match self.synced_at.elapsed() < SYNC_INTERVAL {
            true => Ok(()),
            false => self.sync(),
        }
    }

    /// Waits until the disk has all rows.
    pub fn sync(&mut self) -> io::Result<()> {
        self.synced_at = Instant::now();
        self.file.sync_data()
    }
}
