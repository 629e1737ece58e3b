//! A rollout: processes of two settings or versions side by side.

use std::thread::sleep;
use std::time::{Duration, Instant};

use figma_payments::{Client, PersonalAccessToken, RedisStore};
use fleet::figma::{About, Figma};
use fleet::process::PATIENCE;
use fleet::protocol::{How, Order, Settings};
use fleet::redis_server::Redis;
use fleet::{turn, wait};

use crate::common::{NAMESPACE, PREFIX, ask, kept_about, order_all, settings, start_with};

fn load() -> Order {
    Order::Load {
        callers: 4,
        how: How::Call,
        first_user: 1,
        users: 100,
        for_ms: 60_000,
        rest_ms: 0,
    }
}

#[test]
fn the_smaller_limit_counts() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma) = (Redis::start(), Figma::start());
    let mut processes = start_with(2, |number| Settings {
        per_minute: [1_200, 600][number],
        burst: Some(1),
        deadline_ms: 60_000,
        ..settings(number, &figma, redis.url())
    });
    order_all(&mut processes, &load());
    figma.wait_for(10, PATIENCE);
    let (begin, before) = (Instant::now(), figma.count());
    sleep(Duration::from_secs(3));
    let requests = (figma.count() - before) as f64;
    let per_minute = requests / begin.elapsed().as_secs_f64() * 60.0;
    println!("limits of 1200 and 600: {per_minute:.0} a minute");
    assert!((450.0..=640.0).contains(&per_minute), "{per_minute}");
}

/// A client that is dropped says goodbye in the background. A process that ends at the same
/// moment is missed: it counts for 15 seconds more.
#[test]
fn a_client_that_is_dropped_says_goodbye() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let _other = start_with(1, |number| settings(number, &figma, redis.url()));
    let known = || {
        let keys = redis.keys(PREFIX).into_iter().find(|key| key.ends_with(":processes"));
        keys.map_or(0, |key| redis.text(&["ZCARD", &key]).parse::<u32>().unwrap())
    };
    wait::until_so("one is known", PATIENCE, || known() == 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let client = runtime.block_on(async {
        let store = RedisStore::connect(redis.url(), NAMESPACE).await?;
        let token = PersonalAccessToken::new("figd_of-the-drill")?;
        Client::builder(token).base_url(figma.base_url()).shared(store).build()
    });
    let client = client.unwrap();
    wait::until_so("both are known", PATIENCE, || known() == 2);
    drop(client);
    let took = wait::until_so("one has said goodbye", PATIENCE, || known() == 1);
    println!("a goodbye after {took:?}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn answers_of_another_version_are_neither_read_nor_overwritten() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let mut processes = start_with(2, |number| settings(number, &figma, redis.url()));
    assert!(ask(&mut processes[0], How::Get, 7).unwrap().grants_access);
    let key = redis.keys(PREFIX).into_iter().find(|key| key.contains(":answer:")).unwrap();
    let newer = redis.text(&["GET", &key]).replacen("1 ", "2 ", 1);
    redis.command(&["SET", &key, &newer, "PX", "600000"]);
    figma.set(7, About::Status("PAID"));
    assert!(kept_about(&mut processes[1], 7).is_none(), "not read");
    assert_eq!(ask(&mut processes[1], How::Get, 7).unwrap().source, "fresh");
    assert_eq!(redis.text(&["GET", &key]), newer, "not overwritten by a yes");
    // A no is another matter: then nobody may give the yes, of whatever version.
    figma.set(7, About::Status("UNPAID"));
    assert_eq!(ask(&mut processes[1], How::Fresh, 7).unwrap().status, "UNPAID");
    assert_ne!(redis.text(&["GET", &key]), newer, "a no removes it");
    // An older one is overwritten.
    assert!(!ask(&mut processes[0], How::Fresh, 7).unwrap().grants_access);
    let value = redis.text(&["GET", &key]);
    let older = value.replacen("1 ", "0 ", 1);
    redis.command(&["SET", &key, &older, "PX", "600000"]);
    figma.set(7, About::Status("PAID"));
    assert!(ask(&mut processes[0], How::Fresh, 7).unwrap().grants_access);
    assert!(kept_about(&mut processes[1], 7).is_some_and(|it| it.grants_access));
}
