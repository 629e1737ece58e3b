//! A burst that the shared bucket has room for is not refused, and not delayed.

use std::time::Duration;

use figma_payments::{
    Client, PaymentQuery, PersonalAccessToken, RateLimits, RedisStore, Resource, UserId,
};
use fleet::figma::{About, Figma, PLUGIN};
use fleet::redis_server::Redis;
use futures_util::future::join_all;

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_the_bucket_has_room_for_are_not_refused() {
    if !Redis::available() {
        return;
    }
    let (redis, figma) = (Redis::start(), Figma::start());
    figma.set_everybody(Some(About::Status("PAID")));
    let store = RedisStore::builder(redis.url()).namespace("acme");
    let store = store.timeout(Duration::from_secs(1)).connect().await.unwrap();
    let token = PersonalAccessToken::new("figd_x").unwrap();
    let client = Client::builder(token).base_url(figma.base_url());
    // One slot comes in each 6 s, so it is the burst that counts.
    let limits = RateLimits::default().by_user(10).by_user_burst(30);
    let client = client.rate_limits(limits).shared(store).build().unwrap();
    let ask = |user: u64| {
        let client = client.clone();
        let query = PaymentQuery::by_user(UserId::from(user), Resource::plugin(PLUGIN).unwrap());
        tokio::spawn(async move { client.get_payments(query).await })
    };
    // Redis knows of no quiet time yet, so the bucket is empty but for one.
    let first = join_all((0..5).map(ask)).await.into_iter().map(Result::unwrap);
    let (asked, refused): (Vec<_>, Vec<_>) = first.partition(Result::is_ok);
    assert!(!asked.is_empty() && !refused.is_empty(), "{refused:?}");
    // As after some minutes without a question.
    let limit = redis.keys("figma:").into_iter().find(|key| key.ends_with("limit:user")).unwrap();
    redis.command(&["HSET", &limit, "tokens", "30"]);
    let burst = join_all((10..35).map(ask)).await.into_iter().map(Result::unwrap);
    let refused: Vec<_> = burst.filter_map(Result::err).collect();
    assert!(refused.is_empty(), "{} of 25: {}", refused.len(), refused[0]);
}
