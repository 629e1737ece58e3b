//! A cluster, Sentinel, and a replica that is promoted: callers go on, and what is shared is
//! shared again.

use std::time::Duration;

use fleet::figma::{About, Figma};
use fleet::process::{PATIENCE, Process};
use fleet::protocol::{How, Order, Settings, Shared};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use fleet::redis_server::cluster::Cluster;
use fleet::redis_server::sentinels::Sentinels;
use fleet::{turn, wait};

use crate::common::{
    PREFIX, ask, invalidate, kept_about, merged, order_all, prime, settings, start_with,
};

const USER: u64 = 7;

fn fleet(figma: &Figma, url: &str, share: impl Fn(&mut Shared)) -> Vec<Process> {
    start_with(3, |number| {
        let mut settings = settings(number, figma, url);
        share(settings.redis.as_mut().expect("it shares"));
        Settings { per_minute: 3_000, ..settings }
    })
}

/// Until what one keeps is known to all others.
fn wait_until_shared(processes: &mut [Process], user: &mut u64) -> Duration {
    wait::until_so("Redis is used by all", 2 * PATIENCE, || {
        *user += 1;
        let (one, others) = processes.split_first_mut().expect("there are processes");
        prime(one, *user, "PAID", 0);
        others.iter_mut().all(|it| kept_about(it, *user).is_some())
    })
}

/// Callers go on while `fails` happens, and until all share again. Then a refund that was known
/// before is still known, and one that comes now is known to all.
fn survives(figma: &Figma, processes: &mut [Process], fails: impl FnOnce()) {
    let mut user = 1_000_000;
    wait_until_shared(processes, &mut user);
    assert!(ask(&mut processes[0], How::Get, USER).unwrap().grants_access);
    let load = Order::Load {
        callers: 8,
        how: How::Get,
        first_user: 100,
        users: 50,
        for_ms: 3_000,
        rest_ms: 20,
    };
    let given = order_all(processes, &load);
    figma.set(USER, About::Status("UNPAID"));
    invalidate(&mut processes[0], USER).unwrap();
    // The replicas have it. What is lost otherwise is in `invalidate`.
    std::thread::sleep(Duration::from_millis(500));
    fails();
    let back = wait_until_shared(processes, &mut user);
    let load = merged(processes, &given);
    println!("{} calls, {} errors; shared again after {back:?}", load.times.count(), load.errors());
    assert_eq!(load.errors(), 0, "{load:?}");
    for process in processes.iter_mut() {
        let kept = kept_about(process, USER);
        assert!(kept.is_none_or(|it| !it.grants_access), "an old yes");
        assert_eq!(ask(process, How::Get, USER).unwrap().status, "UNPAID");
    }
    figma.set(USER, About::Status("PAID"));
    assert!(ask(&mut processes[1], How::Fresh, USER).unwrap().grants_access);
    figma.set(USER, About::Status("UNPAID"));
    invalidate(&mut processes[2], USER).unwrap();
    for process in processes.iter_mut() {
        assert!(kept_about(process, USER).is_none());
    }
}

#[test]
fn a_cluster_loses_a_master() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (cluster, figma) = (Cluster::start(), Figma::start());
    // The first address is that of a node that has other keys.
    let master = cluster.master_of(PREFIX);
    let stranger = cluster.stranger_to(PREFIX);
    let nodes: Vec<_> = cluster.urls();
    let mut processes = fleet(&figma, &stranger.url(), |it| it.nodes.clone_from(&nodes));
    survives(&figma, &mut processes, || master.kill());
}

#[test]
fn sentinels_promote_a_replica() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (master, figma) = (Redis::start(), Figma::start());
    let replica = master.replica();
    let sentinels = Sentinels::start("main", &master, 1);
    sentinels.wait_for(&master);
    let urls = sentinels.urls();
    let mut processes = fleet(&figma, &urls[0], |it| {
        it.nodes = urls[1..].to_vec();
        it.sentinel = Some("main".to_owned());
    });
    survives(&figma, &mut processes, || master.kill());
    assert!(replica.is_master());
}

/// As behind the name that a cloud gives: the address stays, the server is another.
#[test]
fn a_replica_is_promoted_behind_the_same_address() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (master, figma) = (Redis::start(), Figma::start());
    let replica = master.replica();
    let proxy = Proxy::before(master.port());
    let mut processes = fleet(&figma, &proxy.url(), |_| ());
    survives(&figma, &mut processes, || {
        master.kill();
        replica.promote();
        proxy.lead_to(replica.port());
    });
}

/// The two change places: the connections stay open, and lead to what is a replica now.
#[test]
fn a_master_becomes_a_replica() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (master, figma) = (Redis::start(), Figma::start());
    let replica = master.replica();
    let proxy = Proxy::before(master.port());
    let mut processes = fleet(&figma, &proxy.url(), |_| ());
    survives(&figma, &mut processes, || {
        replica.promote();
        master.follow(&replica);
        // New connections lead to the new master, and old ones stay.
        proxy.lead_to(replica.port());
        proxy.set(Network::Good);
    });
}
