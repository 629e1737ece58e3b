//! The answers from before, read from the file that a run is to go on from.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use figma_payments::MAX_BODY_BYTES;

use super::compact_id::Id;
use super::incomplete_row::can_be_a_torn_row;
use super::row::{Format, Rows};
use super::status_counts::Tally;
use super::target::Subject;

/// No row is as long: what a server wrote is no longer than an answer, and each of
/// its bytes becomes three at most.
const LONGEST_LINE: usize = 8 * MAX_BODY_BYTES;

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
    /// Reads what is there. A row that was torn at the end is not counted.
    pub fn read(file: &File, format: Format, subject: &Subject) -> Result<Self, String> {
        let (mut reader, mut rows) = (BufReader::new(file), Rows::new(format));
        let mut earlier = Earlier::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.by_ref().take(LONGEST_LINE as u64).read_until(b'\n', &mut line);
            let length = length.map_err(|error| format!("cannot be read: {error}"))?;
            if length == 0 {
                return Ok(earlier);
            }
            let number = earlier.lines + 1;
            if !line.ends_with(b"\n") {
                return match earlier.can_be_torn(&line, format, subject) {
                    true => Ok(earlier),
                    false if line.len() == LONGEST_LINE => {
                        Err(foreign(number, "it is longer than any row"))
                    }
                    false => {
                        let why = "it has no line end, and no row of this run begins like it";
                        Err(foreign(number, why))
                    }
                };
            }
            if number == 1 {
                check_first(&line, format)?;
            }
            if number > 1 || format.header().is_empty() {
                earlier.count(&mut rows, &line, subject)?;
            }
            earlier.length += length as u64;
            earlier.lines = number;
        }
    }

    /// Whether this last line, which has no line end, was torn: by SIGKILL, a
    /// full disk, or a power cut, which may leave zeros after what was written.
    fn can_be_torn(&self, line: &[u8], format: Format, subject: &Subject) -> bool {
        if self.lines == 0 && !format.header().is_empty() {
            return format.header().as_bytes().starts_with(line);
        }
        let zeros = line.iter().rev().take_while(|byte| **byte == 0).count();
        match &line[..line.len() - zeros] {
            // Zeros alone may be anybody's file.
            [] => self.lines > 0,
            text => line.len() < LONGEST_LINE && can_be_a_torn_row(text, format, subject),
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

/// Refuses a first line that no file of this format has.
fn check_first(line: &[u8], format: Format) -> Result<(), String> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii_end();
    let header = Format::Csv.header().trim_end();
    let with_header = line == header.as_bytes();
    let with_old_header = Some(line) == header.as_bytes().strip_suffix(b",server");
    let is_json = line.starts_with(b"{");
    match format {
        Format::Csv if with_header => Ok(()),
        Format::Csv if with_old_header => Err(older()),
        Format::Csv if is_json => Err(in_another(Format::Jsonl, format)),
        Format::Csv => Err(foreign(1, &format!("{header} is expected"))),
        Format::Jsonl if with_header || with_old_header => Err(in_another(Format::Csv, format)),
        Format::Jsonl => Ok(()),
    }
}

fn foreign(line: u64, why: &str) -> String {
    left_alone(&format!(
        "is not an output of this command, which goes on only from its own (line {line}: {why})"
    ))
}

fn in_another(format: Format, expected: Format) -> String {
    left_alone(&format!("is {format}, and this run writes {expected} (--format)"))
}

fn older() -> String {
    left_alone("does not say which server its answers are from: an older version wrote it")
}

fn left_alone(why: &str) -> String {
    format!("{why}; it is left as it is, choose another --output")
}
