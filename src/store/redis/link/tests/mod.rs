//! The link against real servers.

mod cluster;
mod sentinel;
mod server;
#[cfg(feature = "rustls")]
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use redis::cmd;

use self::server::{Server, free_port, is_installed};
use super::address::LinkSettings;
use super::{Check, Failure, Link};
use crate::error::{Error, ErrorKind};

const TIMEOUT: Duration = Duration::from_millis(500);
/// Within this time of its return Redis has to be used again.
const RETURN: Duration = Duration::from_secs(5);

fn settings(url: &str) -> LinkSettings {
    LinkSettings::new(&[url], None, TIMEOUT).unwrap()
}

async fn start(server: &Server) -> Link {
    Link::start(settings(&server.url()), []).await.unwrap()
}

/// Writes a key of one slot.
fn write() -> Check {
    Arc::new(|mut connection| {
        Some(Box::pin(async move {
            cmd("SET").arg("figma:{test}:check").arg(1).exec_async(&mut connection).await
        }))
    })
}

async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

async fn until_used(link: &Link) {
    let time = until("Redis is used", RETURN, async || link.session().is_some()).await;
    println!("used after {time:?}");
}

async fn until_not_used(link: &Link) {
    until("Redis is not used", RETURN, async || link.session().is_none()).await;
}

async fn ask(link: &Link, word: &str) -> String {
    let mut connection = link.session().expect("a session").connection;
    cmd(word).arg("hello").query_async(&mut connection).await.unwrap()
}

async fn refused(url: &str) -> String {
    let error: Error = Link::start(settings(url), []).await.err().expect("an error");
    assert_eq!(error.kind(), ErrorKind::Configuration);
    format!("{error} {error:?}")
}

#[tokio::test]
async fn a_command_goes_over_the_session() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    assert_eq!(ask(&link, "ECHO").await, "hello");
    assert_eq!((link.outages(), link.last_failure()), (0, None));
    assert_eq!(link.timeout(), TIMEOUT);
    assert!(server.ask::<String>("CLIENT LIST").contains(" name=figma-payments "));

    link.set_sharing(false);
    assert!(link.session().is_none());
    link.set_sharing(true);
    assert_eq!(link.session().unwrap().number, 1);

    let (done, is_done) = tokio::sync::oneshot::channel();
    link.spawn(async move { done.send(std::thread::current().name().map(str::to_owned)).unwrap() });
    assert_eq!(is_done.await.unwrap().as_deref(), Some("figma-payments-redis"));

    let clone = link.clone();
    drop(link);
    assert_eq!(ask(&clone, "ECHO").await, "hello");
    drop(clone);
    until("the connection is closed", RETURN, async || {
        !server.ask::<String>("CLIENT LIST").contains("name=figma-payments")
    })
    .await;
}

#[test]
fn no_runtime_of_the_caller_has_to_go_on() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let link = runtime().block_on(start(&server));
    std::thread::sleep(Duration::from_millis(1500)); // one check, which nobody here runs
    assert_eq!(runtime().block_on(ask(&link, "ECHO")), "hello");
    assert_eq!((link.outages(), link.session().unwrap().number), (0, 1));
}

#[tokio::test]
async fn a_login_that_redis_refuses_is_an_error_without_the_password() {
    if !is_installed() {
        return;
    }
    let closed = Server::start(&["requirepass right", "databases 4"]);
    let at = |login: &str| closed.url().replace("//", &format!("//{login}"));
    assert!(Link::start(settings(&at(":right@")), []).await.unwrap().session().is_some());
    let text = refused(&at(":MARKED@")).await;
    assert!(text.contains("(WRONGPASS)") && !text.contains("MARKED"), "{text}");
    let text = refused(&at("app:MARKED@")).await;
    assert!(text.contains("(WRONGPASS)") && !text.contains("MARKED"), "{text}");
    let text = refused(&closed.url()).await;
    assert!(text.contains("asks for a password"), "{text}");
    let text = refused(&at("MARKED@")).await;
    assert!(text.contains("redis://:password@") && !text.contains("MARKED"), "{text}");
    let text = refused(&format!("{}/4", at(":right@"))).await;
    assert!(text.contains("no database 4"), "{text}");

    let open = Server::start(&[]);
    let text = refused(&open.url().replace("//", "//:MARKED@")).await;
    assert!(text.contains("(ERR)") && !text.contains("MARKED"), "{text}");
}

#[tokio::test]
async fn a_redis_that_is_away_at_the_start_is_used_when_it_comes() {
    if !is_installed() {
        return;
    }
    let port = free_port();
    let url = format!("redis://:MARKED@127.0.0.1:{port}/1");
    let link = Link::start(settings(&url), []).await.unwrap();
    assert!(link.session().is_none());
    assert_eq!(link.outages(), 1);
    let reason = link.last_failure().unwrap();
    assert!(reason.contains("refused") && !reason.contains("MARKED"), "{reason}");
    let _server = Server::start_at(port, &["requirepass MARKED"]).expect("the port is still free");
    until_used(&link).await;
    assert_eq!(link.outages(), 1);
}

#[tokio::test]
async fn a_server_that_stands_still_is_used_when_it_goes_on() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    server.signal("STOP");
    until_not_used(&link).await;
    assert_eq!(link.last_failure().unwrap(), "Redis did not answer in time");
    // Long enough for it to give up the connection, with what comes next.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(link.session().is_none());
    let began = Instant::now();
    let late = start(&server).await;
    assert!(late.session().is_none() && began.elapsed() < Duration::from_secs(3));
    server.signal("CONT");
    until_used(&link).await;
    until_used(&late).await;
    assert_eq!((link.outages(), late.outages()), (1, 1));
}

#[tokio::test]
async fn a_restarted_server_is_used_again() {
    if !is_installed() {
        return;
    }
    let mut server = Server::start(&[]);
    let link = start(&server).await;
    let mut connection = link.session().unwrap().connection;
    server.kill();
    until_not_used(&link).await;
    assert!(cmd("PING").exec_async(&mut connection).await.is_err());
    server.restart();
    until_used(&link).await;
    assert_eq!((link.outages(), link.session().unwrap().number), (1, 2));
    assert_eq!(ask(&link, "ECHO").await, "hello");
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_not_used() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    link.add_check(write());
    server.ask::<()>(&format!("REPLICAOF 127.0.0.1 {}", free_port()));
    until_not_used(&link).await;
    assert_eq!(link.last_failure().unwrap(), "Redis answered READONLY");
    server.ask::<()>("REPLICAOF NO ONE");
    until_used(&link).await;

    server.ask::<()>("CONFIG SET maxmemory 1");
    until_not_used(&link).await;
    assert_eq!(link.last_failure().unwrap(), "Redis answered OOM");
    server.ask::<()>("CONFIG SET maxmemory 0");
    until_used(&link).await;
    assert_eq!(link.outages(), 2);
}

#[tokio::test]
async fn a_user_that_was_missing_is_used_again() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    server.ask::<()>("ACL SETUSER app on >MARKED ~* +@all -ping -role");
    let url = server.url().replace("//", "//app:MARKED@");
    let link = Link::start(settings(&url), []).await.unwrap();
    assert_eq!(ask(&link, "ECHO").await, "hello");
    server.ask::<()>("ACL DELUSER app");
    until_not_used(&link).await;
    until("the login is refused", RETURN, async || {
        link.last_failure().unwrap().contains("(WRONGPASS)")
    })
    .await;
    assert!(!link.last_failure().unwrap().contains("MARKED"));
    server.ask::<()>("ACL SETUSER app on >MARKED ~* +@all");
    until_used(&link).await;
    assert_eq!(link.outages(), 1);
}

#[tokio::test]
async fn a_check_that_fails_ends_the_session_until_it_passes() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    let fails = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&fails);
    link.add_check(Arc::new(move |mut connection| {
        let command = if flag.load(Relaxed) { "MARKED" } else { "TIME" };
        Some(Box::pin(async move { cmd(command).exec_async(&mut connection).await }))
    }));
    let connections = || server.ask::<String>("CLIENT LIST").matches("name=figma").count();
    let id = server.ask::<String>("CLIENT LIST");
    fails.store(true, Relaxed);
    until_not_used(&link).await;
    assert_eq!(link.last_failure().unwrap(), "Redis answered ERR");
    fails.store(false, Relaxed);
    until_used(&link).await;
    assert_eq!((link.outages(), link.session().unwrap().number), (1, 2));
    // The server works, so the connection was kept.
    let id = id.split_whitespace().next().unwrap();
    assert!(server.ask::<String>("CLIENT LIST").contains(id));
    assert_eq!(connections(), 1);
}

#[tokio::test]
async fn a_failure_that_a_caller_met_ends_the_session_at_once_and_once() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    // A session that was there for a while is asked again at once.
    until("a second", RETURN, {
        let began = Instant::now();
        async move || began.elapsed() > Duration::from_millis(1100)
    })
    .await;
    for _ in 0..64 {
        link.failed(1, Failure::TimedOut);
        assert!(link.session().is_none_or(|session| session.number == 2));
    }
    let time = until("used", RETURN, async || link.session().is_some()).await;
    assert!(time < Duration::from_millis(240), "{time:?}");
    link.failed(1, Failure::TimedOut); // late, of the session before
    assert_eq!((link.session().unwrap().number, link.outages()), (2, 1));
    // And one that ends as soon as it began is given some time.
    link.failed(2, Failure::TimedOut);
    let time = until("used", RETURN, async || link.session().is_some()).await;
    assert!(time > Duration::from_millis(200), "{time:?}");
}

#[tokio::test]
async fn an_old_connection_is_replaced_without_an_outage() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let max_age = Duration::from_millis(200);
    let link = Link::start(LinkSettings { max_age, ..settings(&server.url()) }, []).await.unwrap();
    let mut oldest = link.session().unwrap().connection;
    until("the third connection", RETURN, async || link.session().unwrap().number > 2).await;
    assert_eq!(link.outages(), 0);
    // What was begun before is still answered.
    cmd("PING").exec_async(&mut oldest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_whose_owner_is_gone_is_forgotten() {
    if !is_installed() {
        return;
    }
    let server = Server::start(&[]);
    let link = start(&server).await;
    let (owner, asked) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
    let (weak, counter) = (Arc::downgrade(&owner), Arc::clone(&asked));
    link.add_check(Arc::new(move |mut connection| {
        counter.fetch_add(1, Relaxed);
        weak.upgrade()?;
        Some(Box::pin(async move { cmd("TIME").exec_async(&mut connection).await }))
    }));
    until("it is asked", Duration::from_secs(10), async || asked.load(Relaxed) >= 2).await;
    drop(owner);
    until("it is dropped", Duration::from_secs(10), async || Arc::strong_count(&asked) == 1).await;
    assert!(link.session().is_some());
}
