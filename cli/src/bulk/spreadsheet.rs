//! Keeps a spreadsheet program from taking a server's text for a formula, and running it on
//! the computer of the person who opens the output (OWASP: CSV injection).

use std::borrow::Cow;

/// The text of a cell. It gets an apostrophe in front unless it begins with a letter or a
/// digit.
///
/// Formulas begin with `=`, `+`, `-` or `@`, in some programs with the full-width forms of
/// these, and also after white space or quotes. A list of all these beginnings would be
/// long and never complete, so the rule is the other way round. In countries with a
/// decimal comma, spreadsheets split cells at semicolons, so the rule applies after each
/// semicolon too.
pub fn as_text(text: &str) -> Cow<'_, str> {
    if text.split(';').all(is_harmless) {
        return Cow::Borrowed(text);
    }
    let parts = text.split(';').map(|part| match is_harmless(part) {
        true => part.to_owned(),
        false => format!("'{part}"),
    });
    Cow::Owned(parts.collect::<Vec<_>>().join(";"))
}

/// A cell that has an apostrophe already is left as it is, so that a row that is read and
/// written again stays the same.
fn is_harmless(cell: &str) -> bool {
    cell.chars().next().is_none_or(|first| first.is_alphanumeric() || first == '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_and_digits_begin_a_cell() {
        for text in ["", "PAID", "2024-06-15T14:30:00Z", "é", "a=1", "a;b", "1;", "'=1", "'"] {
            assert_eq!(as_text(text), text);
        }
        for text in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠1",
            " =1",
            "\u{a0}=1",
            "\u{feff}=1",
            "\u{200b}=1",
            "\u{fffd}=1",
            "\"=1",
            "|1",
            "%1",
        ] {
            assert_eq!(as_text(text), format!("'{text}"));
            assert_eq!(as_text(&format!("a;{text};b")), format!("a;'{text};b"));
            assert_eq!(as_text(&as_text(text)), as_text(text));
        }
    }
}
