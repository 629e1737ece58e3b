//! A small checkout in a temporary folder, with fake programs: npm, curl and cargo do what
//! a test tells them.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use figma_payments_openapi::Document;
use serde_json::json;
use sha2::{Digest, Sha512};
use tempfile::TempDir;
use xtask::spec::digest::sha256;
use xtask::spec::files::{CORRECTIONS, DOCUMENT, LOCK, SNAPSHOT};
use xtask::spec::lock::{Bundled, Lock};
use xtask::spec::slice::cut::slice;
use xtask::spec::source::origin::{Checksum, Origin};

/// A document in the style of Figma's own.
pub const OFFICIAL: &str = include_str!("../../../openapi/tests/fixtures/official-style.yml");

/// The document that is bundled in the small checkout.
const BUNDLED: &str = include_str!("../../../openapi/tests/fixtures/handed-over.yml");

/// An archive that is being written.
pub type Archive = tar::Builder<flate2::write::GzEncoder<Vec<u8>>>;

pub struct Checkout {
    folder: TempDir,
}

/// The result of a run.
pub struct Ran {
    pub code: i32,
    pub report: String,
    pub said: String,
}

impl Checkout {
    /// A checkout with [`BUNDLED`] and no reviewed version.
    pub fn new() -> Self {
        let checkout = Checkout { folder: tempfile::tempdir().unwrap() };
        let document = Document::parse("x.yml", BUNDLED).unwrap();
        let part = slice(&document).unwrap();
        let checksum = Checksum::Sha256(sha256(BUNDLED.as_bytes()));
        let origin = Origin { description: "a test".to_owned(), checksum };
        let bundled = Bundled::new(&origin, &part, BUNDLED);
        let lock = Lock { bundled, reviewed: None };
        for (name, text) in [
            (DOCUMENT, BUNDLED),
            (LOCK, &lock.to_text()),
            (CORRECTIONS, "old corrections\n"),
            (SNAPSHOT, "old bindings\n"),
            ("xtask/Cargo.toml", ""),
            (".gitignore", include_str!("../../../.gitignore")),
        ] {
            let path = checkout.root().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        checkout.git(&["init", "--quiet"]);
        checkout.commit();
        checkout.publish("0.99.0", OFFICIAL);
        checkout.program("cargo", "exit 0");
        checkout
    }

    /// Runs git in the checkout and gives its output.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.root(), arguments)
    }

    /// Commits every change in the checkout.
    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "Test"]);
    }

    /// Runs the command that a message advises, which it has between backticks.
    pub fn run_advice(&self, message: &str) {
        let advised = message.split('`').nth(1).unwrap_or_else(|| panic!("no advice: {message}"));
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", advised]).current_dir(self.root());
        let output = without_settings(&mut shell).output().unwrap();
        assert!(output.status.success(), "{advised}: {output:?}");
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("checkout")
    }

    /// A path outside of the checkout.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.file("bin").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces the fake cargo by this script.
    pub fn cargo(&self, script: &str) {
        self.program("cargo", script);
    }

    /// Replaces the fake npm by this script.
    pub fn npm(&self, script: &str) {
        self.program("npm", script);
    }

    /// Replaces the fake curl by this script.
    pub fn curl(&self, script: &str) {
        self.program("curl", script);
    }

    /// Makes the fake npm serve one version of the package, with this document. Gives the
    /// path of the archive.
    pub fn publish(&self, version: &str, document: &str) -> PathBuf {
        let mut header = tar::Header::new_gnu();
        header.set_size(document.len() as u64);
        header.set_mode(0o644);
        self.publish_archive(version, |archive| {
            let name = "package/openapi/openapi.yaml";
            archive.append_data(&mut header, name, document.as_bytes()).unwrap();
        })
    }

    /// Makes the fake npm serve one version of the package, with what `fill` puts into the
    /// archive. Gives the path of the archive.
    ///
    /// A file `ran` outside of the checkout appears if the real npm would have run code: it
    /// runs the scripts of a package without `--ignore-scripts`, and clones and builds
    /// what is given instead of a version.
    pub fn publish_archive(&self, version: &str, fill: impl FnOnce(&mut Archive)) -> PathBuf {
        let compression = flate2::Compression::fast();
        let encoder = flate2::write::GzEncoder::new(Vec::new(), compression);
        let mut archive = tar::Builder::new(encoder);
        fill(&mut archive);
        let bytes = archive.into_inner().unwrap().finish().unwrap();
        let digest = BASE64_STANDARD.encode(Sha512::digest(&bytes));
        let listed = json!({ "version": version, "dist.integrity": format!("sha512-{digest}") });
        let archive = self.file("package.tgz");
        fs::write(&archive, bytes).unwrap();
        fs::write(self.file("view.json"), listed.to_string()).unwrap();
        let here = self.folder.path().display();
        self.npm(&format!(
            "here='{here}'
            case $1 in
                view) cat \"$here/view.json\" ;;
                pack)
                    case \" $* \" in *' --ignore-scripts '*) ;; *) touch \"$here/ran\" ;; esac
                    case ${{2#@figma/rest-api-spec@}} in
                        *[!0-9.]*) touch \"$here/ran\" ;;
                    esac
                    cp \"$here/package.tgz\" . ;;
            esac"
        ));
        archive
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        let bin = self.file("bin");
        let path = format!("{}:/usr/bin:/bin", bin.display());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CARGO_MANIFEST_DIR", self.root().join("xtask"))
            .env_remove("CARGO_TARGET_DIR")
            .env("CARGO", bin.join("cargo"))
            .env("PATH", path);
        without_settings(&mut command);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// Runs a command of xtask that finds only the programs in `folder`.
    pub fn run_with_path(&self, folder: &Path, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).env("PATH", folder).output().unwrap())
    }

    /// Runs a command of xtask from a shell script, as `"$0" "$@"`.
    pub fn run_in_shell(&self, script: &str, arguments: &[&str]) -> Ran {
        let program = self.command(arguments);
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).arg(program.get_program()).args(program.get_args());
        if let Some(folder) = program.get_current_dir() {
            shell.current_dir(folder);
        }
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Ran::from(shell.output().unwrap())
    }

    pub fn start(&self, arguments: &[&str]) -> std::process::Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Every file of the checkout, except the target folder, `.git` and the lock file.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true if path.ends_with("checkout/target") => {}
                    true if path.ends_with(".git") => {}
                    false if path.ends_with(".update-spec.lock") => {}
                    true => folders.push(path),
                    false => drop(tree.insert(path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        tree
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }
}

/// Runs git in this folder and gives its output.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
    git.args(arguments).current_dir(folder);
    let output = without_settings(&mut git).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Without the git settings of the user and of a git hook that runs the tests.
fn without_settings(command: &mut Command) -> &mut Command {
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1")
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            report: String::from_utf8(output.stdout).unwrap(),
            said: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
