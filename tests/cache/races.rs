//! Questions that overtake each other, callers that leave, and what is forgotten
//! while an answer is on its way: what is older never takes the place of what is
//! newer.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use When::{AtOnce, Held};
use figma_payments::sandbox::{Gate, Reply, ScriptedServer, Step};
use figma_payments::{
    ClientBuilder, Entitlement, Entitlements, Error, ErrorKind, PaymentInformation, PaymentQuery,
    PaymentStatus, RetryPolicy, Source, UserId,
};
use futures_util::FutureExt;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::support::{builder, by_token, by_user, paid, plugin, user};

/// When an answer leaves the server.
#[derive(Clone, Copy)]
enum When {
    AtOnce,
    /// When its gate is opened.
    Held,
}

/// A status, what it says of the payment, and when.
type Answer = (u16, &'static str, When);

/// A Figma that gives one answer after the other, and then the last one again.
struct Figma {
    server: ScriptedServer,
    gates: Vec<Gate>,
}

impl Figma {
    async fn answering(answers: &'static [Answer]) -> Figma {
        let gates: Vec<Gate> = answers.iter().map(|_| Gate::new()).collect();
        let asked = AtomicUsize::new(0);
        let held = gates.clone();
        let server = ScriptedServer::start(move |request| {
            let number = asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
            let (status, says, when) = answers[number];
            let mut body = paid();
            if let Some(user) = request.target.split("user_id=").nth(1) {
                body["meta"]["user_id"] = json!(user.split('&').next());
            }
            body["meta"]["payment_status"] = json!(says);
            let reply = Reply::json(status, body.to_string());
            match when {
                AtOnce => reply,
                Held => reply.behind(&held[number]),
            }
        });
        Figma { server: server.await.unwrap(), gates }
    }

    /// Lets the answer to this request go, the first being 1.
    fn answers(&self, request: usize) {
        self.gates[request - 1].open();
    }

    fn requests(&self) -> usize {
        self.server.requests().len()
    }

    fn client(&self) -> ClientBuilder {
        builder(&self.server).retry(RetryPolicy::none())
    }

    /// Gives stale answers for an hour.
    fn entitlements(&self) -> Entitlements {
        let client = self.client().build().unwrap();
        Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build()
    }

    /// Asks, and returns when the request has arrived.
    async fn on_its_way(
        &self,
        entitlements: &Entitlements,
        query: PaymentQuery,
    ) -> JoinHandle<Result<Entitlement, Error>> {
        let before = self.requests();
        let entitlements = entitlements.clone();
        let asked = tokio::spawn(async move { entitlements.get(query).await });
        self.server.arrived(before + 1).await;
        asked
    }
}

fn purchase() -> PaymentInformation {
    serde_json::from_value(paid()["meta"].clone()).unwrap()
}

async fn ten_minutes_pass() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(601)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_refund_stands_against_an_answer_from_before() {
    let answers = &[(200, "PAID", Held), (200, "UNPAID", AtOnce), (503, "", AtOnce)];
    let figma = Figma::answering(answers).await;
    let entitlements = figma.entitlements();
    let older = figma.on_its_way(&entitlements, by_user()).await;
    assert!(!entitlements.get_fresh(by_user()).await.unwrap().grants_access());
    figma.answers(1);
    assert!(!older.await.unwrap().unwrap().grants_access(), "who asked before is told too");
    let now = entitlements.get(by_user()).await.unwrap();
    assert_eq!((now.source, now.grants_access()), (Source::Cached, false));
    ten_minutes_pass().await;
    assert!(entitlements.get(by_user()).await.is_err(), "the older yes does not bridge an outage");
}

#[tokio::test]
async fn a_refusal_stands_against_an_answer_from_before() {
    let answers = &[(200, "PAID", Held), (403, "", AtOnce), (503, "", AtOnce)];
    let figma = Figma::answering(answers).await;
    let entitlements = figma.entitlements();
    let older = figma.on_its_way(&entitlements, by_user()).await;
    entitlements.get_fresh(by_user()).await.unwrap_err();
    figma.answers(1);
    older.await.unwrap().unwrap();
    assert!(entitlements.get(by_user()).await.is_err());
}

#[tokio::test]
async fn the_last_retry_of_get_fresh_stands_though_another_asked_later() {
    let answers = &[(503, "", Held), (200, "PAID", AtOnce), (200, "UNPAID", AtOnce)];
    let figma = Figma::answering(answers).await;
    let client = builder(&figma.server).build().unwrap();
    let entitlements = Entitlements::new(client);
    let fresh = {
        let entitlements = entitlements.clone();
        tokio::spawn(async move { entitlements.get_fresh(by_user()).await })
    };
    figma.server.arrived(1).await;
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    // The user is refunded, and the first call tries again.
    figma.answers(1);
    assert!(!fresh.await.unwrap().unwrap().grants_access(), "the answer to its own request");
    assert!(!entitlements.get(by_user()).await.unwrap().grants_access(), "and memory keeps it");
}

#[tokio::test]
async fn get_fresh_gives_the_answer_to_its_own_request_and_keeps_no_older_yes() {
    let answers = &[(200, "PAID", Held), (200, "UNPAID", AtOnce)];
    let figma = Figma::answering(answers).await;
    let entitlements = figma.entitlements();
    let fresh = {
        let entitlements = entitlements.clone();
        tokio::spawn(async move { entitlements.get_fresh(by_user()).await })
    };
    figma.server.arrived(1).await;
    entitlements.get_fresh(by_user()).await.unwrap();
    figma.answers(1);
    assert!(fresh.await.unwrap().unwrap().grants_access());
    assert!(!entitlements.get_cached(by_user()).await.unwrap().grants_access());
}

#[tokio::test]
async fn what_is_forgotten_is_not_brought_back_by_an_answer_on_its_way() {
    for query in [by_user(), by_token()] {
        let figma = Figma::answering(&[(200, "PAID", Held), (503, "", AtOnce)]).await;
        let entitlements = figma.entitlements();
        let older = figma.on_its_way(&entitlements, query.clone()).await;
        entitlements.invalidate(&user(), &plugin()).await.unwrap();
        figma.answers(1);
        older.await.unwrap().unwrap();
        assert!(entitlements.get_cached(&query).await.is_none());
        ten_minutes_pass().await;
        assert!(entitlements.get(&query).await.is_err());
    }
}

/// Memory that has room for fewer answers than are asked for.
fn small(figma: &Figma) -> Entitlements {
    Entitlements::builder(figma.client().build().unwrap()).max_entries(20).build()
}

/// Others come and go, so that whatever is kept besides may have to give way.
async fn others_come_and_go(entitlements: &Entitlements) {
    for round in 0..2000 {
        let other = PaymentQuery::by_user(UserId::from(round % 20), plugin());
        let mut payment = purchase();
        payment.user_id = other.user().unwrap().to_string();
        entitlements.prime(payment).await;
        entitlements.get_cached(&other).await;
    }
}

#[tokio::test]
async fn what_is_forgotten_stays_so_when_memory_is_full() {
    for query in [by_user(), by_token()] {
        let figma = Figma::answering(&[(200, "PAID", Held), (200, "UNPAID", AtOnce)]).await;
        let entitlements = small(&figma);
        others_come_and_go(&entitlements).await;
        let older = figma.on_its_way(&entitlements, query.clone()).await;
        entitlements.invalidate(&user(), &plugin()).await.unwrap();
        others_come_and_go(&entitlements).await;
        figma.answers(1);
        older.await.unwrap().unwrap();
        let now = entitlements.get(&query).await.unwrap();
        assert_eq!((now.source, now.grants_access()), (Source::Fresh, false));
    }
}

#[tokio::test]
async fn a_refund_that_is_put_in_stands_when_memory_is_full() {
    let figma = Figma::answering(&[(200, "PAID", Held), (200, "UNPAID", AtOnce)]).await;
    let entitlements = small(&figma);
    others_come_and_go(&entitlements).await;
    let older = figma.on_its_way(&entitlements, by_user()).await;
    let mut refund = purchase();
    refund.payment_status = PaymentStatus::Unpaid;
    entitlements.prime(refund).await;
    others_come_and_go(&entitlements).await;
    figma.answers(1);
    older.await.unwrap().unwrap();
    assert!(!entitlements.get(by_user()).await.unwrap().grants_access());
}

#[tokio::test]
async fn who_has_bought_and_is_forgotten_does_not_join_a_question_from_before() {
    let figma = Figma::answering(&[(200, "UNPAID", Held), (200, "PAID", AtOnce)]).await;
    let entitlements = figma.entitlements();
    let older = figma.on_its_way(&entitlements, by_user()).await;
    entitlements.invalidate(&user(), &plugin()).await.unwrap();
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    figma.answers(1);
    older.await.unwrap().unwrap();
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
}

#[tokio::test]
async fn who_asks_by_token_after_a_refund_has_no_answer_from_before() {
    let figma = Figma::answering(&[(200, "PAID", Held), (200, "UNPAID", AtOnce)]).await;
    let entitlements = figma.entitlements();
    let older = figma.on_its_way(&entitlements, by_token()).await;
    entitlements.invalidate(&user(), &plugin()).await.unwrap();
    // Whom the token is about is not known yet, so this waits for the same answer.
    let mut later = pin!(entitlements.get(by_token()));
    assert!(later.as_mut().now_or_never().is_none());
    figma.answers(1);
    assert!(older.await.unwrap().unwrap().grants_access(), "it asked before");
    assert!(!later.await.unwrap().grants_access());
    assert_eq!(figma.requests(), 2);
}

#[tokio::test]
async fn an_outage_met_by_get_fresh_ends_no_good_answer() {
    let figma = Figma::answering(&[(200, "PAID", AtOnce), (503, "", AtOnce)]).await;
    let entitlements = figma.entitlements();
    entitlements.get(by_user()).await.unwrap();
    entitlements.get_fresh(by_user()).await.unwrap_err();
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
}

#[tokio::test]
async fn a_retry_that_is_refused_is_not_bridged() {
    let answers = &[(200, "PAID", AtOnce), (500, "", AtOnce), (401, "", AtOnce), (503, "", AtOnce)];
    let figma = Figma::answering(answers).await;
    let client = builder(&figma.server).build().unwrap();
    let entitlements =
        Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build();
    entitlements.get(by_token()).await.unwrap();
    ten_minutes_pass().await;
    assert_eq!(entitlements.get(by_token()).await.unwrap_err().kind(), ErrorKind::Server);
    assert!(entitlements.get(by_token()).await.is_err(), "and ends what could be given stale");
}

#[tokio::test]
async fn a_question_that_contradicts_itself_harms_nobody() {
    let figma = Figma::answering(&[(200, "PAID", Held), (503, "", AtOnce)]).await;
    let entitlements = figma.entitlements();
    let buyer = figma.on_its_way(&entitlements, by_user()).await;
    let other = by_user().expecting_user(UserId::from(7));
    for _ in 0..2 {
        let refused = entitlements.get(&other).await.unwrap_err();
        assert_eq!((refused.kind(), refused.attempts()), (ErrorKind::InvalidQuery, 0));
        assert!(entitlements.get_fresh(&other).await.is_err());
    }
    figma.answers(1);
    assert!(buyer.await.unwrap().unwrap().grants_access());
    assert_eq!(entitlements.get(by_user()).await.unwrap().source, Source::Cached);
    assert_eq!(figma.requests(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_who_leave_do_not_ask_again_and_keep_nobody_waiting() {
    let server = ScriptedServer::start(|_| Reply::script([Step::Hang])).await.unwrap();
    let client = builder(&server).retry(RetryPolicy::none()).timeout(Duration::from_secs(2));
    let entitlements = Entitlements::new(client.build().unwrap());
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..600 {
        let entitlements = entitlements.clone();
        callers.spawn(async move {
            let asked = entitlements.get(by_user());
            tokio::time::timeout(Duration::from_millis(300), asked).await.is_err()
        });
    }
    let patient = tokio::spawn(async move { entitlements.get(by_user()).await });
    assert!(callers.join_all().await.into_iter().all(|left| left));
    assert_eq!(patient.await.unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(server.requests().len(), 1);
}

/// Of two answers that were under way together, the one that gives less access stands.
#[tokio::test]
async fn a_no_on_its_way_stands_against_a_purchase_that_is_put_in() {
    let figma = Figma::answering(&[(200, "UNPAID", Held), (200, "PAID", AtOnce)]).await;
    let entitlements = figma.entitlements();
    let older = figma.on_its_way(&entitlements, by_user()).await;
    entitlements.prime(purchase()).await;
    assert!(entitlements.get(by_user()).await.unwrap().grants_access());
    figma.answers(1);
    assert_eq!(older.await.unwrap().unwrap().payment.payment_status, PaymentStatus::Unpaid);
    // Which of the two is right is not known, so Figma is asked again.
    let now = entitlements.get(by_user()).await.unwrap();
    assert_eq!((now.source, now.grants_access()), (Source::Fresh, true));
}

/// Asks on a runtime of its own until the request has arrived, and then drives that no
/// more.
fn ask_and_stop_driving(figma: &Figma, entitlements: &Entitlements) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { drop(figma.on_its_way(entitlements, by_user()).await) });
    runtime
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_runtime_that_nobody_drives_asks_in_its_place() {
    let figma = Figma::answering(&[(200, "PAID", Held), (200, "PAID", AtOnce)]).await;
    let client = figma.client().deadline(Duration::from_secs(3)).build().unwrap();
    let entitlements = Entitlements::new(client);
    let silent = std::thread::scope(|scope| {
        scope.spawn(|| ask_and_stop_driving(&figma, &entitlements)).join().unwrap()
    });
    let ask = || entitlements.get(by_user());
    let answers = futures_util::future::join_all((0..100).map(|_| ask())).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().grants_access()));
    assert_eq!(figma.requests(), 2, "one of those who waited asked");
    silent.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_runtime_that_is_dropped_asks_at_once() {
    let figma = Figma::answering(&[(200, "PAID", Held), (200, "PAID", AtOnce)]).await;
    let entitlements = Entitlements::new(figma.client().build().unwrap());
    let silent = std::thread::scope(|scope| {
        scope.spawn(|| ask_and_stop_driving(&figma, &entitlements)).join().unwrap()
    });
    let mut waits = pin!(entitlements.get(by_user()));
    assert!(waits.as_mut().now_or_never().is_none());
    silent.shutdown_background();
    assert!(waits.await.unwrap().grants_access());
    assert_eq!(figma.requests(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_somebody_else_ends_at_its_own_deadline() {
    let figma = Figma::answering(&[(200, "PAID", Held)]).await;
    let client = figma.client().deadline(Duration::from_secs(2)).build().unwrap();
    let entitlements = Entitlements::new(client);
    let silent = std::thread::scope(|scope| {
        scope.spawn(|| ask_and_stop_driving(&figma, &entitlements)).join().unwrap()
    });
    let error = entitlements.get(by_user()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    silent.shutdown_background();
}

#[tokio::test]
async fn debug_tells_nothing_of_those_who_are_kept() {
    let figma = Figma::answering(&[(200, "PAID", AtOnce)]).await;
    let entitlements = figma.entitlements();
    entitlements.get(by_user()).await.unwrap();
    entitlements.get(by_token()).await.unwrap();
    let shown = format!("{entitlements:?}");
    assert!(!shown.contains(user().as_str()) && !shown.contains("1678669904810665842"), "{shown}");
    assert!(shown.contains("stale"), "the settings are told: {shown}");
}
