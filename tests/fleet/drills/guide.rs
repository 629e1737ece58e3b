//! What docs/fleet.md says about the permissions of a process and of an operator.

use figma_payments::sandbox::{Purchase, Sandbox};
use figma_payments::{
    Client, Entitlements, PaymentQuery, RateLimits, RedisStore, Resource, Source, UserId,
};
use fleet::redis_server::Redis;

const GUIDE: &str = include_str!("../../../docs/fleet.md");

fn plugin() -> Resource {
    Resource::plugin("1122334455").unwrap()
}

#[tokio::test]
async fn the_permissions_of_the_guide_are_enough() {
    if !Redis::available() {
        return;
    }
    let redis = Redis::start();
    let rules: Vec<&str> = GUIDE.lines().filter(|line| line.starts_with("ACL SETUSER ")).collect();
    assert_eq!(rules.len(), 2);
    for rule in rules {
        redis.command(&rule.split(' ').collect::<Vec<_>>());
    }

    let sandbox = Sandbox::start().await.unwrap();
    let user = UserId::from(500_123);
    sandbox.set(Purchase::paid(&user, &plugin(), "2026-06-18T12:00:00Z"));
    let by_user = PaymentQuery::by_user(user.clone(), plugin());
    let token = sandbox.mint_token(&user, &plugin());
    let by_token = PaymentQuery::by_token(token, plugin());
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let store = RedisStore::connect(redis.url_of("payments", "password"), "acme").await;
        let store = store.unwrap();
        let limits = RateLimits::default().by_user(600).by_user_burst(1).by_token(600);
        let client = Client::builder(sandbox.access_token()).base_url(sandbox.base_url());
        let client = client.rate_limits(limits).shared(store.clone()).build().unwrap();
        replicas.push((store, Entitlements::new(client)));
    }
    let [(_, first), (_, second)] = &replicas[..] else { unreachable!() };
    assert_eq!(first.get(&by_user).await.unwrap().source, Source::Fresh);
    assert_eq!(second.get(&by_user).await.unwrap().source, Source::Cached);
    first.get_fresh(&by_token).await.unwrap();
    assert_eq!(second.get(&by_token).await.unwrap().source, Source::Cached);
    first.invalidate(&user, &plugin()).await.unwrap();
    assert!(second.get_cached(&by_user).await.is_none());
    // The second one waits for a slot.
    let both = futures_util::future::join(first.get_fresh(&by_user), second.get_fresh(&by_user));
    let (one, other) = both.await;
    assert!(one.is_ok() && other.is_ok());

    let store = RedisStore::connect(redis.url_of("operator", "password"), "acme").await.unwrap();
    let operator = store.operator(&sandbox.base_url());
    let status = operator.status().await.unwrap();
    assert_eq!((status.processes, status.answers, status.sharing), (2, 1, true), "{status:?}");
    assert_eq!((status.by_user.set, status.by_user.last_minute), (Some(600), 3), "{status:?}");
    operator.forget(&user, &plugin()).await.unwrap();
    assert!(second.get_cached(&by_user).await.is_none());
    first.get(&by_user).await.unwrap();
    operator.forget_all().await.unwrap();
    assert!(second.get_cached(&by_user).await.is_none());
    operator.set_sharing(false).await.unwrap();
    assert!(!replicas[0].0.health().in_use && !operator.status().await.unwrap().sharing);
    operator.set_sharing(true).await.unwrap();
    for (store, _) in &replicas {
        assert!(store.health().in_use, "{:?}", store.health());
    }
    assert!(redis.keys("").iter().all(|key| key.starts_with("figma:{acme}:")));
}
