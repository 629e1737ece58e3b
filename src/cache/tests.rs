//! What happens when threads stall, runtimes end and machines sleep.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::client::retry::RetryPolicy;
use crate::model::credentials::PersonalAccessToken;
use crate::model::payment::PaymentStatus;
use crate::model::resource::ResourceType;

fn paid() -> PaymentInformation {
    PaymentInformation {
        date_of_purchase: None,
        payment_status: PaymentStatus::Paid,
        resource_id: "1".to_owned(),
        resource_type: ResourceType::Plugin,
        user_id: "7".to_owned(),
    }
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

/// Says PAID, each time after the next of these delays, and then after the last.
fn client(deadline: Duration, delays: Vec<Duration>) -> (Client, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
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
    (client.simulated(RetryPolicy::none(), Arc::new(answers)), asked)
}

const SECOND: Duration = Duration::from_secs(1);

/// The one who waits takes over because the thread was blocked, and the answer comes
/// before its task runs.
#[test]
fn an_answer_that_came_while_somebody_took_over_is_given_to_nobody_who_asks_later() {
    let (ended, ends) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (client, asked) =
                client(12 * SECOND, vec![Duration::from_millis(600), Duration::from_millis(100)]);
            let entitlements = Entitlements::new(client);
            let first = {
                let entitlements = entitlements.clone();
                tokio::spawn(async move { entitlements.get(by_user()).await })
            };
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let mut waits = Box::pin(entitlements.get(by_user()));
            assert!(waits.as_mut().now_or_never().is_none());
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
            waits.await.unwrap();
            first.await.unwrap().unwrap();
            later.await.unwrap().unwrap();
            assert!((2..=3).contains(&asked.load(Ordering::Relaxed)));
        });
        ended.send(()).unwrap();
    });
    ends.recv_timeout(10 * SECOND).expect("it ends");
}

#[test]
fn a_question_whose_runtime_ends_before_it_is_asked_leaves_nothing() {
    let (client, _) = client(12 * SECOND, vec![Duration::ZERO]);
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
async fn whoever_waits_in_an_outage_has_the_stale_answer_too() {
    let (client, _) = client(SECOND, vec![Duration::ZERO, 100 * SECOND]);
    let entitlements = Entitlements::builder(client)
        .paid_ttl(Duration::from_millis(1))
        .stale_if_error(3600 * SECOND)
        .build();
    entitlements.get(by_user()).await.unwrap();
    tokio::time::advance(SECOND).await;
    let all = (0..100).map(|_| entitlements.get(by_user()));
    for given in futures_util::future::join_all(all).await {
        assert_eq!(given.unwrap().source, Source::Stale);
    }
}
