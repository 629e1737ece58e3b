//! A row of the output, as CSV or JSON.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use csv::ByteRecord;
use figma_payments::{PaymentInformation, PaymentStatus, UserId};
use humantime::format_rfc3339_seconds;
use serde::{Deserialize, Serialize};

use super::csv_record::CsvRecord;
use super::spreadsheet::as_text;
use super::target::Target;
use crate::terminal::printable;

/// What a server answered about a user, when it answered, and which server it was.
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
    /// The base URL. Empty in a row of an older version, which did not write it.
    #[serde(default)]
    server: String,
}

impl Row {
    /// Text of the server is kept free of line ends, so that a row is always one line. A
    /// row without a line end at the end of a file is then an incomplete one.
    pub fn new(user_id: UserId, payment: &PaymentInformation, server: &str) -> Self {
        Row {
            user_id,
            payment_status: printable(payment.payment_status.as_str()),
            grants_access: payment.grants_access(),
            date_of_purchase: payment
                .date_of_purchase
                .as_ref()
                .map(|date| printable(date.as_str())),
            resource_type: payment.resource_type.to_string(),
            resource_id: payment.resource_id.clone(),
            checked_at: format_rfc3339_seconds(SystemTime::now()).to_string(),
            server: server.to_owned(),
        }
    }

    /// Two rows that complete any incomplete row: its beginning, and the end of one of
    /// these rows, are a valid row again. They differ in the fields that are not free
    /// text, and their texts have quotes and commas, so that both ways of quoting occur.
    pub fn samples(target: &Target) -> [Self; 2] {
        [(true, Some("x\",\"y")), (false, None)].map(|(grants_access, date)| Row {
            user_id: UserId::from(1),
            payment_status: "x\",\"y".to_owned(),
            grants_access,
            date_of_purchase: date.map(str::to_owned),
            resource_type: target.resource_type.clone(),
            resource_id: target.resource_id.clone(),
            checked_at: format_rfc3339_seconds(SystemTime::UNIX_EPOCH).to_string(),
            server: target.server.clone(),
        })
    }

    /// The row with the server's texts made safe for spreadsheets. The other fields have
    /// been checked, or are made by this program.
    fn for_spreadsheets(&self) -> Self {
        let mut row = self.clone();
        row.payment_status = as_text(&self.payment_status).into_owned();
        row.date_of_purchase = self.date_of_purchase.as_deref().map(as_text).map(Cow::into_owned);
        row
    }

    pub fn status(&self) -> PaymentStatus {
        PaymentStatus::from(self.payment_status.as_str())
    }

    /// The resource that the row is about, and the server that answered.
    pub fn target(&self) -> Target {
        Target {
            resource_type: self.resource_type.clone(),
            resource_id: self.resource_id.clone(),
            server: self.server.clone(),
        }
    }
}

/// How a row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values. The first line has the names of the columns.
    Csv,
    /// One JSON object a line.
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
    /// The format for a file of this name.
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" | "json" => Format::Jsonl,
            _ => Format::Csv,
        }
    }

    /// The first line of a file in this format; empty if it has none.
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

/// Reads rows from a file of answers.
pub struct RowReader {
    format: Format,
    fields: CsvRecord,
}

impl RowReader {
    pub fn new(format: Format) -> Self {
        RowReader { format, fields: CsvRecord::new(b',') }
    }

    /// The row that a line holds.
    pub fn read(&mut self, line: &[u8]) -> Result<Row, String> {
        if self.format == Format::Jsonl {
            return serde_json::from_slice(line).map_err(|error| error.to_string());
        }
        // A spreadsheet program writes \r\n.
        let text = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
        self.fields.clear();
        self.fields.add_line(text);
        let expected = self.format.header().split(',').count();
        if !self.fields.add_line(b"\n") {
            // The open quote must not swallow the next line.
            self.fields = CsvRecord::new(b',');
            return Err("it has a quote that is opened and not closed".to_owned());
        }
        if self.fields.count() != expected {
            return Err(format!("it does not have {expected} fields"));
        }
        let record = ByteRecord::from_iter(self.fields.iter());
        record.deserialize(None).map_err(|error| error.to_string())
    }
}
