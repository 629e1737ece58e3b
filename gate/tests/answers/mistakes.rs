//! Mistakes in the backend are 500, with a message that says what to do, and never access.

use std::net::IpAddr;

use axum::Router;
use axum::routing::post;
use figma_payments_gate::Caller;

use crate::support::server::{Server, app, export};
use crate::support::{assert_refused, figma, gate, wire};

fn detail(answer: &wire::Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_route_that_wants_a_paying_user_and_has_no_gate_serves_nobody() {
    let server = Server::axum(Router::new().route("/export", post(export))).await;
    let answer = server.ask("ppt_MARKED_paid").await;
    assert_refused(&answer, 500, "misconfigured");
    assert!(detail(&answer).contains("Add .route_layer(gate)"), "{answer:?}");
}

#[tokio::test]
async fn a_gate_that_does_not_know_who_asks_says_what_to_do() {
    let figma = figma().await;
    let gate = gate(&figma);
    let server = Server::axum_without_connect_info(app(gate.clone())).await;
    let answer = server.ask("ppt_MARKED_paid").await;
    assert_refused(&answer, 500, "misconfigured");
    assert!(detail(&answer).contains("into_make_service_with_connect_info"), "{answer:?}");
    assert!(figma.requests().is_empty(), "Figma is asked for nobody");

    // Only a question needs a caller.
    assert_eq!(Server::axum(app(gate)).await.ask("ppt_MARKED_paid").await.status, 200);
    assert_eq!(server.ask("ppt_MARKED_paid").await.status, 200);
}

#[tokio::test]
async fn a_function_that_knows_no_caller_is_no_way_around_the_limit() {
    let figma = figma().await;
    let gate = gate(&figma).caller_from(|request| {
        let address = request.headers.get("x-real-ip")?.to_str().ok()?;
        address.parse::<IpAddr>().ok().map(Caller::from)
    });
    for (_, server) in Server::both(&gate).await {
        assert_refused(&server.ask("ppt_MARKED_paid").await, 500, "misconfigured");
    }
    assert!(figma.requests().is_empty());
}

#[tokio::test]
async fn a_panic_in_a_function_of_the_users_is_caught_each_time() {
    let figma = figma().await;
    let by_token = gate(&figma).token_from(|_| panic!("MARKED"));
    let by_caller = gate(&figma).caller_from(|_| panic!("MARKED"));
    for (gate, name) in
        [(by_token, "PaymentGate::token_from"), (by_caller, "PaymentGate::caller_from")]
    {
        for (_, server) in Server::both(&gate).await {
            for _ in 0..2 {
                let answer = server.ask("ppt_MARKED_paid").await;
                assert_refused(&answer, 500, "misconfigured");
                assert!(detail(&answer).contains(name), "{answer:?}");
            }
        }
    }
    assert!(figma.requests().is_empty());
}
