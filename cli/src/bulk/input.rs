//! Reads the user ids and their line numbers from the input: one id a line, or in a column
//! of a CSV file.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::csv_column::CsvColumn;
use super::entry::{Entry, user};
use super::lines::Lines;

pub struct Input {
    /// The name of the file, for messages.
    pub name: String,
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
        let source: Box<dyn BufRead + Send> = match standard {
            true => Box::new(BufReader::new(io::stdin())),
            false => {
                let file = File::open(path);
                Box::new(BufReader::new(
                    file.map_err(|error| format!("{name} cannot be read: {error}"))?,
                ))
            }
        };
        let mut lines = Lines::new(source);
        let named_csv = path.extension().is_some_and(|it| it.eq_ignore_ascii_case("csv"));
        let column = match column.is_some() || named_csv {
            true => Some(
                CsvColumn::open(&mut lines, column, delimiter)
                    .map_err(|why| format!("{name} {why}"))?,
            ),
            false => None,
        };
        Ok(Input { name, lines, column, ended: false })
    }

    fn read(&mut self) -> io::Result<Option<Entry>> {
        if let Some(column) = &mut self.column {
            return column.next(&mut self.lines);
        }
        let next = self.lines.next()?;
        Ok(next.map(|(line, text)| Entry { line, user: user(text) }))
    }
}

impl Iterator for Input {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        if self.ended {
            return None;
        }
        let entry = self.read().unwrap_or_else(|error| {
            self.ended = true;
            let why = format!("cannot be read ({error}); this line and all after it are left out");
            Some(Entry { line: self.lines.number + 1, user: Err(why) })
        });
        self.ended |= entry.is_none();
        entry
    }
}
