//! `figma-payments bulk` under SIGKILL, on a full disk, and under Ctrl-C and
//! SIGTERM. Small here; `cargo xtask deep` kills it a hundred times and reports the figures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::bulk::{all, arguments, file, numbered, rows, sandbox, users};
use crate::support::program::{KEY, Ran, run};
use crate::support::size;

/// The lines of an output that are whole, by user.
fn whole_lines(output: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(output).unwrap_or_default();
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let lines = text[..end].lines().filter(|line| !line.starts_with("user_id,"));
    let mut by_user = BTreeMap::new();
    for line in lines {
        let digits = |c: char| !c.is_ascii_digit();
        let user = line.split(digits).find(|part| !part.is_empty()).unwrap().to_owned();
        assert_eq!(by_user.insert(user, line.to_owned()), None, "twice: {line}");
    }
    by_user
}

#[tokio::test]
async fn killed_at_any_moment_it_loses_no_answer_and_gives_none_twice() {
    let (kills, count) = (size(50, 3), size(20_000, 1_000));
    let program = sandbox(&[]).await;
    let mut random = fastrand::Rng::with_seed(9);
    for output in ["killed.csv", "killed.jsonl"] {
        let (input, output) = (file("killed.txt"), file(output));
        let mut everyone: Vec<String> = (0..count).map(|user| user.to_string()).collect();
        // Each given twice, in any order.
        let mut given = [&everyone[..], &everyone].concat();
        random.shuffle(&mut given);
        fs::write(&input, given.join("\n")).unwrap();
        let arguments = arguments(&program.base_url, &input, &output);
        let (mut answered, mut killed, mut busy, mut torn) = (BTreeMap::new(), 0, 0, 0);
        while killed < kills {
            let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
            command.args(&arguments).env("FIGMA_TOKEN", KEY.1).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            tokio::time::sleep(Duration::from_micros(random.u64(0..120_000))).await;
            child.kill().unwrap();
            if child.wait().unwrap().success() {
                break;
            }
            killed += 1;
            let mut now = whole_lines(&output);
            for (user, line) in &answered {
                assert_eq!(now.get(user), Some(line), "lost by kill {killed}");
            }
            busy += usize::from(now.len() > answered.len());
            // What a power cut may do, and SIGKILL hardly ever does.
            if random.bool() && !now.is_empty() {
                let text = fs::read(&output).unwrap();
                fs::write(&output, &text[..text.len() - random.usize(1..60)]).unwrap();
                now = whole_lines(&output);
                torn += 1;
            }
            answered = now;
        }
        let kept = answered.len();
        let ran = run(&arguments, b"");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        everyone.sort();
        assert_eq!(users(&output), everyone);
        let lines = whole_lines(&output);
        assert!(answered.iter().all(|(user, line)| lines.get(user) == Some(line)));
        println!(
            "bulk: killed {killed} times, {busy} of them after new answers, its end torn off {torn} times; {kept} of {count} users answered by then, in the end each once"
        );
        // A few kills may all come before the first answer; of many, some do not.
        assert!(kills < 50 || killed == kills && busy > 10 && torn > 10, "no kill met an answer");
    }
}

/// Runs it in a shell, for what only a shell can set up.
fn in_a_shell(script: &str, arguments: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_figma-payments")]).args(arguments);
    shell.env("FIGMA_TOKEN", KEY.1);
    shell
}

#[tokio::test]
async fn a_full_disk_costs_no_answer() {
    let program = sandbox(&[]).await;
    for output in ["full.csv", "full.jsonl"] {
        let (input, output) = (numbered("full.txt", 100), file(output));
        let arguments = arguments(&program.base_url, &input, &output);
        // As a full disk does, a limit lets part of a write through.
        let script = "trap '' XFSZ; ulimit -f 6; exec \"$0\" \"$@\"";
        let ran: Ran = in_a_shell(script, &arguments).output().unwrap().into();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let text = fs::read_to_string(&output).unwrap();
        let line = format!("error: line {} of ", text.lines().count() + 1);
        assert!(ran.stderr.contains(&line), "{ran:?}");
        assert!(
            ran.stderr.contains("Free some disk space, and run the same command again"),
            "{ran:?}"
        );
        let kept = rows(&output).len();
        assert!((10..100).contains(&kept), "{kept}");
        assert_eq!(run(&arguments, b"").code, Some(0));
        assert!(fs::read_to_string(&output).unwrap().starts_with(&text));
        assert_eq!(users(&output), all(100));
    }
}

#[tokio::test]
async fn an_interrupted_run_says_how_to_go_on() {
    let program = sandbox(&[]).await;
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let input = numbered("interrupted.txt", 100_000);
        let output = file(&format!("interrupted {code}.csv"));
        let arguments = arguments(&program.base_url, &input, &output);
        let mut command = in_a_shell("exec \"$0\" \"$@\"", &arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while !fs::read_to_string(&output).is_ok_and(|text| text.lines().count() > 20) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let ran: Ran = child.wait_with_output().unwrap().into();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(" without an answer; run the same command again"), "{ran:?}");
        let users = users(&output);
        assert!((20..100_000).contains(&users.len()), "{}", users.len());
        let again = users.iter().collect::<BTreeSet<_>>();
        assert_eq!(again.len(), users.len());
    }
}
