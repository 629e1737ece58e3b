//! What the drills rest on: servers, networks and clocks do what a test tells them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use fleet::certificate::Certificate;
use fleet::figma::{About, Bucket, Figma, When, by_process};
use fleet::process::{PATIENCE, Process};
use fleet::protocol::{How, Order, Question, Report, Settings};
use fleet::proxy::{Network, Proxy};
use fleet::redis_server::Redis;
use fleet::redis_server::cluster::Cluster;
use fleet::redis_server::sentinels::Sentinels;
use fleet::{turn, wait};

use crate::common::WORKER;

const SECOND: Duration = Duration::from_secs(1);

fn date(redis: &Redis) -> i64 {
    redis.text(&["TIME"]).lines().next().unwrap().parse().unwrap()
}

#[test]
fn a_redis_is_killed_and_starts_again_with_what_is_on_disk_or_empty() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::options().append_only().start();
    redis.command(&["SET", "key", "value"]);
    redis.kill();
    assert!(redis.try_command(&["GET", "key"]).is_err());
    redis.restart();
    assert_eq!(redis.text(&["GET", "key"]), "value");
    redis.restart_empty();
    assert_eq!(redis.text(&["GET", "key"]), "");
}

#[test]
fn a_redis_ends_with_its_owner() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::start();
    let address = redis.address();
    redis.stop();
    drop(redis);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_stopped_redis_keeps_its_connections_and_answers_later() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::start();
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    redis.stop();
    stream.write_all(b"PING\r\n").unwrap();
    stream.set_read_timeout(Some(SECOND / 5)).unwrap();
    let mut answer = [0; 7];
    assert!(stream.read(&mut answer).is_err());
    redis.go();
    stream.set_read_timeout(Some(10 * SECOND)).unwrap();
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
}

#[test]
fn passwords_users_and_limits_hold() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::options()
        .password("main-password")
        .user("app", "app-password", "~figma:* +get")
        .max_memory("1kb", "noeviction")
        .start();
    let as_user = |url: String| {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_connection().map_err(|error| error.to_string())?;
        let answer: redis::RedisResult<Option<String>> =
            redis::cmd("GET").arg("figma:x").query(&mut connection);
        answer.map_err(|error| error.to_string())
    };
    assert!(as_user(format!("redis://{}", redis.address())).is_err());
    assert_eq!(as_user(redis.url_of("app", "app-password")), Ok(None));
    let full = redis.try_command(&["SET", "key", "value"]).unwrap_err();
    assert_eq!(full.code(), Some("OOM"));
}

#[test]
fn a_date_is_moved_while_the_server_runs() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::options().with_clock().start();
    let before = date(&redis);
    redis.command(&["SET", "key", "value", "EX", "1800"]);
    redis.clock().back(3600 * SECOND);
    assert!((-3600..-3590).contains(&(date(&redis) - before)));
    assert!(redis.text(&["PTTL", "key"]).parse::<i64>().unwrap() > 5_000_000);
    redis.clock().forward(2 * 3600 * SECOND);
    assert!((3600..3610).contains(&(date(&redis) - before)));
    assert_eq!(redis.text(&["GET", "key"]), "", "it has expired");
    redis.clock().reset();
    assert!((0..10).contains(&(date(&redis) - before)));
}

#[test]
fn a_monitor_and_a_dump_show_what_was_written() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::options().password("main-password").start();
    let monitor = redis.monitor();
    let value = "a value that is long and long and long enough for compression";
    redis.command(&["SET", "figma:1", value, "EX", "100"]);
    redis.command(&["EVAL", "return redis.call('SET', KEYS[1], 'x')", "1", "figma:2"]);
    let lines = monitor.lines_until_now(&redis);
    assert!(lines.iter().any(|line| line.contains(r#""SET" "figma:1""#)), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("lua") && line.contains("figma:2")));
    assert!(redis.dump().windows(value.len()).any(|bytes| bytes == value.as_bytes()));
    let memory = redis.memory_of("figma:");
    assert_eq!((memory.keys, memory.without_expiry), (2, vec!["figma:2".to_owned()]));
    assert!(memory.bytes > 100 && redis.used_memory() > memory.bytes);
}

#[test]
fn a_replica_has_the_data_and_is_promoted() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let master = Redis::options().password("main-password").start();
    master.command(&["SET", "key", "value"]);
    let replica = master.replica();
    assert_eq!(replica.text(&["GET", "key"]), "value");
    let refused = replica.try_command(&["SET", "key", "other"]).unwrap_err();
    assert_eq!(refused.code(), Some("READONLY"));
    replica.promote();
    replica.command(&["SET", "key", "other"]);
}

#[test]
fn a_cluster_serves_all_slots_and_survives_a_master() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let cluster = Cluster::start();
    let master = cluster.master_of("{a}key");
    master.command(&["SET", "{a}key", "value"]);
    assert_eq!(master.text(&["WAIT", "1", "5000"]), "1");
    let moved = cluster.stranger_to("{a}key").try_command(&["GET", "{a}key"]).unwrap_err();
    assert_eq!(moved.code(), Some("MOVED"));
    master.kill();
    let (dead, promoted) = (master.port(), cluster.master_of("{a}key"));
    assert_ne!(promoted.port(), dead);
    assert_eq!(promoted.text(&["GET", "{a}key"]), "value");
}

#[test]
fn sentinels_promote_a_replica() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let master = Redis::start();
    let replica = master.replica();
    let sentinels = Sentinels::start("main", &master, 1);
    sentinels.wait_for(&master);
    master.kill();
    sentinels.wait_for(&replica);
    assert!(replica.is_master());
}

#[test]
fn a_redis_speaks_tls_too() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::options().tls(Certificate::for_loopback()).start();
    let port = redis.tls_url().rsplit_once(':').unwrap().1.parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // Not a greeting of TLS, so it is answered with an alert, and closed.
    stream.write_all(b"PING\r\n\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"+PONG"));
    assert_eq!(redis.text(&["PING"]), "PONG");
}

/// Asks through the proxy. `None` if the connection ends before the answer.
fn get(stream: &mut TcpStream, length: usize) -> Option<Duration> {
    let begin = Instant::now();
    stream.write_all(b"GET key\r\n").ok()?;
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer).ok()?;
    Some(begin.elapsed())
}

#[test]
fn a_network_gets_worse() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let redis = Redis::start();
    redis.command(&["SET", "key", "0123456789"]);
    let length = "$10\r\n0123456789\r\n".len();
    let proxy = Proxy::before(redis.port());
    let connect = || TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let mut stream = connect();
    assert!(get(&mut stream, length).unwrap() < SECOND / 20);

    proxy.set(Network::Slow { round_trip: SECOND / 10 });
    let slow = get(&mut stream, length).unwrap();
    assert!(slow > SECOND / 11 && slow < SECOND / 5, "{slow:?}");

    proxy.set(Network::Trickle { pause: SECOND / 100 });
    let trickled = get(&mut stream, length).unwrap();
    assert!(trickled > SECOND / 100 * (length as u32 - 1), "{trickled:?}");

    proxy.set(Network::Silent);
    let opened = thread::scope(|scope| {
        let answered = scope.spawn(|| get(&mut stream, length).unwrap());
        thread::sleep(SECOND / 5);
        assert!(!answered.is_finished());
        proxy.set(Network::Good);
        answered.join().unwrap()
    });
    assert!(opened > SECOND / 6, "{opened:?}");

    proxy.set(Network::Cut { after: 20 });
    let mut fresh = connect();
    assert!(get(&mut fresh, length).is_some());
    assert!(get(&mut fresh, length).is_none(), "cut in the middle of the second answer");

    proxy.set(Network::Refuse);
    let closed = || get(&mut connect(), length).is_none();
    wait::until_so("connections are refused", SECOND, closed);
    assert!(get(&mut stream, length).is_none(), "open ones are closed");
}

fn get_user(user: u64) -> Order {
    Order::Ask { how: How::Get, question: Question::User(user) }
}

#[test]
fn processes_without_a_redis_ask_for_themselves() {
    let _turn = turn::together();
    let figma = Figma::start();
    let gate = figma.hold();
    let settings = [1, 2].map(|number| Settings::alone(format!("p{number}"), figma.base_url()));
    let mut processes = Process::start_all(WORKER, &settings);
    let question = Question::User(7);
    let order = Order::AskTogether { callers: 50, how: How::Get, question };
    let given: Vec<_> = processes.iter_mut().map(|process| process.order(&order)).collect();
    for (process, order) in processes.iter().zip(&given) {
        assert!(matches!(process.report(*order, PATIENCE), Report::Asked));
    }
    figma.wait_for(2, PATIENCE);
    gate.open();
    for (process, order) in processes.iter().zip(&given) {
        let Report::Load(load) = process.report(*order, PATIENCE) else { panic!("no load") };
        assert_eq!((load.statuses["PAID"], load.errors()), (50, 0));
    }
    let counts = by_process(&figma.arrivals());
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("p1".into(), 1), ("p2".into(), 1)]);
}

#[test]
fn a_process_is_killed_or_ends_when_it_is_told_nothing_more() {
    let _turn = turn::together();
    let figma = Figma::start();
    let mut killed = Process::start(WORKER, &Settings::alone("killed", figma.base_url()));
    let ended = Process::start(WORKER, &Settings::alone("ended", figma.base_url()));
    let gate = figma.hold();
    killed.order(&get_user(1));
    figma.wait_for(1, PATIENCE);
    killed.kill();
    gate.open();
    ended.end();
    let refused = Process::try_start(WORKER, &Settings::alone("refused", "no URL")).unwrap_err();
    assert_eq!(refused.kind, "configuration");
}

#[test]
fn figma_limits_by_a_leaky_bucket_and_says_which_request_an_answer_is_from() {
    let _turn = turn::together();
    let figma = Figma::start();
    figma.limit_by_user(Some(Bucket { size: 3.0, per_minute: 60.0 }));
    figma.set(4, About::Status("UNPAID"));
    let mut process = Process::start(WORKER, &Settings::alone("p", figma.base_url()));
    let first = process.ask(&get_user(1)).unwrap();
    assert_eq!((&*first.status, &*first.source, first.grants_access), ("PAID", "fresh", true));
    let again = process.ask(&get_user(1)).unwrap();
    assert_eq!((&*again.source, &again.date), ("cached", &first.date));
    assert_eq!(When::parse(&again.date).unwrap().number, 1);
    assert_eq!(process.ask(&get_user(4)).unwrap().status, "UNPAID");
    process.ask(&get_user(3)).unwrap();
    let refused = process.ask(&get_user(5)).unwrap_err();
    assert_eq!((&*refused.kind, refused.attempts), ("rate_limited", 1));
    let statuses: Vec<_> = figma.arrivals().iter().map(|arrival| arrival.status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    figma.limit_by_user(None);
    figma.accept_token("ppt & token/é", 9);
    // The 429 holds up questions by user only.
    let question = Question::Token("ppt & token/é".to_owned());
    let by_token = process.ask(&Order::Ask { how: How::Call, question }).unwrap();
    assert_eq!(When::parse(&by_token.date).unwrap().number, 5);
    assert_eq!(figma.arrivals()[4].user, "9");
}

#[test]
fn a_load_counts_answers_by_source_and_knows_how_old_they_were() {
    let _turn = turn::together();
    let figma = Figma::start();
    let settings = Settings::alone("p", figma.base_url());
    let settings = Settings { paid_ttl_ms: 300, ..settings };
    let mut process = Process::start(WORKER, &settings);
    let order = Order::Load {
        callers: 8,
        how: How::Get,
        first_user: 1,
        users: 4,
        for_ms: 1000,
        rest_ms: 1,
    };
    let Report::Load(load) = process.run(&order) else { panic!("no load") };
    let fresh = load.sources["fresh"];
    assert_eq!((load.errors(), load.times.count()), (0, load.statuses["PAID"]));
    assert!(figma.count() as u64 <= fresh && (8..=24).contains(&figma.count()), "{load:?}");
    assert!((200..=300).contains(&load.oldest_ms), "{load:?}");
}
