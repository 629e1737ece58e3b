//! Reads the input line by line, and counts the lines.

use std::io::{self, BufRead};

pub struct Lines {
    source: Box<dyn BufRead + Send>,
    /// The number of the last line that was read; the first line has number 1.
    pub number: u64,
    text: Vec<u8>,
}

impl Lines {
    pub fn new(source: Box<dyn BufRead + Send>) -> Self {
        Lines { source, number: 0, text: Vec::new() }
    }

    /// What can be read next, without reading it. It is empty only at the end.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    /// The next line and its number. The line always ends with `\n`, even if the last
    /// line of the input does not.
    pub fn next(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.text.clear();
        if self.source.read_until(b'\n', &mut self.text)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && self.text.starts_with("\u{feff}".as_bytes()) {
            self.text.drain(..3);
        }
        if !self.text.ends_with(b"\n") {
            self.text.push(b'\n');
        }
        Ok(Some((self.number, &self.text)))
    }
}
