//! The answers from before, read from the file that a run is to go on from.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

use super::id::Id;
use super::row::{Format, Rows};
use super::subject::Subject;
use super::tally::Tally;

/// What a file from before holds.
#[derive(Debug, Default)]
pub struct Earlier {
    pub answered: HashSet<Id>,
    pub tally: Tally,
    /// How many bytes and lines are whole.
    pub length: u64,
    pub lines: u64,
}

impl Earlier {
    /// Reads what is there. What comes after the last line end is torn, and is
    /// not counted.
    pub fn read(file: &File, format: Format, subject: &Subject) -> Result<Self, String> {
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
            let number = earlier.lines + 1;
            let whole = line.ends_with(b"\n");
            if number == 1 {
                check_first(&line, whole, format)?;
            }
            if !whole {
                return Ok(earlier);
            }
            if number > 1 || format.header().is_empty() {
                earlier.count(&mut rows, &line, subject)?;
            }
            earlier.length += length as u64;
            earlier.lines = number;
        }
    }

    /// Counts the row that a line holds.
    fn count(&mut self, rows: &mut Rows, line: &[u8], subject: &Subject) -> Result<(), String> {
        let number = self.lines + 1;
        let row = rows.read(line).map_err(|why| foreign(number, &why))?;
        let other = row.subject();
        if other.server.is_empty() {
            return Err(older());
        }
        if other != *subject {
            return Err(left_alone(&format!(
                "has answers about {other} (line {number}), and this run asks about {subject}"
            )));
        }
        self.tally.count(&row.status());
        self.answered.insert(Id::from(&row.user_id));
        Ok(())
    }
}

/// Whether a file of this format can begin with this line, or, if it is torn,
/// this part of one.
fn check_first(line: &[u8], whole: bool, format: Format) -> Result<(), String> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii_end();
    let header = Format::Csv.header().trim_end().as_bytes();
    let before_servers = header.strip_suffix(b",server").unwrap_or(header);
    let json = Format::Jsonl.beginning().as_bytes();
    let other = match format {
        Format::Csv if whole && line == before_servers => return Err(older()),
        Format::Csv if line == header || !whole && header.starts_with(line) => return Ok(()),
        Format::Jsonl if line.starts_with(json) || !whole && json.starts_with(line) => {
            return Ok(());
        }
        Format::Csv if line.starts_with(json) => Format::Jsonl,
        Format::Jsonl if line == header || line == before_servers => Format::Csv,
        _ => return Err(foreign(1, &format!("{} is expected", format.beginning().trim_end()))),
    };
    Err(left_alone(&format!("is {other}, and this run writes {format} (--format)")))
}

fn foreign(line: u64, why: &str) -> String {
    left_alone(&format!(
        "is not an output of this command, which goes on only from its own (line {line}: {why})"
    ))
}

fn older() -> String {
    left_alone("does not say which server its answers are from: an older version wrote it")
}

fn left_alone(why: &str) -> String {
    format!("{why}; it is left as it is, choose another --output")
}
