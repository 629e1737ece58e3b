//! Redis in trouble, while callers go on: no error of its making, no long wait, not more
//! requests than promised, no answer beyond its time, and it is used again when it is back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use fleet::figma::Figma;
use fleet::process::Process;
use fleet::protocol::{How, Load, Order, Settings};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use fleet::{turn, wait};

use crate::common::{WORKER, kept_about, merged, order_all, prime, settings, start_with};

const CALLERS: usize = 32;
const PAID_TTL: Duration = Duration::from_secs(1);
const PER_MINUTE: u32 = 600;
const TIMEOUT: Duration = Duration::from_millis(100);

/// What timers are not exact by. In the short form it is also what a small machine needs for
/// the questions that both processes ask anew at the begin and the end of an outage.
fn inexact() -> Duration {
    Duration::from_millis(if turn::in_full() { 25 } else { 250 })
}

/// Before, during and after an outage.
fn phases() -> [Duration; 3] {
    let during = if turn::in_full() { 60_000 } else { 700 };
    [300, during, 500].map(Duration::from_millis)
}

/// Which part of the calls must not wait for longer. A process that has been cut off cannot give
/// back its leases. For three seconds others wait for it, if they are back before it: a few
/// calls, which are more than one in a thousand only where an outage is as short.
fn part() -> f64 {
    if turn::in_full() { 0.999 } else { 0.99 }
}

/// No call waits for longer: a lease, and then for Redis.
const LONGEST: Duration = Duration::from_millis(3_000 + 250 + 100 + 250);

struct Scene {
    redis: Redis,
    proxy: Proxy,
    figma: Figma,
    /// They ask for answers that are kept for a second.
    readers: Vec<Process>,
    /// They ask as often as the limit allows.
    limited: Vec<Process>,
    users: u64,
}

/// What goes wrong, and how it is set right.
struct Outage {
    name: &'static str,
    begins: fn(&Scene),
    ends: fn(&Scene),
    /// Only in full.
    is_rare: bool,
}

fn login(proxy: &Proxy) -> String {
    format!("redis://app:app-password@127.0.0.1:{}", proxy.port())
}

fn reading(settings: Settings) -> Settings {
    Settings { paid_ttl_ms: PAID_TTL.as_millis() as u64, ..settings }
}

impl Scene {
    fn new() -> Self {
        let redis = Redis::options().append_only();
        let redis = redis.user("app", "app-password", "~figma:* +@all").start();
        let (proxy, figma) = (Proxy::before(redis.port()), Figma::start());
        let url = login(&proxy);
        let readers = start_with(2, |number| reading(settings(number, &figma, &url)));
        let limited = start_with(2, |number| {
            let mut settings = settings(number, &figma, &url);
            settings.name = format!("limited{number}");
            settings.redis.as_mut().expect("it shares").namespace = "limited".to_owned();
            Settings { per_minute: PER_MINUTE, burst: Some(2), ..settings }
        });
        Scene { redis, proxy, figma, readers, limited, users: 1_000_000 }
    }

    fn set(&self, network: Network) {
        self.proxy.set(network);
    }

    /// Until what one process keeps is known to the other one.
    fn wait_until_used(&mut self) -> Duration {
        wait::until_so("Redis is used again", Duration::from_secs(20), || {
            self.users += 1;
            let [one, other] = &mut self.readers[..] else { panic!("two processes") };
            prime(one, self.users, "PAID", 0);
            kept_about(other, self.users).is_some()
        })
    }
}

fn read(for_time: Duration) -> Order {
    let for_ms = for_time.as_millis() as u64;
    Order::Load { callers: CALLERS, how: How::Get, first_user: 1, users: 100, for_ms, rest_ms: 20 }
}

fn ask(for_time: Duration) -> Order {
    let for_ms = for_time.as_millis() as u64;
    Order::Load { callers: 4, how: How::Call, first_user: 1, users: 100, for_ms, rest_ms: 0 }
}

/// The same load without Redis.
fn without_redis() -> Load {
    let figma = Figma::start();
    let settings: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| reading(Settings::alone(name, figma.base_url())))
        .collect();
    let mut processes = Process::start_all(WORKER, &settings);
    let given = order_all(&mut processes[..2], &read(Duration::from_secs(3)));
    merged(&processes, &given)
}

impl Outage {
    fn drill(&self, scene: &mut Scene, without: &Load) -> Vec<String> {
        let [before, during, after] = phases();
        let (begin, count) = (Instant::now(), scene.figma.count());
        let reading = order_all(&mut scene.readers, &read(before + during + after));
        let asking = order_all(&mut scene.limited, &ask(before + during + after));
        sleep(before);
        (self.begins)(scene);
        sleep(during);
        (self.ends)(scene);
        let back = scene.wait_until_used();
        let read = merged(&scene.readers, &reading);
        let asked = merged(&scene.limited, &asking);
        let took = begin.elapsed();
        let requests = scene.figma.arrivals().split_off(count);
        let requests = requests.iter().filter(|it| it.by.starts_with("limited")).count() as f64;
        let limit = took.as_secs_f64() * f64::from(PER_MINUTE) / 60.0;
        let (longest, base) = (read.times.quantile(part()), without.times.quantile(part()));
        let part = part() * 100.0;
        println!(
            "{:18} {} calls, {} errors, {part} %: {longest:?} (without {base:?}), longest {:?}, oldest {} ms, {:.0} % of the limit, used again after {back:?}",
            self.name,
            read.times.count(),
            read.errors() + asked.errors(),
            read.times.longest(),
            read.oldest_ms,
            requests / limit * 100.0,
        );
        let held = [
            ("an error", read.errors() + asked.errors() == 0),
            ("a long wait", longest <= base + TIMEOUT + inexact()),
            ("a very long wait", read.times.longest() <= without.times.longest() + LONGEST),
            ("an answer beyond its time", read.oldest_ms <= PAID_TTL.as_millis() as u64),
            // All are cut off, and each keeps to its share: together they are near the limit.
            ("too many requests", requests <= limit * 1.15 + 6.0),
            ("not used again", back <= Duration::from_secs(5)),
        ];
        let broken = held.iter().filter(|(_, held)| !held);
        let name = self.name;
        broken
            .map(|(what, _)| format!("{name}: {what}: {:?} {:?}", read.errors, asked.errors))
            .collect()
    }
}

const OUTAGES: [Outage; 11] = [
    Outage {
        name: "killed",
        is_rare: false,
        begins: |it| it.redis.kill(),
        ends: |it| it.redis.restart(),
    },
    Outage {
        name: "stopped",
        is_rare: false,
        begins: |it| it.redis.stop(),
        ends: |it| it.redis.go(),
    },
    Outage {
        name: "empty",
        is_rare: true,
        begins: |it| it.redis.kill(),
        ends: |it| it.redis.restart_empty(),
    },
    Outage {
        name: "full",
        is_rare: false,
        begins: |it| drop(it.redis.command(&["CONFIG", "SET", "maxmemory", "1"])),
        ends: |it| drop(it.redis.command(&["CONFIG", "SET", "maxmemory", "0"])),
    },
    Outage {
        name: "read-only",
        is_rare: false,
        begins: |it| drop(it.redis.command(&["REPLICAOF", "127.0.0.1", "1"])),
        ends: |it| it.redis.promote(),
    },
    Outage {
        name: "refused by ACL",
        is_rare: true,
        begins: |it| drop(it.redis.command(&["ACL", "SETUSER", "app", "-@all"])),
        ends: |it| drop(it.redis.command(&["ACL", "SETUSER", "app", "+@all"])),
    },
    Outage {
        name: "user missing",
        is_rare: false,
        begins: |it| drop(it.redis.command(&["ACL", "DELUSER", "app"])),
        ends: |it| {
            let user = ["ACL", "SETUSER", "app", "on", ">app-password", "~figma:*", "+@all"];
            it.redis.command(&user);
        },
    },
    Outage {
        name: "slow",
        is_rare: false,
        begins: |it| it.set(Network::Trickle { pause: Duration::from_millis(10) }),
        ends: |it| it.set(Network::Good),
    },
    Outage {
        name: "cut in an answer",
        is_rare: false,
        begins: |it| it.set(Network::Cut { after: 20 }),
        ends: |it| it.set(Network::Good),
    },
    Outage {
        name: "silent",
        is_rare: true,
        begins: |it| it.set(Network::Silent),
        ends: |it| it.set(Network::Good),
    },
    Outage {
        name: "unreachable",
        is_rare: true,
        begins: |it| it.set(Network::Refuse),
        ends: |it| it.set(Network::Good),
    },
];

#[test]
fn callers_go_on_whatever_happens_to_redis() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let without = without_redis();
    assert_eq!(without.errors(), 0);
    let mut scene = Scene::new();
    scene.wait_until_used();
    // Until each has heard of the others.
    sleep(Duration::from_millis(2_500));
    let outages = OUTAGES.iter().filter(|outage| turn::in_full() || !outage.is_rare);
    let broken: Vec<_> = outages.flat_map(|it| it.drill(&mut scene, &without)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The others have the whole limit meanwhile, so a quarter more goes out.
#[test]
fn one_that_is_cut_off_keeps_to_its_share() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::alone();
    let (redis, figma) = (Redis::start(), Figma::start());
    let proxy = Proxy::before(redis.port());
    let mut processes = start_with(4, |number| {
        let url = if number == 0 { proxy.url() } else { redis.url() };
        let settings = settings(number, &figma, url);
        Settings { per_minute: PER_MINUTE, burst: Some(2), ..settings }
    });
    let seconds = if turn::in_full() { 30 } else { 3 };
    // Until each has heard of the others.
    sleep(Duration::from_millis(1_500));
    order_all(&mut processes, &ask(Duration::from_secs(60)));
    figma.wait_for(5, Duration::from_secs(10));
    proxy.set(Network::Refuse);
    sleep(Duration::from_secs(1));
    let begin = figma.count();
    sleep(Duration::from_secs(seconds));
    let requests = figma.arrivals().split_off(begin);
    let alone = requests.iter().filter(|it| it.by == "p0").count() as f64;
    let limit = seconds as f64 * f64::from(PER_MINUTE) / 60.0;
    let (all, alone) = (requests.len() as f64 / limit, alone / limit);
    println!(
        "1 of 4 cut off: {:.0} % of the limit, of that {:.0} % alone",
        all * 100.0,
        alone * 100.0
    );
    assert!((0.15..=0.3).contains(&alone), "its share is a quarter: {alone}");
    assert!(all <= 1.25 + 0.08, "{all}");
    // What it used is poured into the bucket that all share.
    proxy.set(Network::Good);
    sleep(Duration::from_secs(2));
    let begin = figma.count();
    sleep(Duration::from_secs(2));
    let after = (figma.count() - begin) as f64 / (2.0 * f64::from(PER_MINUTE) / 60.0);
    assert!(after <= 1.15, "{after}");
}
