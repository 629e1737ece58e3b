//! The control API of the sandbox is for programs: it answers no page of somebody
//! else's in a browser, and shows no secret.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::program::Program;

const PURCHASE: &str = r#"{"user_id":"500123","plugin_id":"1122334455","payment_status":"PAID"}"#;
const CHANGE: &str = "PUT /_sandbox/purchases HTTP/1.1";
const LIST: &str = "GET /_sandbox/purchases HTTP/1.1";

/// Sends this request line, these headers and this body as they are, and gives
/// the status and the body of the answer.
async fn send(program: &Program, line: &str, headers: &[&str], body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(format!("127.0.0.1:{}", port(program))).await.unwrap();
    let length = format!("content-length: {}", body.len());
    let lines = [&[line], headers, &["connection: close", &length]].concat().join("\r\n");
    stream.write_all(format!("{lines}\r\n\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn address(program: &Program) -> &str {
    program.base_url.trim_start_matches("http://")
}

fn port(program: &Program) -> &str {
    address(program).rsplit(':').next().unwrap()
}

/// How many purchases the sandbox has.
async fn purchases(program: &Program) -> usize {
    let listed = program.control("GET", "/purchases", json!(null)).await.json();
    listed["purchases"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_control_api_is_answered_under_loopback_hosts_with_any_port() {
    let program = Program::start(&[]);
    for host in [
        "localhost",
        "localhost:4010",
        "LOCALHOST:1",
        "LocalHost.:4010",
        "localhost:",
        "127.0.0.1",
        "127.0.0.1:4010",
        "127.255.255.254:80",
        "[::1]",
        "[::1]:4010",
        "[0:0:0:0:0:0:0:1]:4010",
    ] {
        let answer = send(&program, LIST, &[&format!("Host: {host}")], "").await;
        assert_eq!(answer, (200, json!({ "purchases": [] })), "{host}");
    }
    // A proxy's way to ask, and an old one.
    for line in ["GET http://localhost:9/_sandbox HTTP/1.1", "GET /_sandbox HTTP/1.0"] {
        assert_eq!(send(&program, line, &["Host: localhost"], "").await.0, 200, "{line}");
    }
}

#[tokio::test]
async fn under_any_other_host_it_is_refused_and_names_the_setting() {
    let program = Program::start(&[]);
    for host in [
        "evil.example",
        "evil.example:4010",
        "localhost.evil.example",
        "evil.localhost",
        "localhost..",
        "127.0.0.1.evil.example",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0.0.0.0",
        "192.168.1.5:4010",
        "[::2]",
        "[::]",
        "[::ffff:192.168.1.5]",
        "::1",
        "::1:4010",
        "[::1",
        "[::1]evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "user:password@localhost:4010",
        "localhost:4010@evil.example",
        "localhost:evil",
        "localhost:4010:4010",
        "localhost evil.example",
        "localhost,evil.example",
        "localhost/",
        "localhost#",
        "%6cocalhost",
        "löcalhost",
        ".",
        "",
    ] {
        let (status, body) = send(&program, CHANGE, &[&format!("Host: {host}")], PURCHASE).await;
        assert_eq!(status, 403, "{host}: {body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains("start it with --allow-host NAME"), "{message}");
        assert!(!message.contains("password"), "{message}");
    }
    for (line, headers) in [
        (CHANGE, &[][..]),
        ("PUT /_sandbox/purchases HTTP/1.0", &[]),
        (CHANGE, &["Host: localhost", "Host: localhost"]),
        (CHANGE, &["Host: localhost", "Host: evil.example"]),
        (CHANGE, &["Host: evil.example", "Host: localhost"]),
        ("PUT http://evil.example/_sandbox/purchases HTTP/1.1", &["Host: localhost"]),
        ("PUT http://localhost/_sandbox/purchases HTTP/1.1", &["Host: evil.example"]),
        ("PUT http://localhost@evil.example/_sandbox/purchases HTTP/1.1", &["Host: localhost"]),
        ("PUT http://evil.example@localhost/_sandbox/purchases HTTP/1.1", &["Host: localhost"]),
    ] {
        let (status, body) = send(&program, line, headers, PURCHASE).await;
        assert_eq!(status, 403, "{line} {headers:?}: {body}");
    }
    for path in ["", "/", "/nothing", "/requests", "?x"] {
        let line = format!("GET /_sandbox{path} HTTP/1.1");
        assert_eq!(send(&program, &line, &["Host: evil.example"], "").await.0, 403, "{path}");
    }
    assert_eq!(purchases(&program).await, 0, "nothing was changed");
}

#[tokio::test]
async fn a_host_that_was_allowed_is_answered() {
    let allowed = ["--allow-host", "Figma.", "--allow-host", "10.1.2.3", "--allow-host", "fd00::1"];
    let program = Program::start(&allowed);
    for (host, status) in [
        ("figma:4010", 200),
        ("FIGMA", 200),
        ("10.1.2.3:4010", 200),
        ("[fd00::1]:4010", 200),
        ("localhost", 200),
        ("figma.example", 403),
        ("10.1.2.4", 403),
    ] {
        let answer = send(&program, LIST, &[&format!("Host: {host}")], "").await;
        assert_eq!(answer.0, status, "{host}");
    }
    // What a page of that name may, no other page may.
    let own = ["Host: figma:4010", "Origin: http://figma:4010"];
    assert_eq!(send(&program, LIST, &own, "").await.0, 200);
    let other = ["Host: localhost:4010", "Origin: http://figma:4010"];
    assert_eq!(send(&program, LIST, &other, "").await.0, 403);
    for wrong in ["figma:4010", "http://figma", "a b", "", "*"] {
        let arguments = ["--port", "0", "--allow-host", wrong];
        let said = std::process::Command::new(env!("CARGO_BIN_EXE_figma-payments"))
            .arg("sandbox")
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(said.status.code(), Some(2), "{wrong}");
        let said = String::from_utf8(said.stderr).unwrap();
        assert!(said.contains("without a port"), "{wrong}: {said}");
    }
}

#[tokio::test]
async fn the_address_it_was_told_to_listen_on_is_answered() {
    let program = Program::start(&["--host", "0.0.0.0"]);
    let host = format!("Host: {}", address(&program));
    assert!(host.starts_with("Host: 0.0.0.0:"), "{host}");
    assert_eq!(send(&program, LIST, &[&host], "").await.0, 200);
    assert_eq!(send(&program, LIST, &["Host: 192.168.1.5"], "").await.0, 403);
}

#[tokio::test]
async fn pages_of_another_origin_are_refused() {
    let program = Program::start(&[]);
    let host = format!("Host: {}", address(&program));
    let port = port(&program);
    for origin in [
        "null".to_owned(),
        "https://evil.example".to_owned(),
        "http://localhost:3000".to_owned(),
        format!("http://localhost:{port}"), // asked of 127.0.0.1
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}.evil.example"),
        format!("http://127.0.0.1:{port}@evil.example"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}, http://evil.example"),
        "http://127.0.0.1".to_owned(),
        "127.0.0.1".to_owned(),
        "file://".to_owned(),
        String::new(),
    ] {
        let origin = format!("Origin: {origin}");
        for (line, body) in [
            (CHANGE, PURCHASE),
            (LIST, ""),
            ("OPTIONS /_sandbox/purchases HTTP/1.1", ""),
            ("DELETE /_sandbox/requests HTTP/1.1", ""),
        ] {
            let headers = [&*host, &*origin, "content-type: application/json"];
            let (status, answer) = send(&program, line, &headers, body).await;
            assert_eq!(status, 403, "{line} {origin}: {answer}");
            assert!(answer["message"].as_str().unwrap().contains("another origin"), "{answer}");
        }
    }
    // An image, a form without an Origin, a link.
    for site in ["cross-site", "same-site", "CROSS-SITE", "odd", ""] {
        let site = format!("Sec-Fetch-Site: {site}");
        assert_eq!(send(&program, CHANGE, &[&host, &site], PURCHASE).await.0, 403, "{site}");
    }
    let two = [&*host, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"];
    assert_eq!(send(&program, LIST, &two, "").await.0, 403);
    let own = format!("Origin: http://{}", address(&program));
    let two = [&*host, &*own, "Origin: http://evil.example"];
    assert_eq!(send(&program, LIST, &two, "").await.0, 403);
    assert_eq!(purchases(&program).await, 0, "nothing was changed");
}

#[tokio::test]
async fn a_page_of_the_sandboxs_own_is_answered_and_sends_json() {
    let program = Program::start(&[]);
    let host = format!("Host: {}", address(&program));
    let own = format!("Origin: http://{}", address(&program));
    let site = "Sec-Fetch-Site: same-origin";
    for content_type in [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let content_type = format!("Content-Type: {content_type}");
        let headers = [&*host, &*own, site, &*content_type];
        let (status, body) = send(&program, CHANGE, &headers, PURCHASE).await;
        assert_eq!(status, 415, "{content_type}: {body}");
        assert!(body["message"].as_str().unwrap().contains("application/json"), "{body}");
    }
    assert_eq!(send(&program, CHANGE, &[&host, &own], PURCHASE).await.0, 415, "without a type");
    assert_eq!(purchases(&program).await, 0);
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let content_type = format!("Content-Type: {content_type}");
        let headers = [&*host, &*own, site, &*content_type];
        assert_eq!(send(&program, CHANGE, &headers, PURCHASE).await.0, 200, "{content_type}");
    }
    assert_eq!(send(&program, "DELETE /_sandbox/faults HTTP/1.1", &[&host, &own], "").await.0, 200);
    // Port 80 is left out of an origin.
    for headers in [
        ["Host: localhost", "Origin: http://localhost"],
        ["Host: localhost:80", "Origin: http://localhost"],
        ["Host: Localhost:4010", "Origin: http://localhost:4010"],
        ["Host: localhost", "Sec-Fetch-Site: none"],
    ] {
        assert_eq!(send(&program, LIST, &headers, "").await.0, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn programs_send_what_they_like_and_figmas_endpoint_has_any_host() {
    let program = Program::start(&[]);
    for content_type in ["application/x-www-form-urlencoded", "text/plain", "odd"] {
        let content_type = format!("Content-Type: {content_type}");
        let headers = ["Host: localhost", &*content_type, "Sec-Fetch-Mode: cors"];
        assert_eq!(send(&program, CHANGE, &headers, PURCHASE).await.0, 200, "{content_type}");
    }
    let ask = "GET /v1/payments?user_id=500123&plugin_id=1122334455 HTTP/1.1";
    for headers in [
        &["Host: figma:4010"][..],
        &["Host: evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"],
        &[],
    ] {
        let headers = [headers, &["X-Figma-Token: figd_sandbox"]].concat();
        let (status, body) = send(&program, ask, &headers, "").await;
        assert_eq!((status, &body["meta"]["payment_status"]), (200, &json!("PAID")));
    }
}

#[tokio::test]
async fn the_request_log_shows_no_secret_wherever_it_is() {
    const SECRET: &str = "MARKED-s3cret";
    let program = Program::start(&[]);
    for header in [
        "X-Figma-Token: figd_MARKED-s3cret",
        "Authorization: Bearer MARKED-s3cret",
        "Proxy-Authorization: Basic MARKED-s3cret",
        "Cookie: session=MARKED-s3cret",
        "Set-Cookie: session=MARKED-s3cret",
        "X-Api-Key: MARKED-s3cret",
        "X-Amz-Security-Token: MARKED-s3cret",
        "X-Of-Tomorrow: MARKED-s3cret",
        "Referer: http://localhost/?token=MARKED-s3cret",
        "User-Agent: figd_MARKED-s3cret",
        "Host: MARKED-s3cret@localhost",
        "Origin: http://MARKED-s3cret@localhost",
    ] {
        send(&program, "GET /v1/payments?user_id=1&plugin_id=2 HTTP/1.1", &[header], "").await;
    }
    let targets = [
        "/v1/payments?plugin_payment_token=MARKED-s3cret",
        "/v1/payments?plugin_payment_token=ppt_1&plugin_payment_token=MARKED-s3cret",
        "/v1/payments?plugin_payment_toke%6E=MARKED-s3cret",
        "/v1/payments?PLUGIN_PAYMENT_TOKEN=MARKED-s3cret",
        "/v1/payments?user_id=MARKED-s3cret",
        "/v1/payments?access_token=MARKED-s3cret",
        "/v1/payments?MARKED-s3cret",
        "/v1/payments?figd_MARKED-s3cret=1",
        "/v1/payments?a=b?token=MARKED-s3cret",
        "/oauth?code=MARKED-s3cret;token=MARKED-s3cret",
        "/v1/payments/MARKED-s3cret?client_secret=MARKED-s3cret",
        "/hooks/MARKED-s3cret",
        "http://user:MARKED-s3cret@localhost/v1/payments",
    ];
    for target in targets {
        send(&program, &format!("GET {target} HTTP/1.1"), &["Host: figma"], "").await;
    }
    send(&program, "MARKED-s3cret /v1/payments HTTP/1.1", &["Host: figma"], "").await;
    send(&program, "PUT /v1/payments HTTP/1.1", &["Host: figma"], SECRET).await;

    let log = program.control("GET", "/requests", json!(null)).await;
    let lines: Vec<_> = log.body.lines().filter(|line| line.contains("MARKED")).collect();
    assert!(lines.is_empty(), "{lines:#?}");
    assert_eq!(log.json()["requests"].as_array().unwrap().len(), 12 + targets.len() + 2);
}

#[tokio::test]
async fn the_request_log_shows_what_a_test_looks_for() {
    let program = Program::start(&["--single-use-tokens"]);
    let mint = json!({ "user_id": "500123", "plugin_id": "1122334455" });
    let made = program.control("POST", "/tokens", mint.clone()).await.json();
    let chosen = json!({ "user_id": "500123", "plugin_id": "1122334455", "token": "mine & ä", "lifetime_seconds": 1 });
    program.control("POST", "/tokens", chosen).await;
    program.control("POST", "/clock", json!({ "advance_seconds": 2 })).await;
    let made = made["token"].as_str().unwrap();
    let targets = [
        format!("/v1/payments?plugin_payment_token={made}"),
        format!("/v1/payments?plugin_payment_token={made}"), // used up
        "/v1/payments?plugin_payment_token=mine%20%26+%C3%A4".to_owned(), // too old
        "/v1/payments?user_id=500123&plugin_id=1122334455".to_owned(),
        "/v1/payments?user_id=500123&community_file_id=1678669904810665842".to_owned(),
        "/v1/payments?user_id=&widget_id=".to_owned(),
        "/v1/payment".to_owned(),
        "/".to_owned(),
        "/?".to_owned(),
    ];
    for target in &targets {
        let headers = ["Host: figma:4010", "User-Agent: mine/1.0", "X-Other: 1", "Accept: */*"];
        send(&program, &format!("GET {target} HTTP/1.1"), &headers, "").await;
    }
    let log = program.control("GET", "/requests", json!(null)).await.json();
    let log = log["requests"].as_array().unwrap();
    let shown: Vec<_> = log.iter().map(|request| request["target"].as_str().unwrap()).collect();
    assert_eq!(shown, targets);
    let headers = json!({
        "host": "figma:4010", "user-agent": "mine/1.0", "x-other": "…", "accept": "*/*",
        "connection": "close", "content-length": "0",
    });
    assert_eq!((&log[0]["method"], &log[0]["headers"]), (&json!("GET"), &headers));
    let asked_by: Vec<_> = log.iter().map(|request| &request["asked_by"]).collect();
    let (token, user, nothing) = (&json!("token"), &json!("user"), &json!(null));
    let expected = [token, token, token, user, user, user, nothing, nothing, nothing];
    assert_eq!(asked_by, expected);

    program.control("DELETE", "/requests", json!(null)).await;
    let other = "GET /v1/payments?userId=500123&plugin_payment_token=other HTTP/1.1";
    send(&program, other, &["Host: figma"], "").await;
    let log = program.control("GET", "/requests", json!(null)).await.json();
    assert_eq!(log["requests"][0]["target"], "/v1/payments?userId=…&plugin_payment_token=…");
}
