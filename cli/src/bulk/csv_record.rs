//! CSV, a line at a time. The reader of the crate csv skips empty lines without
//! counting them, and every complaint has to have the right line number.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

/// The fields of a record.
pub struct Fields {
    parser: Reader,
    /// One after another, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    count: usize,
}

impl Fields {
    pub fn new(delimiter: u8) -> Self {
        let mut parser = ReaderBuilder::new();
        let parser = parser.delimiter(delimiter).terminator(Terminator::Any(b'\n')).build();
        Fields { parser, text: Vec::new(), ends: Vec::new(), length: 0, count: 0 }
    }

    /// Forgets the last record.
    pub fn clear(&mut self) {
        (self.length, self.count) = (0, 0);
    }

    /// Takes one more line of a record, with its line end; whether the record is
    /// complete with it.
    pub fn take(&mut self, line: &[u8]) -> bool {
        // Never more comes out than goes in.
        self.text.resize(self.length + line.len() + 1, 0);
        self.ends.resize(self.count + line.len() + 1, 0);
        let (text, ends) = (&mut self.text[self.length..], &mut self.ends[self.count..]);
        let (result, _, written, ended) = self.parser.read_record(line, text, ends);
        self.length += written;
        self.count += ended;
        result == ReadRecordResult::Record
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// The field of this number, from 0.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let ends = &self.ends[..self.count];
        let begin = if number == 0 { 0 } else { *ends.get(number - 1)? };
        self.text.get(begin..*ends.get(number)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.count).filter_map(|number| self.get(number))
    }
}
