//! Figma's own package, fetched with the user's own npm client and settings,
//! and checked against its sha512 integrity.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha512};

use super::read_text;

/// The package that Figma publishes its document in.
pub const NAME: &str = "@figma/rest-api-spec";
const DOCUMENT: &str = "package/openapi/openapi.yaml";

/// One version of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Such as 0.43.0.
    pub version: String,
    /// `sha512-` and the digest in Base64, as npm lists it.
    pub integrity: String,
}

impl Package {
    /// The numbers of its version, by which versions are ordered.
    pub fn numbers(&self) -> Vec<u64> {
        let numbers = self.version.split(['.', '-', '+']).take(3);
        numbers.map(|number| number.parse().unwrap_or(0)).collect()
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "npm {NAME} {}", self.version)
    }
}

/// A version is one: three numbers, and perhaps a tail.
pub(super) fn check_version(version: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    ensure!(
        version.starts_with(|first: char| first.is_ascii_digit()) && version.bytes().all(plain),
        "`{version}` is not a version; one like npm@0.43.0 is expected"
    );
    Ok(())
}

/// Asks npm about one version, or the newest.
///
/// # Errors
///
/// npm is missing, cannot reach its registry, or knows no such version.
pub fn view(version: Option<&str>) -> Result<Package> {
    let wanted = format!("{NAME}@{}", version.unwrap_or("latest"));
    let found = ask(&wanted)?;
    let [package] = &found[..] else {
        bail!("npm lists {} versions for {wanted}; one is expected", found.len());
    };
    Ok(package.clone())
}

/// Every version that was published, oldest first.
///
/// # Errors
///
/// As [`view`].
pub fn history() -> Result<Vec<Package>> {
    let mut history = ask(&format!("{NAME}@>=0"))?;
    history.sort_by_key(Package::numbers);
    Ok(history)
}

fn ask(wanted: &str) -> Result<Vec<Package>> {
    let answer = npm(&["view", wanted, "version", "dist.integrity", "--json"], Path::new("."))?;
    let answer: Value = serde_json::from_str(&answer)
        .with_context(|| format!("npm view {wanted} did not answer with JSON"))?;
    let listed = match answer {
        Value::Array(listed) => listed,
        one => vec![one],
    };
    let package = |listed: &Value| {
        let version = listed["version"].as_str();
        let integrity = listed["dist.integrity"].as_str();
        let integrity = integrity.filter(|it| it.starts_with("sha512-"));
        let (Some(version), Some(integrity)) = (version, integrity) else {
            bail!("npm lists no version with a sha512 integrity for {wanted}");
        };
        Ok(Package { version: version.to_owned(), integrity: integrity.to_owned() })
    };
    listed.iter().map(package).collect()
}

/// Downloads a version and takes the document out of it.
///
/// # Errors
///
/// npm fails, the archive is not the one that `package` promises, or it lacks
/// the document.
pub fn fetch(package: &Package) -> Result<String> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let wanted = format!("{NAME}@{}", package.version);
    npm(&["pack", &wanted, "--silent"], folder.path())?;
    let archive = fs::read_dir(folder.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "tgz"))
        .ok_or_else(|| anyhow!("npm pack {wanted} left no archive behind"))?;
    unpack(&fs::read(archive)?, package)
}

/// Checks an archive and takes the document out of it.
fn unpack(archive: &[u8], package: &Package) -> Result<String> {
    let digest = BASE64_STANDARD.encode(Sha512::digest(archive));
    ensure!(
        package.integrity == format!("sha512-{digest}"),
        "{package}: the archive's checksum is sha512-{digest}, but {} was promised; it was changed or cut short on its way, so try again",
        package.integrity
    );
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries()? {
        let entry = entry.with_context(|| format!("{package}: is not a readable archive"))?;
        if entry.path_bytes() == DOCUMENT.as_bytes() {
            return read_text(entry).with_context(|| format!("{package}: {DOCUMENT}"));
        }
    }
    bail!("{package}: has no {DOCUMENT}; Figma may have moved it, so look into the package")
}

/// Runs the user's npm, which knows their registry, proxy and credentials.
fn npm(arguments: &[&str], folder: &Path) -> Result<String> {
    let output =
        Command::new("npm").args(arguments).current_dir(folder).output().map_err(|error| {
            match error.kind() {
                ErrorKind::NotFound => anyhow!(
                    "npm is not installed; install Node.js, or name a file or URL with --source"
                ),
                _ => anyhow!("npm cannot be run: {error}"),
            }
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said
            .lines()
            .filter_map(|line| line.strip_prefix("npm error "))
            .find(|line| line.contains(' ') && !line.starts_with("code "))
            .unwrap_or("it gave no reason");
        bail!(
            "`npm {}` failed ({said}); check the network and npm's settings, or name a file or URL with --source",
            arguments[..2].join(" ")
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(path: &str, text: &str) -> (Vec<u8>, Package) {
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
            Vec::new(),
            flate2::Compression::fast(),
        ));
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, text.as_bytes()).unwrap();
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        let digest = BASE64_STANDARD.encode(Sha512::digest(&bytes));
        let package =
            Package { version: "1.2.3".to_owned(), integrity: format!("sha512-{digest}") };
        (bytes, package)
    }

    #[test]
    fn the_document_is_taken_out_of_an_archive_that_is_the_promised_one() {
        let (archive, package) = packed(DOCUMENT, "openapi: 3.1.0\n");
        assert_eq!(unpack(&archive, &package).unwrap(), "openapi: 3.1.0\n");
    }

    #[test]
    fn an_archive_that_was_cut_short_or_changed_is_refused() {
        let (archive, package) = packed(DOCUMENT, "openapi: 3.1.0\n");
        for length in [0, 1, archive.len() / 2, archive.len() - 1] {
            let error = unpack(&archive[..length], &package).unwrap_err();
            assert!(error.to_string().contains("was promised"), "{error}");
        }
        let mut changed = archive.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(unpack(&changed, &package).is_err());
    }

    #[test]
    fn an_archive_without_the_document_says_so() {
        let (archive, package) = packed("package/other.yaml", "openapi: 3.1.0\n");
        let error = unpack(&archive, &package).unwrap_err().to_string();
        assert!(error.contains("has no package/openapi/openapi.yaml"), "{error}");
    }

    #[test]
    fn a_document_that_unpacks_to_too_much_is_refused() {
        let (archive, package) = packed(DOCUMENT, &" ".repeat(17 * 1024 * 1024));
        assert!(archive.len() < 1024 * 1024);
        let error = format!("{:#}", unpack(&archive, &package).unwrap_err());
        assert!(error.contains("longer than 16777216 bytes"), "{error}");
    }

    #[test]
    fn what_is_no_version_never_reaches_npm() {
        for text in ["", "latest", "--help", "1 2", "0.1.0;x", ">=0"] {
            assert!(check_version(text).is_err(), "{text:?}");
        }
        check_version("0.43.0-beta.1").unwrap();
    }
}
