//! Escapes control characters. Reports and errors quote documents and the output of other
//! programs, which must not control a terminal or the log of a CI.

use std::fmt::Write as _;

/// The text in one line: control characters, line breaks among them, and characters that
/// change the direction of text are written as `\n` or `\u{1b}`.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match is_control(character) {
            true => escaped.extend(character.escape_default()),
            false => escaped.push(character),
        }
    }
    escaped
}

/// Indented JSON in which these characters are escaped in JSON's way. `serde_json` escapes
/// only those below U+0020.
pub fn json(value: &serde_json::Value) -> String {
    let mut escaped = String::new();
    for character in format!("{value:#}").chars() {
        match is_control(character) && character != '\n' {
            true => drop(write!(escaped, "\\u{:04x}", u32::from(character))),
            false => escaped.push(character),
        }
    }
    escaped
}

fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{escaped, json};

    #[test]
    fn control_characters_are_escaped_and_other_text_stays() {
        assert_eq!(
            escaped("a\u{1b}[2J\r\n\t\u{9b}b\u{202e}é“"),
            r"a\u{1b}[2J\r\n\t\u{9b}b\u{202e}é“"
        );
    }

    #[test]
    fn escaped_json_is_the_same_value() {
        let value = serde_json::json!({ "a\u{9b}": ["\u{1b}\n\u{7f}\u{202e}é"] });
        let text = json(&value);
        assert!(text.chars().all(|it| it == '\n' || !super::is_control(it)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }
}
