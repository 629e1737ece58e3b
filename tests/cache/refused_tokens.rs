//! A payment token that Figma refused is not asked about again for some seconds.

use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, Gate, Purchase, Sandbox, ScriptedServer};
use figma_payments::{
    Client, Entitlements, ErrorKind, PaymentQuery, PersonalAccessToken, PluginPaymentToken,
};

use crate::support::{plugin, shows_secret, user};

const SECOND: Duration = Duration::from_secs(1);

fn client(sandbox: &Sandbox) -> Client {
    Client::builder(sandbox.access_token()).base_url(sandbox.base_url()).build().unwrap()
}

fn with_token(token: &str) -> PaymentQuery {
    PaymentQuery::by_token(PluginPaymentToken::new(token).unwrap(), plugin())
}

/// Moves the clock that refusals age by.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

async fn is_refused(entitlements: &Entitlements, query: &PaymentQuery) -> bool {
    match entitlements.get(query).await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthorized, Some(401)));
            assert_eq!(error.suggested_status(), 401);
            true
        }
    }
}

#[tokio::test]
async fn one_forged_token_costs_one_request_and_not_one_for_each_try() {
    let sandbox = Sandbox::start().await.unwrap();
    let entitlements = Entitlements::new(client(&sandbox));
    let forged = with_token("ppt_MARKED_forged");
    let first = entitlements.get(&forged).await.unwrap_err();
    assert_eq!((first.kind(), first.attempts()), (ErrorKind::Unauthorized, 1));
    for _ in 1..1000 {
        let error = entitlements.get(&forged).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (first.kind(), first.status()));
        assert_eq!((error.suggested_status(), error.attempts()), (401, 0));
        assert!(error.to_string().contains("no request was sent"), "{error}");
        assert!(!shows_secret(&format!("{error} {error:?}")));
    }
    assert_eq!(sandbox.requests().len(), 1);
    let counters = entitlements.counters();
    assert_eq!((counters.misses, counters.refused, counters.hits), (1, 999, 0));

    assert!(is_refused(&entitlements, &with_token("ppt_another")).await);
    assert_eq!(sandbox.requests().len(), 2, "another token is asked about");
    pass(9 * SECOND).await;
    assert!(is_refused(&entitlements, &forged).await);
    assert_eq!(sandbox.requests().len(), 2);
    pass(SECOND).await;
    assert!(is_refused(&entitlements, &forged).await);
    assert_eq!(sandbox.requests().len(), 3, "asked again after 10 s");
}

#[tokio::test]
async fn a_new_access_token_ends_what_an_expired_one_has_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.set(Purchase::paid(&user(), &plugin(), "2024-06-15T14:30:00Z"));
    let token = PluginPaymentToken::new("ppt_of_a_buyer").unwrap();
    sandbox.accept_token(token, &user(), &plugin(), 600 * SECOND);
    let client = client(&sandbox);
    let entitlements = Entitlements::new(client.clone());
    client.set_access_token(PersonalAccessToken::new("figd_expired").unwrap()).unwrap();
    let query = with_token("ppt_of_a_buyer");
    assert!(is_refused(&entitlements, &query).await);
    assert!(is_refused(&entitlements, &query).await);
    assert_eq!(sandbox.requests().len(), 1);
    client.set_access_token(sandbox.access_token()).unwrap();
    assert!(entitlements.get(&query).await.unwrap().grants_access());
    assert_eq!(sandbox.requests().len(), 2);
}

/// The plugin's token is refused, and accepted a moment later.
#[tokio::test]
async fn a_token_that_figma_accepts_is_not_refused_any_more() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox);
    let entitlements = Entitlements::builder(client).unpaid_ttl(Duration::ZERO).build();
    let query = with_token("ppt_later");
    assert!(is_refused(&entitlements, &query).await);
    let token = PluginPaymentToken::new("ppt_later").unwrap();
    sandbox.accept_token(token, &user(), &plugin(), 600 * SECOND);
    assert!(is_refused(&entitlements, &query).await, "it is remembered");
    assert!(!entitlements.get_fresh(&query).await.unwrap().grants_access());
    assert!(!entitlements.get(&query).await.unwrap().grants_access(), "it is not any more");
}

#[tokio::test]
async fn what_is_refused_in_another_way_is_asked_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let entitlements = Entitlements::new(client(&sandbox));
    for status in [400, 403, 404] {
        sandbox.inject(Fault::Status(status), Calls::Next(2));
        for _ in 0..2 {
            let error = entitlements.get(with_token("ppt_x")).await.unwrap_err();
            assert_eq!((error.status(), error.attempts()), (Some(status), 1));
        }
    }
    // Asking by user, a 401 is about the access token.
    sandbox.inject(Fault::Status(401), Calls::Next(2));
    for _ in 0..2 {
        let error = entitlements.get(PaymentQuery::by_user(user(), plugin())).await.unwrap_err();
        assert_eq!((error.status(), error.attempts()), (Some(401), 1));
    }
}

#[tokio::test]
async fn the_time_can_be_shorter_but_not_longer_than_ten_seconds() {
    for (set, requests_at_once, requests_after) in
        [(Duration::ZERO, 2, 3), (3 * SECOND, 1, 2), (3600 * SECOND, 1, 2)]
    {
        let sandbox = Sandbox::start().await.unwrap();
        let entitlements = Entitlements::builder(client(&sandbox)).refused_ttl(set).build();
        let forged = with_token("ppt_forged");
        assert!(is_refused(&entitlements, &forged).await);
        assert!(is_refused(&entitlements, &forged).await);
        assert_eq!(sandbox.requests().len(), requests_at_once, "{set:?}");
        pass(10 * SECOND).await;
        assert!(is_refused(&entitlements, &forged).await);
        assert_eq!(sandbox.requests().len(), requests_after, "{set:?}");
    }
}

/// The old access token has expired while a question was under way.
#[tokio::test]
async fn a_call_after_a_new_access_token_does_not_join_a_question_with_the_old_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let gate = Gate::new();
    let (figma, held) = (sandbox.figma().clone(), gate.clone());
    let server = ScriptedServer::start(move |request| {
        let reply = figma.answer(request);
        match request.headers["x-figma-token"] == "figd_expired" {
            true => reply.behind(&held),
            false => reply,
        }
    });
    let server = server.await.unwrap();
    let expired = PersonalAccessToken::new("figd_expired").unwrap();
    let client = Client::builder(expired).base_url(server.base_url()).build().unwrap();
    let entitlements = Entitlements::new(client.clone());
    let token = PluginPaymentToken::new("ppt_of_a_buyer").unwrap();
    sandbox.accept_token(token, &user(), &plugin(), 600 * SECOND);
    let query = with_token("ppt_of_a_buyer");
    let before = {
        let (entitlements, query) = (entitlements.clone(), query.clone());
        tokio::spawn(async move { is_refused(&entitlements, &query).await })
    };
    server.arrived(1).await;
    client.set_access_token(sandbox.access_token()).unwrap();
    assert!(!is_refused(&entitlements, &query).await, "it asks with the new one");
    gate.open();
    assert!(before.await.unwrap());
    assert!(!is_refused(&entitlements, &query).await, "and what the old one met is not kept");
}
