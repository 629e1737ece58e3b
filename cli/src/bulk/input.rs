//! Reads the user ids and their line numbers from the input: one id a line, or in a column
//! of a CSV file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::csv_column::CsvColumn;
use super::entry::{Entry, user};
use super::lines::Lines;
use super::row::{Format, RowReader};
use super::target::Target;

pub struct Input {
    /// The name of the file, for messages.
    pub name: String,
    /// What an earlier run asked about, if the input is its output.
    pub asked_about: Option<Target>,
    lines: Lines,
    /// `None` if the input is not CSV.
    column: Option<CsvColumn>,
    /// Whether the end was reached, or the input can no longer be read.
    ended: bool,
}

impl Input {
    /// Opens a file, or standard input if the path is `-`. If it is CSV, the line with
    /// the names of the columns is read.
    pub fn open(path: &Path, column: Option<&str>, delimiter: u8) -> Result<Self, String> {
        let standard = path == Path::new("-");
        let name = if standard { "standard input".into() } else { path.display().to_string() };
        let cannot = |error: io::Error| format!("{name} cannot be read: {error}");
        let source: Box<dyn BufRead + Send> = match standard {
            true => Box::new(BufReader::new(io::stdin())),
            false if path.is_dir() => {
                return Err(format!("{name} is a folder; give the file with the users"));
            }
            false => Box::new(BufReader::new(File::open(path).map_err(cannot)?)),
        };
        let mut lines = Lines::new(source);
        let begin = lines.peek().map_err(cannot)?;
        if begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff") {
            return Err(format!("{name} is UTF-16 text; save it as UTF-8"));
        }
        if begin.starts_with(b"{") {
            return Err(format!(
                "{name} is JSON; bulk reads one user id a line, or a CSV file with --column"
            ));
        }
        let asked_about = asked_about(begin);
        let named_csv = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
        let column = match column.is_some() || named_csv {
            true => Some(
                CsvColumn::open(&mut lines, column, delimiter)
                    .map_err(|why| format!("{name} {why}"))?,
            ),
            false => None,
        };
        Ok(Input { name, asked_about, lines, column, ended: false })
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        if let Some(column) = &mut self.column {
            return column.next(&mut self.lines);
        }
        let next = self.lines.next()?;
        Ok(next.map(|(line, text)| match text.trim_ascii() {
            b"" => Entry { line, user: Err("the line is empty".to_owned()) },
            text => Entry { line, user: user(text) },
        }))
    }
}

/// What the answers at the beginning of this output are about. `None` if it is none.
fn asked_about(begin: &[u8]) -> Option<Target> {
    let begin = begin.strip_prefix("\u{feff}".as_bytes()).unwrap_or(begin);
    let mut lines = begin.split_inclusive(|byte| *byte == b'\n');
    let header = Format::Csv.header().trim_ascii_end().as_bytes();
    lines.next().filter(|first| first.trim_ascii_end() == header)?;
    let row = RowReader::new(Format::Csv).read(lines.next()?);
    row.ok().map(|row| row.target())
}

impl Iterator for Input {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.ended {
            return None;
        }
        let entry = self.read().unwrap_or_else(|error| {
            self.ended = true;
            let why = format!(
                "the line cannot be read ({error}); it and all lines after it are left out"
            );
            Some(Entry { line: self.lines.number + 1, user: Err(why) })
        });
        self.ended |= entry.is_none();
        entry
    }
}
