//! A refund that one process hears of: after `Ok` no process gives an older yes.

use fleet::figma::{About, Figma};
use fleet::process::{PATIENCE, Process};
use fleet::protocol::{How, Order, Question, Report};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use fleet::{turn, wait};

use crate::common::{PREFIX, ask, invalidate, kept_about, settings, start, start_with};

const USER: u64 = 7;

/// All of them give the yes without asking Figma.
fn all_have_a_yes(processes: &mut [Process], figma: &Figma) {
    figma.set(USER, About::Status("PAID"));
    wait::until_so("the yes is kept", PATIENCE, || {
        assert!(ask(&mut processes[0], How::Fresh, USER).unwrap().grants_access);
        processes.iter_mut().all(|it| kept_about(it, USER).is_some_and(|it| it.grants_access))
    });
}

fn nobody_has_a_yes(processes: &mut [Process]) {
    for process in processes {
        let kept = kept_about(process, USER);
        assert!(kept.is_none_or(|it| !it.grants_access), "{} gives an old yes", process.name());
        assert_eq!(ask(process, How::Get, USER).unwrap().status, "UNPAID");
    }
}

#[test]
fn a_refund_known_by_one_is_known_to_all() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let mut processes = start(4, &figma, &redis.url());
    for round in 0..if turn::in_full() { 200 } else { 20 } {
        all_have_a_yes(&mut processes, &figma);
        // Under way while it is invalidated: it is given to its asker, and kept by nobody.
        let slow = figma.hold();
        let question = Question::User(USER);
        let before = figma.count();
        let asked = processes[1].order(&Order::Ask { how: How::Fresh, question });
        figma.wait_for(before + 1, PATIENCE);
        figma.set(USER, About::Status("UNPAID"));
        invalidate(&mut processes[round % 4], USER).unwrap();
        for process in &mut processes {
            assert!(kept_about(process, USER).is_none(), "{}", process.name());
        }
        slow.open();
        figma.answer();
        let Report::Answer(Ok(_)) = processes[1].report(asked, PATIENCE) else {
            panic!("no answer")
        };
        nobody_has_a_yes(&mut processes);
        invalidate(&mut processes[0], USER).unwrap();
    }
}

#[test]
fn what_redis_refuses_is_an_error_unless_it_deletes() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let proxy = Proxy::before(redis.port());
    let mut processes = start(2, &figma, &proxy.url());

    // Full: the script is refused, and DEL is not.
    all_have_a_yes(&mut processes, &figma);
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    figma.set(USER, About::Status("UNPAID"));
    invalidate(&mut processes[0], USER).unwrap();
    let keys = redis.keys(PREFIX);
    assert!(!keys.iter().any(|key| key.contains(":answer:")), "{keys:?}");
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    nobody_has_a_yes(&mut processes);

    // Read-only, stopped, and away: the other one may still have it, so it is an error.
    type Fault<'a> = (&'a str, Box<dyn Fn() + 'a>, Box<dyn Fn() + 'a>);
    let faults: [Fault<'_>; 3] = [
        (
            "read-only",
            Box::new(|| drop(redis.command(&["REPLICAOF", "127.0.0.1", "1"]))),
            Box::new(|| redis.promote()),
        ),
        ("stopped", Box::new(|| redis.stop()), Box::new(|| redis.go())),
        ("away", Box::new(|| proxy.set(Network::Refuse)), Box::new(|| proxy.set(Network::Good))),
    ];
    for (name, begins, ends) in faults {
        all_have_a_yes(&mut processes, &figma);
        begins();
        let refused = invalidate(&mut processes[0], USER).expect_err(name);
        println!("{name}: {}", refused.message);
        assert_eq!(refused.kind, "store", "{name}");
        assert!(kept_about(&mut processes[0], USER).is_none(), "{name}: forgotten here");
        ends();
        // As the advice is: try again.
        figma.set(USER, About::Status("UNPAID"));
        wait::until_so("it is known to all", PATIENCE, || {
            invalidate(&mut processes[0], USER).is_ok()
        });
        nobody_has_a_yes(&mut processes);
    }
}

#[test]
fn with_replicas_one_has_to_know_it() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    let mut processes = start_with(2, |number| {
        let mut settings = settings(number, &figma, redis.url());
        settings.redis.as_mut().expect("it shares").replicas = Some(1);
        settings
    });
    all_have_a_yes(&mut processes, &figma);
    let refused = invalidate(&mut processes[0], USER).expect_err("there is no replica");
    assert!(refused.message.contains("replicas"), "{}", refused.message);
    let replica = redis.replica();
    wait::until_so("the replica has it", PATIENCE, || invalidate(&mut processes[0], USER).is_ok());
    replica.stop();
    let refused = invalidate(&mut processes[0], USER).expect_err("the replica is stopped");
    assert!(refused.message.contains("replicas"), "{}", refused.message);
    replica.go();
    wait::until_so("the replica is back", PATIENCE, || invalidate(&mut processes[0], USER).is_ok());
}

/// The master dies with what it wrote last. The replica that is promoted has a yes that was
/// denied, and an order that ends before the denial. Who saw the denial notices, if it is the
/// first that is back: the order begins anew, and nothing that was kept before counts.
///
/// If another one is back first, its tickets are beyond the denial, and nobody notices. Against
/// that there is `.replicas(1)`: then `invalidate` has said that too few have the denial.
#[test]
fn a_failover_that_lost_the_denial_is_noticed_by_who_saw_it() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (master, figma) = (Redis::start(), Figma::start());
    let replica = master.replica();
    let proxies = [0, 1].map(|_| Proxy::before(master.port()));
    let mut processes = start_with(2, |number| {
        let mut settings = settings(number, &figma, proxies[number].url());
        settings.redis.as_mut().expect("it shares").replicas = Some(number as u32);
        settings
    });
    all_have_a_yes(&mut processes, &figma);
    let key = master.keys(PREFIX).into_iter().find(|key| key.contains(":answer:")).unwrap();
    wait::until_so("the replica has the yes", PATIENCE, || {
        !replica.text(&["GET", &key]).is_empty()
    });
    // From now on nothing arrives at the replica.
    replica.promote();
    figma.set(USER, About::Status("UNPAID"));
    invalidate(&mut processes[0], USER).unwrap();
    let told = invalidate(&mut processes[1], USER).expect_err("no replica has it");
    assert!(told.message.contains("replicas"), "{}", told.message);
    assert!(!replica.text(&["GET", &key]).is_empty(), "the replica still has the yes");
    for proxy in &proxies {
        proxy.lead_to(replica.port());
        proxy.set(Network::Refuse);
    }
    master.kill();
    for (process, proxy) in processes.iter().zip(&proxies) {
        proxy.set(Network::Good);
        wait::until_so("it uses the replica", PATIENCE, || {
            process.log().contains("Redis is used again")
        });
    }
    nobody_has_a_yes(&mut processes);
    // Also for one that has seen nothing of it.
    let mut late = start_with(1, |_| settings(9, &figma, replica.url()));
    nobody_has_a_yes(&mut late);
}
