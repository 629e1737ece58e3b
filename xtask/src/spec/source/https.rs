//! An `https://` URL, fetched with the user's own curl, which knows their
//! proxy and certificates. The lock keeps the sha256 of what came.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use super::fetch::read_text;

pub(super) fn fetch(url: &str) -> Result<String> {
    let shown = without_secrets(url);
    // Only https, also after a redirect; `--url` keeps the text from being an
    // option, and `--globoff` from being a pattern.
    let mut curl = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--location", "--globoff"])
        .args(["--proto", "=https", "--max-redirs", "5"])
        .args(["--connect-timeout", "20", "--max-time", "120"])
        .args(["--url", url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "curl is not installed; install it, or download {shown} and name the file with --source"
            ),
            _ => anyhow!("curl cannot be run: {error}"),
        })?;
    // Read as it comes, so that an endless answer is cut off and not kept; curl
    // ends when its output is closed.
    let text = match curl.stdout.take() {
        Some(stdout) => read_text(stdout),
        None => bail!("curl has no output"),
    };
    let output = curl.wait_with_output()?;
    // Of an answer that is too long, curl's own end says nothing.
    let text = text.with_context(|| shown.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("curl gave no reason");
        bail!("{shown}: cannot be fetched ({said}); check the address and the network");
    }
    Ok(text)
}

/// The URL without what may be a secret: its query, and a user and password.
pub(super) fn without_secrets(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let host = url.trim_start_matches("https://");
    let authority = host.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((secret, _)) => format!("https://{}", &host[secret.len() + 1..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn no_secret_of_a_url_is_written_down() {
        for (url, shown) in [
            ("https://a.example/b.yml", "https://a.example/b.yml"),
            ("https://a.example/b.yml?token=x#y", "https://a.example/b.yml"),
            ("https://u:p@a.example/b@c.yml", "https://a.example/b@c.yml"),
            ("https://u@a.example", "https://a.example"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
