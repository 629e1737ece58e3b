//! Cargo for `wasm32-unknown-unknown`, with what there is: the target that rustup
//! has added, or else a compiler and the standard library's source from Debian.
//! `cargo xtask wasm` checks that the crate compiles there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shared::workspace::Workspace;

use crate::tasks::contract;

/// The target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, and the source that fits it: two packages.
const RUSTC: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Checks what can be had on wasm. Without the target that is an error where
/// `CI` is set, and elsewhere a line that says so.
pub fn run() -> Result<String, String> {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(missing) if std::env::var_os("CI").is_none() => {
            return Ok(format!("wasm: not checked: {missing}; with CI set this is an error\n"));
        }
        Err(missing) => return Err(format!("wasm: {missing}")),
    };
    for features in [&[][..], &["--no-default-features"], &["--features", "schemars"]] {
        let mut command = toolchain.cargo("rustc");
        command.args(["--package", "figma-payments", "--lib", "--profile", "check"]);
        command.args(features).args(["--", "-D", "warnings"]);
        succeed(&mut command)?;
    }
    Ok(format!("wasm: it compiles, with {toolchain}\n"))
}

/// Where the target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// rustup added it.
    Rustup,
    /// Debian's compiler; the standard library is built with the crate.
    Debian,
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Toolchain::Rustup => "rustup's target",
            Toolchain::Debian => "Debian's rustc-web",
        })
    }
}

impl Toolchain {
    /// The one that is there; Debian's is installed if that is possible.
    pub fn find() -> Result<Self, String> {
        if said("rustc", &["--print", "target-libdir", "--target", TARGET])
            .is_some_and(|folder| Path::new(&folder).is_dir())
        {
            return Ok(Toolchain::Rustup);
        }
        let installed = || Path::new(RUSTC).exists() && Path::new(SOURCE).exists();
        if !installed() && said("id", &["-u"]).as_deref() == Some("0") {
            for arguments in [
                &["update"][..],
                &["install", "--yes", "--no-install-recommends", PACKAGES[0], PACKAGES[1]],
            ] {
                println!("installing: apt-get {}", arguments.join(" "));
                let mut apt = Command::new("apt-get");
                // Its own words are many; if it failed, the files are not there.
                let _ = apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").output();
            }
        }
        match installed() {
            true => Ok(Toolchain::Debian),
            false => Err(format!("no standard library; `rustup target add {TARGET}` installs it")),
        }
    }

    /// A command of cargo's for the target, in the checkout.
    pub fn cargo(self, command: &str) -> Command {
        let mut cargo = contract::cargo();
        cargo.args([command, "--target", TARGET]).env("CARGO_TARGET_DIR", target());
        if self == Toolchain::Debian {
            cargo
                .arg("-Zbuild-std=std,panic_abort")
                .env("RUSTC", RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker());
        }
        cargo
    }
}

/// Where cargo builds for the target: of its own, because of the other compiler.
pub fn target() -> PathBuf {
    Workspace::locate().target().join("wasm")
}

/// The linker that comes with rustup's toolchain; Debian's compiler has none.
fn linker() -> PathBuf {
    let tools = said("rustc", &["--print", "target-libdir"]).unwrap_or_default();
    Path::new(&tools).with_file_name("bin").join("rust-lld")
}

/// What a program prints, if it succeeds.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Runs a command whose output says why, if it fails.
pub fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed; its output says why")),
    }
}
