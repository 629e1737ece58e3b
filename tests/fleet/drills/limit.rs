//! One limit: several processes stay inside it together, and use it. Counted at the server.

use std::thread::sleep;
use std::time::{Duration, Instant};

use fleet::figma::{About, Arrival, Bucket, Figma, by_process};
use fleet::process::PATIENCE;
use fleet::protocol::{How, Order, Settings};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use fleet::{turn, wait};

use crate::common::{order_all, settings, start_with};

const PROCESSES: usize = 8;

/// How a drill of the limit is run.
struct Pace {
    per_minute: u32,
    /// Not counted: a bucket that is empty at the start hides what is too much.
    first: Duration,
    counted: Duration,
}

fn pace() -> Pace {
    let seconds = Duration::from_secs;
    match turn::in_full() {
        true => Pace { per_minute: 300, first: seconds(60), counted: seconds(60) },
        false => Pace { per_minute: 600, first: seconds(1), counted: seconds(5) },
    }
}

impl Pace {
    fn interval(&self) -> Duration {
        Duration::from_secs(60) / self.per_minute
    }

    fn bucket(&self, size: f64) -> Bucket {
        Bucket { size, per_minute: self.per_minute.into() }
    }

    /// More callers than there are slots, for as long as the drill takes.
    fn load(&self) -> Order {
        let for_ms = (self.first + self.counted + Duration::from_secs(1)).as_millis() as u64;
        Order::Load { callers: 4, how: How::Call, first_user: 1, users: 1000, for_ms, rest_ms: 0 }
    }

    /// The requests that are counted.
    fn counted(&self, begin: Instant, figma: &Figma) -> Vec<Arrival> {
        let from = begin + self.first;
        let mut arrivals = figma.arrivals();
        arrivals.retain(|it| it.at >= from && it.at < from + self.counted);
        arrivals
    }
}

fn limited(number: usize, figma: &Figma, url: &str, pace: &Pace, burst: Option<u32>) -> Settings {
    let settings = settings(number, figma, url);
    let mut settings =
        Settings { per_minute: pace.per_minute, burst, deadline_ms: 60_000, ..settings };
    settings.redis.as_mut().expect("it shares").timeout_ms = Some(1_000);
    settings
}

/// Nothing was refused, 97 % was used, and all processes had the same share.
fn assert_used(pace: &Pace, counted: &[Arrival]) {
    let refused = counted.iter().filter(|it| it.status == 429).count();
    let slots = pace.counted.as_secs_f64() / pace.interval().as_secs_f64();
    let used = counted.len() as f64 / slots;
    let shares = by_process(counted);
    println!("{refused} x 429, {:.1} % used, shares {shares:?}", used * 100.0);
    assert_eq!(refused, 0);
    assert!((0.97..=1.03).contains(&used), "{used}");
    let equal = counted.len() as f64 / PROCESSES as f64;
    // In the short form a share is few requests.
    let most = (equal * 0.15).max(3.5);
    for (name, share) in &shares {
        assert!((*share as f64 - equal).abs() <= most, "{name}: {share} of {equal}");
    }
    assert_eq!(shares.len(), PROCESSES);
}

fn is_used(bucket: f64, burst: Option<u32>, networks: &[Duration]) {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma, pace) = (Redis::start(), Figma::start(), pace());
    figma.limit_by_user(Some(pace.bucket(bucket)));
    let proxies: Vec<_> = networks
        .iter()
        .map(|round_trip| {
            let proxy = Proxy::before(redis.port());
            proxy.set(Network::Slow { round_trip: *round_trip });
            proxy
        })
        .collect();
    let url = |number: usize| proxies.get(number).map_or_else(|| redis.url(), Proxy::url);
    let mut processes =
        start_with(PROCESSES, |number| limited(number, &figma, &url(number), &pace, burst));
    let given = order_all(&mut processes, &pace.load());
    figma.wait_for(1, PATIENCE);
    let begin = Instant::now();
    sleep(pace.first + pace.counted);
    let counted = pace.counted(begin, &figma);
    drop((given, processes));
    assert_used(&pace, &counted);
    let all = figma.arrivals();
    assert!(all.iter().all(|it| it.status == 200), "a 429 in the first minute");
}

#[test]
fn a_bucket_that_holds_three() {
    is_used(3.0, Some(2), &[]);
}

#[test]
fn a_bucket_that_holds_a_minute() {
    is_used(pace().per_minute.into(), None, &[]);
}

#[test]
fn some_have_a_slow_network() {
    is_used(3.0, Some(2), &[40, 100].map(Duration::from_millis));
}

/// By how many slots the requests are behind the limit, at worst.
fn slots_behind(pace: &Pace, arrivals: &[Arrival], end: Instant) -> f64 {
    let first = arrivals[0].at;
    let mut sent = 0.0;
    let mut worst: f64 = 0.0;
    for at in arrivals.iter().map(|it| it.at).chain([end]) {
        let due = (at - first).as_secs_f64() / pace.interval().as_secs_f64();
        worst = worst.max(due - sent);
        sent += 1.0;
    }
    worst
}

#[test]
fn three_of_eight_are_killed() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma, pace) = (Redis::start(), Figma::start(), pace());
    let rounds = if turn::in_full() { 20 } else { 1 };
    for round in 0..rounds {
        figma.limit_by_user(Some(pace.bucket(3.0)));
        let before = figma.count();
        let mut processes =
            start_with(PROCESSES, |number| limited(number, &figma, &redis.url(), &pace, Some(2)));
        let order = Order::Load {
            callers: 20,
            how: How::Call,
            first_user: 1,
            users: 1000,
            for_ms: 20_000,
            rest_ms: 0,
        };
        order_all(&mut processes, &order);
        figma.wait_for(before + 10, PATIENCE);
        for process in processes.iter_mut().take(3) {
            sleep(Duration::from_millis(fastrand::u64(200..1_800)));
            process.kill();
        }
        sleep(Duration::from_secs(3));
        let end = Instant::now();
        drop(processes);
        let arrivals = figma.arrivals().split_off(before + 5);
        let behind = slots_behind(&pace, &arrivals, end);
        let refused = arrivals.iter().filter(|it| it.status == 429).count();
        println!("round {round}: {behind:.2} slots behind at worst, {refused} x 429");
        assert!(behind <= 3.0 && refused == 0);
    }
}

/// One meets a 429 with a Retry-After of an hour. The clock of Redis is put on by the minute
/// after which one request may try.
#[test]
fn a_pause_holds_for_all_and_one_of_them_tries() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma) = (Redis::options().with_clock().start(), Figma::start());
    let pace = Pace { per_minute: 6_000, ..pace() };
    let mut processes =
        start_with(PROCESSES, |number| limited(number, &figma, &redis.url(), &pace, Some(2)));
    let order = Order::Load {
        callers: 4,
        how: How::Call,
        first_user: 1,
        users: 1000,
        for_ms: 300_000,
        rest_ms: 20,
    };
    order_all(&mut processes, &order);
    figma.wait_for(200, PATIENCE);
    // A bucket that never has room: `Retry-After` is an hour.
    figma.limit_by_user(Some(Bucket { size: 0.0, per_minute: 1.0 / 60.0 }));
    let first = || figma.arrivals().into_iter().find(|it| it.status == 429);
    let (met, _) = wait::until("one meets a 429", PATIENCE, first);
    sleep(Duration::from_secs(1));
    let under_way = figma.arrivals().iter().filter(|it| it.at > met.at).count();
    let held = figma.count();
    // Granted before the first 429 was known: at most what is granted ahead of time.
    assert!(under_way <= 2 * PROCESSES, "{under_way} after the first 429");
    figma.limit_by_user(None);
    figma.set_everybody(Some(About::Status("PAID")));
    assert_eq!(figma.count(), held, "all of them are held back");
    let gate = figma.hold();
    redis.clock().forward(Duration::from_secs(59));
    figma.wait_for(held + 1, PATIENCE);
    sleep(Duration::from_secs(2));
    assert_eq!(figma.count() - held, 1, "the others wait for what it meets");
    gate.open();
    figma.answer();
    let (_, took) = wait::until("all go on", 4 * PATIENCE, || {
        let arrivals = figma.arrivals().split_off(held + 1);
        (by_process(&arrivals).len() == PROCESSES).then_some(())
    });
    println!("{under_way} under way at the 429; one probe; all go on after {took:?}");
}
