//! The cache when threads are blocked, runtimes end, and Figma does not answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::client::retry::RetryPolicy;
use crate::model::credentials::PersonalAccessToken;
use crate::model::payment::PaymentStatus;

fn paid() -> PaymentInformation {
    PaymentInformation::new(&user(), &plugin(), PaymentStatus::Paid)
}

fn user() -> UserId {
    UserId::from(7)
}

fn plugin() -> Resource {
    Resource::plugin("1").unwrap()
}

fn by_user() -> PaymentQuery {
    PaymentQuery::by_user(user(), plugin())
}

/// A client that is answered in this process.
struct SimulatedClient {
    client: Client,
    /// How many requests it sent.
    requests: Arc<AtomicUsize>,
}

/// Every request is answered PAID: the first after the first delay, and so on. The last
/// delay is also that of all later requests.
fn simulated(deadline: Duration, delays: Vec<Duration>) -> SimulatedClient {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let client = Client::builder(PersonalAccessToken::new("figd_simulated").unwrap())
        .base_url("http://127.0.0.1:1")
        .deadline(deadline)
        .build()
        .unwrap();
    let answers = move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let delay = delays[number.min(delays.len() - 1)];
        async move {
            tokio::time::sleep(delay).await;
            Ok(paid())
        }
        .boxed()
    };
    let client = client.simulated(RetryPolicy::none(), Arc::new(answers));
    SimulatedClient { client, requests }
}

const SECOND: Duration = Duration::from_secs(1);

/// The thread is blocked, so the waiting call takes over. The first call's answer arrives
/// before the waiting call's task runs.
#[test]
fn an_answer_that_arrives_during_a_take_over_is_not_given_to_later_calls() {
    let (ended, ends) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let delays = vec![Duration::from_millis(600), Duration::from_millis(100)];
            let SimulatedClient { client, requests } = simulated(12 * SECOND, delays);
            let entitlements = Entitlements::new(client);
            let first = {
                let entitlements = entitlements.clone();
                tokio::spawn(async move { entitlements.get(by_user()).await })
            };
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let mut waiting = Box::pin(entitlements.get(by_user()));
            assert!(waiting.as_mut().now_or_never().is_none());
            entitlements.invalidate(&user(), &plugin()).await.unwrap();
            let later = {
                let entitlements = entitlements.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(1300)).await;
                    entitlements.get(by_user()).await
                })
            };
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(1200));
            waiting.await.unwrap();
            first.await.unwrap().unwrap();
            later.await.unwrap().unwrap();
            assert!((2..=3).contains(&requests.load(Ordering::Relaxed)));
        });
        ended.send(()).unwrap();
    });
    ends.recv_timeout(10 * SECOND).expect("the calls end");
}

#[test]
fn a_question_whose_runtime_ends_before_it_is_asked_leaves_nothing() {
    let SimulatedClient { client, .. } = simulated(12 * SECOND, vec![Duration::ZERO]);
    let entitlements = Entitlements::new(client);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let asked = Box::pin(entitlements.get(by_user())).as_mut().now_or_never();
        assert!(asked.is_none());
    });
    drop(runtime);
    assert!(entitlements.shared.in_flight.is_empty());
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_in_an_outage_also_get_the_stale_answer() {
    let SimulatedClient { client, .. } = simulated(SECOND, vec![Duration::ZERO, 100 * SECOND]);
    let entitlements = Entitlements::builder(client)
        .paid_ttl(Duration::from_millis(1))
        .stale_if_error(3600 * SECOND)
        .build();
    entitlements.get(by_user()).await.unwrap();
    tokio::time::advance(SECOND).await;
    let all = (0..100).map(|_| entitlements.get(by_user()));
    for entitlement in futures_util::future::join_all(all).await {
        assert_eq!(entitlement.unwrap().source, Source::Stale);
    }
}
