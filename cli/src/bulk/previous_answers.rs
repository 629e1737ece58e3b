//! Reads the answers of earlier runs from the output, so that the run can continue it.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use figma_payments::MAX_BODY_BYTES;

use super::compact_id::CompactId;
use super::incomplete_row::can_be_incomplete_row;
use super::row::{Format, RowReader};
use super::status_counts::StatusCounts;
use super::target::Target;

/// Longer than any row: the texts in a row come from an answer, which is no longer than
/// `MAX_BODY_BYTES`, and each of its bytes takes three at most when it is written.
const MAX_LINE: usize = 8 * MAX_BODY_BYTES;

/// What the output has before this run.
#[derive(Debug, Default)]
pub struct PreviousAnswers {
    /// The users that have an answer.
    pub users: HashSet<CompactId>,
    pub counts: StatusCounts,
    /// The length of all complete lines, in bytes.
    pub length: u64,
    /// How many complete lines there are.
    pub lines: u64,
}

impl PreviousAnswers {
    /// Reads the file. If the last row is incomplete, it is left out.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not an output of a run with this format and target.
    pub fn read(file: &File, format: Format, target: &Target) -> Result<Self, String> {
        let mut reader = BufReader::new(file);
        let mut rows = RowReader::new(format);
        let mut previous = PreviousAnswers::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut line);
            let length = length.map_err(|error| format!("cannot be read: {error}"))?;
            if length == 0 {
                return Ok(previous);
            }
            let number = previous.lines + 1;
            if !line.ends_with(b"\n") {
                previous.check_last(&line, format, target)?;
                return Ok(previous);
            }
            if number == 1 {
                check_first(&line, format)?;
            }
            let is_header = number == 1 && !format.header().is_empty();
            if !is_header {
                previous.add(&mut rows, &line, target)?;
            }
            previous.length += length as u64;
            previous.lines = number;
        }
    }

    /// Refuses a last line without a line end, unless it can be an incomplete row of an
    /// earlier run.
    fn check_last(&self, line: &[u8], format: Format, target: &Target) -> Result<(), String> {
        if self.can_be_incomplete(line, format, target) {
            return Ok(());
        }
        let why = match line.len() {
            MAX_LINE => "it is longer than any row",
            _ => "it has no line end, and is not the beginning of a row of this run",
        };
        Err(not_an_output(self.lines + 1, why))
    }

    /// Whether this last line can be the beginning of a row: SIGKILL, a full disk or a
    /// power cut may have stopped the write. A power cut may also leave zeros after the
    /// text.
    fn can_be_incomplete(&self, line: &[u8], format: Format, target: &Target) -> bool {
        if self.lines == 0 && !format.header().is_empty() {
            return format.header().as_bytes().starts_with(line);
        }
        let zeros = line.iter().rev().take_while(|byte| **byte == 0).count();
        match &line[..line.len() - zeros] {
            // A file of nothing but zeros may be any file.
            [] => self.lines > 0,
            text => line.len() < MAX_LINE && can_be_incomplete_row(text, format, target),
        }
    }

    /// Adds the row on this line.
    fn add(&mut self, rows: &mut RowReader, line: &[u8], target: &Target) -> Result<(), String> {
        let number = self.lines + 1;
        let row = rows.read(line).map_err(|why| not_an_output(number, &why))?;
        let found = row.target();
        if found.server.is_empty() {
            return Err(without_server());
        }
        if found != *target {
            return Err(unchanged(&format!(
                "has answers about {found} (line {number}), but this run asks about {target}"
            )));
        }
        self.counts.count(&row.status());
        self.users.insert(CompactId::from(&row.user_id));
        Ok(())
    }
}

/// Refuses a first line that no output in this format has.
fn check_first(line: &[u8], format: Format) -> Result<(), String> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line).trim_ascii_end();
    let header = Format::Csv.header().trim_end();
    let with_header = line == header.as_bytes();
    let with_old_header = Some(line) == header.as_bytes().strip_suffix(b",server");
    let is_json = line.starts_with(b"{");
    match format {
        Format::Csv if with_header => Ok(()),
        Format::Csv if with_old_header => Err(without_server()),
        Format::Csv if is_json => Err(in_another_format(Format::Jsonl, format)),
        Format::Csv => Err(not_an_output(1, &format!("it should be {header}"))),
        Format::Jsonl if with_header || with_old_header => {
            Err(in_another_format(Format::Csv, format))
        }
        Format::Jsonl => Ok(()),
    }
}

fn not_an_output(line: u64, why: &str) -> String {
    unchanged(&format!("is not an output of figma-payments bulk (line {line}: {why})"))
}

fn in_another_format(found: Format, expected: Format) -> String {
    unchanged(&format!("is {found}, but this run writes {expected} (--format)"))
}

fn without_server() -> String {
    unchanged("was written by an older version, which did not write the server of each answer")
}

fn unchanged(why: &str) -> String {
    format!("{why}; the file is left as it is, choose another --output")
}
