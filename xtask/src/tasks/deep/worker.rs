//! Tests `examples/worker` in `workerd`: builds it, generates its JavaScript bindings, and
//! runs `tests/examples/worker.rs`, which calls it over HTTP.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shared::workspace::Workspace;

use crate::shared::process::{cargo, succeed};
use crate::tasks::contract::install;
use crate::tasks::wasm::{self, TARGET, Toolchain};

const NAME: &str = "palette_worker";

/// Builds the Worker and runs its tests.
pub fn run() -> Result<(), String> {
    let workspace = Workspace::locate();
    let source = workspace.root().join("examples/worker");
    let folder = workspace.target().join("worker");
    let app = folder.join("app");

    let mut build = Toolchain::find()?.cargo("build");
    succeed(build.current_dir(&source).arg("--release"))?;
    let built = wasm::target().join(TARGET).join("release").join(format!("{NAME}.wasm"));
    let _ = fs::remove_dir_all(&app);
    let mut bind = std::process::Command::new(bindgen(&source, &folder)?);
    bind.args(["--target", "web", "--no-typescript", "--omit-default-module-path"]);
    succeed(bind.arg("--out-dir").arg(&app).arg(built))?;
    configure(&source, &app)?;

    install::npm(&source, &folder).map_err(|problem| problem.to_string())?;
    let mut test = cargo();
    test.args(["test", "--workspace", "--all-features", "--test", "examples"])
        .args(["--", "--include-ignored", "--nocapture", "worker::"])
        .env("FIGMA_PAYMENTS_WORKER", app.join("workerd.capnp"))
        .env("FIGMA_PAYMENTS_WORKERD", workerd(&folder)?);
    succeed(&mut test)
}

/// The path of wasm-bindgen's program. It must have the same version as the library in
/// the Worker's lockfile, and is installed if necessary.
fn bindgen(source: &Path, folder: &Path) -> Result<PathBuf, String> {
    let lock = read(&source.join("Cargo.lock"))?;
    let (_, rest) = lock
        .split_once("name = \"wasm-bindgen\"\nversion = \"")
        .ok_or("examples/worker/Cargo.lock does not have wasm-bindgen")?;
    let version = rest.split('"').next().unwrap_or_default();
    let tools = folder.join(format!("wasm-bindgen-{version}"));
    let tool = tools.join("bin/wasm-bindgen");
    if !tool.exists() {
        let mut install = cargo();
        // Without --locked: its own lockfile has a version that no longer compiles.
        install.args(["install", "wasm-bindgen-cli", "--version", &format!("={version}")]);
        succeed(install.arg("--root").arg(&tools))?;
    }
    Ok(tool)
}

/// Writes the list of all modules, which `workerd` needs in its configuration.
fn configure(source: &Path, app: &Path) -> Result<(), String> {
    for file in ["worker.js", "workerd.capnp"] {
        fs::copy(source.join(file), app.join(file)).map_err(|error| format!("{file}: {error}"))?;
    }
    let mut modules = String::from(
        "@0xd3c6a4b1f0e59278;\nusing Workerd = import \"/workerd/workerd.capnp\";\n\
         const modules :List(Workerd.Worker.Module) = [\n  (name = \"worker.js\", esModule = embed \"worker.js\"),\n",
    );
    for path in files(app)? {
        let name = path.strip_prefix(app).unwrap_or(&path).display().to_string();
        let kind = match path.extension().and_then(|extension| extension.to_str()) {
            Some("js") if name != "worker.js" => "esModule",
            Some("wasm") => "wasm",
            _ => continue,
        };
        let _ = writeln!(modules, "  (name = \"{name}\", {kind} = embed \"{name}\"),");
    }
    fs::write(app.join("modules.capnp"), modules + "];\n").map_err(|error| error.to_string())
}

/// All files in a folder and its subfolders.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

/// The path of the program itself. The tests have to kill it, and killing npm's wrapper
/// script would leave it running.
fn workerd(folder: &Path) -> Result<PathBuf, String> {
    let found = files(&folder.join("node_modules/@cloudflare"))?;
    let program = found.into_iter().find(|path| path.ends_with("bin/workerd"));
    program.ok_or_else(|| "npm did not install a workerd for this machine".to_owned())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
