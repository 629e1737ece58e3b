//! The sandbox as a program: its state file, its control API, and bad input.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::program::{KEY, Program, complaint};
use crate::support::wire;

const ASK: &str = "user_id=500123&plugin_id=1122334455";

fn purchase(status: &str) -> Value {
    json!({ "user_id": "500123", "plugin_id": "1122334455", "payment_status": status, "date_of_purchase": "2024-06-15T14:30:00Z" })
}

fn file(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

fn status_of(answer: &wire::Answer) -> Value {
    answer.json()["meta"]["payment_status"].clone()
}

#[tokio::test]
async fn purchases_are_set_and_survive_in_a_readable_file() {
    let path = file("survives.json");
    let arguments = ["--state", path.to_str().unwrap()];
    let program = Program::start(&arguments);
    assert_eq!(status_of(&program.ask(ASK).await), "UNPAID");
    for status in ["TRIAL", "PAID"] {
        let answer = program.control("PUT", "/purchases", purchase(status)).await;
        assert_eq!((answer.status, answer.json()), (200, purchase(status)));
        assert_eq!(status_of(&program.ask(ASK).await), *status);
        let kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(kept, json!({ "purchases": [purchase(status)] }), "before the answer");
    }
    drop(program);
    let again = Program::start(&arguments);
    assert_eq!(status_of(&again.ask(ASK).await), "PAID");
    let listed = again.control("GET", "/purchases", json!(null)).await.json();
    assert_eq!(listed, json!({ "purchases": [purchase("PAID")] }));
}

#[tokio::test]
async fn the_control_api_does_what_it_says_of_itself() {
    let program = Program::start(&["--single-use-tokens", "--shape", "status", "--owner", "7"]);
    let listed = program.control("GET", "", json!(null)).await.json();
    assert_eq!(listed.as_object().unwrap().len(), 16);

    program.control("PUT", "/purchases", purchase("PAID")).await;
    let mint = json!({ "user_id": "500123", "plugin_id": "1122334455" });
    let token = program.control("POST", "/tokens", mint.clone()).await.json();
    assert_eq!(token["good_for_seconds"], 600);
    let by_token = format!("plugin_payment_token={}", token["token"].as_str().unwrap());
    assert_eq!(status_of(&program.ask(&by_token).await), json!({ "status": "PAID" }));
    assert_eq!(program.ask(&by_token).await.status, 401, "good once");

    let mut known = mint;
    known["token"] = json!("ppt_known");
    known["lifetime_seconds"] = json!(60);
    program.control("POST", "/tokens", known).await;
    let moved = program.control("POST", "/clock", json!({ "advance_seconds": 60 })).await;
    assert!(moved.json()["seconds_since_start"].as_f64().unwrap() >= 60.0);
    assert_eq!(program.ask("plugin_payment_token=ppt_known").await.status, 401, "too old");

    let fault = json!({ "fault": "status", "status": 503, "next": 1 });
    assert_eq!(program.control("POST", "/faults", fault).await.status, 200);
    assert_eq!(program.ask(ASK).await.status, 503);
    assert_eq!(program.ask(ASK).await.status, 200);
    let fault = json!({ "fault": "wrong_user", "share": 1.0, "seed": 7 });
    assert_eq!(program.control("POST", "/faults", fault).await.status, 200);
    assert_eq!(program.ask(ASK).await.json()["meta"]["user_id"], "500124");
    program.control("DELETE", "/faults", json!(null)).await;
    assert_eq!(program.ask(ASK).await.json()["meta"]["user_id"], "500123");

    let mut owners = purchase("PAID");
    owners["user_id"] = json!("7");
    program.control("PUT", "/purchases", owners).await;
    let own = program.ask("user_id=7&plugin_id=1122334455").await;
    assert_eq!(status_of(&own), json!({ "status": "UNPAID" }));

    let log = program.control("GET", "/requests", json!(null)).await.json();
    let log = log["requests"].as_array().unwrap();
    assert_eq!(log.len(), 8);
    assert_eq!(log[0]["target"], format!("/v1/payments?{by_token}"));
    assert_eq!(log[0]["headers"]["x-figma-token"], "…");
    program.control("DELETE", "/requests", json!(null)).await;
    let log = program.control("GET", "/requests", json!(null)).await.json();
    assert_eq!(log, json!({ "requests": [] }));
}

#[tokio::test]
async fn what_the_control_api_does_not_understand_it_refuses() {
    let program = Program::start(&[]);
    let (user, plugin) = (("user_id", "1"), ("plugin_id", "1"));
    for (method, path, body, status, why) in [
        ("PUT", "/purchases", json!(null), 400, "the body cannot be used: "),
        ("PUT", "/purchases", purchase("paid"), 400, "PAID, TRIAL, UNPAID, NOT_SUPPORTED"),
        ("PUT", "/purchases", json!({ user.0: 1, plugin.0: "1" }), 400, "expected a string"),
        ("POST", "/tokens", json!({ user.0: "1" }), 400, "either plugin_id or widget_id"),
        ("POST", "/tokens", json!({ user.0: "1", plugin.0: "x" }), 400, "digits"),
        ("POST", "/tokens", json!({ user.0: "1", plugin.0: "1", "token": " " }), 400, "is empty"),
        ("POST", "/tokens", json!({ user.0: "1", "community_file_id": "1" }), 400, "unknown field"),
        ("POST", "/faults", json!({ "fault": "fire", "next": 1 }), 400, "unknown variant"),
        ("POST", "/faults", json!({ "fault": "status", "next": 1 }), 400, "400 to 599"),
        (
            "POST",
            "/faults",
            json!({ "fault": "status", "status": 200, "next": 1 }),
            400,
            "400 to 599",
        ),
        ("POST", "/faults", json!({ "fault": "reset" }), 400, "either next, or"),
        ("POST", "/faults", json!({ "fault": "reset", "all": false }), 400, "\"all\": true"),
        ("POST", "/faults", json!({ "fault": "rate_limited", "next": 1 }), 400, "retry_after"),
        ("POST", "/faults", json!({ "fault": "reset", "share": 1.5 }), 400, "from 0 to 1"),
        (
            "POST",
            "/faults",
            json!({ "fault": "reset", "delay_ms": 1, "next": 1 }),
            400,
            "delay_ms only for the fault delay",
        ),
        ("POST", "/clock", json!({ "advance_seconds": -1 }), 400, "negative or too large"),
        ("POST", "/clock", json!({ "advance_seconds": 1e300 }), 400, "negative or too large"),
        ("POST", "/purchases", purchase("PAID"), 405, "there is no POST /_sandbox/purchases"),
        ("GET", "/nothing", json!(null), 404, "GET /_sandbox lists all requests"),
        ("PUT", "/purchases", json!("x".repeat(70_000)), 413, "longer than 64 KiB"),
    ] {
        let answer = program.control(method, path, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(why), "{body}: {answer:?}");
    }
    // Far into the future, again and again, is no reason to fall over.
    for _ in 0..3 {
        let far = json!({ "advance_seconds": 1e19 });
        assert_eq!(program.control("POST", "/clock", far).await.status, 200);
    }
    assert_eq!(program.ask(ASK).await.status, 200);
}

#[tokio::test]
async fn the_request_log_has_the_room_that_it_is_given_and_says_what_is_missing() {
    let program = Program::start(&["--request-log-bytes", "4000"]);
    let log = async || program.control("GET", "/requests", json!(null)).await.json();
    program.ask(ASK).await;
    let one = log().await;
    assert_eq!(one["requests"].as_array().unwrap().len(), 1);
    assert!(one.get("dropped").is_none(), "{one}");
    for _ in 0..20 {
        program.ask(ASK).await;
    }
    let many = log().await;
    let kept = many["requests"].as_array().unwrap().len();
    assert!((1..20).contains(&kept), "{many}");
    assert_eq!(many["dropped"], 21 - kept);
    program.control("DELETE", "/requests", json!(null)).await;
    assert_eq!(log().await, json!({ "requests": [] }));
}

/// The shell commands of the page on testing, as they stand there.
#[tokio::test]
async fn the_page_on_testing_is_true_in_a_shell() {
    let page = include_str!("../../../docs/testing.md");
    let (_, rest) = page.split_once("```sh\n").unwrap();
    let script = rest.split("```").next().unwrap();
    let program = Program::start(&[]);
    let script = script.replace("http://127.0.0.1:4010", &program.base_url);
    let shell = Command::new("sh").args(["-e", "-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&shell.stderr);
    if said.contains("curl: not found") || said.contains("curl: command not found") {
        assert!(std::env::var_os("CI").is_none(), "curl is not installed");
        println!("left out: curl is not installed");
        return;
    }
    assert!(shell.status.success(), "{shell:?}");
    let log = program.control("GET", "/requests", json!(null)).await.json();
    assert_eq!(log["requests"].as_array().unwrap().len(), 5);
}

#[test]
fn a_state_file_that_is_none_is_named_and_left_alone() {
    let path = file("broken.json");
    let twice = json!({ "purchases": [purchase("PAID"), purchase("UNPAID")] }).to_string();
    for (text, why) in [
        ("", "EOF while parsing a value at line 1"),
        ("{\"purchases\": [", "EOF while parsing a list at line 1"),
        ("[]", "it should be like "),
        (r#"{"purchases": [], "tokens": []}"#, "unknown field `tokens`"),
        (r#"{"purchases": [{"user_id": 500123}]}"#, "expected a string at line 1"),
        (&twice, "user 500123 has plugin 1122334455 more than once"),
        ("\u{0}\u{1}", "expected value at line 1"),
    ] {
        std::fs::write(&path, text).unwrap();
        let said = complaint(&["--port", "0", "--state", path.to_str().unwrap()]);
        assert!(
            said.contains("broken.json cannot be used: ") && said.contains(why),
            "{text}: {said}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    let said = complaint(&["--port", "0", "--state", env!("CARGO_TARGET_TMPDIR")]);
    assert!(said.contains("cannot be read: "), "{said}");
    let nowhere = format!("{}/no/such/folder.json", env!("CARGO_TARGET_TMPDIR"));
    let said = complaint(&["--port", "0", "--state", &nowhere]);
    assert!(said.contains("cannot be written: "), "{said}");
}

#[tokio::test]
async fn a_second_sandbox_on_the_same_state_file_is_refused_at_once() {
    let path = file("shared.json");
    let arguments = ["--port", "0", "--state", path.to_str().unwrap()];
    let first = Program::start(&arguments[2..]);
    let mut ways = vec![path.clone(), path.parent().unwrap().join(".").join("shared.json")];
    #[cfg(unix)]
    ways.push(link("shared link.json", &path));
    for way in &ways {
        let said = complaint(&["--port", "0", "--state", way.to_str().unwrap()]);
        let expected = format!(
            "the state file {} is used by another sandbox: stop that one, or choose another --state",
            way.display()
        );
        assert!(said.contains(&expected), "{said}");
    }
    assert_eq!(first.control("PUT", "/purchases", purchase("PAID")).await.status, 200);
    // However it ends: this is SIGKILL.
    drop(first);
    let second = Program::start(&arguments[2..]);
    assert_eq!(status_of(&second.ask(ASK).await), "PAID");
}

#[test]
fn where_no_lock_file_can_be_made_it_does_not_start() {
    let path = file("unlockable.json");
    let text = json!({ "purchases": [purchase("PAID")] }).to_string();
    std::fs::write(&path, &text).unwrap();
    let lock = file("unlockable.json.lock");
    std::fs::create_dir_all(&lock).unwrap();
    let said = complaint(&["--port", "0", "--state", path.to_str().unwrap()]);
    assert!(said.contains("unlockable.json cannot be written: "), "{said}");
    assert!(said.contains("unlockable.json.lock cannot be opened"), "{said}");
    assert!(said.contains("choose a --state in a folder that you can write to"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn in_a_folder_that_is_read_only_it_does_not_start() {
    use std::os::unix::fs::PermissionsExt;

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("read only");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.json");
    let _ = std::fs::remove_file(folder.join("state.json.lock"));
    std::fs::write(&path, json!({ "purchases": [purchase("PAID")] }).to_string()).unwrap();
    let permit = |mode| std::fs::set_permissions(&folder, PermissionsExt::from_mode(mode)).unwrap();
    permit(0o555);
    if std::fs::write(folder.join("probe"), "").is_ok() {
        permit(0o755);
        println!("left out: this user, root perhaps, may write everywhere");
        return;
    }
    let said = complaint(&["--port", "0", "--state", path.to_str().unwrap()]);
    permit(0o755);
    assert!(said.contains("state.json.lock cannot be opened"), "{said}");
}

#[cfg(unix)]
fn link(name: &str, target: &std::path::Path) -> PathBuf {
    let link = file(name);
    std::os::unix::fs::symlink(target, &link).unwrap();
    link
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_state_file_is_followed_and_never_replaced() {
    let path = file("linked.json");
    std::fs::write(&path, json!({ "purchases": [] }).to_string()).unwrap();
    let link = link("link.json", &path);
    let program = Program::start(&["--state", link.to_str().unwrap()]);
    assert_eq!(program.control("PUT", "/purchases", purchase("PAID")).await.status, 200);
    drop(program);
    assert_eq!(std::fs::read_link(&link).unwrap(), path);
    assert!(std::fs::read_to_string(&path).unwrap().contains("500123"));

    std::fs::remove_file(&path).unwrap();
    let said = complaint(&["--port", "0", "--state", link.to_str().unwrap()]);
    assert!(said.contains("link.json cannot be read: it is a link to a file that"), "{said}");
    assert_eq!(std::fs::read_link(&link).unwrap(), path);
    assert!(!path.exists());
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let said = complaint(&["--port", &port]);
    let expected = format!("cannot listen on 127.0.0.1:{port}: another program listens there");
    assert!(said.contains(&expected), "{said}");
}

#[tokio::test]
async fn a_change_that_cannot_be_written_is_not_made() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("goes away");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.json");
    let program = Program::start(&["--state", path.to_str().unwrap()]);
    std::fs::remove_dir_all(&folder).unwrap();
    let answer = program.control("PUT", "/purchases", purchase("PAID")).await;
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(answer.body.contains("nothing was changed"), "{answer:?}");
    assert_eq!(status_of(&program.ask(ASK).await), "UNPAID");
}

#[tokio::test]
async fn odd_and_half_requests_disturb_nobody() {
    let program = Program::start(&[]);
    let address = program.base_url.trim_start_matches("http://");
    let mut idle = Vec::new();
    for start in [
        "",
        "GET",
        "GET /v1/payments HTTP/1.1\r\nhost:",
        "PUT /_sandbox/purchases HTTP/1.1\r\ncontent-length: 9\r\n\r\n{",
    ]
    .repeat(50)
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        idle.push(stream);
    }
    let long = "x".repeat(1 << 20);
    for (start, expected) in [
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "HTTP/1.1 431 "),
        (format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\n"), "HTTP/1.1 431 "),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(500)), "HTTP/1.1 431 "),
        ("\u{0}\u{1}\u{2} / HTTP/1.1\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("GET / HTTP/9\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        // It may refuse before it has read everything.
        let _ = stream.write_all(start.as_bytes()).await;
        let mut answer = vec![0; expected.len()];
        let _ = stream.read_exact(&mut answer).await;
        let start = &start[..start.len().min(30)];
        assert_eq!(String::from_utf8_lossy(&answer), expected, "{start:?}");
    }
    assert_eq!(program.ask(ASK).await.status, 200);
    assert_eq!(idle.len(), 200);
    let log = wire::get(&program.base_url, "/_sandbox/requests", &[KEY]).await.unwrap();
    assert_eq!(log.json()["requests"].as_array().unwrap().len(), 1, "half a request is none");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_it() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut program = Program::start(&[]);
        assert_eq!(program.ask("user_id=1&plugin_id=1").await.status, 200);
        assert_eq!(program.end_with(signal), Some(code));
    }
}
