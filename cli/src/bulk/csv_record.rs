//! Reads a CSV record line by line. The reader of the crate csv skips empty lines without
//! counting them, and then the line numbers in messages would be wrong.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

/// The fields of one record.
pub struct CsvRecord {
    parser: Reader,
    /// The text of all fields, one after another.
    text: Vec<u8>,
    /// Where in `text` each field ends.
    ends: Vec<usize>,
    /// How much of `text` belongs to this record.
    text_length: usize,
    field_count: usize,
}

impl CsvRecord {
    pub fn new(delimiter: u8) -> Self {
        let mut parser = ReaderBuilder::new();
        let parser = parser.delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        CsvRecord { parser, text: Vec::new(), ends: Vec::new(), text_length: 0, field_count: 0 }
    }

    /// Begins a new record.
    pub fn clear(&mut self) {
        self.text_length = 0;
        self.field_count = 0;
    }

    /// Adds a line, with its line end. Returns whether the record is complete: a record
    /// goes on in the next line if a quote is open.
    pub fn add_line(&mut self, line: &[u8]) -> bool {
        // The parser never writes more than it reads.
        self.text.resize(self.text_length + line.len() + 1, 0);
        self.ends.resize(self.field_count + line.len() + 1, 0);
        let text = &mut self.text[self.text_length..];
        let ends = &mut self.ends[self.field_count..];
        let (result, _, written, ended) = self.parser.read_record(line, text, ends);
        self.text_length += written;
        self.field_count += ended;
        result == ReadRecordResult::Record
    }

    pub fn count(&self) -> usize {
        self.field_count
    }

    /// The field with this number, counted from 0.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let ends = &self.ends[..self.field_count];
        let begin = if number == 0 { 0 } else { *ends.get(number - 1)? };
        self.text.get(begin..*ends.get(number)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.field_count).filter_map(|number| self.get(number))
    }
}
