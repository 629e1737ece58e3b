//! Runs of `figma-payments bulk`, and their output.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::program::{Program, Ran, run};

pub const PLUGIN: &str = "1678669904810665842";

/// A sandbox that knows these purchases.
pub async fn sandbox(purchases: &[(&str, &str)]) -> Program {
    let program = Program::start(&["--no-limits"]);
    for (user, status) in purchases {
        let purchase = json!({ "user_id": user, "plugin_id": PLUGIN, "payment_status": status, "date_of_purchase": "2024-06-15T14:30:00Z" });
        assert_eq!(program.control("PUT", "/purchases", purchase).await.status, 200);
    }
    program
}

/// Where a file of this name is to be; it is not there yet.
pub fn file(name: &str) -> PathBuf {
    let path = place(name);
    let _ = fs::remove_file(&path);
    path
}

/// Where the file of this name is.
pub fn place(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bulk {name}"))
}

/// The arguments of a run.
pub fn arguments<'a>(base_url: &'a str, input: &'a Path, output: &'a Path) -> Vec<&'a str> {
    let (input, output) = (input.to_str().unwrap(), output.to_str().unwrap());
    let asked = ["--plugin", PLUGIN, "--base-url", base_url, "--per-minute", "0"];
    [&["bulk", input, "--output", output][..], &asked].concat()
}

/// A run to its end.
pub fn bulk(program: &Program, input: &Path, output: &Path, options: &[&str]) -> Ran {
    run(&[&arguments(&program.base_url, input, output)[..], options].concat(), b"")
}

/// The rows of an output, which has to be whole.
pub fn rows(output: &Path) -> Vec<Value> {
    let text = fs::read_to_string(output).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let mut lines = text.lines();
    if output.extension().is_some_and(|extension| extension == "jsonl") {
        return lines.map(|line| serde_json::from_str(line).unwrap()).collect();
    }
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), names.len(), "{line}");
        names.iter().zip(fields).map(|(name, field)| (name.to_string(), json!(field))).collect()
    };
    lines.map(row).collect()
}

/// User and status of every row, sorted.
pub fn statuses(output: &Path) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let row = |row: &Value| (text(&row["user_id"]), text(&row["payment_status"]));
    let mut all: Vec<_> = rows(output).iter().map(row).collect();
    all.sort();
    all
}

/// The users of every row, sorted.
pub fn users(output: &Path) -> Vec<String> {
    statuses(output).into_iter().map(|(user, _)| user).collect()
}

/// A text file of the users from 1 to this one.
pub fn numbered(name: &str, users: u32) -> PathBuf {
    let (path, lines) = (file(name), (1..=users).map(|user| format!("{user}\n")));
    fs::write(&path, lines.collect::<String>()).unwrap();
    path
}

/// The users from 1 to this one, sorted as text.
pub fn all(count: u32) -> Vec<String> {
    let mut users: Vec<String> = (1..=count).map(|user| user.to_string()).collect();
    users.sort();
    users
}
