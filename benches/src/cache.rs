//! An answer from memory, and the map that it lies in.

use std::sync::Arc;

use figma_payments::{Entitlements, PaymentInformation, PaymentQuery, Resource, UserId};
use quick_cache::sync::Cache;

use crate::{Contender, PLUGIN, USER, client};

/// [`Entitlements`], with one answer in memory.
pub struct Hit {
    entitlements: Entitlements,
    query: PaymentQuery,
}

impl Hit {
    pub async fn new(base_url: &str) -> Self {
        let entitlements = Entitlements::new(client::new(base_url));
        entitlements.prime(payment(USER)).await;
        let (user, plugin) = key(USER);
        Hit { entitlements, query: PaymentQuery::by_user(user, plugin) }
    }
}

impl Contender for Hit {
    async fn call(&self) {
        let answer = self.entitlements.get(self.query.clone()).await;
        assert!(answer.expect("an answer").grants_access());
    }
}

/// The same answer in the map alone, under the same key.
pub struct Map {
    cache: Cache<(UserId, Resource), Arc<PaymentInformation>>,
    key: (UserId, Resource),
}

impl Map {
    pub fn new() -> Self {
        let cache = Cache::new(100_000);
        cache.insert(key(USER), Arc::new(payment(USER)));
        Map { cache, key: key(USER) }
    }
}

impl Contender for Map {
    async fn call(&self) {
        let answer = self.cache.get(&self.key);
        assert!(answer.expect("an answer").grants_access());
    }
}

/// Puts this many users into memory; prints how many of them are there then,
/// and the bytes by which the process has grown.
pub async fn fill(users: u64) {
    let user = |number: u64| (1_000_000_000_000 + number).to_string();
    let client = client::new("http://127.0.0.1:9");
    // The map divides its room in parts, which do not fill up evenly.
    let room = users + users / 8;
    let entitlements = Entitlements::builder(client).max_entries(room).build();
    let before = resident();
    for number in 0..users {
        entitlements.prime(payment(&user(number))).await;
    }
    let grown = resident() - before;
    let mut kept = 0;
    for number in 0..users {
        let (user, plugin) = key(&user(number));
        let answer = entitlements.get_cached(PaymentQuery::by_user(user, plugin)).await;
        kept += u64::from(answer.is_some());
    }
    println!("{kept} {grown}");
}

fn payment(user: &str) -> PaymentInformation {
    let text = format!(
        r#"{{"user_id":"{user}","resource_id":"{PLUGIN}","resource_type":"PLUGIN","payment_status":"PAID","date_of_purchase":"2024-03-01T12:00:00Z"}}"#
    );
    serde_json::from_str(&text).expect("a payment")
}

fn key(user: &str) -> (UserId, Resource) {
    (UserId::try_from(user).expect("an id"), Resource::plugin(PLUGIN).expect("an id"))
}

/// The memory of this process, in bytes, as Linux counts it.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kilobytes.expect("a number of kB").parse::<u64>().expect("a number") * 1024
}
