//! Fetches an `https://` URL with the installed curl, which knows the user's proxy and
//! certificates.

use std::io::ErrorKind;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, bail};

use super::read;

pub(super) fn fetch(url: &str) -> Result<String> {
    let shown = without_secrets(url);
    // Only https, also after a redirect. `--url` keeps curl from reading the text as an
    // option, and `--globoff` from reading it as a pattern.
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
                "curl is not installed; install it, or download {shown} and give the file with --source"
            ),
            _ => anyhow!("curl cannot be run: {error}"),
        })?;
    // Read while curl runs, so that reading stops at the limit. curl ends when its output
    // is closed.
    let text = match curl.stdout.take() {
        Some(stdout) => read::text(stdout),
        None => bail!("curl has no output"),
    };
    let output = curl.wait_with_output()?;
    // First the error of reading: if the text was too long, curl failed only because of
    // that.
    let text = text.with_context(|| shown.clone())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next().unwrap_or("curl printed no reason");
        bail!("{shown}: cannot be fetched ({said}); check the address and the network");
    }
    Ok(text)
}

/// The URL without the parts that may be secret: the query, the user and the password.
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
