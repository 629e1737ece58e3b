//! A master that Sentinel names, and its failover.

use super::*;

#[tokio::test]
async fn the_link_goes_where_sentinel_says() {
    if !is_installed() {
        return;
    }
    let mut master = Server::start(&["repl-diskless-sync-delay 0"]);
    let replica = Server::start(&[&format!("replicaof 127.0.0.1 {}", master.port)]);
    until("the replica follows", Duration::from_secs(15), async || {
        replica.ask::<String>("INFO replication").contains("master_link_status:up")
    })
    .await;
    let sentinel = Server::start(&[
        &format!("sentinel monitor main 127.0.0.1 {} 1", master.port),
        "sentinel down-after-milliseconds main 300",
        "sentinel failover-timeout main 2000",
    ]);
    until("Sentinel knows the replica", Duration::from_secs(15), async || {
        sentinel.ask::<String>("INFO sentinel").contains("slaves=1")
    })
    .await;

    for (url, name, why) in
        [(sentinel.url(), "other", "no master of this name"), (master.url(), "main", "no Sentinel")]
    {
        let wrong = LinkSettings::new(&[url], Some(name), TIMEOUT).unwrap();
        let error = Link::start(wrong, []).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(why), "{error}");
    }

    // The first one is away.
    let urls = [format!("redis://127.0.0.1:{}", free_port()), sentinel.url()];
    let link =
        Link::start(LinkSettings::new(&urls, Some("main"), TIMEOUT).unwrap(), []).await.unwrap();
    link.add_check(write());
    cmd("SET")
        .arg("here")
        .arg(1)
        .exec_async(&mut link.session().unwrap().connection)
        .await
        .unwrap();
    assert_eq!(master.ask::<u8>("GET here"), 1);

    master.kill();
    until_not_used(&link).await;
    until("the replica is the master", Duration::from_secs(15), async || {
        // Sentinel cuts all connections when it promotes the replica.
        let info = replica.try_ask::<String>("INFO replication");
        info.is_ok_and(|info| info.contains("role:master"))
    })
    .await;
    until_used(&link).await;
    cmd("SET")
        .arg("here")
        .arg(2)
        .exec_async(&mut link.session().unwrap().connection)
        .await
        .unwrap();
    assert_eq!(replica.ask::<u8>("GET here"), 2);
    assert_eq!(link.outages(), 1);
}
