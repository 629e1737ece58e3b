//! Removes secrets from text that comes from a server or a library. A server may echo
//! them, in full or in part.

use std::collections::HashSet;

use reqwest::Url;
use zeroize::Zeroizing;

use crate::model::credentials::{PersonalAccessToken, PluginPaymentToken};

const REDACTED: &str = "[redacted]";

/// Pieces of a secret with this many characters are redacted too, because a server may
/// shorten what it echoes. The prefix that all tokens share is shorter (`figd_`).
const FRAGMENT_CHARS: usize = 8;

/// How many times text is unescaped. Text that still changes then is redacted.
const MAX_UNESCAPES: usize = 6;

const ENTITIES: [(&str, char); 7] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("sol", '/'),
    ("shy", '\u{ad}'),
];

/// The secrets of one call.
pub(crate) struct Secrets<'a> {
    pub(crate) access: &'a PersonalAccessToken,
    pub(crate) payment: Option<&'a PluginPaymentToken>,
}

impl Secrets<'_> {
    /// The text without the secrets. A secret that appears unchanged is replaced. If a
    /// piece of a secret appears, or a secret in another spelling (other case or white
    /// space, or escaped for a URL, JSON or HTML, even several times), the whole text is
    /// replaced. A piece of the URL counts too, in which one character may be three.
    pub(crate) fn redact(&self, text: &str) -> String {
        let payment = self.payment.map(PluginPaymentToken::as_str);
        let secrets = [Some(self.access.as_str()), payment].into_iter().flatten();
        let text =
            secrets.clone().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED));
        let spellings = spellings(&text);
        let in_urls = secrets.clone().map(|secret| normalized(&escaped_for_url(secret), false));
        // A secret may have characters that look like an escape.
        let mut secrets = secrets.flat_map(self::spellings).chain(in_urls);
        let found = secrets.any(|secret| contains_secret(&spellings, &secret));
        if found || !is_unescaped(&spellings) { REDACTED.to_owned() } else { text }
    }
}

/// The secret as it stands in the query of a URL.
fn escaped_for_url(secret: &str) -> Zeroizing<String> {
    let url = Url::parse_with_params("http://localhost", [("", secret)]);
    let url = url.expect("any text can be the value of a parameter");
    Zeroizing::new(url.query().unwrap_or_default().trim_start_matches('=').to_owned())
}

/// Whether one of the texts contains a fragment of the secret, or all of a secret that
/// is shorter than a fragment. All are normalized.
fn contains_secret(texts: &[Zeroizing<String>], secret: &str) -> bool {
    let secret_fragments: HashSet<&str> = fragments(secret).collect();
    if secret_fragments.is_empty() {
        return !secret.is_empty() && texts.iter().any(|text| text.contains(secret));
    }
    let mut text_fragments = texts.iter().flat_map(|text| fragments(text));
    text_fragments.any(|fragment| secret_fragments.contains(fragment))
}

/// All substrings of [`FRAGMENT_CHARS`] characters.
fn fragments(text: &str) -> impl Iterator<Item = &str> {
    let begins = text.char_indices().map(|(at, _)| at);
    let ends = begins.clone().chain([text.len()]).skip(FRAGMENT_CHARS);
    begins.zip(ends).map(|(begin, end)| &text[begin..end])
}

/// Whether the last two spellings are the same: unescaping again changes nothing.
fn is_unescaped(spellings: &[Zeroizing<String>]) -> bool {
    matches!(spellings, [.., before, last] if before == last)
}

/// The normalized text: as it is, unescaped, and unescaped again until nothing changes,
/// or until it was unescaped [`MAX_UNESCAPES`] times.
fn spellings(text: &str) -> Vec<Zeroizing<String>> {
    let mut all = vec![normalized(text, false), normalized(text, true)];
    while all.len() <= MAX_UNESCAPES && !is_unescaped(&all) {
        all.push(normalized(&all[all.len() - 1], true));
    }
    all
}

/// The text in lower case, without white space and invisible characters, and without
/// `+`, which means a space in URLs.
fn normalized(text: &str, unescape: bool) -> Zeroizing<String> {
    // With room for all of it: a string that grows leaves unwiped copies in memory.
    let mut normalized = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let escape = if unescape { leading_escape(rest) } else { None };
        let unescaped = Escape { character: first, length: first.len_utf8() };
        let Escape { character, length } = escape.unwrap_or(unescaped);
        let ignored =
            matches!(character, '+' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        if !(character.is_whitespace() || character.is_control() || ignored) {
            normalized.push(character.to_ascii_lowercase());
        }
        rest = &rest[length..];
    }
    normalized
}

/// A character that is escaped in a text.
struct Escape {
    character: char,
    /// The length of the escape, in bytes.
    length: usize,
}

/// The escape that the text begins with, if it begins with one.
fn leading_escape(text: &str) -> Option<Escape> {
    let by_code = |digits: &str, radix| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
    match text.as_bytes() {
        [b'%', ..] => {
            let byte = |escape: &[u8]| {
                let digits = escape.strip_prefix(b"%").filter(|digits| digits.len() == 2)?;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
            };
            // A character has up to 4 bytes in UTF-8, and each is escaped on its own.
            let bytes: Vec<u8> = text.as_bytes().chunks(3).take(4).map_while(byte).collect();
            let character = bytes.utf8_chunks().next()?.valid().chars().next()?;
            Some(Escape { character, length: 3 * character.len_utf8() })
        }
        [b'\\', b'u', ..] => Some(Escape { character: by_code(text.get(2..6)?, 16)?, length: 6 }),
        [b'\\', b'x', ..] => Some(Escape { character: by_code(text.get(2..4)?, 16)?, length: 4 }),
        [b'\\', next @ (b'"' | b'\\' | b'/' | b'\''), ..] => {
            Some(Escape { character: (*next).into(), length: 2 })
        }
        [b'&', ..] => {
            let end = text.bytes().take(12).position(|byte| byte == b';')?;
            let name = &text[1..end];
            let character = match name.strip_prefix('#') {
                Some(code) => match code.strip_prefix(['x', 'X']) {
                    Some(code) => by_code(code, 16)?,
                    None => by_code(code, 10)?,
                },
                None => ENTITIES.iter().find(|(entity, _)| *entity == name)?.1,
            };
            Some(Escape { character, length: end + 1 })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(secret: &str, text: &str) -> String {
        let access = PersonalAccessToken::new("figd_s").unwrap();
        let payment = PluginPaymentToken::new(secret).unwrap();
        Secrets { access: &access, payment: Some(&payment) }.redact(text)
    }

    #[test]
    fn every_spelling_of_a_secret_is_redacted() {
        for (secret, spellings) in [
            ("ppt_A  b", &["ppt_A  b", "ppt_A b", "PPT_a+b", "ppt_A%20%20b", "ppt_A\u{a0}b"][..]),
            ("ppt_A\u{3000}b", &["ppt_A\u{3000}b", "ppt_A b", "ppt_A%E3%80%80b", "ppt_a\\u3000B"]),
            ("ppt_/x+y==", &["ppt_/x+y==", "ppt_%2Fx%2By%3D%3D", "ppt_%2fx+y==", "ppt_\\/x+y=="]),
            ("ppt_\"q", &["ppt_\"q", "ppt_\\\"q", "ppt_&quot;q", "ppt_%22q", "ppt_\\u0022q"]),
            ("ppt_a&b<c>", &["ppt_a&amp;b&lt;c&gt;", "ppt_a&#38;b&#x3C;c&#X3e;", "ppt_a&b<c>"]),
            (
                "ppt_é",
                &["ppt_é", "ppt_%C3%A9", "ppt_%c3%a9", "ppt_\\u00e9", "ppt_&#233;", "ppt_\\xe9"],
            ),
            ("ppt_%41\\/b", &["ppt_%41\\/b", "ppt_%2541\\\\\\/b", "ppt_A/b"]),
            ("+++", &["+++"]),
            ("ppt_=/x", &["ppt_%253D%252Fx", "ppt_%25253D/x", "ppt_=&amp;sol;x", "ppt_=\\\\/x"]),
            ("ppt_/x", &["ppt_&#0000047;x", "pp\u{200b}t_/x", "ppt&shy;_/x", "ppt_&#8203;/x"]),
        ] {
            for spelling in spellings {
                let text = format!("é <{spelling}> % \\ & &x; {spelling}");
                let expected = match *spelling == secret {
                    true => text.replace(spelling, REDACTED),
                    false => REDACTED.to_owned(),
                };
                assert_eq!(redacted(secret, &text), expected, "{secret:?} as {spelling:?}");
            }
        }
    }

    #[test]
    fn a_fragment_of_a_secret_is_redacted() {
        let secret = "ppt_0123456789/abcdé";
        for fragment in [
            "ppt_0123",
            "ppt_0123456789/abcd",
            "3456789/",
            "89/abcdé",
            "89/abcd%C3%A9",
            "89%2Fabcd\\u00e9",
            "PPT_ 01 23",
            "89\\/ABCDé",
            "4%356789&sol;ab",
        ] {
            let text = format!("no token <{fragment}…> is known");
            assert_eq!(redacted(secret, &text), REDACTED, "{fragment}");
        }
        for shorter in ["ppt_012", "ppt_012/3456789", "9/abcdé", "pt_012 56789/a"] {
            let text = format!("no token <{shorter}…> is known");
            assert_eq!(redacted(secret, &text), text);
        }
        assert_eq!(redacted(secret, &format!("{secret}, ppt_012")), "[redacted], ppt_012");
        assert_eq!(redacted(secret, &format!("{secret}, ppt_0123")), REDACTED);
        assert_eq!(
            redacted("ppt_日本語の", "ppt_日本語の, not ppt_日本語"),
            "[redacted], not ppt_日本語"
        );
        assert_eq!(redacted("ppt_日本語の", "ppt_%E6%97%A5本語の"), REDACTED);
    }

    /// Eight characters of the URL are fewer of the secret.
    #[test]
    fn a_fragment_of_the_url_is_redacted() {
        for fragment in ["s%26txyz", "t_s%26tx", "PT_S%26T", "6txyz%3D"] {
            let text = format!("no token <{fragment}…> is known");
            assert_eq!(redacted("ppt_s&txyz=", &text), REDACTED, "{fragment}");
        }
        for shorter in ["s%26txy", "s&txyz", "txyz="] {
            let text = format!("no token <{shorter}…> is known");
            assert_eq!(redacted("ppt_s&txyz=", &text), text);
        }
    }

    #[test]
    fn text_that_is_escaped_too_often_is_not_left() {
        let escaped = |times: usize| format!("%{}41", "25".repeat(times - 1));
        for times in 1..MAX_UNESCAPES {
            assert_eq!(redacted("ppt_s", &escaped(times)), escaped(times), "{times} times");
        }
        for times in MAX_UNESCAPES..MAX_UNESCAPES + 3 {
            assert_eq!(redacted("ppt_s", &escaped(times)), REDACTED, "{times} times");
        }
    }

    #[test]
    fn text_that_only_looks_escaped_hides_no_secret() {
        assert_eq!(redacted("fppt_s", "/%2f\u{7f}ppt_s"), REDACTED);
        assert_eq!(redacted("&ppt_s", "&#38&ppt_s;"), "&#38[redacted];");
        assert_eq!(redacted("ppt_s", "ppt_s and PPT_S"), REDACTED);
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in
            ["", "ppt_", "%", "%%%zz%4", "\\u12", "&amp", "&;&#;&#x;", "日本 %E3%81", "a  b"]
        {
            assert_eq!(redacted("ppt_s", text), text);
        }
    }
}
