//! How many questions may be under way, and when a place is free again.

use std::time::Duration;

use figma_payments::sandbox::{Figma, Gate, Sandbox, ScriptedServer};
use figma_payments::{Client, Entitlements};
use figma_payments_gate::{Caller, Paying, PaymentGate};
use futures_util::FutureExt;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::header::AUTHORIZATION;
use http::{Request, Response};
use tower::{Layer, ServiceExt};

use crate::support::server::Server;
use crate::support::{assert_refused, figma, plugin};

/// The same Figma, whose answers wait for the gate.
async fn held(figma: &Figma, gate: &Gate) -> ScriptedServer {
    let (figma, gate) = (figma.clone(), gate.clone());
    ScriptedServer::start(move |request| figma.answer(request).behind(&gate)).await.unwrap()
}

fn gate(sandbox: &Sandbox, held: &ScriptedServer) -> PaymentGate {
    let client = Client::builder(sandbox.access_token()).base_url(held.base_url());
    PaymentGate::new(Entitlements::new(client.build().unwrap()), plugin())
}

/// Of five callers with 14 each, because one caller has 16 places. On Linux all of
/// 127.0.0.0/8 is this machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_slow_figma_does_not_pile_up_questions() {
    let figma = figma().await;
    for over in 0..2 {
        let opened = Gate::new();
        let held = held(figma.figma(), &opened).await;
        let servers = Server::both(&gate(&figma, &held)).await;
        let (_, server) = &servers[over];
        let ask = async |number: u8, of_caller: u8| {
            let token = format!("ppt_MARKED_slow_{number}");
            server.ask_from([127, 0, 0, 2 + number / of_caller], &token).await
        };
        let mut answers: FuturesUnordered<_> = (0..70).map(|number| ask(number, 14)).collect();
        for _ in 64..70 {
            let busy = answers.next().await.unwrap();
            assert_refused(&busy, 503, "busy");
            assert_eq!(busy.header("retry-after"), Some("1"));
        }
        held.arrived(64).await;
        opened.open();
        let answers: Vec<_> = answers.collect().await;
        assert_eq!((answers.len(), held.requests().len()), (64, 64));
        assert!(answers.iter().all(|answer| answer.status == 401), "{answers:?}");
    }
}

/// Whose calls are not counted when there is no place for them.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn one_caller_has_a_quarter_of_the_places_and_loses_no_call_by_that() {
    let figma = figma().await;
    let opened = Gate::new();
    let held = held(figma.figma(), &opened).await;
    let gate = gate(&figma, &held).calls_per_caller(1, 20);
    let servers = Server::both(&gate).await;
    let (_, server) = &servers[0];
    let slow = |number: usize| {
        let token = format!("ppt_MARKED_slow_{number}");
        async move { server.ask(&token).await }
    };
    let mut answers: FuturesUnordered<_> = (0..40).map(slow).collect();
    for _ in 16..40 {
        assert_refused(&answers.next().await.unwrap(), 503, "busy");
    }
    let another = server.ask_from([127, 0, 0, 2], "ppt_MARKED_paid");
    let opens = async {
        held.arrived(17).await;
        opened.open();
    };
    let (another, ()) = tokio::join!(another, opens);
    assert_eq!(another.status, 200, "another caller has a place");
    assert_eq!(
        answers.by_ref().filter(|it| std::future::ready(it.status == 401)).count().await,
        16
    );
    // 20 calls in a burst: 16 are used up, and 4 are left.
    let statuses = join_all((40..50).map(slow)).await.into_iter().map(|answer| answer.status);
    let mut statuses: Vec<_> = statuses.collect();
    statuses.sort();
    assert_eq!(statuses, [[401; 4].as_slice(), &[429; 6]].concat());
}

#[tokio::test]
async fn who_leaves_does_not_free_the_place_of_a_question_that_goes_on() {
    let figma = figma().await;
    let opened = Gate::new();
    let held = held(figma.figma(), &opened).await;
    let gate = gate(&figma, &held).max_questions(2).caller_from(|request| {
        Some(Caller::named(request.headers.get("x-caller")?.to_str().ok()?))
    });
    let route = gate.layer(tower::service_fn(async |request: Request<()>| {
        let Paying(user) = request.extensions().get().expect("a gate before it");
        Ok::<_, std::convert::Infallible>(Response::new(user.source.to_string()))
    }));
    let ask = |caller: &str, token: &str| {
        let request = Request::get("/export").header("x-caller", caller);
        let request = request.header(AUTHORIZATION, format!("Bearer {token}")).body(()).unwrap();
        route.clone().oneshot(request).map(|response| response.unwrap().status().as_u16())
    };
    for (number, caller) in ["a", "b"].into_iter().enumerate() {
        let mut leaves = Box::pin(ask(caller, ["ppt_MARKED_paid", "ppt_MARKED_trial"][number]));
        assert!(leaves.as_mut().now_or_never().is_none());
        held.arrived(number + 1).await;
    }
    for number in 0..600 {
        let caller = number.to_string();
        assert_eq!(ask(&caller, &format!("ppt_MARKED_{number}")).await, 503);
    }
    assert_eq!(held.requests().len(), 2);

    // Whoever asks the same waits for the answer, and needs no place.
    let mut waits = Box::pin(ask("c", "ppt_MARKED_paid"));
    assert!(waits.as_mut().now_or_never().is_none());
    opened.open();
    assert_eq!(waits.await, 200);
    let freed = async {
        while ask("d", "ppt_MARKED_unpaid").await == 503 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), freed).await.expect("both places are free again");
    assert_eq!(ask("d", "ppt_MARKED_trial").await, 200, "who left has left the answer");
    assert_eq!(held.requests().len(), 3);
}

#[tokio::test]
async fn without_places_only_memory_answers() {
    let figma = figma().await;
    let client = Client::builder(figma.access_token()).base_url(figma.base_url());
    let entitlements = Entitlements::new(client.build().unwrap());
    let open = PaymentGate::new(entitlements.clone(), plugin());
    let closed = PaymentGate::new(entitlements, plugin()).max_questions(0);
    assert_eq!(Server::both(&open).await[0].1.ask("ppt_MARKED_paid").await.status, 200);
    for (_, server) in Server::both(&closed).await {
        assert_eq!(server.ask("ppt_MARKED_paid").await.status, 200);
        assert_refused(&server.ask("ppt_MARKED_trial").await, 503, "busy");
    }
    assert_eq!(figma.requests().len(), 1);
}
