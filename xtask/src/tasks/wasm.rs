//! `cargo xtask wasm`: checks that the crate compiles for `wasm32-unknown-unknown`. Also
//! gives other tasks a cargo for this target. It uses rustup's target if it is installed,
//! or else Debian's compiler with the source of the standard library.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shared::debian;
use crate::shared::process::{self, printed, succeed};
use crate::shared::workspace::Workspace;

/// The name of the target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler and the source of its standard library, from two packages.
const RUSTC: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// Checks the crate with several sets of features. If the target is missing, this is an
/// error if `CI` is set; otherwise the check is skipped.
pub fn run() -> Result<String, String> {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(missing) if std::env::var_os("CI").is_none() => {
            return Ok(format!("wasm: skipped: {missing}. If CI is set, this is an error\n"));
        }
        Err(missing) => return Err(format!("wasm: {missing}")),
    };
    for features in [&[][..], &["--no-default-features"], &["--features", "cache,metrics,schemars"]]
    {
        let mut command = toolchain.cargo("rustc");
        command.args(["--package", "figma-payments", "--lib", "--profile", "check"]);
        command.args(features).args(["--", "-D", "warnings"]);
        succeed(&mut command)?;
    }
    Ok(format!("wasm: the crate compiles, with {toolchain}\n"))
}

/// The compiler for the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Toolchain {
    /// The usual compiler, with the target that rustup installed.
    Rustup,
    /// Debian's compiler. Cargo builds the standard library too.
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
    /// Finds the compiler. Installs Debian's if rustup's target is missing and the user is
    /// root.
    pub fn find() -> Result<Self, String> {
        if printed("rustc", &["--print", "target-libdir", "--target", TARGET])
            .is_some_and(|folder| Path::new(&folder).is_dir())
        {
            return Ok(Toolchain::Rustup);
        }
        let installed = || Path::new(RUSTC).exists() && Path::new(SOURCE).exists();
        if !installed() {
            debian::install_as_root(&PACKAGES);
        }
        match installed() {
            true => Ok(Toolchain::Debian),
            false => Err(format!(
                "the target's standard library is not installed; run `rustup target add {TARGET}`"
            )),
        }
    }

    /// A cargo command for the target, in the checkout.
    pub fn cargo(self, command: &str) -> Command {
        let mut cargo = process::cargo();
        cargo.args([command, "--target", TARGET]).env("CARGO_TARGET_DIR", target());
        if self == Toolchain::Debian {
            // Without the code for backtraces, which this target cannot print, and which
            // is a quarter of the work.
            cargo
                .args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="])
                .env("RUSTC", RUSTC)
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker());
        }
        cargo
    }
}

/// The target folder for this target. It is separate because the compiler may differ.
pub fn target() -> PathBuf {
    Workspace::locate().target().join("wasm")
}

/// The linker of rustup's toolchain, because Debian's compiler comes without one.
fn linker() -> PathBuf {
    let tools = printed("rustc", &["--print", "target-libdir"]).unwrap_or_default();
    Path::new(&tools).with_file_name("bin").join("rust-lld")
}
