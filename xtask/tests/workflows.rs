//! Rules for the workflows in `.github/workflows`: actions are pinned to a commit, and a job
//! that may write runs no code that could come from a document or a pull request.

use std::fs;
use std::path::Path;

use yaml_serde::Value;

/// A workflow that follows all rules.
const GOOD: &str = "\
on:
  schedule:
    - cron: '17 6 * * 1'
permissions: {}
jobs:
  read:
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@0123456789abcdef0123456789abcdef01234567 # v6.0.2
        with:
          persist-credentials: false
      - run: cargo xtask update-spec --check
  write:
    permissions:
      contents: write
    steps:
      - env:
          REPORT: ${{ needs.read.outputs.report }}
        run: gh api --raw-field body=\"$REPORT\"
";

/// Programs that run code which they are given or which they fetch. A job that may write
/// must not run them.
const RUNNERS: [&str; 15] = [
    "bash", "cargo", "curl", "eval", "make", "node", "npm", "npx", "pip", "python", "python3",
    "run", "rustup", "sh", "wget",
];

/// The rules that a workflow breaks.
fn problems(text: &str) -> Vec<String> {
    let workflow: Value = yaml_serde::from_str(text).unwrap();
    let mut problems = Vec::new();
    for trigger in ["pull_request_target", "workflow_run"] {
        if named(&workflow["on"], trigger) {
            problems.push(format!(
                "`on: {trigger}` lets pull requests of others run with permission to write"
            ));
        }
    }
    let jobs = workflow["jobs"].as_mapping().expect("a workflow has jobs");
    for (name, job) in jobs {
        let name = name.as_str().unwrap();
        let permissions = match &job["permissions"] {
            Value::Null => &workflow["permissions"],
            own => own,
        };
        let steps = job["steps"].as_sequence().map(Vec::as_slice).unwrap_or_default();
        let mut found = Vec::new();
        for step in steps {
            found.extend(problems_of_step(step, text));
        }
        match permissions.as_mapping() {
            None => found.push("its `permissions` are not listed one by one".to_owned()),
            Some(listed) if listed.values().any(|it| it.as_str() == Some("write")) => {
                for step in steps {
                    found.extend(problems_with_writing(step));
                }
            }
            Some(_) => {}
        }
        if !job["uses"].is_null() {
            found.push("it calls another workflow, which this test cannot check".to_owned());
        }
        problems.extend(found.into_iter().map(|problem| format!("job {name}: {problem}")));
    }
    problems
}

/// Whether `on`, which is a name, a list or a mapping, has this trigger.
fn named(on: &Value, trigger: &str) -> bool {
    let listed =
        on.as_sequence().is_some_and(|it| it.iter().any(|it| it.as_str() == Some(trigger)));
    on.as_str() == Some(trigger) || listed || on.get(trigger).is_some()
}

fn problems_of_step(step: &Value, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(action) = step["uses"].as_str() {
        if !is_pinned(action, text) {
            problems.push(format!(
                "`{action}` has to be pinned: `OWNER/ACTION@` and the 40 digits of a commit, then ` # v` and its version"
            ));
        }
        let persists = step["with"]["persist-credentials"].as_bool() != Some(false);
        if action.starts_with("actions/checkout@") && persists {
            problems.push("its checkout needs `persist-credentials: false`".to_owned());
        }
    }
    if step["run"].as_str().is_some_and(|script| script.contains("${{")) {
        problems.push(
            "a script has `${{`, whose value would become part of the script; use `env`".to_owned(),
        );
    }
    problems
}

/// Whether an action is pinned to a commit, because a tag can be moved to another commit,
/// with the version in a comment for the reader.
fn is_pinned(action: &str, text: &str) -> bool {
    let Some((name, commit)) = action.split_once('@') else { return false };
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let a_commit = commit.len() == 40 && commit.bytes().all(hexadecimal);
    let an_action = name.contains('/') && !name.starts_with('.') && !name.contains(':');
    let mut uses = text.lines().filter(|line| line.contains(action)).peekable();
    let commented = |line: &str| {
        let comment = line.split_once(action).and_then(|(_, rest)| rest.strip_prefix(" # v"));
        comment.is_some_and(|version| version.parse::<semver::Version>().is_ok())
    };
    a_commit && an_action && uses.peek().is_some() && uses.all(commented)
}

fn problems_with_writing(step: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let takes_data = |action: &&str| action.starts_with("actions/download-artifact@");
    if let Some(action) = step["uses"].as_str().filter(|action| !takes_data(action)) {
        problems.push(format!("it may write, and uses {action}"));
    }
    let script = step["run"].as_str().unwrap_or_default();
    let words = script.split(|it: char| !(it.is_alphanumeric() || it == '_' || it == '-'));
    for word in words.filter(|word| RUNNERS.contains(word)) {
        problems.push(format!("it may write, and runs {word}"));
    }
    problems
}

#[test]
fn every_workflow_follows_the_rules() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.github/workflows");
    let mut actions = 0;
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().display();
        found.extend(problems(&text).into_iter().map(|problem| format!("{name}: {problem}")));
        actions += text.matches("uses: ").count();
    }
    assert_eq!(found, [""; 0]);
    assert!(actions >= 3, "the workflows were not found");
}

#[test]
fn a_broken_rule_is_reported() {
    assert_eq!(problems(GOOD), [""; 0]);
    let commit = "@0123456789abcdef0123456789abcdef01234567 # v6.0.2";
    let pinned = &format!("actions/checkout{commit}");
    for (from, to, expected) in [
        (commit, "@v6", "has to be pinned"),
        (commit, "@0123456789abcdef0123456789abcdef01234567", "has to be pinned"),
        (commit, "@0123456789abcdef0123456789abcdef01234567 # v6", "has to be pinned"),
        (commit, "@0123456789abcdef # v6.0.2", "has to be pinned"),
        (pinned, "./action", "has to be pinned"),
        (pinned, "docker://image@0123456789abcdef # v6.0.2", "has to be pinned"),
        ("persist-credentials: false", "fetch-depth: 0", "needs `persist-credentials: false`"),
        ("persist-credentials: false", "persist-credentials: true", "needs `persist-credentials"),
        ("body=\"$REPORT\"", "body=\"${{ needs.read.outputs.report }}\"", "has `${{`"),
        ("  schedule:\n    - cron: '17 6 * * 1'", "  workflow_run:", "`on: workflow_run`"),
        (
            "on:\n  schedule:\n    - cron: '17 6 * * 1'",
            "on: pull_request_target",
            "`on: pull_request",
        ),
        ("contents: read", "contents: write", "it may write, and uses actions/checkout@"),
        ("contents: read", "contents: write", "it may write, and runs cargo"),
        ("gh api", "npm ci; gh api", "it may write, and runs npm"),
        ("gh api", ".ci/run && gh api", "it may write, and runs run"),
        ("    permissions:\n      contents: read\n", "    permissions: write-all\n", "one by one"),
    ] {
        assert!(GOOD.contains(from), "{from}");
        let found = problems(&GOOD.replacen(from, to, 1));
        assert!(found.iter().any(|it| it.contains(expected)), "{from} -> {to}: {found:?}");
    }
    let nothing_said = GOOD
        .replace("permissions: {}\n", "")
        .replace("    permissions:\n      contents: read\n", "");
    assert!(problems(&nothing_said)[0].contains("job read: its `permissions` are not listed"));
}
