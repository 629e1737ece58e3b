//! The end of a file without a line end: a row that was torn, which may be cut
//! off, or somebody's text, which may not.

use std::borrow::Cow;

use super::row::{Format, Row, Rows};
use super::target::Subject;

/// Whether a row about this subject can begin like this.
///
/// It can if the end of another row makes it whole: `text` and the rest of a
/// sample, from any byte on, read as a row and are what that row is written as.
/// So nothing here has to know how a row is written.
pub fn can_be_a_torn_row(text: &[u8], format: Format, subject: &Subject) -> bool {
    let Some(text) = with_whole_characters(text) else { return false };
    let mut rows = Rows::new(format);
    let mut is_row = |line: &[u8]| {
        let row = rows.read(line).ok().filter(|row| row.subject() == *subject);
        row.and_then(|row| format.write(&row).ok()).is_some_and(|written| written == line)
    };
    let samples = Row::samples(subject).into_iter().filter_map(|row| format.write(&row).ok());
    samples.into_iter().any(|sample| {
        (0..sample.len()).rev().any(|rest| is_row(&[&*text, &sample[rest..]].concat()))
    })
}

/// With a letter in place of the last character, if that is torn: it may be one,
/// and is none of ASCII. `None` if it is no text.
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

    fn subject() -> Subject {
        let resource = Resource::plugin("1678669904810665842").unwrap();
        Subject::new(&resource, "https://example.com/a,b".to_owned())
    }

    /// Rows of a server that writes whatever it likes.
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
            "resource_id": subject().resource_id,
            "resource_type": "PLUGIN",
            "payment_status": status,
            "date_of_purchase": date,
        }));
        let user = UserId::try_from("00500123").unwrap();
        Row::new(user, &payment.unwrap(), &subject().server)
    }

    #[test]
    fn every_beginning_of_a_row_is_one() {
        for format in FORMATS {
            for row in rows() {
                let line = format.write(&row).unwrap();
                for end in 1..line.len() {
                    let torn = &line[..end];
                    let shown = String::from_utf8_lossy(torn);
                    assert!(can_be_a_torn_row(torn, format, &subject()), "{format}: {shown}");
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
                    !can_be_a_torn_row(text.as_bytes(), format, &subject()),
                    "{format}: {text}"
                );
            }
            for bytes in [&b"1,\xff\xff"[..], b"\xe2", b"{\"\xe2\x82"] {
                assert!(!can_be_a_torn_row(bytes, format, &subject()), "{format}: {bytes:?}");
            }
        }
    }

    /// Without its line end.
    fn format_row(format: Format) -> String {
        let line = format.write(&row("PAID", json!("2024-06-15T14:30:00Z"))).unwrap();
        String::from_utf8(line).unwrap().trim_end().to_owned()
    }
}
