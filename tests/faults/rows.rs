//! The rows.

use std::time::{Duration, SystemTime};

use figma_payments::ErrorKind::*;
use figma_payments::PaymentStatus::{Paid, Trial, Unpaid};
use figma_payments::sandbox::{Reply, Step};
use figma_payments::{Error, MAX_BODY_BYTES, RetryPolicy};
use serde_json::json;

use crate::row::{Row, Server};
use crate::support::{ACCESS_TOKEN, PAYMENT_TOKEN, paid, paid_but};

pub fn all() -> Vec<Row> {
    [answers(), statuses(), error_bodies(), success_bodies(), waits(), connections(), secrets()]
        .into_iter()
        .flatten()
        .collect()
}

fn one(reply: Reply) -> Server {
    Server::Replies(vec![reply])
}

fn then(first: Reply, second: Reply) -> Server {
    Server::Replies(vec![first, second])
}

fn good() -> Reply {
    Reply::json(200, paid().to_string())
}

fn status(status: u16) -> Reply {
    Reply::json(status, json!({ "error": true, "status": status, "message": "No" }).to_string())
}

/// These bytes as they are, in place of what HTTP would make of them.
fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
    Reply::script([Step::send(bytes.into())])
}

fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
}

fn whole(body: &str) -> String {
    format!("{}{body}", head(body.len()))
}

fn answers() -> Vec<Row> {
    let with = |status: &str| {
        Reply::json(200, paid_but("/meta/payment_status", json!(status)).to_string())
    };
    vec![
        Row::answer("paid", one(good()), Paid),
        Row::answer("trial", one(with("TRIAL")), Trial),
        Row::answer("unpaid", one(with("UNPAID")), Unpaid),
        Row::answer("slow, but in time", one(good().after(Duration::from_millis(50))), Paid),
        Row::answer("paid, after a 500", then(status(500), good()), Paid).requests(2),
        Row::answer("paid, after a 408", then(status(408), good()), Paid).requests(2),
        Row::answer("paid, after a reset", then(Reply::script([Step::Reset]), good()), Paid)
            .requests(2),
        Row::answer(
            "paid, after a timeout",
            then(good().after(Duration::from_secs(9)), good()),
            Paid,
        )
        .requests(2),
        Row::fails(
            "another resource",
            one(Reply::json(200, paid_but("/meta/resource_id", json!("7")).to_string())),
            Mismatch,
        )
        .status(200),
    ]
}

fn statuses() -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, kind, requests) in [
        (201, InvalidResponse, 1),
        (202, InvalidResponse, 1),
        (204, InvalidResponse, 1),
        (206, InvalidResponse, 1),
        (300, Redirect, 1),
        (304, Redirect, 1),
        (400, BadRequest, 1),
        (401, Unauthorized, 1),
        (402, BadRequest, 1),
        (403, Forbidden, 1),
        (404, NotFound, 1),
        (405, BadRequest, 1),
        (408, Timeout, 3),
        (409, BadRequest, 1),
        (410, BadRequest, 1),
        (418, BadRequest, 1),
        (422, BadRequest, 1),
        (429, RateLimited, 1),
        (451, BadRequest, 1),
        (500, Server, 3),
        (501, Server, 1),
        (502, Server, 3),
        (503, Server, 3),
        (504, Server, 3),
        (505, Server, 1),
        (520, Server, 1),
        (599, Server, 1),
        (999, Server, 1),
    ] {
        rows.push(Row::fails("a status", one(status(code)), kind).requests(requests).status(code));
    }
    for code in [301, 302, 303, 307, 308] {
        let away = status(code).header("location", "https://elsewhere.example/v1/payments");
        rows.push(
            Row::fails("a redirect", one(away), Redirect)
                .status(code)
                .tells("to elsewhere.example"),
        );
    }
    let back = status(302).header("location", "/v2/payments");
    rows.push(Row::fails("a redirect to the same host", one(back), Redirect).status(302));
    rows.push(
        Row::fails("no retries", one(status(503)), Server).tune(|it| it.retry(RetryPolicy::none())),
    );
    rows
}

fn error_bodies() -> Vec<Row> {
    let body = |body: &str| one(Reply::json(401, body.to_owned()));
    let bytes = |body: &'static [u8]| one(Reply::json(401, body));
    let row = |name, server| Row::fails(name, server, Unauthorized).status(401);
    let long = format!(r#"{{"message": "{}"}}"#, "x".repeat(5000));
    vec![
        row("`message`", body(r#"{"error": true, "status": 401, "message": "Bad token"}"#))
            .says("Bad token"),
        row("`err`", body(r#"{"status": 401, "err": "Bad token"}"#)).says("Bad token"),
        row("`message` before `err`", body(r#"{"err": "b", "message": "a"}"#)).says("a"),
        row("extra keys", body(r#"{"message": "m", "i18n": null, "x": {"y": []}}"#)).says("m"),
        row("a message that is no text", body(r#"{"message": {"code": 7}}"#)).says(r#"{"code":7}"#),
        row("a null message, and `err`", body(r#"{"message": null, "err": "b"}"#)).says("b"),
        row("a null message", body(r#"{"message": null}"#)).says_nothing(),
        row("HTML", body("<html>\r\n  <h1>Denied</h1>\r\n</html>"))
            .says("<html> <h1>Denied</h1> </html>"),
        row("plain text", body("go away")).says("go away"),
        row("JSON text", body(r#""go away""#)).says("go away"),
        row("a list", body(r#"["go", "away"]"#)).says_nothing(),
        row("nothing", body("")).says_nothing(),
        row("white space", body(" \r\n\t ")).says_nothing(),
        row("cut JSON", body(r#"{"message": "Bad"#)).says(r#"{"message": "Bad"#),
        row("not UTF-8", bytes(b"b\xffad \xfe")).says("b\u{fffd}ad \u{fffd}"),
        row("control characters", bytes(b"\x1b[31mred\0\x07")).says("[31mred"),
        row("a success in the body", body(&paid().to_string())).says_nothing(),
        row(
            "a wrong content type",
            one(Reply::json(401, r#"{"message": "m"}"#).header("content-type", "image/png")),
        )
        .says("m"),
        row("a long message", body(&long)).check(bounded),
        row("more than is read", body(&"x".repeat(MAX_BODY_BYTES + 1))).says_nothing(),
        row(
            "a body that stalls",
            one(Reply::script([
                Step::send(
                    "HTTP/1.1 401 Unauthorized\r\nx-request-id: r1\r\ncontent-length: 50\r\n\r\n{",
                ),
                Step::Hang,
            ])),
        )
        .says_nothing()
        .check(request_id),
        row(
            "a body that breaks",
            one(Reply::script([
                Step::send(
                    "HTTP/1.1 401 Unauthorized\r\nx-request-id: r1\r\ncontent-length: 50\r\n\r\n{",
                ),
                Step::Reset,
            ])),
        )
        .check(request_id),
        Row::fails(
            "a 429 whose body never ends",
            one(Reply::script([
                Step::send("HTTP/1.1 429 Too Many Requests\r\nretry-after: 396749\r\n\r\n"),
                Step::Repeat(vec![b'x'; 4096].into()),
            ])),
            RateLimited,
        )
        .status(429)
        .retry_after(Some(396_749)),
    ]
}

fn bounded(error: &Error) -> Result<(), String> {
    let said = error.api_message().unwrap_or_default().chars().count();
    (said == 1025).then_some(()).ok_or(format!("{said} characters of message"))
}

fn request_id(error: &Error) -> Result<(), String> {
    let id = error.request_id();
    (id == Some("r1")).then_some(()).ok_or(format!("request id {id:?}"))
}

fn success_bodies() -> Vec<Row> {
    let body = |body: &str| one(Reply::json(200, body.to_owned()));
    let invalid = |name, server| Row::fails(name, server, InvalidResponse).status(200);
    let padded = format!("{}{}", paid(), " ".repeat(MAX_BODY_BYTES - paid().to_string().len()));
    let gzip: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    vec![
        invalid(
            "an error with status 200",
            body(r#"{"error": true, "status": 401, "message": "No"}"#),
        )
        .says("No"),
        invalid("a success that says 403", body(&paid_but("/status", json!(403)).to_string())),
        invalid(
            "lists for objects",
            body(&json!([false, paid()["meta"], 200]).to_string().replace("500123", "7")),
        ),
        invalid(
            "lists for objects, all the way",
            body(r#"[false,["x","PAID","1678669904810665842","PLUGIN","500123"],200]"#),
        ),
        invalid("an error around a payment", body(&paid_but("/error", json!(true)).to_string())),
        invalid("HTML with status 200", body("<html>Log in</html>")).says("<html>Log in</html>"),
        invalid("an empty success", body("")).says_nothing(),
        invalid("a success that is not UTF-8", one(Reply::json(200, &b"\xff\xfe"[..]))),
        invalid(
            "statuses that contradict each other",
            body(
                &paid_but("/meta/payment_status", json!({ "type": "PAID", "status": "UNPAID" }))
                    .to_string(),
            ),
        ),
        invalid(
            "gzip that nobody asked for",
            one(Reply::json(200, gzip).header("content-encoding", "gzip")),
        ),
        invalid("deeply nested", body(&"[".repeat(10_000))),
        invalid("a number beyond all floats", body(&paid().to_string().replace("200", "1e999"))),
        Row::answer(
            "a success of a wrong content type",
            one(good().header("content-type", "text/html")),
            Paid,
        ),
        Row::answer(
            "a success without content type",
            one(raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}",
                paid().to_string().len(),
                paid()
            ))),
            Paid,
        ),
        Row::answer("as long as is read", body(&padded), Paid),
        Row::fails("one byte longer", body(&format!("{padded} ")), BodyTooLarge).status(200),
        Row::fails(
            "said to be too long",
            one(raw(format!("{}{}", head(1 << 40), "x".repeat(70_000)))),
            BodyTooLarge,
        ),
        Row::fails(
            "without end",
            one(Reply::script([
                Step::send("HTTP/1.1 200 OK\r\n\r\n"),
                Step::Repeat(vec![b' '; 4096].into()),
            ])),
            BodyTooLarge,
        )
        .status(200),
    ]
}

/// 429 and 503, and how long they ask to wait.
fn waits() -> Vec<Row> {
    let limited = |retry_after: &str| status(429).header("retry-after", retry_after);
    let row = |name, retry_after: &str, seconds| {
        Row::fails(name, one(limited(retry_after)), RateLimited).status(429).retry_after(seconds)
    };
    let date = |ahead: u64| httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(ahead));
    vec![
        row("429, Retry-After 0", "0", Some(0)).requests(3),
        Row::answer("429, Retry-After 1, then paid", then(limited("1"), good()), Paid).requests(2),
        row("429, Retry-After 120", "120", Some(120)),
        row("429, Retry-After of days", "396749", Some(396_749)),
        Row::fails("429, a date to come", one(limited(&date(3600))), RateLimited)
            .check(|error| match error.retry_after().map(|wait| wait.as_secs()) {
                Some(3590..=3600) => Ok(()),
                other => Err(format!("{other:?}")),
            }),
        row("429, a date gone by", "Wed, 21 Oct 2015 07:28:00 GMT", Some(0)).requests(3),
        row("429, garbage", "soon", None),
        row("429, a negative wait", "-1", None),
        row("429, a fraction", "1.5", None),
        row("429, too many digits", "99999999999999999999999999", Some(u64::MAX)),
        row("429, the largest number", "18446744073709551615", Some(u64::MAX)),
        row("429, nothing in it", "", None),
        row("429, around it white space", " 7 ", Some(7)),
        Row::fails("429, twice: the longer counts", one(limited("1").header("retry-after", "120")), RateLimited)
            .retry_after(Some(120)),
        Row::fails("503, Retry-After 120", one(status(503).header("retry-after", "120")), Server)
            .retry_after(Some(120)),
        Row::answer("503, Retry-After 0, then paid", then(status(503).header("retry-after", "0"), good()), Paid).requests(2),
        Row::fails("429 with all its headers", one(
            limited("60")
                .header("x-figma-plan-tier", "starter")
                .header("x-figma-rate-limit-type", "low")
                .header("x-figma-upgrade-link", "https://www.figma.com/pricing"),
        ), RateLimited)
        .check(|error| {
            let limit = error.rate_limit().ok_or("no rate limit")?;
            let told = [&limit.plan_tier, &limit.limit_type, &limit.upgrade_link];
            let told = told.map(|text| text.as_deref().unwrap_or_default());
            (told == ["starter", "low", "https://www.figma.com/pricing"]).then_some(()).ok_or(format!("{told:?}"))
        }),
        Row::fails("429 with headers that are no text", one(raw(
            b"HTTP/1.1 429 No\r\nretry-after: \xff\xfe\r\nx-figma-plan-tier: \xff\r\nx-request-id: \xff\r\ncontent-length: 0\r\n\r\n".to_vec(),
        )), RateLimited)
        .retry_after(None)
        .check(|error| match (error.rate_limit(), error.request_id()) {
            (None, None) => Ok(()),
            other => Err(format!("{other:?}")),
        }),
    ]
}

fn connections() -> Vec<Row> {
    let body = paid().to_string();
    let half = &body[..body.len() / 2];
    let script = |steps: Vec<Step>| one(Reply::script(steps));
    let broken = |name, server| Row::fails(name, server, Transport).requests(3);
    let late = |name, server| Row::fails(name, server, Timeout).requests(3);
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let huge = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    vec![
        broken("reset at once", Server::Deaf(vec![Step::Reset])).requests(0),
        broken("closed at once", Server::Deaf(vec![])).requests(0),
        broken("reset before the head", script(vec![Step::Reset])),
        broken("closed before the head", script(vec![])),
        broken(
            "reset in the head",
            script(vec![Step::send("HTTP/1.1 200 OK\r\ncont"), Step::Reset]),
        ),
        broken("closed in the head", script(vec![Step::send("HTTP/1.1 200 OK\r\ncont")])),
        broken(
            "reset after the head",
            script(vec![
                Step::send(head(body.len())),
                Step::Wait(Duration::from_millis(20)),
                Step::Reset,
            ]),
        ),
        broken(
            "reset in the body",
            script(vec![
                Step::send(format!("{}{half}", head(body.len()))),
                Step::Wait(Duration::from_millis(20)),
                Step::Reset,
            ]),
        )
        .status(200),
        broken("cut in the body", script(vec![Step::send(format!("{}{half}", head(body.len())))]))
            .status(200),
        broken(
            "a content length that is too long",
            one(raw(format!("{}{body}", head(body.len() + 1)))),
        )
        .status(200),
        Row::fails(
            "a content length that is too short",
            one(raw(format!("{}{body}", head(body.len() - 1)))),
            InvalidResponse,
        ),
        broken(
            "two content lengths",
            one(raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n{body}"
            ))),
        ),
        broken(
            "a content length that is none",
            one(raw(format!("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{body}"))),
        ),
        broken("chunks of garbage", one(raw(format!("{chunked}zzz\r\n{body}")))).status(200),
        broken("chunks cut short", one(raw(format!("{chunked}{:x}\r\n{half}", body.len()))))
            .status(200),
        Row::answer(
            "chunks",
            one(raw(format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()))),
            Paid,
        ),
        broken("no HTTP", one(raw("SSH-2.0-OpenSSH_9.2\r\n"))),
        broken("a status that is none", one(raw("HTTP/1.1 2000 OK\r\n\r\n"))),
        broken("too many headers", one(raw(many))),
        broken("a head without end", one(raw(huge))),
        broken(
            "a header with a null byte",
            one(raw(format!(
                "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ))),
        ),
        Row::answer("HTTP/1.0", one(raw(whole(&body).replace("HTTP/1.1", "HTTP/1.0"))), Paid),
        Row::answer(
            "an interim answer first",
            one(raw(format!("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n{}", whole(&body)))),
            Paid,
        ),
        Row::answer(
            "every header twice",
            one(raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ncontent-type: c/d\r\nx-request-id: 1\r\nx-request-id: 2\r\ncontent-length: {0}\r\ncontent-length: {0}\r\n\r\n{body}",
                body.len()
            ))),
            Paid,
        ),
        Row::answer(
            "a byte at a time, in time",
            script(vec![
                Step::send(head(body.len())),
                Step::Trickle(body[..20].to_owned().into(), Duration::from_micros(100)),
                Step::send(body[20..].to_owned()),
            ]),
            Paid,
        ),
        late(
            "a byte a second",
            script(vec![
                Step::send(head(body.len())),
                Step::Trickle(body.clone().into(), Duration::from_secs(1)),
            ]),
        )
        .status(200),
        late(
            "a head, a byte a second",
            script(vec![Step::Trickle(head(body.len()).into(), Duration::from_secs(1))]),
        ),
        late("never an answer", script(vec![Step::Hang])),
        late("an answer too late", one(good().after(Duration::from_secs(9)))),
        late(
            "half a body, then silence",
            script(vec![Step::send(format!("{}{half}", head(body.len()))), Step::Hang]),
        )
        .status(200),
        Row::fails("a closed port", Server::Closed, Connect),
        Row::fails("a port that takes connections and never answers", Server::Silent, Timeout),
        Row::fails("a port that takes no connections", Server::Full, Timeout)
            .tune(|it| it.connect_timeout(Duration::from_millis(100)))
            .tells("connecting took longer than"),
        Row::fails("a certificate that nobody vouches for", Server::UntrustedTls, Connect),
        Row::fails("no TLS where it is expected", Server::PlainWhereTls, Connect).requests(0),
        Row::fails(
            "attempts that would go beyond the deadline",
            one(good().after(Duration::from_secs(9))),
            Timeout,
        )
        .tune(|it| it.timeout(Duration::from_millis(250)).deadline(Duration::from_millis(400)))
        .requests(2),
        Row::fails(
            "a deadline before the timeout",
            one(good().after(Duration::from_secs(9))),
            Timeout,
        )
        .tune(|it| it.timeout(Duration::from_secs(60)).deadline(Duration::from_millis(100))),
    ]
}

/// Servers that say the secrets back, and tokens that are good only once.
fn secrets() -> Vec<Row> {
    let both = format!("{ACCESS_TOKEN} and {PAYMENT_TOKEN}");
    let in_url = "/v1/payments?plugin_payment_token=ppt_MARKED+payment%26secret%2F%C3%A9";
    let spaces = "ppt_MARKED%20payment%26secret%2F%C3%A9";
    let message = json!({ "message": both }).to_string();
    let elsewhere = |host: &str| status(302).header("location", host);
    let paid_by = json!({ "error": false, "status": 200, "meta": PAYMENT_TOKEN }).to_string();
    vec![
        Row::fails("secrets in a message", one(Reply::json(400, message.clone())), BadRequest)
            .says("[redacted] and [redacted]"),
        Row::fails(
            "secrets with other white space",
            one(Reply::json(
                400,
                json!({ "message": "ppt_MARKED\u{a0}\n payment&secret/é" }).to_string(),
            )),
            BadRequest,
        )
        .says("[redacted]"),
        Row::fails(
            "secrets escaped for JSON, in a message that is no text",
            one(Reply::json(400, r#"{"message": {"token": "ppt_MARKED payment&secret\/\u00e9"}}"#)),
            BadRequest,
        ),
        Row::fails(
            "secrets escaped for JSON, in a cut body",
            one(Reply::json(400, r#"{"message": "ppt_MARKED payment\u0026secret\/\u00e9"#)),
            BadRequest,
        ),
        Row::fails(
            "secrets escaped for HTML",
            one(Reply::json(400, "<p>ppt_MARKED payment&amp;secret&#x2F;&#233;")),
            BadRequest,
        )
        .says("[redacted]"),
        Row::fails(
            "secrets escaped in part",
            one(Reply::json(400, "/?t=ppt_MARKED+payment&secret%2Fé")),
            BadRequest,
        )
        .says("[redacted]"),
        Row::fails(
            "secrets in small letters",
            one(Reply::json(400, message.to_lowercase())),
            BadRequest,
        )
        .says("[redacted]"),
        Row::fails(
            "a secret that is cut short",
            one(Reply::json(400, format!("no token {:.12}… is known", ACCESS_TOKEN))),
            BadRequest,
        )
        .says("[redacted]"),
        Row::fails(
            "a secret that is cut short and escaped, in a header",
            one(status(429).header("x-request-id", "t=%70pt_MARKED+pay...")),
            RateLimited,
        )
        .check(|error| {
            (error.request_id() == Some("[redacted]")).then_some(()).ok_or("told".into())
        }),
        Row::fails("secrets in a success", one(Reply::json(200, message)), InvalidResponse),
        Row::fails(
            "a secret where an object is expected",
            one(Reply::json(200, paid_by)),
            InvalidResponse,
        ),
        Row::fails(
            "secrets in a page",
            one(Reply::json(404, format!("<p>{in_url} {spaces} {both}</p>"))),
            NotFound,
        )
        .says("[redacted]"),
        Row::fails(
            "a secret at the end of what is kept",
            one(Reply::json(400, format!("{}{ACCESS_TOKEN}", "x".repeat(1015)))),
            BadRequest,
        ),
        Row::fails(
            "secrets in headers",
            one(status(429)
                .header("x-request-id", ACCESS_TOKEN)
                .header("x-figma-upgrade-link", &format!("https://example.com{in_url}"))
                .header("x-figma-plan-tier", ACCESS_TOKEN)),
            RateLimited,
        ),
        Row::fails(
            "secrets in a redirect",
            one(elsewhere(&format!("https://elsewhere.example{in_url}"))),
            Redirect,
        )
        .tells("to elsewhere.example"),
        Row::fails(
            "a secret as the host of a redirect",
            one(elsewhere(&format!("https://{ACCESS_TOKEN}.example/"))),
            Redirect,
        ),
        Row::fails(
            "an id that is a secret",
            one(Reply::json(200, paid_but("/meta/resource_id", json!(PAYMENT_TOKEN)).to_string())),
            Mismatch,
        ),
        Row::fails(
            "a token that was used up by a timeout",
            then(good().after(Duration::from_secs(9)), status(401)),
            Timeout,
        )
        .requests(2)
        .tells("perhaps because the first attempt used the payment token up"),
        Row::fails(
            "a token that was used up by a cut answer",
            then(raw(head(9)), status(401)),
            Transport,
        )
        .requests(2)
        .status(200)
        .tells("used the payment token up"),
        Row::fails(
            "a token that was used up is not worth another try",
            then(raw(head(9)), status(401)),
            Transport,
        )
        .requests(2)
        .check(|error| (!error.is_retryable()).then_some(()).ok_or("retryable".into())),
        Row::fails(
            "a token that was refused at once",
            then(status(429).header("retry-after", "0"), status(401)),
            Unauthorized,
        )
        .requests(2)
        .status(401),
    ]
}
