//! `figma-payments check`: what it prints, its exit codes, and its errors.

use std::net::TcpListener;

use figma_payments::sandbox::{Reply, ScriptedServer};
use serde_json::{Value, json};

use crate::support::program::{Program, Ran, run, run_with_token};

const PLUGIN: &str = "1678669904810665842";
const PLUGIN_URL: &str = "https://www.figma.com/community/plugin/1678669904810665842/name";

async fn sandbox(statuses: &[(&str, &str)]) -> Program {
    let program = Program::start(&["--no-limits"]);
    for (user, status) in statuses {
        let purchase = json!({ "user_id": user, "plugin_id": PLUGIN, "payment_status": status, "date_of_purchase": "2024-06-15T14:30:00Z" });
        assert_eq!(program.control("PUT", "/purchases", purchase).await.status, 200);
    }
    program
}

async fn mint(program: &Program, token: &str) {
    let token = json!({ "user_id": "1", "plugin_id": PLUGIN, "token": token });
    assert_eq!(program.control("POST", "/tokens", token).await.status, 200);
}

fn check(program: &Program, arguments: &[&str]) -> Ran {
    run(&[&["check", "--base-url", &program.base_url], arguments].concat(), b"")
}

fn check_token(program: &Program, arguments: &[&str], token: &[u8]) -> Ran {
    let command = ["check", "--base-url", &program.base_url, "--token-stdin"];
    run(&[&command, arguments].concat(), token)
}

#[tokio::test]
async fn the_exit_code_is_the_answer() {
    let program =
        sandbox(&[("1", "PAID"), ("2", "TRIAL"), ("3", "UNPAID"), ("4", "NOT_SUPPORTED")]).await;
    for (user, code, said) in [
        (
            "1",
            0,
            "access: user 1 is PAID for plugin 1678669904810665842, bought 2024-06-15T14:30:00Z\n",
        ),
        (
            "2",
            0,
            "access: user 2 is TRIAL for plugin 1678669904810665842, bought 2024-06-15T14:30:00Z\n",
        ),
        (
            "3",
            1,
            "no access: user 3 is UNPAID for plugin 1678669904810665842, bought 2024-06-15T14:30:00Z (the date stays after a refund)\n",
        ),
        (
            "4",
            1,
            "no access: user 4 is NOT_SUPPORTED for plugin 1678669904810665842, bought 2024-06-15T14:30:00Z (the date stays after a refund)\n",
        ),
        ("5", 1, "no access: user 5 is UNPAID for plugin 1678669904810665842\n"),
    ] {
        for resource in
            [["--plugin", PLUGIN], ["--plugin", PLUGIN_URL], ["--resource-url", PLUGIN_URL]]
        {
            let ran = check(&program, &[&["--user", user][..], &resource].concat());
            assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (Some(code), said, ""));
        }
    }
    for (option, given, what) in [
        ("--widget", "7", "widget 7"),
        ("--widget", "https://www.figma.com/community/widget/7", "widget 7"),
        ("--community-file", "7", "Community file 7"),
        ("--community-file", "https://www.figma.com/community/file/7/name", "Community file 7"),
    ] {
        let ran = check(&program, &["--user", "1", option, given]);
        assert_eq!(
            (ran.code, &*ran.stdout),
            (Some(1), &*format!("no access: user 1 is UNPAID for {what}\n"))
        );
    }
}

#[tokio::test]
async fn a_payment_token_comes_by_standard_input() {
    let program = sandbox(&[("1", "PAID")]).await;
    mint(&program, "ppt_one").await;
    for (token, code) in [
        (&b"ppt_one"[..], 0),
        (b"ppt_one\n", 0),
        (b"ppt_one\r\n", 0),
        (b"ppt_one\n\n", 2),
        (b"ppt_forged\n", 3),
        (b"", 2),
        (b"\n", 2),
        (b"ppt_\xff", 2),
        (&[b'x'; 5000], 2),
    ] {
        let ran = check_token(&program, &["--plugin", PLUGIN], token);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(!format!("{ran:?}").contains("ppt_"), "{ran:?}");
    }
    let any = check_token(&program, &[], b"ppt_one");
    assert_eq!(any.code, Some(0));
    assert!(any.stdout.contains("for plugin 1678669904810665842"), "{any:?}");
    for (arguments, code, why) in [
        (["--user", "1"], 0, ""),
        (["--user", "2"], 3, "the answer is about another user"),
        (
            ["--plugin", "42"],
            3,
            "the query is about plugin 42, but the answer is about plugin 1678669904810665842",
        ),
    ] {
        let ran = check_token(&program, &arguments, b"ppt_one");
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(why), "{ran:?}");
        assert_eq!(code == 3, ran.stderr.contains("give no access"), "{ran:?}");
    }
}

#[tokio::test]
async fn scripts_get_json() {
    let program = sandbox(&[("1", "TRIAL")]).await;
    let asked = ["--json", "--user", "1", "--plugin", PLUGIN];
    let ran = check(&program, &asked);
    let expected = json!({
        "user_id": "1",
        "resource_id": PLUGIN,
        "resource_type": "PLUGIN",
        "payment_status": "TRIAL",
        "date_of_purchase": "2024-06-15T14:30:00Z",
        "grants_access": true,
    });
    assert_eq!(serde_json::from_str::<Value>(&ran.stdout).unwrap(), expected);
    let fault = json!({ "fault": "status", "status": 403, "next": 1 });
    assert_eq!(program.control("POST", "/faults", fault).await.status, 200);
    let ran = check(&program, &asked);
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &printed["error"]["kind"]), (Some(3), &json!("forbidden")));
    assert_eq!(printed["error"]["status"], 403);
    assert_eq!(ran.stdout.lines().count(), 1);
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
}

/// A refusal, and what is said to do about it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_say_what_to_do() {
    let limited = || Reply::json(429, "{}").header("x-figma-rate-limit-type", "low");
    let body = |message: &str| json!({ "status": 401, "err": message }).to_string();
    for (reply, advice) in [
        (Reply::json(400, body("no")), "Check the ids, and read what the server said."),
        (
            Reply::json(401, body("Invalid token")),
            "Figma refused the access token in FIGMA_TOKEN. An access token lives 90 days at most: make one in Figma under Settings, Security, Personal access tokens.",
        ),
        (Reply::json(403, body("no")), "use one of the account that owns the resource."),
        (Reply::json(404, ""), "Check the id, whether it is a plugin or a widget, and --base-url."),
        (
            limited().header("retry-after", "396749"),
            "Ask again in 4days 14h 12m 29s. A View or Collab seat",
        ),
        (Reply::json(429, "{}"), "Ask again in a minute.\n"),
        (Reply::json(302, ""), "This answer is not from Figma: check --base-url"),
        (Reply::json(500, ""), "Try again later."),
        (
            Reply::json(200, "<html>"),
            "Update figma-payments: a newer version may be able to read this answer.",
        ),
        (Reply::json(401, body("\u{1b}[31mred\nlines")), "make one in Figma"),
    ] {
        let server = ScriptedServer::start(move |_| reply.clone()).await.unwrap();
        let ask = ["check", "--base-url", &server.base_url(), "--user", "1", "--plugin", PLUGIN];
        let ran = run(&ask, b"");
        assert_eq!((ran.code, &*ran.stdout), (Some(3), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(advice), "{ran:?}");
        assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ask = ["check", "--base-url", &format!("http://{free}"), "--user", "1", "--plugin", PLUGIN];
    let ran = run(&ask, b"");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.stderr.contains("Check the network"), "{ran:?}");
    let ran = run(&[&ask[..3], &["--token-stdin"]].concat(), b"ppt_one");
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(!ran.stderr.contains("ppt_one") && !ran.stderr.contains("figd_"), "{ran:?}");
}

#[test]
fn nothing_is_asked_if_the_question_is_none() {
    let ask = ["--user", "1", "--plugin", PLUGIN];
    for (arguments, why) in [
        (&["--plugin", PLUGIN][..], "give --user and one of --plugin, --widget"),
        (&["--user", "1"], "give --user and one of --plugin, --widget"),
        (&["--user", "x", "--plugin", PLUGIN], "1 to 20 digits are expected"),
        (&["--user", "1", "--plugin", "1e18"], "1 to 20 digits are expected"),
        (&["--user", "1", "--plugin", "1", "--widget", "2"], "cannot be used with"),
        (
            &["--user", "1", "--resource-url", "https://example.com/1"],
            "does not lead to Figma's Community",
        ),
        (
            &["--user", "1", "--plugin", "1", "--base-url", "http://example.com"],
            "error: --base-url is plain http:// to another machine, so everyone on the way could read the access token; use a URL like https://api.figma.com",
        ),
        (
            &["--user", "1", "--plugin", "1", "--base-url", "localhost:4010"],
            "error: --base-url does not begin with http:// or https://; begin it with http://, as in http://localhost:4010",
        ),
        (
            &["--user", "1", "--plugin", "1", "--base-url", "user:MARKED@example.com"],
            "begin it with https://, as in https://api.figma.com",
        ),
        (&["--user", "1", "--widget", PLUGIN_URL], "give it to --plugin"),
        (&["--user", "1", "--community-file", PLUGIN_URL], "give it to --plugin"),
        (
            &["--user", "1", "--plugin", "https://www.figma.com/community/file/7"],
            "for '--plugin <ID>': this is the page of Community file 7; give it to --community-file",
        ),
        (
            &["--user", "1", "--plugin", "https://example.com/1"],
            "the Community URL does not lead to Figma's Community",
        ),
        (&["ppt_token"], "unexpected argument"),
    ] {
        let ran = run(&[&["check"], arguments].concat(), b"");
        assert_eq!((ran.code, &*ran.stdout), (Some(2), ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(why), "{ran:?}");
        assert!(!ran.stderr.contains("MARKED"), "{ran:?}");
    }
    for (token, why) in [
        (
            None,
            "there is no access token: set the environment variable FIGMA_TOKEN to one of the account that owns the resource; make one in Figma under Settings",
        ),
        (Some(""), "no access token: "),
        (Some("figd_x\n"), "FIGMA_TOKEN: the access token has a space, a line end"),
    ] {
        let ran = run_with_token(token, &[&["check"], &ask[..]].concat(), b"");
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains(why) && !ran.stderr.contains("figd_"), "{ran:?}");
    }
}

/// In `figma-payments check $ARGUMENTS && serve` nobody may be served for having
/// asked for help.
#[test]
fn help_is_no_answer() {
    let asked = ["check", "--user", "1", "--plugin", PLUGIN];
    let with = |option| [&asked[..], &[option]].concat();
    for (arguments, code, printed) in [
        (vec!["check", "--help"], 2, "Exit codes:"),
        (vec!["check", "-h"], 2, "Usage: figma-payments check"),
        (vec!["check", "--version"], 2, env!("CARGO_PKG_VERSION")),
        (vec!["check", "-V"], 2, env!("CARGO_PKG_VERSION")),
        (with("--help"), 2, "Exit codes:"),
        (with("--version"), 2, env!("CARGO_PKG_VERSION")),
        (vec!["bulk", "--help"], 2, "Exit codes:"),
        (vec!["bulk", "--version"], 2, env!("CARGO_PKG_VERSION")),
        // No answer was asked for here.
        (vec!["--help"], 0, "Usage: figma-payments"),
        (vec!["--version"], 0, env!("CARGO_PKG_VERSION")),
        (vec!["help"], 0, "Usage: figma-payments"),
        (vec!["help", "check"], 0, "Exit codes:"),
        (vec!["sandbox", "--help"], 0, "Usage: figma-payments sandbox"),
    ] {
        let ran = run(&arguments, b"");
        assert_eq!((ran.code, &*ran.stderr), (Some(code), ""), "{arguments:?}");
        assert!(ran.stdout.contains(printed), "{arguments:?}: {ran:?}");
    }
    for arguments in [&["check"][..], &["check", "help"], &["bulk"], &["bulk", "help"], &[]] {
        assert_eq!(run(arguments, b"").code, Some(2), "{arguments:?}");
    }
}
