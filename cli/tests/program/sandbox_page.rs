//! What a browser gets of the sandbox: its page, the stage, and what happens as events.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use crate::support::program::{KEY, Program, complaint};
use crate::support::wire::{self, Answer};

const ASK: &str = "user_id=500123&plugin_id=1122334455";

fn purchase() -> Value {
    json!({ "user_id": "500123", "plugin_id": "1122334455", "payment_status": "PAID" })
}

async fn get(program: &Program, path: &str) -> Answer {
    wire::get(&program.base_url, path, &[]).await.unwrap()
}

async fn read(program: &Program, path: &str) -> Value {
    let answer = program.control("GET", path, json!(null)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// A folder with a plugin: its manifest, without an id, and its files.
fn plugin(name: &str, manifest: Value, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut whole = json!({ "name": "Palette", "id": "1122334455", "api": "1.0.0" });
    whole.as_object_mut().unwrap().extend(manifest.as_object().unwrap().clone());
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
    let path = folder.join("manifest.json");
    fs::write(&path, whole.to_string()).unwrap();
    path
}

#[tokio::test]
async fn what_the_sandbox_knows_can_be_read() {
    let program = Program::start(&["--owner", "7", "--shape", "type", "--token-lifetime", "60"]);
    let settings = json!({
        "access_token": "figd_sandbox", "shape": "type", "owner": "7", "token_lifetime_seconds": 60,
        "single_use_tokens": false, "kept_in": null, "plugin": null,
    });
    assert_eq!(read(&program, "/settings").await, settings);

    let mint = json!({ "user_id": "500123", "widget_id": "7", "token": "ppt_<script>" });
    program.control("POST", "/tokens", mint).await;
    let mint = json!({ "user_id": "500123", "plugin_id": "8", "lifetime_seconds": 1000 });
    program.control("POST", "/tokens", mint).await;
    program.control("POST", "/clock", json!({ "advance_seconds": 30 })).await;
    let listed = read(&program, "/tokens").await;
    let [newest, oldest] = listed["tokens"].as_array().unwrap().as_slice() else {
        panic!("{listed}")
    };
    assert!(newest["token"].as_str().unwrap().ends_with("_1"), "{newest}");
    assert_eq!(newest["plugin_id"], "8");
    assert_eq!((&oldest["token"], &oldest["widget_id"]), (&json!("ppt_<script>"), &json!("7")));
    let left = oldest["valid_for_seconds"].as_f64().unwrap();
    assert!((1.0..=30.0).contains(&left), "{left}");
    program.control("POST", "/clock", json!({ "advance_seconds": 30 })).await;
    let listed = read(&program, "/tokens").await;
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1, "the other has expired");
    assert!(read(&program, "/clock").await["seconds_since_start"].as_f64().unwrap() >= 60.0);

    program.ask(ASK).await;
    let limits = read(&program, "/limits").await;
    let expected = json!({
        "by_token": { "per_minute": 300, "used": 0 }, "by_user": { "per_minute": 50, "used": 1 },
    });
    assert_eq!(limits, expected);
}

#[tokio::test]
async fn faults_are_listed_with_the_calls_that_are_left_and_switched_off_one_by_one() {
    let program = Program::start(&[]);
    let faults = [
        json!({ "fault": "status", "status": 503, "next": 3 }),
        json!({ "fault": "rate_limited", "retry_after_seconds": 30, "share": 0.0, "seed": 7 }),
        json!({ "fault": "delay", "delay_ms": 1, "all": true }),
        json!({ "fault": "reset", "share": 0.0, "seed": 0 }),
        json!({ "fault": "cut_body", "share": 0.0, "seed": 0 }),
        json!({ "fault": "wrong_user", "next": 9 }),
        json!({ "fault": "wrong_resource", "next": 9 }),
    ];
    for (number, fault) in faults.iter().enumerate() {
        let id = program.control("POST", "/faults", fault.clone()).await.json();
        assert_eq!(id, json!({ "id": number + 1 }));
    }
    assert_eq!(program.ask(ASK).await.status, 503);
    let listed = read(&program, "/faults").await;
    let mut expected = faults.clone();
    for (number, fault) in expected.iter_mut().enumerate() {
        fault["id"] = json!(number + 1);
        if let Some(left) = fault["next"].as_u64() {
            fault["next"] = json!(left - 1);
        }
    }
    assert_eq!(listed["faults"], json!(expected));
    assert_eq!(program.control("DELETE", "/faults/1", json!(null)).await.status, 200);
    assert_eq!(program.ask(ASK).await.status, 200);
    for id in ["1", "99", "x", ""] {
        let gone = program.control("DELETE", &format!("/faults/{id}"), json!(null)).await;
        assert_eq!(gone.status, 404, "{gone:?}");
    }
}

/// The events of a window.
struct Events {
    lines: Lines<BufReader<TcpStream>>,
}

impl Events {
    async fn open(program: &Program) -> Events {
        let address = program.base_url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /_sandbox/events HTTP/1.1\r\nhost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Events { lines: BufReader::new(stream).lines() }
    }

    /// The data of the next event of this name.
    async fn next(&mut self, name: &str) -> Value {
        loop {
            let line = self.lines.next_line().await.unwrap().expect("the stream goes on");
            if line != format!("event: {name}") {
                continue;
            }
            let data = self.lines.next_line().await.unwrap().unwrap();
            return serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        }
    }
}

#[tokio::test]
async fn every_window_is_told_what_has_changed() {
    let program = Program::start(&[]);
    program.ask(ASK).await;
    let mut windows = [Events::open(&program).await, Events::open(&program).await];
    for window in &mut windows {
        let state = window.next("state").await;
        assert_eq!((&state["purchases"], &state["tokens"]), (&json!(0), &json!(0)), "{state}");
        let requests = window.next("requests").await;
        assert_eq!((&requests["first"], &requests["next"]), (&json!(1), &json!(2)));
        let shown = &requests["requests"][0];
        assert_eq!((&shown["status"], &shown["asked_by"]), (&json!(200), &json!("user")));
        assert_eq!(shown["payment_status"], "UNPAID");
        assert_eq!(shown["headers"]["x-figma-token"], "…");
        assert!(is_timestamp(shown["received"].as_str().unwrap()), "{shown}");
    }
    program.control("PUT", "/purchases", purchase()).await;
    program.control("POST", "/faults", json!({ "fault": "reset", "next": 1 })).await;
    program.control("POST", "/clock", json!({ "advance_seconds": 60 })).await;
    let changed = |state: &Value| {
        state["purchases"] == 1
            && state["faults"][0]["fault"] == "reset"
            && state["clock"]["moved"] == 1
    };
    for window in &mut windows {
        while !changed(&window.next("state").await) {}
    }
    let _ = wire::get(&program.base_url, &format!("/v1/payments?{ASK}"), &[KEY]).await;
    for window in &mut windows {
        let requests = window.next("requests").await;
        assert_eq!(requests["requests"][0]["status"], json!(null), "the connection was reset");
        assert_eq!(requests["requests"][0]["number"], 2);
    }
    program.control("DELETE", "/requests", json!(null)).await;
    for window in &mut windows {
        let requests = window.next("requests").await;
        assert_eq!((&requests["first"], &requests["next"]), (&json!(3), &json!(3)));
    }
}

/// Like 2026-11-22T10:11:12.345Z.
fn is_timestamp(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.'
}

#[tokio::test]
async fn an_event_has_the_newest_hundred_requests_at_most() {
    let program = Program::start(&["--no-limits"]);
    for _ in 0..150 {
        program.ask(ASK).await;
    }
    let requests = Events::open(&program).await.next("requests").await;
    let numbers: Vec<_> = requests["requests"].as_array().unwrap().iter().collect();
    assert_eq!(numbers.len(), 100);
    assert_eq!((&numbers[0]["number"], &numbers[99]["number"]), (&json!(51), &json!(150)));
    assert_eq!((&requests["first"], &requests["next"]), (&json!(1), &json!(151)));
}

#[tokio::test]
async fn the_page_may_do_nothing_but_use_the_sandbox() {
    let program = Program::start(&[]);
    let page = get(&program, "/").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(rule), "{rule}: {policy}");
    }
    for hole in ["unsafe", "*", "http:", "data: "] {
        assert!(!policy.contains(hole), "{hole}: {policy}");
    }
    let loaded = page.body.split('"').filter(|text| text.starts_with("/_sandbox/files/"));
    let loaded: Vec<_> = loaded.collect();
    assert!(loaded.len() >= 2, "{loaded:?}");
    for file in loaded {
        let answer = get(&program, file).await;
        assert_eq!(answer.status, 200, "{file}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let missing = get(&program, "/_sandbox/files/../Cargo.toml").await;
    assert_eq!(missing.status, 404);
    let stage = get(&program, "/stage").await;
    assert!(stage.status == 404 && stage.body.contains("--manifest"), "{stage:?}");
    let none = program.control("GET", "/plugin", json!(null)).await;
    assert!(none.status == 404 && none.body.contains("--manifest"), "{none:?}");
    assert_eq!(read(&program, "/requests").await, json!({ "requests": [] }));

    // Under a name that leads here by DNS rebinding there is no page.
    let address = program.base_url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n").await.unwrap();
    let line = BufReader::new(stream).lines().next_line().await.unwrap().unwrap();
    assert_eq!(line, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn a_foreign_page_uses_up_no_fault_and_fills_no_list() {
    let program = Program::start(&[]);
    let fault = json!({ "fault": "status", "status": 503, "next": 1 });
    program.control("POST", "/faults", fault).await;
    for site in ["cross-site", "same-site"] {
        let target = format!("/v1/payments?{ASK}");
        let answer =
            wire::get(&program.base_url, &target, &[("Sec-Fetch-Site", site)]).await.unwrap();
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    assert_eq!(read(&program, "/requests").await, json!({ "requests": [] }));
    assert_eq!(program.ask(ASK).await.status, 503, "the fault was still there");
}

#[tokio::test]
async fn the_stage_has_the_plugin_and_its_frames_have_its_network_rules() {
    let network = json!({
        "allowedDomains": ["https://api.example.com", "*.example.org", "none"],
        "devAllowedDomains": ["http://localhost:3000"],
    });
    let manifest = json!({ "main": "code.js", "ui": { "a": "a.html" }, "networkAccess": network });
    let path = plugin("stage", manifest, &[("code.js", "figma.on()"), ("a.html", "<p>A</p>")]);
    let folder = path.parent().unwrap();
    let program = Program::start(&["--manifest", folder.to_str().unwrap()]);
    assert_eq!(get(&program, "/stage").await.status, 200);
    let settings = read(&program, "/settings").await;
    assert_eq!(settings["plugin"], json!({ "id": "1122334455", "name": "Palette" }));
    assert_eq!(settings["owner"], "500100");
    let read_plugin = read(&program, "/plugin").await;
    assert_eq!(read_plugin["main"], "figma.on()");
    assert_eq!(read_plugin["ui"], json!({ "a": "<p>A</p>" }));
    let domains = "https://api.example.com https://*.example.org wss://*.example.org";
    assert_eq!(read_plugin["allowed_domains"], json!(domains.split(' ').collect::<Vec<_>>()));

    for frame in ["main", "ui"] {
        let policy = async |query: &str| {
            let answer = get(&program, &format!("/_sandbox/stage/{frame}{query}")).await;
            assert_eq!(answer.status, 200);
            answer.header("content-security-policy").unwrap().to_owned()
        };
        let developed = policy("").await;
        assert!(developed.contains(&format!("{domains} http://localhost:3000")), "{developed}");
        let published = policy("?published").await;
        assert!(published.contains(domains) && !published.contains("localhost"), "{published}");
        for policy in [developed, published] {
            assert!(policy.starts_with("sandbox allow-scripts"), "an opaque origin: {policy}");
            assert!(!policy.contains("allow-same-origin") && !policy.contains("navigation"));
            assert!(policy.contains("frame-ancestors 'self'"), "{policy}");
        }
    }
    // It is read anew each time.
    fs::write(path.with_file_name("code.js"), "figma.once()").unwrap();
    assert_eq!(read(&program, "/plugin").await["main"], "figma.once()");
    fs::remove_file(path.with_file_name("a.html")).unwrap();
    let missing = program.control("GET", "/plugin", json!(null)).await;
    assert!(missing.status == 500 && missing.body.contains("is the plugin built?"), "{missing:?}");
}

#[test]
fn a_manifest_that_cannot_be_used_is_refused_at_the_start() {
    let main = json!({ "main": "code.js" });
    let with = |key: &str, value: Value| {
        let mut manifest = main.clone();
        manifest[key] = value;
        manifest
    };
    let domains = |domains: Value| json!({ "allowedDomains": domains });
    for (manifest, why) in [
        (json!({}), "missing field `main`"),
        (with("id", json!("x")), "digits"),
        (with("id", json!(7)), "in quotes"),
        (with("containsWidget", json!(true)), "only plugins"),
        (with("networkAccess", domains(json!("none"))), "expected a sequence"),
        (with("networkAccess", domains(json!(["a b"]))), "is not a domain"),
        (with("networkAccess", domains(json!(["https://a; script-src *"]))), "is not a domain"),
        (with("networkAccess", domains(json!(["'unsafe-inline'"]))), "is not a domain"),
    ] {
        let path = plugin("refused", manifest.clone(), &[]);
        let said = complaint(&["--manifest", path.to_str().unwrap()]);
        assert!(said.contains(why), "{manifest}: {said}");
    }
    assert!(complaint(&["--manifest", "missing.json"]).contains("missing.json cannot be read"));
}

#[tokio::test]
async fn no_file_outside_the_folder_of_the_manifest_is_read() {
    for main in ["../secret.js", "/etc/hostname", "a/../../secret.js"] {
        let path = plugin("outside", json!({ "main": main }), &[]);
        fs::write(path.parent().unwrap().with_file_name("secret.js"), "secret").unwrap();
        let program = Program::start(&["--manifest", path.to_str().unwrap()]);
        let answer = program.control("GET", "/plugin", json!(null)).await;
        assert_eq!(answer.status, 500);
        assert!(answer.body.contains("inside its folder"), "{main}: {answer:?}");
    }
}

/// A backend may remember what it was told about the tokens of another sandbox.
#[tokio::test]
async fn no_two_sandboxes_make_the_same_token() {
    let mint = async || {
        let program = Program::start(&[]);
        let mint = json!({ "user_id": "1", "plugin_id": "1" });
        program.control("POST", "/tokens", mint).await.json()["token"].clone()
    };
    assert_ne!(mint().await, mint().await);
}
