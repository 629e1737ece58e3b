//! Files are replaced by one run at a time and only if git can undo it, and an interrupted
//! run can be undone with the command that the next one names.
#![cfg(unix)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use common::checkout::{Checkout, Ran, git};
use xtask::spec::files::{DOCUMENT, FILES, LOCK, SNAPSHOT};
use xtask::spec::replace::{Replacement, Replacing};

fn refused(ran: &Ran, expected: &str) {
    assert_eq!((ran.code, ran.report.as_str()), (100, ""), "{expected}: {}", ran.said);
    assert_eq!(ran.said.lines().count(), 1, "{}", ran.said);
    assert!(ran.said.contains(expected), "{expected}: {}", ran.said);
}

/// A run that has started cargo and waits there until [`open`](Self::open) is called. Only
/// the first run waits.
struct Waiting<'a> {
    checkout: &'a Checkout,
    run: Child,
}

impl<'a> Waiting<'a> {
    fn start(checkout: &'a Checkout, arguments: &[&str]) -> Self {
        let reached = checkout.file("reached");
        let gate = checkout.file("gate");
        checkout.cargo(&format!(
            "[ -e '{reached}' ] && exit; touch '{reached}'; while [ ! -e '{gate}' ]; do sleep 0.02; done",
            reached = reached.display(),
            gate = gate.display()
        ));
        let mut run = checkout.start(arguments);
        while !reached.exists() {
            assert!(run.try_wait().unwrap().is_none(), "it ended before cargo was reached");
            std::thread::sleep(Duration::from_millis(10));
        }
        Waiting { checkout, run }
    }

    fn open(&self) {
        fs::write(self.checkout.file("gate"), "").unwrap();
    }

    fn finish(mut self) -> i32 {
        self.open();
        self.run.wait().unwrap().code().unwrap()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.open();
        let _ = self.run.wait();
    }
}

#[test]
fn a_run_beside_another_is_refused_and_the_other_ends_as_if_alone() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let first = Waiting::start(&checkout, &["update-spec"]);
    for arguments in [&["update-spec"][..], &["update-spec", "--review", "0.99.0"]] {
        refused(&checkout.run(arguments), "another run of cargo xtask has locked");
    }
    refused(&checkout.run(&["update-spec", "--dry-run"]), "another run of cargo xtask");
    assert_eq!(checkout.tree(), before);
    assert_eq!(first.finish(), 0);
    assert!(checkout.read(SNAPSHOT).contains("pub struct PaymentInformation"));

    // The locks are released.
    checkout.run_advice(&checkout.run(&["update-spec"]).said);
    assert_eq!(checkout.tree(), before);
    assert_eq!(checkout.run(&["update-spec"]).code, 0);
}

#[test]
fn a_second_run_with_a_target_folder_of_its_own_is_refused_too() {
    let checkout = Checkout::new();
    let first = Waiting::start(&checkout, &["update-spec"]);
    let ran = checkout.run_in_shell(
        &format!("export CARGO_TARGET_DIR='{}'; exec \"$0\" \"$@\"", checkout.file("t").display()),
        &["update-spec"],
    );
    refused(&ran, "another run of cargo xtask has locked");
    assert_eq!(first.finish(), 0);
}

#[test]
fn what_is_not_committed_is_refused_and_stays_as_it_is() {
    let checkout = Checkout::new();
    let committed = checkout.tree();
    let edit = |name: &str| {
        let text = checkout.read(name) + "# mine\n";
        fs::write(checkout.root().join(name), text).unwrap();
    };
    for name in FILES {
        for staged in [false, true] {
            edit(name);
            if staged {
                checkout.git(&["add", name]);
            }
            let edited = checkout.tree();
            let ran = checkout.run(&["update-spec"]);
            refused(&ran, "has uncommitted changes");
            assert_eq!(checkout.tree(), edited, "{name}");
            checkout.run_advice(&ran.said);
            assert_eq!(checkout.tree(), committed, "{name}");
        }
    }
    fs::remove_file(checkout.root().join(DOCUMENT)).unwrap();
    let ran = checkout.run(&["update-spec"]);
    refused(&ran, "has uncommitted changes");
    checkout.run_advice(&ran.said);
    assert_eq!(checkout.tree(), committed);

    // A review writes the lock alone.
    edit(SNAPSHOT);
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    let review = ["update-spec", "--review", "0.99.0"];
    assert_eq!(checkout.run(&review).code, 0);
    refused(&checkout.run(&review), "has uncommitted changes");
}

#[test]
fn other_files_may_be_changed_and_a_hook_may_have_set_variables() {
    let checkout = Checkout::new();
    fs::write(checkout.root().join("xtask/Cargo.toml"), "# mine\n").unwrap();
    fs::write(checkout.root().join("notes"), "mine\n").unwrap();
    let hook = "export GIT_DIR=/nowhere GIT_INDEX_FILE=/nowhere; exec \"$0\" \"$@\"";
    let ran = checkout.run_in_shell(hook, &["update-spec"]);
    assert_eq!(ran.code, 0, "{}", ran.said);
    assert_eq!(checkout.read("notes"), "mine\n");
}

#[test]
fn an_edit_during_the_run_is_not_written_over() {
    let checkout = Checkout::new();
    let edited = checkout.root().join(SNAPSHOT);
    checkout.cargo(&format!("echo mine >> '{}'", edited.display()));
    refused(&checkout.run(&["update-spec"]), "has uncommitted changes");
    assert_eq!(checkout.read(SNAPSHOT), "old bindings\nmine\n");
}

#[test]
fn a_commit_during_the_run_is_not_written_over() {
    let checkout = Checkout::new();
    checkout.cargo(&format!(
        "cd '{}' && echo mine >> {SNAPSHOT} && git -c user.name=x -c user.email=x commit -qam x",
        checkout.root().display()
    ));
    refused(&checkout.run(&["update-spec"]), "the files were changed during the run");
    assert_eq!(checkout.read(SNAPSHOT), "old bindings\nmine\n");
}

/// Nothing can be replaced in this checkout, and what replaces nothing works.
fn is_read_only(checkout: &Checkout, expected: &str) {
    let before = checkout.tree();
    for mode in [&["update-spec"][..], &["update-spec", "--review", "0.99.0"]] {
        let ran = checkout.run(mode);
        refused(&ran, expected);
        assert!(ran.said.contains("clone the repository, or use --dry-run"), "{}", ran.said);
    }
    assert_eq!(checkout.run(&["update-spec", "--dry-run"]).code, 0);
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    assert_eq!(checkout.tree(), before);
}

#[test]
fn if_git_could_not_undo_it_nothing_is_replaced() {
    let checkout = Checkout::new();
    // In the index, but in no commit.
    fs::remove_dir_all(checkout.root().join(".git")).unwrap();
    checkout.git(&["init", "--quiet"]);
    checkout.git(&["add", "--all"]);
    is_read_only(&checkout, "is not a git checkout");

    // Unpacked, without a repository.
    fs::remove_dir_all(checkout.root().join(".git")).unwrap();
    is_read_only(&checkout, "is not a git checkout");

    // Unpacked into a folder that another repository ignores.
    let outer = checkout.root().parent().unwrap().to_owned();
    fs::write(outer.join(".gitignore"), "*\n").unwrap();
    git(&outer, &["init", "--quiet"]);
    git(&outer, &["commit", "--quiet", "--allow-empty", "--message", "Outer"]);
    is_read_only(&checkout, "is not in the last commit");
}

fn new_contents() -> Vec<Replacement> {
    FILES.iter().map(|name| (*name, format!("new {name}"))).collect()
}

const ROOT: &str = "REPLACE_ROOT";
const STOP: &str = "REPLACE_STOP";

/// Not a test: the process that the next test starts and that aborts.
#[test]
fn the_process_that_dies() {
    let (Ok(root), Ok(stop)) = (std::env::var(ROOT), std::env::var(STOP)) else { return };
    let mut left: usize = stop.parse().unwrap();
    let replacing = Replacing::begin(Path::new(&root), &FILES).unwrap();
    replacing
        .finish(&new_contents(), || match left {
            0 => std::process::abort(),
            _ => left -= 1,
        })
        .unwrap();
    unreachable!("it was to die at step {stop}");
}

#[test]
fn a_run_that_dies_is_undone_with_the_command_that_the_next_one_names() {
    let steps = 2 * FILES.len();
    for step in 0..steps {
        let checkout = Checkout::new();
        let before = checkout.tree();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_dies", "--nocapture"])
            .env(ROOT, checkout.root())
            .env(STOP, step.to_string())
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), None, "step {step}: it was to die by a signal");
        if step >= FILES.len() {
            let ran = checkout.run(&["update-spec"]);
            refused(&ran, "has uncommitted changes");
            checkout.run_advice(&ran.said);
        }
        // The new files are ignored by git and are gone.
        assert_eq!(checkout.git(&["status", "--porcelain"]), "", "step {step}");
        for name in FILES {
            let path = checkout.root().join(name);
            assert_eq!(fs::read(&path).unwrap(), before[&path], "step {step}");
        }
        let ran = checkout.run(&["update-spec"]);
        assert_eq!(ran.code, 0, "step {step}: {}", ran.said);
        let after = checkout.tree();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    }
}

#[test]
fn a_file_that_cannot_be_replaced_says_how_the_others_are_taken_back() {
    let checkout = Checkout::new();
    let before = checkout.tree();
    let last = checkout.root().join(LOCK);
    let mut steps = 0;
    let replacing = Replacing::begin(&checkout.root(), &FILES).unwrap();
    let result = replacing.finish(&new_contents(), || {
        steps += 1;
        if steps == FILES.len() {
            // A folder instead of the last file, so that it cannot be replaced.
            fs::remove_file(&last).unwrap();
            fs::create_dir(&last).unwrap();
        }
    });
    let error = format!("{:#}", result.unwrap_err());
    assert!(error.starts_with("not all files were replaced"), "{error}");
    fs::remove_dir(&last).unwrap();
    checkout.run_advice(&error);
    fs::remove_file(checkout.root().join("openapi/source.lock.toml.update-spec-new")).unwrap();
    assert_eq!(checkout.tree(), before);
}

#[test]
fn a_file_that_cannot_be_written_leaves_all_as_it_was() {
    let checkout = Checkout::new();
    let last = checkout.root().join("openapi/source.lock.toml.update-spec-new");
    fs::create_dir(&last).unwrap();
    let before = checkout.tree();
    refused(&checkout.run(&["update-spec"]), "update-spec-new: cannot be written");
    assert_eq!(checkout.tree(), before);
}

#[test]
fn what_an_older_version_left_behind_deletes_nothing() {
    let checkout = Checkout::new();
    fs::write(checkout.root().join(".update-spec.journal"), FILES.join("\n")).unwrap();
    let before = checkout.tree();
    assert_eq!(checkout.run(&["update-spec", "--check"]).code, 4);
    assert_eq!(checkout.tree(), before);
}
