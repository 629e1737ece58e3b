//! A no is never lost: not in an outage, not at its beginning or end, and not on its way from
//! one process to another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use figma_payments::{
    Client, Entitlements, PaymentQuery, PersonalAccessToken, PluginPaymentToken, RateLimits,
    RedisStore, Resource, RetryPolicy, UserId,
};
use fleet::figma::{About, Figma, PLUGIN};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use tokio::time::{sleep, timeout};

const SLOW: Duration = Duration::from_millis(1_500);

fn plugin() -> Resource {
    Resource::plugin(PLUGIN).unwrap()
}

fn by(user: u64) -> PaymentQuery {
    PaymentQuery::by_user(UserId::from(user), plugin())
}

async fn connected(url: String) -> RedisStore {
    let store = RedisStore::builder(url).namespace("acme").timeout(Duration::from_millis(500));
    store.connect().await.unwrap()
}

fn client(figma: &Figma, store: &RedisStore, limits: RateLimits) -> Client {
    let token = PersonalAccessToken::new("figd_x").unwrap();
    let client = Client::builder(token).base_url(figma.base_url()).rate_limits(limits);
    client.retry(RetryPolicy::none()).shared(store.clone()).build().unwrap()
}

fn entitlements(figma: &Figma, store: &RedisStore) -> Entitlements {
    Entitlements::new(client(figma, store, RateLimits::default()))
}

fn says(figma: &Figma, status: &'static str) {
    figma.set_everybody(Some(About::Status(status)));
}

async fn until_in_use(store: &RedisStore, wanted: bool) {
    let waited = async {
        while store.health().in_use != wanted {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), waited).await.expect("Redis is used again, or no more");
}

async fn has_access(entitlements: &Entitlements, query: PaymentQuery) -> bool {
    entitlements.get(query).await.unwrap().grants_access()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_of_an_outage_stands_when_redis_is_back() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    let store = connected(redis.url()).await;
    let entitlements = entitlements(&figma, &store);
    says(&figma, "PAID");
    for user in 1..=3 {
        assert!(has_access(&entitlements, by(user)).await);
    }
    redis.stop();
    until_in_use(&store, false).await;
    // A refund that nobody else could be told of, an answer, and one that arrives later.
    entitlements.invalidate(&UserId::from(1), &plugin()).await.unwrap_err();
    says(&figma, "UNPAID");
    assert!(!entitlements.get_fresh(by(2)).await.unwrap().grants_access());
    figma.set_delay(SLOW);
    let late = tokio::spawn({
        let entitlements = entitlements.clone();
        async move { entitlements.get_fresh(by(3)).await }
    });
    figma.wait_for(5, Duration::from_secs(5));
    redis.go();
    until_in_use(&store, true).await;
    assert!(!late.await.unwrap().unwrap().grants_access());
    figma.set_delay(Duration::ZERO);
    for user in 1..=3 {
        assert!(!has_access(&entitlements, by(user)).await, "user {user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_from_before_an_outage_removes_a_yes_of_it() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    let store = connected(redis.url()).await;
    let entitlements = entitlements(&figma, &store);
    says(&figma, "UNPAID");
    figma.set_delay(SLOW);
    let asked = tokio::spawn({
        let entitlements = entitlements.clone();
        async move { entitlements.get_fresh(by(4)).await }
    });
    figma.wait_for(1, Duration::from_secs(5));
    store.set_sharing(false);
    figma.set_delay(Duration::ZERO);
    says(&figma, "PAID");
    assert!(has_access(&entitlements, by(4)).await);
    assert!(!asked.await.unwrap().unwrap().grants_access());
    says(&figma, "UNPAID");
    assert!(!has_access(&entitlements, by(4)).await);
    // What was kept alone once is not there the next time.
    says(&figma, "PAID");
    assert!(has_access(&entitlements, by(5)).await);
    store.set_sharing(true);
    says(&figma, "UNPAID");
    assert!(!has_access(&entitlements, by(5)).await);
    store.set_sharing(false);
    assert!(!has_access(&entitlements, by(5)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_over_an_answer_that_was_forgotten() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    let stores = [connected(redis.url()).await, connected(redis.url()).await];
    let [first, second] = stores.each_ref().map(|store| entitlements(&figma, store));
    for round in 0..3 {
        let token = format!("ppt-{round}");
        figma.accept_token(&token, 100 + round);
        let query = PaymentQuery::by_token(PluginPaymentToken::new(token).unwrap(), plugin());
        says(&figma, "PAID");
        figma.set_delay(SLOW);
        let ask = |entitlements: &Entitlements| {
            let (entitlements, query) = (entitlements.clone(), query.clone());
            tokio::spawn(async move { entitlements.get(query).await })
        };
        let asks = ask(&first);
        sleep(Duration::from_millis(300)).await;
        let waits = ask(&second);
        asks.await.unwrap().unwrap();
        first.invalidate(&UserId::from(100 + round), &plugin()).await.unwrap();
        says(&figma, "UNPAID");
        figma.set_delay(Duration::ZERO);
        assert!(!has_access(&second, query).await, "it began after the refund was known");
        waits.await.unwrap().unwrap();
    }
}

/// A question takes five looks. Up to a fifth of the timeout away, none of them is given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_far_away_is_used() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    let proxy = Proxy::before(redis.port());
    let store = connected(proxy.url()).await;
    let entitlements = entitlements(&figma, &store);
    says(&figma, "PAID");
    assert!(has_access(&entitlements, by(1)).await);
    proxy.set(Network::Slow { round_trip: Duration::from_millis(100) });
    sleep(Duration::from_millis(1_500)).await;
    let before = store.health().outages;
    for user in 10..15 {
        assert!(has_access(&entitlements, by(user)).await);
        assert!(entitlements.get_cached(by(user)).await.is_some(), "it is kept");
    }
    assert_eq!(store.health().outages, before, "{:?}", store.health());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_go_on_while_sharing_is_switched_all_the_time() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    says(&figma, "PAID");
    let store = connected(redis.url()).await;
    let limits = RateLimits::default().by_user(600).by_user_burst(1);
    let client = client(&figma, &store, limits);
    let ended = Arc::new(AtomicU64::new(0));
    let calls: Vec<_> = (1..=200)
        .map(|user| {
            let (client, ended) = (client.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                loop {
                    // Most are refused: there are too many for the limit.
                    let _ = client.get_payments(by(user)).await;
                    ended.fetch_add(1, Ordering::Relaxed);
                    sleep(Duration::from_micros(fastrand::u64(1..2_000))).await;
                }
            })
        })
        .collect();
    for number in 0..2_000 {
        store.set_sharing(number % 2 == 1);
        sleep(Duration::from_micros(fastrand::u64(50..2_000))).await;
    }
    let before = ended.load(Ordering::Relaxed);
    let goes_on = async {
        while ended.load(Ordering::Relaxed) == before {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), goes_on).await.expect("no call ends any more");
    calls.iter().for_each(|call| call.abort());
}

#[tokio::test]
async fn an_operator_can_switch_sharing_on_again_over_the_same_store() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    let store = connected(redis.url()).await;
    let _entitlements = entitlements(&figma, &store);
    let operator = store.operator(&figma.base_url());
    operator.set_sharing(false).await.unwrap();
    until_in_use(&store, false).await;
    assert!(!operator.status().await.unwrap().sharing);
    operator.set_sharing(true).await.unwrap();
    until_in_use(&store, true).await;
}
