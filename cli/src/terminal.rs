//! Text for the person at the terminal.

use std::io::{self, Write};

/// Writes to standard error. If that is closed, the program goes on without it.
pub fn say(text: &str) {
    let lines: Vec<String> = text.lines().map(printable).collect();
    let _ = writeln!(io::stderr(), "{}", lines.join("\n"));
}

/// Writes a line to standard output. If that is closed, the exit code is the answer all the
/// same.
pub fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{}", printable(line));
}

/// The text on one line, without control characters: a terminal would obey those that a
/// server sent.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
