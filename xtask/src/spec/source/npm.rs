//! Fetches Figma's own package with the installed npm and its settings, and checks its
//! sha512 integrity.
//!
//! The registry's answers are not trusted: a version has to be a valid version, no code
//! of a package runs, and only a limited part of an archive is read.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Take};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use semver::Version;
use serde_json::Value;
use sha2::{Digest, Sha512};

use super::read;

/// The package that Figma publishes its document in.
pub const NAME: &str = "@figma/rest-api-spec";
const DOCUMENT: &str = "package/openapi/openapi.yaml";

const MIB: u64 = 1024 * 1024;
/// The limit for an archive and for its unpacked contents. Figma's have 0.1 and 0.6 MiB.
const MAX_ARCHIVE: u64 = 64 * MIB;

/// One version of the package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// A version such as 0.43.0. npm must never get any other text: it would clone the
    /// address of a repository and run its scripts.
    pub version: Version,
    /// The checksum as npm lists it: `sha512-` and the digest in Base64.
    pub integrity: String,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "npm {NAME} {}", self.version)
    }
}

/// Parses a version, such as 0.43.0.
pub(crate) fn version(text: &str) -> Result<Version> {
    text.parse()
        .map_err(|_| anyhow!("`{text}` is not a version; something like 0.43.0 is expected"))
}

/// Asks npm for a version and its integrity; without `version`, for the newest.
///
/// # Errors
///
/// npm is missing, cannot reach its registry, does not have the version, or answers with
/// another version.
pub fn view(version: Option<&Version>) -> Result<Package> {
    let latest = || format!("{NAME}@latest");
    let wanted = version.map_or_else(latest, |version| format!("{NAME}@{version}"));
    let found = ask(&wanted)?;
    let [package] = &found[..] else {
        bail!("npm lists {} versions for {wanted}; one is expected", found.len());
    };
    if let Some(version) = version {
        ensure!(
            package.version == *version,
            "npm answered with version {} instead of {version}; check npm's registry setting",
            package.version
        );
    }
    Ok(package.clone())
}

/// Every published version, oldest first.
///
/// # Errors
///
/// Those of [`view`].
pub fn history() -> Result<Vec<Package>> {
    let mut history = ask(&format!("{NAME}@>=0"))?;
    history.sort_by(|one, other| one.version.cmp(&other.version));
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
        let version = version.parse().map_err(|_| {
            anyhow!("npm answered {version:?} for {wanted}, which is not a version; check npm's registry setting")
        })?;
        Ok(Package { version, integrity: integrity.to_owned() })
    };
    listed.iter().map(package).collect()
}

/// Downloads a version and unpacks the document.
///
/// # Errors
///
/// npm fails, or the archive has another integrity, has no document, or is too large.
pub fn fetch(package: &Package) -> Result<String> {
    let folder = tempfile::tempdir().context("a temporary folder cannot be created")?;
    let wanted = format!("{NAME}@{}", package.version);
    npm(&["pack", &wanted, "--ignore-scripts", "--silent"], folder.path())?;
    let archive = fs::read_dir(folder.path())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "tgz"))
        .ok_or_else(|| anyhow!("npm pack {wanted} did not create an archive"))?;
    unpack(&read_archive(&archive)?, package)
}

fn read_archive(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_ARCHIVE + 1).read_to_end(&mut bytes)?;
    ensure!(
        bytes.len() as u64 <= MAX_ARCHIVE,
        "the archive from npm is longer than {} MiB; check npm's registry setting",
        MAX_ARCHIVE / MIB
    );
    Ok(bytes)
}

/// A reader that fails after [`MAX_ARCHIVE`] bytes. It limits the whole unpacked archive
/// and not only the document, because `tar` also keeps long file names in memory.
struct Limited<R>(Take<R>);

impl<R: Read> Limited<R> {
    fn new(from: R) -> Self {
        Limited(from.take(MAX_ARCHIVE + 1))
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        match self.0.limit() {
            0 => {
                let mib = MAX_ARCHIVE / MIB;
                Err(io::Error::other(format!("it unpacks to more than {mib} MiB")))
            }
            _ => Ok(read),
        }
    }
}

/// Checks the integrity of an archive and unpacks the document.
fn unpack(archive: &[u8], package: &Package) -> Result<String> {
    let digest = BASE64_STANDARD.encode(Sha512::digest(archive));
    ensure!(
        package.integrity == format!("sha512-{digest}"),
        "{package}: the archive's checksum is sha512-{digest}, but npm lists {}; it was damaged or changed during the download, so try again",
        package.integrity
    );
    let mut archive = tar::Archive::new(Limited::new(GzDecoder::new(archive)));
    for entry in archive.entries()? {
        let entry = entry.with_context(|| format!("{package}: the archive cannot be read"))?;
        if entry.path_bytes() == DOCUMENT.as_bytes() {
            return read::text(entry).with_context(|| format!("{package}: {DOCUMENT}"));
        }
    }
    bail!("{package}: has no {DOCUMENT}; look for where Figma has moved it")
}

/// Runs the installed npm, which knows the user's registry, proxy and credentials.
fn npm(arguments: &[&str], folder: &Path) -> Result<String> {
    let output =
        Command::new("npm").args(arguments).current_dir(folder).output().map_err(|error| {
            match error.kind() {
                ErrorKind::NotFound => anyhow!(
                    "npm is not installed; install Node.js, or give a file or URL with --source"
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
            .unwrap_or("npm printed no reason");
        bail!(
            "`npm {}` failed ({said}); check the network and npm's settings, or give a file or URL with --source",
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
            Package { version: Version::new(1, 2, 3), integrity: format!("sha512-{digest}") };
        (bytes, package)
    }

    #[test]
    fn the_document_is_unpacked_if_the_integrity_is_right() {
        let (archive, package) = packed(DOCUMENT, "openapi: 3.1.0\n");
        assert_eq!(unpack(&archive, &package).unwrap(), "openapi: 3.1.0\n");
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let (archive, package) = packed(DOCUMENT, "openapi: 3.1.0\n");
        for length in [0, 1, archive.len() / 2, archive.len() - 1] {
            let error = unpack(&archive[..length], &package).unwrap_err();
            assert!(error.to_string().contains("but npm lists"), "{error}");
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
    fn only_a_version_is_passed_to_npm() {
        for text in ["", "latest", "--help", "1 2", "0.1.0;x", ">=0", "1.0", "v1.0.0", "1.0.0 "] {
            assert!(version(text).is_err(), "{text:?}");
        }
        version("0.43.0-beta.1").unwrap();
    }
}
