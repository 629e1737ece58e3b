//! Text for the person at the terminal.

use std::io::{self, Write};

use clap::builder::Styles;

use crate::exit::{Exit, Failure};

/// Writes to standard error. If that is closed, the program goes on without it.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{}", printable_lines(text));
}

/// Writes the error that ends the program to standard error, as clap writes its own: in colour
/// where a terminal wants it.
pub fn say_error(message: &str) {
    let style = *Styles::styled().get_error();
    let message = printable_lines(message);
    let _ = writeln!(anstream::stderr(), "{style}error:{style:#} {message}");
}

/// Writes a line to standard output.
pub fn print(line: &str) -> Result<(), Failure> {
    write(format!("{}\n", printable(line)).as_bytes())
}

/// Writes to standard output.
///
/// # Errors
///
/// The disk is full, for instance, or the reader of the pipe has gone. Somebody may then have
/// a part of the output, so the program must not end with 0.
pub fn write(text: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    written.map_err(|error| Failure {
        exit: Exit::CouldNotTell,
        message: format!("standard output cannot be written: {error}"),
    })
}

fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// The text on one line, without control characters: a terminal would obey those that a
/// server sent.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
