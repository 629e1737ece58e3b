//! What an error suggests to answer your own caller: the status and `Retry-After`.
//! The names of the kinds too, which callers find in logs and metrics.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use figma_payments::sandbox::{Reply, ScriptedServer, Step};
use figma_payments::{
    Client, Error, ErrorKind, MAX_BODY_BYTES, PaymentQuery, RateLimits, RetryPolicy, UserId,
};
use serde_json::json;

#[cfg(feature = "redis")]
use crate::support;
use crate::support::{access_token, answering, builder, by_token, by_user, paid, paid_but};

struct Row {
    kind: ErrorKind,
    name: &'static str,
    status_by_user: u16,
    status_by_token: u16,
}

fn table() -> [Row; 16] {
    let row = |kind, name, status_by_user, status_by_token| Row {
        kind,
        name,
        status_by_user,
        status_by_token,
    };
    [
        row(ErrorKind::InvalidQuery, "invalid_query", 400, 400),
        row(ErrorKind::Configuration, "configuration", 500, 500),
        row(ErrorKind::BadRequest, "bad_request", 400, 400),
        row(ErrorKind::Unauthorized, "unauthorized", 503, 401),
        row(ErrorKind::Forbidden, "forbidden", 503, 503),
        row(ErrorKind::NotFound, "not_found", 503, 503),
        row(ErrorKind::RateLimited, "rate_limited", 503, 503),
        row(ErrorKind::Server, "server", 503, 503),
        row(ErrorKind::Timeout, "timeout", 503, 503),
        row(ErrorKind::Connect, "connect", 503, 503),
        row(ErrorKind::Transport, "transport", 503, 503),
        row(ErrorKind::Redirect, "redirect", 503, 503),
        row(ErrorKind::BodyTooLarge, "body_too_large", 503, 503),
        row(ErrorKind::InvalidResponse, "invalid_response", 503, 503),
        row(ErrorKind::Mismatch, "mismatch", 403, 403),
        row(ErrorKind::Store, "store", 503, 503),
    ]
}

/// The names of the kinds, as the listing of the public API has them.
fn kinds_in_the_api() -> BTreeSet<String> {
    let listing = include_str!("../snapshots/public-api.txt");
    let names = listing.lines().filter_map(|it| it.strip_prefix("pub figma_payments::ErrorKind::"));
    names.map(str::to_owned).collect()
}

/// An error of this kind, by asking this query.
async fn provoke(kind: ErrorKind, query: PaymentQuery) -> Error {
    let reply = match kind {
        ErrorKind::InvalidQuery => return UserId::try_from("x").unwrap_err(),
        ErrorKind::Configuration => {
            return Client::builder(access_token()).base_url("ftp://x").build().unwrap_err();
        }
        ErrorKind::Connect => {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let client = Client::builder(access_token()).base_url(format!("http://{free}"));
            let client = client.retry(RetryPolicy::none()).build().unwrap();
            return client.get_payments(query).await.unwrap_err();
        }
        #[cfg(feature = "redis")]
        ErrorKind::Store => return not_known_to_others().await,
        ErrorKind::BadRequest => Reply::json(400, ""),
        ErrorKind::Unauthorized => Reply::json(401, ""),
        ErrorKind::Forbidden => Reply::json(403, ""),
        ErrorKind::NotFound => Reply::json(404, ""),
        ErrorKind::Timeout => Reply::json(408, ""),
        ErrorKind::RateLimited => Reply::json(429, ""),
        ErrorKind::Server => Reply::json(503, ""),
        ErrorKind::Redirect => Reply::json(302, ""),
        ErrorKind::Transport => Reply::script([Step::Reset]),
        ErrorKind::BodyTooLarge => Reply::json(200, "x".repeat(MAX_BODY_BYTES + 1)),
        ErrorKind::InvalidResponse => Reply::json(200, "x"),
        ErrorKind::Mismatch => {
            Reply::json(200, paid_but("/meta/resource_id", json!("7")).to_string())
        }
        new => panic!("say here how to get an error of the kind {new}"),
    };
    ask(reply, query).await
}

/// Nobody listens there, so nobody else hears of a refund.
#[cfg(feature = "redis")]
async fn not_known_to_others() -> Error {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = figma_payments::RedisStore::connect(format!("redis://{free}"), "acme").await;
    let client = Client::builder(access_token()).base_url("http://127.0.0.1:9");
    let client = client.shared(store.unwrap()).build().unwrap();
    let entitlements = figma_payments::Entitlements::new(client);
    entitlements.invalidate(&support::user(), &support::plugin()).await.unwrap_err()
}

/// The error that this reply becomes.
async fn ask(reply: Reply, query: PaymentQuery) -> Error {
    let server = ScriptedServer::start(move |_| reply.clone()).await.unwrap();
    let client = builder(&server).retry(RetryPolicy::none()).build().unwrap();
    client.get_payments(query).await.unwrap_err()
}

#[tokio::test]
async fn every_kind_has_a_stable_name_and_a_status_for_each_way_of_asking() {
    let kinds: BTreeSet<String> = table().iter().map(|row| format!("{:?}", row.kind)).collect();
    assert_eq!(kinds_in_the_api(), kinds, "every kind needs a row in this table");
    let can_happen = |kind| kind != ErrorKind::Store || cfg!(feature = "redis");
    for Row { kind, name, status_by_user, status_by_token } in table() {
        if !can_happen(kind) {
            continue;
        }
        assert_eq!((kind.as_str(), &*kind.to_string()), (name, name));
        for (query, status) in [(by_user(), status_by_user), (by_token(), status_by_token)] {
            let asked_by = query.asked_by();
            let error = provoke(kind, query).await;
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.suggested_status(), status, "{name}, asked by {asked_by:?}");
        }
    }
}

#[tokio::test]
async fn a_wait_is_suggested_within_bounds_and_only_with_503() {
    let minute = Duration::from_secs(60);
    for (status, retry_after, longest, suggested) in [
        (429, "30", minute, Some(30)),
        (503, "30", minute, Some(30)),
        (429, "396749", minute, Some(60)),
        (429, "0", minute, Some(1)),
        (429, "30", Duration::ZERO, Some(1)),
        (429, "99999999999999999999", Duration::MAX, Some(u64::MAX)),
        (429, "soon", minute, None),
        (400, "30", minute, None),
        (401, "30", minute, None),
    ] {
        let reply = Reply::json(status, "").header("retry-after", retry_after);
        let error = ask(reply, by_token()).await;
        assert_eq!(error.suggested_retry_after(longest), suggested, "{status}, {retry_after}");
    }
    assert_eq!(ask(Reply::json(503, ""), by_user()).await.suggested_retry_after(minute), None);
}

/// A part of a second is a whole one, or the caller would come back too early.
#[tokio::test]
async fn a_suggested_wait_is_rounded_up() {
    let server = answering(200, paid()).await;
    // One call every 1.875 s.
    let limits = RateLimits::default().by_user(32).by_user_burst(1);
    let client = builder(&server).rate_limits(limits).deadline(Duration::from_millis(800));
    let client = client.build().unwrap();
    client.get_payments(by_user()).await.unwrap();
    let refused = client.get_payments(by_user()).await.unwrap_err();
    let wait = refused.retry_after().unwrap();
    assert!(wait > Duration::from_secs(1) && wait < Duration::from_secs(2), "{wait:?}");
    assert_eq!(refused.suggested_retry_after(Duration::from_secs(60)), Some(2));
}
