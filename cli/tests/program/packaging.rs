//! What a package of the program installs beside it: completions and manual pages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::{Ran, run};

#[test]
fn each_shell_gets_its_completions() {
    for (shell, expected) in [
        ("bash", "complete -F _figma__payments"),
        ("zsh", "#compdef figma-payments"),
        ("fish", "complete -c figma-payments"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "set edit:completion:arg-completer[figma-payments]"),
    ] {
        let ran = run(&["completions", shell], b"");
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
        for word in [expected, "community-file", "sharing", "per-minute"] {
            assert!(ran.stdout.contains(word), "{shell} {word}");
        }
    }
    let ran = run(&["completions", "tcsh"], b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("possible values: bash, elvish, fish"), "{ran:?}");
}

/// What Bash completes when this is typed.
#[cfg(unix)]
fn completed(words: &[&str]) -> String {
    let script = format!(
        "eval \"$(\"$0\" completions bash)\"; COMP_WORDS=(figma-payments {}); COMP_CWORD={}; \
         _figma__payments figma-payments {:?} {:?}; echo \"${{COMPREPLY[@]}}\"",
        words.join(" "),
        words.len(),
        words.last().unwrap_or(&""),
        words.iter().rev().nth(1).unwrap_or(&"figma-payments"),
    );
    let mut bash = Command::new("bash");
    let ran: Ran =
        bash.args(["-c", &script, env!("CARGO_BIN_EXE_figma-payments")]).output().unwrap().into();
    assert_eq!(ran.stderr, "", "{words:?}");
    ran.stdout.trim().to_owned()
}

#[cfg(unix)]
#[test]
fn bash_completes_commands_options_and_values() {
    if Command::new("bash").arg("--version").output().is_err() {
        return;
    }
    assert_eq!(completed(&["fl"]), "fleet");
    assert_eq!(completed(&["bulk", "--per"]), "--per-minute");
    assert_eq!(completed(&["bulk", "--format", "j"]), "jsonl");
    assert_eq!(completed(&["fleet", "sharing", "of"]), "off");
}

#[test]
fn the_manual_has_the_program_and_each_command() {
    let whole = run(&["man"], b"");
    assert_eq!((whole.code, &*whole.stderr), (Some(0), ""), "{whole:?}");
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("man");
    let _ = fs::remove_dir_all(&folder);
    let inside_a_file = Path::new(env!("CARGO_BIN_EXE_figma-payments")).join("man");
    let ran = run(&["man", "--output-dir", inside_a_file.to_str().unwrap()], b"");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("man cannot be created"), "{ran:?}");

    let write = ["man", "--output-dir", folder.to_str().unwrap()];
    let ran = run(&write, b"");
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(0), "", ""));
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let names: Vec<&str> =
        files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let expected = [
        "figma-payments-bulk.1",
        "figma-payments-check.1",
        "figma-payments-completions.1",
        "figma-payments-fleet-forget.1",
        "figma-payments-fleet-sharing.1",
        "figma-payments-fleet-status.1",
        "figma-payments-fleet.1",
        "figma-payments-man.1",
        "figma-payments-sandbox.1",
        "figma-payments.1",
    ];
    assert_eq!(names, expected);
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        assert!(whole.stdout.contains(&text), "{}", file.display());
    }
    let check = fs::read_to_string(folder.join("figma-payments-check.1")).unwrap();
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "\"EXIT CODES\""] {
        assert!(check.contains(&format!(".SH {section}\n")), "{section}: {check}");
    }
    assert!(check.contains("\n  0  access: the user has paid"), "{check}");

    fs::remove_file(&files[0]).unwrap();
    fs::create_dir(&files[0]).unwrap();
    let ran = run(&write, b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("figma-payments-bulk.1 cannot be written: "), "{ran:?}");
}
