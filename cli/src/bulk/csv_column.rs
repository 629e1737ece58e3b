//! The column of a CSV file that has the user ids.

use std::io;

use figma_payments::UserId;

use super::csv_record::Fields;
use super::entry::{Entry, user};
use super::lines::Lines;

pub struct Table {
    fields: Fields,
    /// The field that has the user id, from 0, and its name.
    column: usize,
    name: String,
}

impl Table {
    /// Reads the names of the columns and finds this one.
    pub fn open(lines: &mut Lines, column: Option<&str>, delimiter: u8) -> Result<Self, String> {
        let mut fields = Fields::new(delimiter);
        let cannot = |error: io::Error| format!("cannot be read: {error}");
        let Some((_, first)) = lines.next().map_err(cannot)? else {
            return Err("is empty; its first line should name the columns".to_owned());
        };
        if first.trim_ascii().is_empty() {
            return Err("begins with an empty line; it should name the columns".to_owned());
        }
        if !fields.take(first) {
            return Err("opens a quote in its first line and does not close it there".to_owned());
        }
        let names = fields.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
        let names: Vec<String> = names.collect();
        let mut list = format!("its columns are: {}", names.join(", "));
        if names.len() == 1 {
            list += " (if that is several, --delimiter says what is between them)";
        }
        let Some(name) = column.map(str::trim) else {
            return Err(format!("is CSV; say with --column which column has the user ids, {list}"));
        };
        let mut found = (0..names.len()).filter(|field| names[*field] == name);
        match (found.next(), found.next()) {
            (Some(column), None) => Ok(Table { fields, column, name: name.to_owned() }),
            (None, _) => Err(format!("has no column {name}; {list}")),
            (Some(_), Some(_)) => Err(format!("has the column {name} twice; {list}")),
        }
    }

    /// The next record's user id; the line is the one that the record begins on.
    pub fn next(&mut self, lines: &mut Lines) -> io::Result<Option<Entry>> {
        self.fields.clear();
        let mut begun = None;
        while let Some((number, text)) = lines.next()? {
            if begun.is_none() && text.trim_ascii().is_empty() {
                return Ok(Some(Entry { line: number, user: Err("is empty".to_owned()) }));
            }
            let line = *begun.get_or_insert(number);
            if self.fields.take(text) {
                return Ok(Some(Entry { line, user: self.user() }));
            }
        }
        let last = lines.number;
        let why = format!("opens a quote that is not closed down to the end, line {last}");
        Ok(begun.map(|line| Entry { line, user: Err(why) }))
    }

    /// The user id of the last record.
    fn user(&self) -> Result<UserId, String> {
        match self.fields.get(self.column) {
            Some(text) => user(text),
            None => Err(format!("ends before field {}, {}", self.column + 1, self.name)),
        }
    }
}
