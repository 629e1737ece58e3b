//! Taking secrets out of what others say: a server may echo them, whole or in part.

use std::collections::HashSet;

use zeroize::Zeroizing;

use crate::model::credentials::{PersonalAccessToken, PluginPaymentToken};

const REDACTED: &str = "[redacted]";

/// As many characters of a secret give it away: what a server echoes may be cut
/// short. Prefixes that all tokens have are shorter (`figd_`).
const FRAGMENT: usize = 8;

/// As many times a text is unescaped; one that is escaped more often is not quoted.
const ESCAPES: usize = 6;

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
    /// The text without the secrets. A part of one, or one that stands there in
    /// another spelling (case, white space, escaped for a URL, JSON or HTML, again
    /// and again), takes all of the text with it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let payment = self.payment.map(PluginPaymentToken::as_str);
        let secrets = [Some(self.access.as_str()), payment].into_iter().flatten();
        let text =
            secrets.clone().fold(text.to_owned(), |text, secret| text.replace(secret, REDACTED));
        let texts = spellings(&text);
        let endless = texts.len() > ESCAPES;
        // A secret may look escaped itself.
        let mut secrets = secrets.flat_map(spellings);
        let shown = secrets.any(|secret| shows(&texts, &secret));
        if endless || shown { REDACTED.to_owned() } else { text }
    }
}

/// Whether one of the texts has a part of the secret in it that gives it away, or
/// all of a short one; as they are compared.
fn shows(texts: &[Zeroizing<String>], secret: &str) -> bool {
    let parts: HashSet<&str> = fragments(secret).collect();
    match parts.is_empty() {
        true => !secret.is_empty() && texts.iter().any(|text| text.contains(secret)),
        false => texts.iter().any(|text| fragments(text).any(|part| parts.contains(part))),
    }
}

/// All parts of this length, wherever they begin.
fn fragments(text: &str) -> impl Iterator<Item = &str> {
    let begins = text.char_indices().map(|(at, _)| at);
    let ends = begins.clone().chain([text.len()]).skip(FRAGMENT);
    begins.zip(ends).map(|(begin, end)| &text[begin..end])
}

/// The text as it stands, unescaped, and unescaped again until nothing changes;
/// more than [`ESCAPES`] if that is not the end.
fn spellings(text: &str) -> Vec<Zeroizing<String>> {
    let mut all = vec![plain(text, false), plain(text, true)];
    while all.len() <= ESCAPES && all[all.len() - 1] != all[all.len() - 2] {
        all.push(plain(&all[all.len() - 1], true));
    }
    all
}

/// The text as it is compared, in small letters and without white space and the
/// plus that stands for it.
fn plain(text: &str, unescape: bool) -> Zeroizing<String> {
    // Reserved in full, so that no copy is left behind unwiped.
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let escape = if unescape { unescaped(rest) } else { None };
        let (meant, length) = escape.unwrap_or((next, next.len_utf8()));
        let unseen =
            matches!(meant, '+' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
        if !(meant.is_whitespace() || meant.is_control() || unseen) {
            plain.push(meant.to_ascii_lowercase());
        }
        rest = &rest[length..];
    }
    plain
}

/// The character that an escape at the beginning stands for, and its length.
fn unescaped(text: &str) -> Option<(char, usize)> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let coded = |from: usize, to: usize| Some((char::from_u32(hex(text.get(from..to)?)?)?, to));
    match text.as_bytes() {
        [b'%', ..] => {
            let escaped = |three: &[u8]| match three {
                [b'%', ..] if three.len() == 3 => {
                    hex(std::str::from_utf8(&three[1..]).ok()?)?.try_into().ok()
                }
                _ => None,
            };
            let bytes: Vec<u8> = text.as_bytes().chunks(3).take(4).map_while(escaped).collect();
            let meant = bytes.utf8_chunks().next()?.valid().chars().next()?;
            Some((meant, 3 * meant.len_utf8()))
        }
        [b'\\', b'u', ..] => coded(2, 6),
        [b'\\', b'x', ..] => coded(2, 4),
        [b'\\', next @ (b'"' | b'\\' | b'/' | b'\''), ..] => Some(((*next).into(), 2)),
        [b'&', ..] => {
            let end = text.bytes().take(12).position(|byte| byte == b';')?;
            let name = &text[1..end];
            let meant =
                match name.strip_prefix('#').map(|code| (code, code.strip_prefix(['x', 'X']))) {
                    Some((_, Some(code))) => char::from_u32(hex(code)?)?,
                    Some((code, None)) => char::from_u32(code.parse().ok()?)?,
                    None => ENTITIES.iter().find(|(entity, _)| *entity == name)?.1,
                };
            Some((meant, name.len() + 2))
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
    fn no_spelling_of_a_secret_is_left() {
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
    fn a_part_of_a_secret_is_not_left() {
        let secret = "ppt_0123456789/abcdé";
        for part in [
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
            let text = format!("no token <{part}…> is known");
            assert_eq!(redacted(secret, &text), REDACTED, "{part}");
        }
        for less in ["ppt_012", "ppt_012/3456789", "9/abcdé", "pt_012 56789/a"] {
            let text = format!("no token <{less}…> is known");
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

    #[test]
    fn what_only_looks_escaped_hides_no_secret() {
        assert_eq!(redacted("fppt_s", "/%2f\u{7f}ppt_s"), REDACTED);
        assert_eq!(redacted("&ppt_s", "&#38&ppt_s;"), "&#38[redacted];");
        assert_eq!(redacted("ppt_s", "ppt_s and PPT_S"), REDACTED);
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        for text in
            ["", "ppt_", "%", "%%%zz%4", "\\u12", "&amp", "&;&#;&#x;", "日本 %E3%81", "a  b"]
        {
            assert_eq!(redacted("ppt_s", text), text);
        }
    }
}
