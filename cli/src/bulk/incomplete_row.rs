//! Looks at the end of a file that has no line end: is it the beginning of a row, which may
//! be cut off, or other text, which may not?

use std::borrow::Cow;

use super::row::{Format, Row, RowReader};
use super::target::Target;

/// Whether a row with this target can begin with `text`.
///
/// To find out, the end of a sample row is appended to `text`, from each of its bytes on.
/// If one of these lines reads as a row, and that row is written as the same line, then
/// `text` is the beginning of a row. In this way nothing here depends on how rows are
/// written.
pub fn can_be_incomplete_row(text: &[u8], format: Format, target: &Target) -> bool {
    let Some(text) = with_whole_characters(text) else { return false };
    let mut rows = RowReader::new(format);
    let mut is_row = |line: &[u8]| {
        let row = rows.read(line).ok().filter(|row| row.target() == *target);
        row.and_then(|row| format.write(&row).ok()).is_some_and(|written| written == line)
    };
    let samples = Row::samples(target).into_iter().filter_map(|row| format.write(&row).ok());
    samples.into_iter().any(|sample| {
        (0..sample.len()).rev().any(|rest| is_row(&[&*text, &sample[rest..]].concat()))
    })
}

/// The text, with `é` in place of the last character if that is incomplete: an incomplete
/// character is never an ASCII one, so any other will do. `None` if it is not UTF-8.
fn with_whole_characters(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    match str::from_utf8(text) {
        Ok(_) => Some(text.into()),
        Err(error) if error.error_len().is_none() => {
            Some([&text[..error.valid_up_to()], "é".as_bytes()].concat().into())
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use figma_payments::{Resource, UserId};
    use serde_json::json;

    use super::*;

    const FORMATS: [Format; 2] = [Format::Csv, Format::Jsonl];

    fn target() -> Target {
        let resource = Resource::plugin("1678669904810665842").unwrap();
        Target::new(&resource, "https://example.com/a,b".to_owned())
    }

    /// Rows with all kinds of text from a server.
    fn rows() -> Vec<Row> {
        let texts = [
            "PAID",
            "",
            "\"",
            ",",
            "\",\"",
            "\\",
            "\\\"",
            "a\nb",
            "é€🎨",
            "=1+1",
            "x;=\"1\"",
            "';\"",
            "\u{feff}",
        ];
        let last = row("PAID", json!(null));
        texts.iter().map(|text| row(text, json!(text))).chain([last]).collect()
    }

    fn row(status: &str, date: serde_json::Value) -> Row {
        let payment = serde_json::from_value(json!({
            "user_id": "00500123",
            "resource_id": target().resource_id,
            "resource_type": "PLUGIN",
            "payment_status": status,
            "date_of_purchase": date,
        }));
        let user = UserId::try_from("00500123").unwrap();
        Row::new(user, &payment.unwrap(), &target().server)
    }

    #[test]
    fn every_beginning_of_a_row_is_one() {
        for format in FORMATS {
            for row in rows() {
                let line = format.write(&row).unwrap();
                for end in 1..line.len() {
                    let beginning = &line[..end];
                    let shown = String::from_utf8_lossy(beginning);
                    assert!(
                        can_be_incomplete_row(beginning, format, &target()),
                        "{format}: {shown}"
                    );
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_one() {
        let row = format_row(Format::Csv);
        let json = format_row(Format::Jsonl);
        let of_another = row.replace("1678669904810665842", "42");
        let from_another = json.replace("example.com", "example.org");
        let spaced = json.replace("\":", "\": ");
        let in_capitals = row.replace("true", "TRUE");
        for (format, texts) in [
            (
                Format::Csv,
                [
                    " ",
                    "important",
                    "1;",
                    "1,PAID,maybe",
                    "1,PAID,true,,WIDGET",
                    "111111111111111111111",
                    &of_another,
                    &in_capitals,
                ],
            ),
            (
                Format::Jsonl,
                [
                    " ",
                    "important",
                    "{\"user_id\":1",
                    "{\"user_id\":\"x",
                    "{\"user_id\":\"1\",\"name\"",
                    "{\"user_id\":\"1\"}",
                    &from_another,
                    &spaced,
                ],
            ),
        ] {
            for text in texts {
                assert!(
                    !can_be_incomplete_row(text.as_bytes(), format, &target()),
                    "{format}: {text}"
                );
            }
            for bytes in [&b"1,\xff\xff"[..], b"\xe2", b"{\"\xe2\x82"] {
                assert!(!can_be_incomplete_row(bytes, format, &target()), "{format}: {bytes:?}");
            }
        }
    }

    /// Without its line end.
    fn format_row(format: Format) -> String {
        let line = format.write(&row("PAID", json!("2024-06-15T14:30:00Z"))).unwrap();
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}
