//! The file of answers. Each is a line, written at once and whole, so that the
//! program can be killed at any moment; the next run reads the file and goes on.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use figma_payments::Resource;
use fs4::{FileExt, TryLockError};

use super::id::Id;
use super::row::{Format, Row, Rows};
use super::tally::Tally;

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

/// What a file from before holds.
#[derive(Debug, Default)]
pub struct Earlier {
    pub answered: HashSet<Id>,
    pub tally: Tally,
    length: u64,
    lines: u64,
}

impl Output {
    /// Opens the file or makes it, and mends it if its last line is torn. A file
    /// that is not an output about this resource is refused and left as it is.
    pub fn open(
        path: &Path,
        format: Format,
        resource: &Resource,
    ) -> Result<(Self, Earlier), String> {
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
        let mut earlier = read(&file, format, resource).map_err(|why| format!("{name} {why}"))?;
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

/// Reads what is there. What comes after the last line end is torn, and is not
/// counted.
fn read(file: &File, format: Format, resource: &Resource) -> Result<Earlier, String> {
    let (mut reader, mut rows) = (BufReader::new(file), Rows::new(format));
    let mut earlier = Earlier::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line);
        let length = length.map_err(|error| format!("cannot be read: {error}"))?;
        if length == 0 {
            return Ok(earlier);
        }
        let refuse = |why: &str| {
            let number = earlier.lines + 1;
            format!(
                "is not an output of this command, which goes on only from its own (line {number}: {why}); it is left as it is, choose another --output"
            )
        };
        let whole = line.ends_with(b"\n");
        if earlier.lines == 0 && !begins(&line, whole, format) {
            return Err(refuse(&format!("{} is expected", format.beginning().trim_end())));
        }
        if !whole {
            return Ok(earlier);
        }
        if earlier.lines > 0 || format.header().is_empty() {
            let row = rows.read(&line).map_err(|why| refuse(&why))?;
            if !row.is_about(resource) {
                return Err(refuse(&format!("an answer about {resource} is expected")));
            }
            earlier.tally.count(&row.status());
            earlier.answered.insert(Id::from(&row.user_id));
        }
        earlier.length += length as u64;
        earlier.lines += 1;
    }
}

/// Whether a file of ours can begin with this line, or, if it is torn, this
/// part of one.
fn begins(line: &[u8], whole: bool, format: Format) -> bool {
    let beginning = format.beginning().trim_end().as_bytes();
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii_end();
    match format {
        Format::Csv if whole => line == beginning,
        Format::Csv => beginning.starts_with(line),
        Format::Jsonl => line.starts_with(beginning) || !whole && beginning.starts_with(line),
    }
}
