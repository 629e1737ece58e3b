//! A line of the output: CSV or JSON.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use csv::ByteRecord;
use figma_payments::{PaymentInformation, PaymentStatus, UserId};
use humantime::format_rfc3339_seconds;
use serde::{Deserialize, Serialize};

use super::csv_record::Fields;
use super::spreadsheet::as_text;
use super::target::Subject;
use crate::exit::shown;

/// What a server answered about a user, when, and which server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    pub user_id: UserId,
    payment_status: String,
    grants_access: bool,
    date_of_purchase: Option<String>,
    resource_type: String,
    resource_id: String,
    checked_at: String,
    /// Empty if an older version wrote the row, which had no such field.
    #[serde(default)]
    server: String,
}

impl Row {
    /// What the server wrote is kept in one line: a torn one shows by its end.
    pub fn new(user_id: UserId, payment: &PaymentInformation, server: &str) -> Self {
        Row {
            user_id,
            payment_status: shown(payment.payment_status.as_str()),
            grants_access: payment.grants_access(),
            date_of_purchase: payment.date_of_purchase.as_ref().map(|date| shown(date.as_str())),
            resource_type: payment.resource_type.to_string(),
            resource_id: payment.resource_id.clone(),
            checked_at: format_rfc3339_seconds(SystemTime::now()).to_string(),
            server: server.to_owned(),
        }
    }

    /// Rows of which some end completes every torn row: with each of what is not
    /// free text, and with texts whose quotes are escaped.
    pub fn samples(subject: &Subject) -> [Self; 2] {
        [(true, Some("x\",\"y")), (false, None)].map(|(grants_access, date)| Row {
            user_id: UserId::from(1),
            payment_status: "x\",\"y".to_owned(),
            grants_access,
            date_of_purchase: date.map(str::to_owned),
            resource_type: subject.resource_type.clone(),
            resource_id: subject.resource_id.clone(),
            checked_at: format_rfc3339_seconds(SystemTime::UNIX_EPOCH).to_string(),
            server: subject.server.clone(),
        })
    }

    /// With what the server wrote as text; the rest is checked or of this program.
    fn for_spreadsheets(&self) -> Self {
        let mut row = self.clone();
        row.payment_status = as_text(&self.payment_status).into_owned();
        row.date_of_purchase = self.date_of_purchase.as_deref().map(as_text).map(Cow::into_owned);
        row
    }

    pub fn status(&self) -> PaymentStatus {
        PaymentStatus::from(self.payment_status.as_str())
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        Subject {
            resource_type: self.resource_type.clone(),
            resource_id: self.resource_id.clone(),
            server: self.server.clone(),
        }
    }
}

/// How a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values, with the names of the columns in the first line.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Csv => "CSV",
            Format::Jsonl => "JSON lines",
        })
    }
}

impl Format {
    /// By the name of the file.
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" | "json" => Format::Jsonl,
            _ => Format::Csv,
        }
    }

    /// The first line of a file, if there has to be one.
    pub fn header(self) -> &'static str {
        match self {
            Format::Csv => {
                "user_id,payment_status,grants_access,date_of_purchase,resource_type,resource_id,checked_at,server\n"
            }
            Format::Jsonl => "",
        }
    }

    /// The row as a line.
    pub fn write(self, row: &Row) -> Result<Vec<u8>, String> {
        match self {
            Format::Csv => {
                let mut writer =
                    csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
                writer.serialize(row.for_spreadsheets()).map_err(|error| error.to_string())?;
                writer.into_inner().map_err(|error| error.to_string())
            }
            Format::Jsonl => {
                let mut line = serde_json::to_vec(row).map_err(|error| error.to_string())?;
                line.push(b'\n');
                Ok(line)
            }
        }
    }
}

/// Reads rows back.
pub struct Rows {
    format: Format,
    fields: Fields,
}

impl Rows {
    pub fn new(format: Format) -> Self {
        Rows { format, fields: Fields::new(b',') }
    }

    /// The row that a line holds.
    pub fn read(&mut self, line: &[u8]) -> Result<Row, String> {
        if self.format == Format::Jsonl {
            return serde_json::from_slice(line).map_err(|error| error.to_string());
        }
        // A spreadsheet program ends lines like this.
        let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        self.fields.clear();
        self.fields.take(text);
        let expected = self.format.header().split(',').count();
        if !self.fields.take(b"\n") {
            // The next line is not within the quote that this one opens.
            self.fields = Fields::new(b',');
            return Err("a quote is opened and not closed".to_owned());
        }
        if self.fields.count() != expected {
            return Err(format!("{expected} fields are expected"));
        }
        let record = ByteRecord::from_iter(self.fields.iter());
        record.deserialize(None).map_err(|error| error.to_string())
    }
}
