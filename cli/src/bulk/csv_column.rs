//! Reads the user ids from one column of a CSV file.

use std::io;

use figma_payments::UserId;

use super::csv_record::CsvRecord;
use super::entry::{Entry, user};
use super::lines::Lines;

pub struct CsvColumn {
    fields: CsvRecord,
    /// The number of the column, counted from 0.
    column: usize,
    /// The name of the column.
    name: String,
}

impl CsvColumn {
    /// Reads the first line, which has the names of the columns, and finds this column.
    pub fn open(lines: &mut Lines, column: Option<&str>, delimiter: u8) -> Result<Self, String> {
        let mut fields = CsvRecord::new(delimiter);
        let cannot = |error: io::Error| format!("cannot be read: {error}");
        let Some((_, first)) = lines.next().map_err(cannot)? else {
            return Err("is empty; its first line has to have the names of the columns".to_owned());
        };
        if first.trim_ascii().is_empty() {
            return Err(
                "begins with an empty line; the first line has to have the names of the columns"
                    .to_owned(),
            );
        }
        if !fields.add_line(first) {
            return Err("has a quote in its first line that is opened and not closed in that line"
                .to_owned());
        }
        let names = fields.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
        let names: Vec<String> = names.collect();
        let mut list = format!("its columns are: {}", names.join(", "));
        if names.len() == 1 {
            list += " (if this is more than one column, give the character between them with --delimiter)";
        }
        let Some(name) = column.map(str::trim) else {
            return Err(format!("is CSV; give the column with the user ids with --column; {list}"));
        };
        let mut found = (0..names.len()).filter(|field| names[*field] == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(CsvColumn { fields, column, name: name.to_owned() }),
            (None, _) => Err(format!("has no column {name}; {list}")),
            (Some(_), Some(_)) => Err(format!("has two columns {name}; {list}")),
        }
    }

    /// The user id of the next record, with the number of the line on which the record
    /// begins.
    pub fn next(&mut self, lines: &mut Lines) -> io::Result<Option<Entry>> {
        self.fields.clear();
        let mut begun = None;
        while let Some((number, text)) = lines.next()? {
            if begun.is_none() && text.trim_ascii().is_empty() {
                return Ok(Some(Entry { line: number, user: Err("the line is empty".to_owned()) }));
            }
            let line = *begun.get_or_insert(number);
            if self.fields.add_line(text) {
                return Ok(Some(Entry { line, user: self.user() }));
            }
        }
        let last = lines.number;
        let why = format!("a quote is opened here and never closed, up to the end in line {last}");
        Ok(begun.map(|line| Entry { line, user: Err(why) }))
    }

    /// The user id of the last record.
    fn user(&self) -> Result<UserId, String> {
        match self.fields.get(self.column) {
            Some(text) if text.trim_ascii().is_empty() => {
                Err(format!("the column {} is empty", self.name))
            }
            Some(text) => user(text),
            None => Err(format!("the line has no column {} ({})", self.column + 1, self.name)),
        }
    }
}
