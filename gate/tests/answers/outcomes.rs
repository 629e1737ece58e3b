//! Each outcome has an answer of its own.

use figma_payments::{PaymentQuery, PluginPaymentToken, Resource, UserId};
use figma_payments_gate::PaymentGate;

use crate::support::server::{PAGE, Server};
use crate::support::{
    BUYER, accept, another_plugin, assert_refused, client, entitlements, figma, gate, plugin,
};

#[tokio::test]
async fn who_has_paid_is_served_and_nobody_else() {
    let figma = figma().await;
    accept(&figma, "ppt_MARKED_of_another", BUYER, &another_plugin());
    for (name, server) in Server::both(&gate(&figma)).await {
        for (token, body) in [
            ("ppt_MARKED_paid", "exported for 1, PAID"),
            ("ppt_MARKED_trial", "exported for 2, TRIAL"),
            ("ppt_MARKED_tester", "exported for 4, UNPAID"),
        ] {
            let answer = server.ask(token).await;
            assert_eq!((answer.status, &*answer.body), (200, body), "{name}: {answer:?}");
        }
        for (token, status, problem) in [
            ("ppt_MARKED_unpaid", 402, "payment-required"),
            ("ppt_MARKED_unknown", 402, "payment-required"),
            ("ppt_MARKED_forged", 401, "token-refused"),
            ("ppt_MARKED_of_another", 403, "wrong-resource"),
            (&"ppt_MARKED".repeat(410), 400, "bad-request"),
            ("ppt_MARKED\u{e9}", 401, "token-missing"),
            ("", 401, "token-missing"),
            ("   ", 401, "token-missing"),
        ] {
            assert_refused(&server.ask(token).await, status, problem);
        }
    }
}

#[tokio::test]
async fn without_a_payment_token_figma_is_not_asked() {
    let figma = figma().await;
    for (_, server) in Server::both(&gate(&figma)).await {
        for headers in [
            &[][..],
            &[PAGE],
            &[("authorization", "Basic cHB0OnBwdA==")],
            &[("authorization", "ppt_MARKED_paid")],
            &[("x-payment-token", "ppt_MARKED_paid")],
        ] {
            assert_refused(&server.send(headers).await, 401, "token-missing");
        }
        let long = format!("Bearer {}", "x".repeat(PluginPaymentToken::MAX_BYTES + 1));
        let answer = server.send(&[("authorization", &long)]).await;
        assert_refused(&answer, 400, "bad-request");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("longer than 4096 bytes"), "{detail}");
    }
    assert!(figma.requests().is_empty());
}

#[tokio::test]
async fn a_token_in_the_url_is_no_token() {
    let figma = figma().await;
    for (_, server) in Server::both(&gate(&figma)).await {
        let target = "/export?plugin_payment_token=ppt_MARKED_paid&token=ppt_MARKED_paid";
        let answer = crate::support::wire::send(&server.base_url, "POST", target, &[PAGE], "");
        assert_refused(&answer.await.unwrap(), 401, "token-missing");
    }
    assert!(figma.requests().is_empty());
}

#[tokio::test]
async fn a_token_that_was_used_before_is_refused_once_it_is_not_remembered() {
    let figma = figma().await;
    figma.configure(|settings| settings.single_use_tokens = true);
    for (_, server) in Server::both(&gate(&figma)).await {
        let token = format!("ppt_MARKED_once_{}", figma.requests().len());
        accept(&figma, &token, BUYER, &plugin());
        assert_eq!(server.ask(&token).await.status, 200);
        assert_eq!(server.ask(&token).await.status, 200, "from memory");
        let elsewhere = format!("ppt_MARKED_elsewhere_{}", figma.requests().len());
        accept(&figma, &elsewhere, BUYER, &plugin());
        let query = PluginPaymentToken::new(&*elsewhere).unwrap();
        let query = PaymentQuery::by_token(query, plugin());
        client(&figma).build().unwrap().get_payments(query).await.unwrap();
        assert_refused(&server.ask(&elsewhere).await, 401, "token-refused");
    }
}

/// The answer has to be about this resource, and the user has to be known to Figma.
#[tokio::test]
async fn an_allowed_user_is_asked_about_like_anybody() {
    let figma = figma().await;
    accept(&figma, "ppt_MARKED_of_another", BUYER, &another_plugin());
    let gate = PaymentGate::new(entitlements(&figma), plugin());
    let gate = gate.allow(UserId::from(BUYER)).allow(UserId::from(5));
    for (_, server) in Server::both(&gate).await {
        assert_refused(&server.ask("ppt_MARKED_of_another").await, 403, "wrong-resource");
        assert_refused(&server.ask("ppt_MARKED_forged").await, 401, "token-refused");
        assert_refused(&server.ask("ppt_MARKED_tester").await, 402, "payment-required");
        let answer = server.ask("ppt_MARKED_unknown").await;
        assert_eq!((answer.status, &*answer.body), (200, "exported for 5, PAUSED"));
    }
}

#[tokio::test]
async fn gates_for_two_plugins_share_a_memory_and_no_access() {
    let figma = figma().await;
    accept(&figma, "ppt_MARKED_of_another", BUYER, &another_plugin());
    let entitlements = entitlements(&figma);
    let [one, other] =
        [plugin(), another_plugin()].map(|it| PaymentGate::new(entitlements.clone(), it));
    let one = Server::both(&one).await;
    let other = Server::both(&other).await;
    for ((_, one), (_, other)) in one.iter().zip(&other) {
        assert_eq!(one.ask("ppt_MARKED_paid").await.status, 200);
        assert_refused(&other.ask("ppt_MARKED_paid").await, 403, "wrong-resource");
        assert_refused(&other.ask("ppt_MARKED_of_another").await, 402, "payment-required");
        assert_refused(&one.ask("ppt_MARKED_of_another").await, 403, "wrong-resource");
    }
}

/// Payment tokens are made by plugins and widgets alone.
#[tokio::test]
async fn nobody_gets_through_a_gate_for_a_community_file() {
    let figma = figma().await;
    let file = Resource::community_file("1678669904810665842").unwrap();
    for (_, server) in Server::both(&PaymentGate::new(entitlements(&figma), file)).await {
        assert_refused(&server.ask("ppt_MARKED_paid").await, 403, "wrong-resource");
    }
}

#[tokio::test]
async fn the_token_may_be_in_another_header() {
    let figma = figma().await;
    let gate = gate(&figma)
        .token_from(|headers| Some(headers.get("x-payment-token")?.to_str().ok()?.to_owned()));
    for (_, server) in Server::both(&gate).await {
        let answer = server.send(&[("x-payment-token", "ppt_MARKED_paid")]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_refused(&server.send(&[("x-payment-token", " ")]).await, 401, "token-missing");
        assert_refused(&server.ask("ppt_MARKED_paid").await, 401, "token-missing");
    }
}
