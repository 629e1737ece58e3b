//! `cargo xtask weight`: measures a consumer's first build, in crates and CPU seconds,
//! compared with reqwest by hand, and writes a table of docs/costs.md. For each row it creates a
//! package in `target/weight` and builds it with an empty target folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shared::workspace::Workspace;
use crate::tasks::costs_page::{self, table};

use crate::shared::process::{captured, cargo};

/// What a consumer needs besides reqwest to call an API by hand.
const BY_HAND: &str = r#"serde = { version = "1", features = ["derive"] }
serde_json = "1"
tokio = { version = "1", features = ["rt"] }
"#;

const DEFAULT_TLS: &str = r#"reqwest = { version = "0.13.4", features = ["json", "query"] }"#;

const SAME_TLS: &str = r#"reqwest = { version = "0.13.4", default-features = false, features = ["json", "query", "rustls-no-provider"] }
rustls = { version = "0.23", default-features = false, features = ["ring", "std", "tls12"] }
rustls-platform-verifier = "0.7"
"#;

/// The rows: a title, and the dependencies of the consumer.
fn rows(root: &Path) -> Vec<(String, String)> {
    let ours = |settings: &str| {
        format!("figma-payments = {{ path = {:?}{settings} }}\n{BY_HAND}", root.display())
    };
    let mut rows = vec![
        ("reqwest by hand, the same TLS".to_owned(), format!("{SAME_TLS}{BY_HAND}")),
        ("reqwest by hand, its default TLS".to_owned(), format!("{DEFAULT_TLS}\n{BY_HAND}")),
        ("figma-payments".to_owned(), ours("")),
        ("without default features".to_owned(), ours(", default-features = false")),
    ];
    for feature in ["cache", "redis", "metrics", "schemars", "sandbox"] {
        rows.push((format!("with `{feature}`"), ours(&format!(", features = [{feature:?}]"))));
    }
    let gate = |settings: &str| {
        let path = root.join("gate");
        let gate = format!("figma-payments-gate = {{ path = {:?}{settings} }}\n", path.display());
        format!("{gate}{}", ours(", features = [\"cache\"]"))
    };
    rows.push(("figma-payments-gate".to_owned(), gate("")));
    rows.push(("figma-payments-gate with `axum`".to_owned(), gate(", features = [\"axum\"]")));
    rows
}

/// The first build of one consumer.
struct Weight {
    crates: usize,
    /// CPU seconds with the profiles `dev` and `release`.
    builds: [f64; 2],
}

/// Measures, writes the table of `docs/costs.md`, and gives it with the ratios to reqwest by hand.
pub fn run() -> Result<String, String> {
    let workspace = Workspace::locate();
    let mut weights = Vec::new();
    for (number, (called, dependencies)) in rows(workspace.root()).into_iter().enumerate() {
        eprintln!("building: {called}");
        let consumer = consumer(&workspace, number, &dependencies)?;
        weights.push((called, weigh(&consumer)?));
    }
    let report = report(&weights);
    costs_page::write(&workspace, "weight", &report)?;
    let ratio = |profile: usize, other: usize| {
        weights[2].1.builds[profile] / weights[other].1.builds[profile]
    };
    Ok(format!(
        "{report}client / by hand, cold build, same TLS: dev {:.2}, release {:.2}; its default TLS: dev {:.2}, release {:.2}\n",
        ratio(0, 0),
        ratio(1, 0),
        ratio(0, 1),
        ratio(1, 1),
    ))
}

/// Creates a package that has these dependencies and no code. It gets a copy of the
/// workspace's lockfile, so that the versions are the same.
fn consumer(workspace: &Workspace, number: usize, dependencies: &str) -> Result<PathBuf, String> {
    let folder = workspace.target().join("weight").join(number.to_string());
    let manifest = format!(
        "[package]\nname = \"consumer\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n"
    );
    let write = || {
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::copy(workspace.root().join("Cargo.lock"), folder.join("Cargo.lock"))
    };
    write().map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

fn weigh(consumer: &Path) -> Result<Weight, String> {
    // Outside of the checkout, because a consumer's build does not have the settings of
    // `.cargo/config.toml`.
    let cargo = |arguments: &[&str]| {
        let mut command = cargo();
        command.current_dir(std::env::temp_dir()).args(arguments);
        command.arg("--manifest-path").arg(consumer.join("Cargo.toml"));
        command.env("CARGO_TARGET_DIR", consumer.join("target")).env_remove("CARGO_INCREMENTAL");
        captured(command, "cargo cannot be run").map(|printed| printed.stdout)
    };
    cargo(&["fetch"])?;
    let tree = cargo(&["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])?;
    let build = |arguments: &[&str]| {
        let before = children_seconds()?;
        cargo(&[&["build", "--offline", "--jobs", "2"], arguments].concat())?;
        Ok::<f64, String>(children_seconds()? - before)
    };
    let builds = [build(&[])?, build(&["--release"])?];
    let _ = fs::remove_dir_all(consumer.join("target"));
    Ok(Weight { crates: crates(&tree), builds })
}

/// The number of crates in the tree, without the consumer itself.
fn crates(tree: &str) -> usize {
    let names = tree.lines().map(|line| line.trim_end_matches(" (*)")).filter(|it| !it.is_empty());
    names.collect::<BTreeSet<_>>().len() - 1
}

/// The CPU time of all processes that this one has started and waited for. Only on Linux.
fn children_seconds() -> Result<f64, String> {
    let text = fs::read_to_string("/proc/self/stat")
        .map_err(|error| format!("/proc/self/stat: {error}"))?;
    stat_seconds(&text).ok_or_else(|| format!("/proc/self/stat has an unexpected format: {text}"))
}

/// The sum of `cutime` and `cstime`, which are in hundredths of a second. They are the
/// 14th and 15th word after the name of the process, which may contain anything.
fn stat_seconds(text: &str) -> Option<f64> {
    let (_, after) = text.rsplit_once(')')?;
    let mut ticks = after.split_whitespace().skip(13).map(|word| word.parse::<f64>().ok());
    Some((ticks.next()?? + ticks.next()??) / 100.0)
}

fn report(weights: &[(String, Weight)]) -> String {
    let same = &weights[0].1;
    let default = &weights[1].1;
    let rows = weights.iter().map(|(called, weight)| {
        let mut row = vec![called.clone(), weight.crates.to_string()];
        for (profile, seconds) in weight.builds.into_iter().enumerate() {
            row.push(format!("{seconds:.0}"));
            row.push(format!("{:.2}", seconds / same.builds[profile]));
            row.push(format!("{:.2}", seconds / default.builds[profile]));
        }
        row
    });
    let head = [
        "A consumer's first build",
        "crates",
        "dev, CPU s",
        "to the same TLS",
        "to the default TLS",
        "release, CPU s",
        "to the same TLS",
        "to the default TLS",
    ];
    table(&head, &rows.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_of_cargo_and_linux_is_read() {
        let tree =
            "consumer v0.0.0 (/x)\na v1.0.0\nb v1.0.0 (proc-macro)\n\na v1.0.0 (*)\na v2.0.0\n";
        assert_eq!(crates(tree), 3);
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 11 12 250 150 20 0 1";
        assert_eq!(stat_seconds(stat), Some(4.0));
        assert_eq!(stat_seconds("7 (a) S 1"), None);
        assert!(children_seconds().unwrap() >= 0.0);
    }

    #[test]
    fn the_rows_of_the_gate_have_the_client_too() {
        let rows = rows(Path::new("/checkout"));
        let (_, dependencies) =
            rows.iter().find(|(called, _)| called == "figma-payments-gate with `axum`").unwrap();
        assert!(
            dependencies.starts_with(
                "figma-payments-gate = { path = \"/checkout/gate\", features = [\"axum\"] }\nfigma-payments = { path = \"/checkout\", features = [\"cache\"] }\n"
            ),
            "{dependencies}"
        );
    }

    #[test]
    fn the_report_compares_with_both_ways_by_hand() {
        let weight = |crates, dev, release| Weight { crates, builds: [dev, release] };
        let rows = [
            ("same".to_owned(), weight(100, 40.0, 50.0)),
            ("default".to_owned(), weight(110, 80.0, 100.0)),
            ("ours".to_owned(), weight(120, 60.0, 75.0)),
        ];
        let report = report(&rows);
        assert!(
            report.contains("| ours | 120 | 60 | 1.50 | 0.75 | 75 | 1.50 | 0.75 |"),
            "{report}"
        );
    }
}
