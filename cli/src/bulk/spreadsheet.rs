//! Text that a spreadsheet program leaves text. What a server wrote must not
//! become a formula on the computer of whoever opens the output (OWASP: CSV
//! injection).

use std::borrow::Cow;

/// The text of a cell, with an apostrophe before whatever does not begin with a
/// letter or a digit.
///
/// Formulas begin with `=`, `+`, `-` or `@`, in some programs with their full-width
/// forms, and after white space or quotes too: a list of what they begin with
/// would be longer, and never complete. Where numbers have a decimal comma, cells
/// are split at semicolons, so what comes after one begins a cell as well.
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

/// What has an apostrophe is left as it is, so that a row which was read back is
/// written the same.
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
