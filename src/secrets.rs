//! Taking secrets out of what others say: a server may echo them.

use zeroize::Zeroizing;

use crate::{PersonalAccessToken, PluginPaymentToken};

const REDACTED: &str = "[redacted]";

const ENTITIES: [(&str, char); 5] =
    [("amp", '&'), ("lt", '<'), ("gt", '>'), ("quot", '"'), ("apos", '\'')];

/// The secrets of one call.
pub(crate) struct Secrets<'a> {
    pub(crate) access: &'a PersonalAccessToken,
    pub(crate) payment: Option<&'a PluginPaymentToken>,
}

impl Secrets<'_> {
    /// The text without the secrets: in any case, with any white space, as they
    /// are or with any of it escaped once for a URL, JSON or HTML.
    pub(crate) fn redact(&self, text: &str) -> String {
        let payment = self.payment.map(PluginPaymentToken::as_str);
        let mut text = text.to_owned();
        for secret in [Some(self.access.as_str()), payment].into_iter().flatten() {
            text = text.replace(secret, REDACTED);
            // Either of them may look escaped and not be.
            for (of_secret, of_text) in [(false, false), (false, true), (true, true)] {
                text = without(&text, &plain(secret, of_secret).0, of_text);
            }
        }
        text
    }
}

fn without(text: &str, secret: &[u8], unescape: bool) -> String {
    let (plain, places) = plain(text, unescape);
    let (mut clean, mut kept, mut at) = (String::with_capacity(text.len()), 0, 0);
    while !secret.is_empty() && at + secret.len() <= plain.len() {
        if !plain[at..].starts_with(secret) {
            at += 1;
            continue;
        }
        clean.push_str(&text[kept..places[at].0]);
        clean.push_str(REDACTED);
        at += secret.len();
        kept = places[at - 1].1;
    }
    clean + &text[kept..]
}

/// The text as it is compared, in small letters and without white space (and the
/// plus that stands for it), and from where to where each byte of it stood.
fn plain(text: &str, unescape: bool) -> (Zeroizing<Vec<u8>>, Vec<(usize, usize)>) {
    // Reserved in full, so that no copy is left behind unwiped.
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let (mut places, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(next) = text[at..].chars().next() {
        let escape = if unescape { unescaped(&text[at..]) } else { None };
        let (meant, length) = escape.unwrap_or((next, next.len_utf8()));
        let skipped = meant.is_whitespace() || meant.is_control() || meant == '+';
        let mut utf8 = [0; 4];
        let meant = match skipped {
            true => &[],
            false => meant.to_ascii_lowercase().encode_utf8(&mut utf8).as_bytes(),
        };
        plain.extend_from_slice(meant);
        places.extend(meant.iter().map(|_| (at, at + length)));
        at += length;
    }
    (plain, places)
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
            let (name, _) = text[1..].split_once(';').filter(|(name, _)| name.len() < 8)?;
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
        ] {
            for spelling in spellings {
                let text = format!("é <{spelling}> % \\ & &x; {spelling}");
                let expected = text.replace(spelling, REDACTED);
                assert_eq!(redacted(secret, &text), expected, "{secret:?} as {spelling:?}");
            }
        }
    }

    #[test]
    fn what_only_looks_escaped_hides_no_secret() {
        assert_eq!(redacted("fppt_s", "/%2f\u{7f}ppt_s"), "/%2[redacted]");
        assert_eq!(redacted("&ppt_s", "&#38&ppt_s;"), "&#38[redacted];");
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
