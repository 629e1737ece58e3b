//! What the page of a plugin, whose origin is `null`, may send and read.

use crate::support::server::{PAGE, Server};
use crate::support::{assert_refused, figma, gate, wire};

#[tokio::test]
async fn the_preflight_lets_the_page_send_its_token() {
    let figma = figma().await;
    for (name, server) in Server::both(&gate(&figma)).await {
        let headers = [
            PAGE,
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization,content-type"),
        ];
        let answer = wire::send(&server.base_url, "OPTIONS", "/export", &headers, "").await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        for (header, value) in [
            ("access-control-allow-origin", Some("*")),
            ("access-control-allow-methods", Some("GET,HEAD,POST,PUT,PATCH,DELETE")),
            ("access-control-allow-headers", Some("authorization,content-type")),
            ("access-control-max-age", Some("3600")),
            ("access-control-allow-credentials", None),
        ] {
            assert_eq!(answer.header(header), value, "{name}: {answer:?}");
        }
    }
    assert!(figma.requests().is_empty());
}

#[tokio::test]
async fn the_page_can_read_every_answer() {
    let figma = figma().await;
    for (name, server) in Server::both(&gate(&figma).max_questions(0)).await {
        for (token, status, problem) in
            [("", 401, "token-missing"), ("ppt_MARKED_paid", 503, "busy")]
        {
            let answer = server.ask(token).await;
            assert_refused(&answer, status, problem);
            assert_readable(name, &answer);
        }
    }
    for (name, server) in Server::both(&gate(&figma)).await {
        for (token, status) in
            [("ppt_MARKED_paid", 200), ("ppt_MARKED_unpaid", 402), ("ppt_MARKED_forged", 401)]
        {
            let answer = server.ask(token).await;
            assert_eq!(answer.status, status, "{name}: {answer:?}");
            assert_readable(name, &answer);
        }
    }
}

fn assert_readable(name: &str, answer: &wire::Answer) {
    for (header, value) in
        [("access-control-allow-origin", "*"), ("access-control-expose-headers", "retry-after")]
    {
        assert_eq!(answer.header(header), Some(value), "{name}: {answer:?}");
    }
}
