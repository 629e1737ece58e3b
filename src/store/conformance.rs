//! Both stores are held to one rule: an answer with access is kept only if its attempt was
//! sent after every denial about the same user and resource had arrived. Histories are
//! drawn at random; `FIGMA_PAYMENTS_HISTORIES` says how many. Over Redis two processes share,
//! any key may be lost at any time, and the server's clock may go an hour back or forth.

use std::sync::Arc;
use std::time::Duration;

use fleet::redis_server::Redis;

use super::answer::Sent;
use super::asked::Asked;
use super::memory::Memory;
use super::question::{Question, Questions, Subject};
use super::redis::RedisStore;
use super::redis::answers::SharedAnswers;
use super::time_to_live::TimesToLive;
use super::{Lease, Store};
use crate::api::types::PaymentInformation;
use crate::model::credentials::PluginPaymentToken;
use crate::model::ids::UserId;
use crate::model::payment::PaymentStatus;
use crate::model::query::PaymentQuery;
use crate::model::resource::Resource;

const USERS: u64 = 3;
const STEPS: u32 = 40;
const HOUR: Duration = Duration::from_secs(3600);

/// What may happen to Redis in a history.
#[derive(Debug, Clone, Copy)]
struct Mishaps {
    evictions: bool,
    clock_steps: bool,
}

/// The processes of a history, and what can be done to their store.
struct World<'a> {
    stores: Vec<Store>,
    redis: Option<(&'a Redis, Mishaps, String)>,
}

/// An attempt that is under way.
struct UnderWay {
    process: usize,
    query: PaymentQuery,
    question: Question,
    user: u64,
    sent: Sent,
    step: u32,
}

/// What a history counts.
#[derive(Debug, Default)]
struct Counts {
    histories: u32,
    grants_seen: u32,
    denials: u32,
    mishaps: u32,
}

fn resource() -> Resource {
    Resource::plugin("1").unwrap()
}

fn subject(user: u64) -> Subject {
    Subject { user: UserId::from(user + 1), resource: resource() }
}

/// The step in which its attempt was sent is its date of purchase.
fn payment(user: u64, status: PaymentStatus, step: u32) -> PaymentInformation {
    let mut payment = PaymentInformation::new(&UserId::from(user + 1), &resource(), status);
    payment.date_of_purchase = Some(step.to_string().as_str().into());
    payment
}

fn query(random: &mut fastrand::Rng, user: u64) -> PaymentQuery {
    if random.bool() {
        return PaymentQuery::by_user(UserId::from(user + 1), resource());
    }
    let token = PluginPaymentToken::new(format!("ppt_{user}_{}", random.u8(..3))).unwrap();
    PaymentQuery::by_token(token, resource())
}

/// Plays a history, and says what broke the rule.
async fn play(world: &World<'_>, seed: u64, counts: &mut Counts) -> Result<(), String> {
    let mut random = fastrand::Rng::with_seed(seed);
    let questions = Questions::default();
    let mut under_way: Vec<UnderWay> = Vec::new();
    let mut last_denial = [None; USERS as usize];
    let lease = Lease::of_this_process();
    for step in 1..=STEPS {
        let process = random.usize(..world.stores.len());
        let store = &world.stores[process];
        let user = random.u64(..USERS);
        let patience = store.patience();
        match random.u8(..100) {
            0..40 => {
                let query = query(&mut random, user);
                let question = questions.of(&query);
                let asked = Asked { query: &query, question: &question, patience: &patience };
                let sent = store.send(asked, &lease).await.unwrap();
                under_way.push(UnderWay { process, query, question, user, sent, step });
            }
            40..72 if !under_way.is_empty() => {
                let it = under_way.swap_remove(random.usize(..under_way.len()));
                let store = &world.stores[it.process];
                let patience = store.patience();
                let asked = Asked { query: &it.query, question: &it.question, patience: &patience };
                match random.u8(..10) {
                    0..6 => {
                        let paid = payment(it.user, PaymentStatus::Paid, it.step);
                        store.settle(asked, &lease, it.sent, paid).await;
                    }
                    6..9 => {
                        let unpaid = payment(it.user, PaymentStatus::Unpaid, it.step);
                        store.settle(asked, &lease, it.sent, unpaid).await;
                        last_denial[it.user as usize] = Some(step);
                    }
                    _ => {
                        store.refused(asked).await;
                        // A refused token says nothing about its user.
                        if matches!(it.question, Question::ByUser(_)) {
                            last_denial[it.user as usize] = Some(step);
                        }
                    }
                }
            }
            72..84 => {
                store.invalidate(subject(user)).await.map_err(|error| error.to_string())?;
                last_denial[user as usize] = Some(step);
            }
            84..88 => store.prime(payment(user, PaymentStatus::Paid, step)).await,
            88..90 => {
                store.prime(payment(user, PaymentStatus::Unpaid, step)).await;
                last_denial[user as usize] = Some(step);
            }
            _ => counts.mishaps += u32::from(world.mishap(&mut random)),
        }
        for (process, store) in world.stores.iter().enumerate() {
            for user in 0..USERS {
                let Some(step_sent) = grant_in(store, &questions, user).await else { continue };
                counts.grants_seen += 1;
                if last_denial[user as usize].is_some_and(|denial| denial >= step_sent) {
                    return Err(format!(
                        "seed {seed}, step {step}: process {process} gives PAID to user {user}, sent in step {step_sent}, denied in {last_denial:?}"
                    ));
                }
            }
        }
    }
    counts.histories += 1;
    counts.denials += last_denial.iter().flatten().count() as u32;
    world.still_keeps(&questions).await
}

/// When the attempt was sent that brought the yes of this user, if there is one.
async fn grant_in(store: &Store, questions: &Questions, user: u64) -> Option<u32> {
    let query = PaymentQuery::by_user(UserId::from(user + 1), resource());
    let patience = store.patience();
    let asked = Asked { query: &query, question: &questions.of(&query), patience: &patience };
    let kept = store.look_up(asked).await?;
    let sent = kept.payment.date_of_purchase.as_ref()?.as_str().parse().unwrap();
    kept.payment.grants_access().then_some(sent)
}

impl World<'_> {
    /// Something happens to Redis.
    fn mishap(&self, random: &mut fastrand::Rng) -> bool {
        let Some((redis, mishaps, prefix)) = &self.redis else { return false };
        if mishaps.evictions {
            let keys = redis.keys(prefix);
            if let Some(key) = random.choice(&keys) {
                redis.command(&["DEL", key]);
                return true;
            }
        }
        if mishaps.clock_steps {
            match random.bool() {
                true => redis.clock().back(HOUR),
                false => redis.clock().forward(HOUR),
            }
            return true;
        }
        false
    }

    /// Whatever has happened, a new answer is kept, and all processes find it.
    async fn still_keeps(&self, questions: &Questions) -> Result<(), String> {
        // What a clock says that has moved is known with the next beat.
        for store in &self.stores {
            if let Store::Redis(shared) = store {
                shared.forget_time();
            }
        }
        for store in &self.stores {
            store.prime(payment(0, PaymentStatus::Paid, STEPS + 1)).await;
            for other in &self.stores {
                if grant_in(other, questions, 0).await != Some(STEPS + 1) {
                    return Err("afterwards a new answer is not kept".to_owned());
                }
            }
        }
        Ok(())
    }
}

fn histories(by_default: u64) -> u64 {
    let set = std::env::var("FIGMA_PAYMENTS_HISTORIES");
    set.map_or(by_default, |number| number.parse().expect("a number of histories"))
}

#[tokio::test]
async fn memory_keeps_to_the_rule() {
    let mut counts = Counts::default();
    for seed in 0..histories(1_000) {
        let world = World { stores: vec![Store::Memory(Memory::new(100))], redis: None };
        play(&world, seed, &mut counts).await.unwrap();
    }
    println!("memory: {counts:?}");
    assert!(counts.grants_seen > 1_000 && counts.denials > 500, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_keeps_to_the_rule() {
    if !Redis::available() {
        return;
    }
    let redis = Redis::options().with_clock().start();
    let connect = || async {
        let builder = RedisStore::builder(redis.url()).namespace("conformance");
        builder.timeout(Duration::from_secs(5)).connect().await.unwrap()
    };
    let processes = [connect().await, connect().await];
    for (evictions, clock_steps) in [(false, false), (true, false), (false, true)] {
        let mishaps = Mishaps { evictions, clock_steps };
        let mut counts = Counts::default();
        for seed in 0..histories(60) {
            let server = format!("http://{seed}.{evictions}.{clock_steps}");
            let store = |process: &RedisStore| {
                let fleet = process.fleet(&server);
                let answers = SharedAnswers::new(Arc::clone(&fleet), TimesToLive::default(), 100);
                Store::Redis(Box::new(answers))
            };
            let prefix = processes[0].fleet(&server).prefix().to_owned();
            let stores = processes.iter().map(store).collect();
            let world = World { stores, redis: Some((&redis, mishaps, prefix)) };
            play(&world, seed, &mut counts).await.unwrap();
        }
        println!("Redis, {mishaps:?}: {counts:?}");
        assert!(counts.grants_seen > 100 && counts.denials > 50, "{counts:?}");
        assert_eq!(counts.mishaps > 0, evictions || clock_steps);
        assert_eq!(processes[0].health().outages, 0, "{:?}", processes[0].health());
    }
}
