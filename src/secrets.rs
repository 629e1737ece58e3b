//! Taking secrets out of what others say: a server may echo them.

use reqwest::Url;

use crate::{PersonalAccessToken, PluginPaymentToken};

const REDACTED: &str = "[redacted]";

/// The secrets of one call.
pub(crate) struct Secrets<'a> {
    pub(crate) access: &'a PersonalAccessToken,
    pub(crate) payment: Option<&'a PluginPaymentToken>,
}

impl Secrets<'_> {
    /// The text without the secrets, in whatever case and encoding they stand.
    pub(crate) fn redact(&self, text: &str) -> String {
        let payment = self.payment.map(PluginPaymentToken::as_str);
        let secrets = [Some(self.access.as_str()), payment];
        let mut text = text.to_owned();
        for secret in secrets.into_iter().flatten() {
            let encoded = in_url(secret);
            let spaces = encoded.replace('+', "%20");
            for form in [secret, &encoded, &spaces] {
                text = without(&text, form);
            }
        }
        text
    }
}

fn in_url(secret: &str) -> String {
    let mut url = Url::parse("http://localhost/").expect("a constant URL");
    url.query_pairs_mut().append_key_only(secret);
    url.query().unwrap_or_default().to_owned()
}

fn without(text: &str, secret: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let secret = secret.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, _) in lower.match_indices(&secret) {
        clean.push_str(&text[rest..start]);
        clean.push_str(REDACTED);
        rest = start + secret.len();
    }
    clean.push_str(&text[rest..]);
    clean
}
