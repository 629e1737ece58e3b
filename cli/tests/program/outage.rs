//! `figma-payments bulk` while the server does not answer.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use figma_payments::sandbox::{Reply, Request, ScriptedServer};
use serde_json::json;

use crate::support::bulk::{PLUGIN, all, arguments, bulk, file, numbered, sandbox, users};
use crate::support::program::{KEY, Program, Ran, run};

async fn inject(program: &Program, fault: serde_json::Value) {
    assert_eq!(program.control("POST", "/faults", fault).await.status, 200);
}

async fn clear(program: &Program) {
    assert_eq!(program.control("DELETE", "/faults", json!(null)).await.status, 200);
}

/// A run that has said that it waits.
struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it has said so far.
    said: String,
}

impl Waiting {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_figma-payments"));
        command.args(arguments).env("FIGMA_TOKEN", KEY.1);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(" does not answer (") {
            assert!(stderr.read_line(&mut said).unwrap() > 0, "it has ended: {said}");
        }
        Waiting { child, stderr, said }
    }

    fn end(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.said).unwrap();
        let code = self.child.wait().unwrap().code();
        Ran { code, stdout: String::new(), stderr: self.said }
    }
}

#[tokio::test]
async fn users_of_an_outage_are_asked_again_when_it_is_over() {
    let program = sandbox(&[("1", "PAID")]).await;
    for (number, fault) in [
        json!({ "fault": "reset", "all": true }),
        json!({ "fault": "status", "status": 503, "all": true }),
    ]
    .into_iter()
    .enumerate()
    {
        let input = numbered("outage.txt", 100);
        let output = file(&format!("outage {number}.jsonl"));
        let arguments = arguments(&program.base_url, &input, &output);
        inject(&program, fault).await;
        let run = Waiting::start(&[&arguments[..], &["--outage-timeout", "30s"]].concat());
        let said = format!("{} does not answer (", program.base_url);
        assert!(run.said.starts_with(&said), "{}", run.said);
        let end = "waiting, asking again in 1s, for 30s at most (--outage-timeout)\n";
        assert!(run.said.ends_with(end), "{}", run.said);
        clear(&program).await;
        let ran = run.end();
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.stderr.matches("does not answer").count(), 1, "{ran:?}");
        assert!(ran.stderr.contains(" answers again, after "), "{ran:?}");
        assert!(!ran.stderr.contains(", line "), "no user is left out: {ran:?}");
        assert_eq!(users(&output), all(100));
    }
}

#[tokio::test]
async fn it_asks_until_there_is_an_answer() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("long outage.txt", 50), file("long outage.csv"));
    let arguments = arguments(&program.base_url, &input, &output);
    inject(&program, json!({ "fault": "status", "status": 500, "all": true })).await;
    let run = Waiting::start(&[&arguments[..], &["--outage-timeout", "30s"]].concat());
    // The first pauses are one second and two.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    clear(&program).await;
    let ran = run.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stderr.matches("does not answer").count(), 1, "{ran:?}");
    assert_eq!(users(&output), all(50));
}

#[tokio::test]
async fn a_server_that_comes_back_answers_the_last_users_too() {
    let mut program = sandbox(&[]).await;
    let (input, output) = (numbered("away.txt", 2), file("away.csv"));
    let base_url = program.base_url.clone();
    let arguments = arguments(&base_url, &input, &output);
    program.kill();
    let run = Waiting::start(&[&arguments[..], &["--outage-timeout", "30s"]].concat());
    assert!(run.said.contains("(no response: "), "{}", run.said);
    let port = base_url.rsplit(':').next().unwrap();
    let _again = Program::start_at_port(&["--port", port, "--no-limits"]);
    let ran = run.end();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(users(&output), all(2));
}

#[tokio::test]
async fn an_outage_that_lasts_too_long_ends_the_run() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("too long.txt", 100), file("too long.csv"));
    inject(&program, json!({ "fault": "reset", "all": true })).await;
    let begun = Instant::now();
    let ran = bulk(&program, &input, &output, &["--outage-timeout", "2s"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(begun.elapsed() > Duration::from_secs(2));
    let why = format!(
        "error: the run has stopped: {} has not answered for 2s (--outage-timeout): no response: ",
        program.base_url
    );
    assert!(ran.stderr.contains(&why), "{ran:?}");
    assert!(ran.stderr.contains("100 users without an answer; run the same command"), "{ran:?}");
    clear(&program).await;
    assert_eq!(bulk(&program, &input, &output, &[]).code, Some(0));
    assert_eq!(users(&output), all(100));
}

#[tokio::test]
async fn without_a_timeout_failures_end_the_run() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("at once.txt", 100), file("at once.csv"));
    inject(&program, json!({ "fault": "status", "status": 503, "all": true })).await;
    let ran = bulk(&program, &input, &output, &["--outage-timeout", "0"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("error: the run has stopped: 20 failures in a row"), "{ran:?}");
    assert!(!ran.stderr.contains("does not answer"), "{ran:?}");
    let ran = bulk(&program, &input, &output, &["--outage-timeout", "soon"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("for '--outage-timeout <TIME>': "), "{ran:?}");
}

/// A few failures are of single users: the server answers the others.
#[tokio::test]
async fn what_is_no_outage_is_not_waited_for() {
    let program = sandbox(&[]).await;
    let output = file("few.csv");
    // Each question is asked three times.
    inject(&program, json!({ "fault": "status", "status": 500, "next": 9 })).await;
    let begun = Instant::now();
    let ran = bulk(&program, &numbered("few.txt", 3), &output, &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!ran.stderr.contains("does not answer"), "{ran:?}");
    assert_eq!(ran.stderr.matches("few.txt, line ").count(), 3, "{ran:?}");
    assert_eq!(fs::read_to_string(&output).unwrap().lines().count(), 1);
}

/// As many in a row as an outage has, at first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_that_never_get_an_answer_do_not_hold_up_the_others() {
    let answer = |request: &Request| {
        let mut parameters = request.query().split('&');
        let user = parameters.find_map(|parameter| parameter.strip_prefix("user_id=")).unwrap();
        if (21..=32).contains(&user.parse::<u32>().unwrap()) {
            return Reply::json(500, "");
        }
        let meta = json!({ "user_id": user, "resource_id": PLUGIN, "resource_type": "PLUGIN", "payment_status": "PAID" });
        Reply::json(200, json!({ "status": 200, "error": false, "meta": meta }).to_string())
    };
    let server = ScriptedServer::start(answer).await.unwrap();
    let (input, output) = (numbered("never.txt", 200), file("never.csv"));
    let base_url = server.base_url();
    let arguments = arguments(&base_url, &input, &output);
    let ran = run(&[&arguments[..], &["--outage-timeout", "6s"]].concat(), b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("12 users without an answer; run the same command"), "{ran:?}");
    assert_eq!(users(&output).len(), 200 - 12, "{ran:?}");
    assert!(!ran.stderr.contains("does not answer"), "the others were answered: {ran:?}");

    // Only those are left, and the next run does not wait for them either.
    let begun = Instant::now();
    let ran = run(&[&arguments[..], &["--outage-timeout", "10m"]].concat(), b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.stderr.matches("never.txt, line ").count(), 12, "{ran:?}");
    assert!(begun.elapsed() < Duration::from_secs(120));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_wait() {
    let program = sandbox(&[]).await;
    let (input, output) = (numbered("signal.txt", 100), file("signal.csv"));
    let arguments = arguments(&program.base_url, &input, &output);
    inject(&program, json!({ "fault": "reset", "all": true })).await;
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let run = Waiting::start(&arguments);
        let end = "asking again in 30s, for 30m at most (--outage-timeout)\n";
        assert!(run.said.ends_with(end), "{}", run.said);
        let begun = Instant::now();
        let kill = Command::new("kill").args([signal, &run.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let ran = run.end();
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        assert!(ran.stderr.contains("100 users without an answer; run the same"), "{ran:?}");
    }
}
