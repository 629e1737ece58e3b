//! What could not be told is 503, and never 402.

use std::time::Duration;

use figma_payments::sandbox::{Calls, Fault, Reply, ScriptedServer};
use figma_payments::{Client, Entitlements, PersonalAccessToken};
use figma_payments_gate::PaymentGate;

use crate::support::server::Server;
use crate::support::{AN_HOUR, assert_refused, client, figma, gate, plugin};

#[tokio::test]
async fn in_an_outage_only_who_is_in_memory_is_served() {
    let figma = figma().await;
    let gate = gate(&figma);
    let servers = Server::both(&gate).await;
    assert_eq!(servers[0].1.ask("ppt_MARKED_paid").await.status, 200);
    for fault in [Fault::Status(503), Fault::Status(500), Fault::Reset, Fault::CutBody] {
        figma.clear_faults();
        figma.inject(fault, Calls::All);
        for (_, server) in &servers {
            assert_eq!(server.ask("ppt_MARKED_paid").await.status, 200);
            for token in ["ppt_MARKED_trial", "ppt_MARKED_unpaid", "ppt_MARKED_tester"] {
                let answer = server.ask(token).await;
                assert_refused(&answer, 503, "cannot-tell");
                assert_eq!(answer.header("retry-after"), Some("5"));
            }
        }
    }
    figma.clear_faults();
    figma.inject(Fault::WrongResource, Calls::Next(1));
    assert_refused(&servers[0].1.ask("ppt_MARKED_trial").await, 403, "wrong-resource");
}

#[tokio::test]
async fn with_stale_if_error_known_buyers_keep_access_and_without_it_they_do_not() {
    let a_moment = Duration::from_millis(1);
    for (stale, status) in [(Duration::ZERO, 503), (AN_HOUR, 200)] {
        let figma = figma().await;
        let entitlements = Entitlements::builder(client(&figma).build().unwrap());
        let entitlements = entitlements.paid_ttl(a_moment).stale_if_error(stale).build();
        let servers = Server::both(&PaymentGate::new(entitlements, plugin())).await;
        assert_eq!(servers[0].1.ask("ppt_MARKED_paid").await.status, 200);
        tokio::time::sleep(2 * a_moment).await;
        figma.inject(Fault::Status(503), Calls::All);
        for (name, server) in &servers {
            let answer = server.ask("ppt_MARKED_paid").await;
            assert_eq!(answer.status, status, "{name}, {stale:?}: {answer:?}");
            assert_refused(&server.ask("ppt_MARKED_unpaid").await, 503, "cannot-tell");
        }
    }
}

#[tokio::test]
async fn the_wait_that_figma_asks_for_is_passed_on_up_to_a_minute() {
    for (asked, passed_on) in [("30", "30"), ("396749", "60")] {
        let limited = move |_: &_| Reply::json(429, "{}").header("retry-after", asked);
        let figma = ScriptedServer::start(limited).await.unwrap();
        let client = Client::builder(PersonalAccessToken::new("figd_MARKED").unwrap());
        let client = client.base_url(figma.base_url()).build().unwrap();
        for (_, server) in
            Server::both(&PaymentGate::new(Entitlements::new(client), plugin())).await
        {
            let answer = server.ask("ppt_MARKED").await;
            assert_refused(&answer, 503, "cannot-tell");
            assert_eq!(answer.header("retry-after"), Some(passed_on));
        }
        assert_eq!(figma.requests().len(), 1, "the wait holds for the second question too");
    }
}

/// Another access token than the owner's.
#[tokio::test]
async fn what_does_not_pass_by_itself_is_503_too() {
    let figma = figma().await;
    figma.configure(|settings| settings.foreign.extend([plugin()]));
    for (_, server) in Server::both(&gate(&figma)).await {
        assert_refused(&server.ask("ppt_MARKED_paid").await, 503, "cannot-tell");
    }
}
