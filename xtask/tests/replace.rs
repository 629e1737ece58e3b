//! Several files are replaced together or not at all, whatever step fails and
//! wherever the process dies.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::bail;
use xtask::replace::{Replacement, Step, recover, replace};

const NAMES: [&str; 3] = ["a/one.txt", "two.txt", "a/b/three.txt"];

fn files() -> Vec<Replacement> {
    NAMES.iter().map(|name| (*name, format!("new {name}"))).collect()
}

/// The third file does not exist yet.
fn tree(root: &Path) -> Vec<(String, String)> {
    fs::create_dir_all(root.join("a/b")).unwrap();
    for name in &NAMES[..2] {
        fs::write(root.join(name), format!("old {name}")).unwrap();
    }
    read(root)
}

fn read(root: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Every step that a replacement goes through, in order.
fn steps() -> Vec<Step> {
    let folder = tempfile::tempdir().unwrap();
    tree(folder.path());
    let mut steps = Vec::new();
    replace(folder.path(), &files(), |step| {
        steps.push(step);
        Ok(())
    })
    .unwrap();
    let mut replaced: Vec<_> =
        files().into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    replaced.sort();
    assert_eq!(read(folder.path()), replaced);
    steps
}

#[test]
fn a_step_that_fails_takes_back_all_before_it() {
    let steps = steps();
    assert_eq!(steps.len(), 2 * NAMES.len() + 2);
    for stop in steps.into_iter().filter(|step| *step != Step::Done) {
        let folder = tempfile::tempdir().unwrap();
        let before = tree(folder.path());
        let error = replace(folder.path(), &files(), |step| match step == stop {
            true => bail!("stopped"),
            false => Ok(()),
        });
        assert_eq!(error.unwrap_err().to_string(), "stopped", "{stop:?}");
        assert_eq!(read(folder.path()), before, "{stop:?}");
    }
}

#[test]
fn a_file_that_cannot_be_replaced_takes_back_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let before = tree(folder.path());
    // A folder stands where the last file shall go.
    fs::create_dir(folder.path().join("a/b/three.txt")).unwrap();
    replace(folder.path(), &files(), |_| Ok(())).unwrap_err();
    fs::remove_dir(folder.path().join("a/b/three.txt")).unwrap();
    assert_eq!(read(folder.path()), before);
}

const ROOT: &str = "REPLACE_ROOT";
const STOP: &str = "REPLACE_STOP";

/// Not a test of its own: the process that dies. See below.
#[test]
fn the_process_that_dies() {
    let (Ok(root), Ok(stop)) = (std::env::var(ROOT), std::env::var(STOP)) else { return };
    let stop: usize = stop.parse().unwrap();
    let mut at = 0;
    let _ = replace(Path::new(&root), &files(), |_| {
        if at == stop {
            std::process::abort();
        }
        at += 1;
        Ok(())
    });
    unreachable!("it was to die at step {stop}");
}

#[test]
fn a_process_that_dies_leaves_all_or_nothing_once_the_next_has_looked() {
    for (index, step) in steps().into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let before = tree(folder.path());
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_process_that_dies", "--nocapture"])
            .env(ROOT, folder.path())
            .env(STOP, index.to_string())
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), None, "{step:?}: it was to die by a signal");
        recover(folder.path(), &NAMES).unwrap();
        let after = read(folder.path());
        match step {
            Step::Done => {
                assert!(after.iter().all(|(_, text)| text.starts_with("new")), "{after:?}")
            }
            _ => assert_eq!(after, before, "{step:?}"),
        }
        // Looking twice changes nothing.
        recover(folder.path(), &NAMES).unwrap();
        assert_eq!(read(folder.path()), after, "{step:?}");
    }
}
