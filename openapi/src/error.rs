//! The error type of the build flow. Its text is one line: the document, the place
//! in it, what is wrong and what is expected.

use std::fmt;

/// Why a document could not be read, corrected, lowered or generated from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    document: String,
    line: Option<usize>,
    pointer: Option<String>,
    message: String,
}

/// What the steps of the build flow return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error about the document as a whole.
    pub(crate) fn new(document: &str, message: impl Into<String>) -> Self {
        Error { document: document.to_owned(), line: None, pointer: None, message: message.into() }
    }

    /// An error about one place, named by a JSON pointer (`/paths/~1v1…`).
    pub(crate) fn at(document: &str, pointer: &str, message: impl Into<String>) -> Self {
        Error { pointer: Some(pointer.to_owned()), ..Error::new(document, message) }
    }

    pub(crate) fn with_line(mut self, line: Option<usize>) -> Self {
        self.line = line;
        self
    }

    /// The JSON pointer of the place in the document, where one is known.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// The line in the document, counted from 1, where the parser gave one.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// What is wrong and what is expected, without the document and the place.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(pointer) = &self.pointer {
            write!(f, ": #{pointer}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Error {}
