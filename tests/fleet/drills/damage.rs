//! Damaged values: nothing in Redis makes a yes that Figma did not give.

use std::collections::BTreeSet;

use fleet::figma::{About, Figma, PLUGIN};
use fleet::process::{PATIENCE, Process};
use fleet::protocol::{How, Order, Question, Report, Settings};
use fleet::redis_server::Redis;
use fleet::{turn, wait};
use redis::Connection;

use crate::common::{PREFIX, ask, ask_by_token, kept, kept_about, settings, start_with};

const SECRET: &str = "a secret of the drill that is long enough";
const OTHER_SECRET: &str = "another secret that is long enough, too";

/// Two processes, a Redis, and what another server and another secret have written.
struct Scene {
    redis: Redis,
    figma: Figma,
    writer: Process,
    /// Has read nothing yet of what is damaged.
    reader: Process,
    users: u64,
    /// An answer with access about somebody else, and its ticket is good.
    others: Vec<u8>,
    /// One that another server gave, about the user of each row.
    server: Vec<u8>,
}

/// What is done to a value.
type Damage = fn(&Parts) -> Vec<u8>;

/// A value, and what it may be mixed up with.
struct Parts<'a> {
    value: &'a [u8],
    others: &'a [u8],
    server: &'a [u8],
    user: u64,
    key: &'a str,
}

impl Parts<'_> {
    /// Format, begin of the order, ticket, and the rest.
    fn fields(&self) -> [Vec<u8>; 4] {
        let mut fields = self.value.splitn(4, |byte| *byte == b' ').map(<[u8]>::to_vec);
        [(); 4].map(|()| fields.next().expect("a value has four fields"))
    }

    /// With another field instead.
    fn with(&self, at: usize, field: impl AsRef<[u8]>) -> Vec<u8> {
        let mut fields = self.fields();
        fields[at] = field.as_ref().to_vec();
        fields.join(&b' ')
    }

    fn number(&self, at: usize) -> i64 {
        String::from_utf8(self.fields()[at].clone()).unwrap().parse().unwrap()
    }

    fn moved(&self, at: usize, by: i64) -> Vec<u8> {
        self.with(at, (self.number(at) + by).to_string())
    }

    /// With this text replaced in it.
    fn replaced(&self, from: &str, to: &str) -> Vec<u8> {
        let text = String::from_utf8_lossy(self.value);
        assert!(text.contains(from), "{from} in {text}");
        text.replace(from, to).into_bytes()
    }

    fn flipped(&self, from_end: usize) -> Vec<u8> {
        let mut value = self.value.to_vec();
        let at = value.len() - 1 - from_end;
        value[at] ^= 1;
        value
    }

    fn cut(&self, length: usize) -> Vec<u8> {
        self.value[..length.min(self.value.len())].to_vec()
    }

    /// An answer with access about this user, as it is without a secret.
    fn by_hand(&self) -> Vec<u8> {
        let server = self.key.strip_prefix(PREFIX).and_then(|key| key.split(':').next()).unwrap();
        let user = self.user;
        let text = format!("{server} PAID {user} PLUGIN {PLUGIN} ;");
        self.with(3, text)
    }
}

const HOUR: i64 = 3_600_000_000;

/// Damage to an answer, with and without a secret.
const ANY: &[(&str, Damage)] = &[
    ("of another user", |it| it.others.to_vec()),
    ("empty", |_| Vec::new()),
    ("one byte", |it| it.cut(1)),
    ("only a format", |it| it.cut(2)),
    ("cut in the begin", |it| it.cut(8)),
    ("cut in the ticket", |it| it.cut(24)),
    ("without an answer", |it| it.cut(36)),
    ("cut in the answer", |it| it.cut(60)),
    ("without the last byte", |it| it.cut(it.value.len() - 1)),
    ("with one more byte", |it| [it.value, b"x"].concat()),
    ("huge", |it| [it.value, &vec![b'x'; 20_000_000]].concat()),
    ("huge without an end", |it| it.with(3, "[".repeat(5_000_000))),
    ("binary", |_| (0..=255).cycle().take(5_000).collect()),
    ("zeros", |it| vec![0; it.value.len()]),
    ("spaces", |it| vec![b' '; it.value.len()]),
    ("twice", |it| [it.value, it.value].concat()),
    ("of the future", |it| it.moved(2, HOUR)),
    ("of the far future", |it| it.with(2, u64::MAX.to_string())),
    ("of the past", |it| it.moved(2, -HOUR)),
    ("of an order before", |it| it.moved(1, -1)),
    ("of an order to come", |it| it.moved(1, 1)),
    ("of no order", |it| it.with(1, "0")),
    ("of an older format", |it| it.with(0, "0")),
    ("of a newer format", |it| it.with(0, "2")),
    ("of a format with a name", |it| it.with(0, "v1")),
    ("of a large format", |it| it.with(0, "4294967297")),
    ("with a ticket in words", |it| it.with(2, "now")),
    ("with a ticket below zero", |it| it.moved(2, i64::MIN / 2)),
    ("of another server", |it| it.server.to_vec()),
    ("an object", |it| it.with(3, r#"{"status":"PAID"}"#)),
    ("null", |it| it.with(3, "null")),
];

/// Damage to an answer that can be read.
const OPEN: &[(&str, Damage)] = &[
    ("about another plugin", |it| it.replaced(PLUGIN, "999")),
    ("about a widget", |it| it.replaced("PLUGIN", "WIDGET")),
    ("an unknown status", |it| it.replaced("PAID", "PAYED")),
    ("a status in small letters", |it| it.replaced("PAID", "paid")),
    ("without a server", |it| it.replaced(" PAID", "PAID")),
    ("with a field less", |it| it.replaced("PAID ", "")),
    ("without its end", |it| it.replaced(";", "")),
];

/// What somebody does by hand who does not know the secret.
const SEALED: &[(&str, Damage)] = &[
    ("forged by hand", |it| it.by_hand()),
    ("forged as somebody's nonce", |it| it.with(3, [&[0; 12], &it.by_hand()[..]].concat())),
    ("a bit of the nonce", |it| it.flipped(it.value.len() - 1 - 36)),
    ("a bit of the answer", |it| it.flipped(30)),
    ("a bit of the tag", |it| it.flipped(0)),
    ("a younger ticket", |it| it.moved(2, 1)),
    ("the ticket of another", |it| {
        let other = Parts { value: it.others, ..*it };
        it.with(2, &other.fields()[2])
    }),
    ("the answer of another", |it| {
        let other = Parts { value: it.others, ..*it };
        it.with(3, &other.fields()[3])
    }),
    ("nothing but a tag", |it| it.with(3, [0; 28])),
    ("nothing but a nonce", |it| it.with(3, [0; 12])),
];

fn set(connection: &mut Connection, key: &str, value: &[u8]) {
    redis::cmd("SET").arg(key).arg(value).arg("PX").arg(600_000).exec(connection).unwrap();
}

fn get(connection: &mut Connection, key: &str) -> Vec<u8> {
    redis::cmd("GET").arg(key).query(connection).unwrap()
}

impl Scene {
    fn new(secret: Option<&str>) -> Self {
        let (redis, figma, elsewhere) = (Redis::start(), Figma::start(), Figma::start());
        let start = |figma: &Figma, secret: Option<&str>| {
            let url = redis.url();
            start_with(2, |number| {
                let mut settings = settings(number, figma, &url);
                let shared = settings.redis.as_mut().expect("it shares");
                shared.secret = secret.map(str::to_owned);
                // A machine that is busy is not what is tried here.
                shared.timeout_ms = Some(5_000);
                Settings { paid_ttl_ms: 1_200_000, ..settings }
            })
        };
        let mut writers = start(&elsewhere, secret.map(|_| OTHER_SECRET));
        ask(&mut writers[0], How::Get, 1_000).unwrap();
        let server = answers(&redis).pop_first().expect("the answer is kept");
        let server = get(&mut redis.connection(), &server);
        drop(writers);
        let [writer, reader] = <[Process; 2]>::try_from(start(&figma, secret)).unwrap();
        let mut scene =
            Scene { redis, figma, writer, reader, users: 1_000, others: Vec::new(), server };
        let (_, key) = scene.kept_answer();
        scene.others = get(&mut scene.redis.connection(), &key);
        scene
    }

    /// A user who had paid, whom Figma gives no access any more. Answers the key as well.
    fn kept_answer(&mut self) -> (u64, String) {
        self.users += 1;
        let before = answers(&self.redis);
        assert!(ask(&mut self.writer, How::Get, self.users).unwrap().grants_access);
        self.figma.set(self.users, About::Status("UNPAID"));
        let added = answers(&self.redis);
        let mut added = added.difference(&before);
        (self.users, added.next().expect("the answer is kept").clone())
    }

    /// No yes is given, and what Figma says is.
    fn assert_no_yes(&mut self, name: &str, user: u64) {
        let kept = kept_about(&mut self.reader, user);
        assert!(kept.is_none_or(|it| !it.grants_access), "{name}: a yes that is not true");
        let asked = ask(&mut self.reader, How::Get, user);
        let asked = asked.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((&*asked.status, asked.grants_access), ("UNPAID", false), "{name}");
    }

    fn drill(&mut self, damages: &[(&str, Damage)]) -> usize {
        let mut connection = self.redis.connection();
        let (user, _) = self.kept_answer();
        let kept = kept_about(&mut self.reader, user);
        assert!(kept.is_some_and(|it| it.grants_access), "what is not damaged counts");
        for (name, damage) in damages {
            let (user, key) = self.kept_answer();
            let value = get(&mut connection, &key);
            let server =
                String::from_utf8_lossy(&self.server).replace("\"1000\"", &format!("\"{user}\""));
            let parts = Parts {
                value: &value,
                others: &self.others,
                server: if server.contains("PAID") { server.as_bytes() } else { &self.server },
                user,
                key: &key,
            };
            let damaged = damage(&parts);
            assert_ne!(damaged, value, "{name}");
            set(&mut connection, &key, &damaged);
            self.assert_no_yes(name, user);
        }
        damages.len()
    }

    /// Keys of other types, where an answer or a payment token belongs.
    fn drill_types(&mut self) -> usize {
        let types: [&[&str]; 5] = [
            &["LPUSH", "PAID"],
            &["HSET", "PAID", "1"],
            &["SADD", "PAID"],
            &["ZADD", "1", "PAID"],
            &["XADD", "*", "PAID", "1"],
        ];
        for words in types {
            let (user, key) = self.kept_answer();
            self.redis.command(&["DEL", &key]);
            self.redis.command(&[&[words[0], &key], &words[1..]].concat());
            self.assert_no_yes(words[0], user);
        }
        types.len()
    }

    /// A payment token that leads to somebody else.
    fn drill_tokens(&mut self) -> usize {
        let mut connection = self.redis.connection();
        let (paid, _) = self.kept_answer();
        self.figma.set(paid, About::Status("PAID"));
        // The value, that of a token of somebody who has paid, and this user.
        type Damage = fn(&[u8], &[u8], u64) -> Vec<u8>;
        let damages: [(&str, Damage); 7] = [
            ("of another token", |_, other, _| other.to_vec()),
            ("empty", |_, _, _| Vec::new()),
            ("cut", |value, _, _| value[..value.len() / 2].to_vec()),
            ("binary", |_, _, _| vec![255; 100]),
            ("huge", |value, _, _| [value, &vec![b'x'; 5_000_000]].concat()),
            ("with another user alone", |_, _, user| {
                format!("{user} PLUGIN {PLUGIN}").into_bytes()
            }),
            ("with a user who is none", |value, _, _| [b"x", value].concat()),
        ];
        let mut tokens = BTreeSet::new();
        let mut others = Vec::new();
        for (number, (name, damage)) in damages.iter().enumerate() {
            for (token, user) in [
                (format!("ppt-other-{number}"), paid),
                (format!("ppt-{number}"), 500 + number as u64),
            ] {
                self.figma.accept_token(&token, user);
                assert!(ask_by_token(&mut self.writer, How::Get, &token).unwrap().grants_access);
                let all = self.keys("token:");
                let key = all.difference(&tokens).next().expect("a token is kept").clone();
                let value = get(&mut connection, &key);
                if user == paid {
                    others = value;
                } else {
                    self.figma.set(user, About::Status("UNPAID"));
                    set(&mut connection, &key, &damage(&value, &others, paid));
                    let question = Question::Token(token.clone());
                    let kept = kept(&mut self.reader, question);
                    assert!(kept.is_none_or(|it| !it.grants_access), "token {name}");
                    let asked = ask_by_token(&mut self.reader, How::Get, &token).unwrap();
                    assert_eq!(asked.status, "UNPAID", "token {name}");
                }
                tokens = all;
            }
        }
        damages.len()
    }

    /// What is handed on to those who wait for an answer.
    fn drill_leases(&mut self) -> usize {
        let mut connection = self.redis.connection();
        let lease_of_answer = |key: &str| key.replace(":answer:", ":lease:");
        let others = self.others.clone();
        let hands: [(&str, Vec<u8>); 6] = [
            ("somebody's answer", [b"holder 1 ", &others[..]].concat()),
            ("nothing", b"holder ".to_vec()),
            ("half an answer", [b"holder 1 ", &others[..50]].concat()),
            ("no format", [b"holder 1 ", &others[2..]].concat()),
            ("binary", b"holder \x00\xff\x01 1 1 1".to_vec()),
            ("a lot", [b"holder 1 ", &others[..], &vec![b'x'; 5_000_000]].concat()),
        ];
        for (name, handed) in &hands {
            let (user, key) = self.kept_answer();
            self.redis.command(&["DEL", &key]);
            let lease = lease_of_answer(&key);
            self.redis.command(&["SET", &lease, "holder", "PX", "3000"]);
            let monitor = self.redis.monitor();
            let question = Question::User(user);
            let order = self.reader.order(&Order::Ask { how: How::Get, question });
            wait::until_so("it waits for the lease", PATIENCE, || {
                monitor.lines().iter().any(|line| {
                    line.contains("EVALSHA") && line.contains(&lease) && line.contains("\"holder\"")
                })
            });
            set(&mut connection, &lease, handed);
            let Report::Answer(Ok(answer)) = self.reader.report(order, PATIENCE) else {
                panic!("{name}: no answer")
            };
            assert_eq!((&*answer.status, answer.grants_access), ("UNPAID", false), "{name}");
        }
        // Of another type, and one that nobody will give back.
        for words in [["LPUSH", "holder"], ["SADD", "holder"], ["SET", "holder"]] {
            let (user, key) = self.kept_answer();
            let lease = lease_of_answer(&key);
            self.redis.command(&["DEL", &key, &lease]);
            self.redis.command(&[words[0], &lease, words[1]]);
            self.assert_no_yes(words[0], user);
        }
        hands.len() + 3
    }

    /// The order itself: what was kept before does not count any more.
    fn drill_order(&mut self) -> usize {
        let (_, answer) = self.kept_answer();
        let (prefix, _) = answer.split_once("answer:").expect("it is the key of an answer");
        let order = format!("{prefix}order");
        let damages: [(&str, Vec<Vec<&str>>); 9] = [
            ("gone", vec![vec!["DEL", &order]]),
            ("a text", vec![vec!["SET", &order, "1"]]),
            ("a list", vec![vec!["DEL", &order], vec!["LPUSH", &order, "1"]]),
            ("without its begin", vec![vec!["ZREM", &order, "@"]]),
            ("without a ticket", vec![vec!["ZREM", &order, "#"]]),
            ("without a floor", vec![vec!["ZREM", &order, ""]]),
            ("without end", vec![vec!["ZADD", &order, "inf", "#"]]),
            ("below zero", vec![vec!["ZADD", &order, "-5", ""]]),
            ("too large", vec![vec!["ZADD", &order, "1e300", "@"]]),
        ];
        for (name, commands) in &damages {
            let (user, _) = self.kept_answer();
            for words in commands {
                self.redis.command(words);
            }
            // Each process notices with its next beat, a second later at most.
            wait::until_so(&format!("{name}: the order begins anew"), PATIENCE, || {
                kept_about(&mut self.reader, user).is_none()
            });
            self.assert_no_yes(name, user);
            let (user, _) = self.kept_answer();
            wait::until_so("answers are kept again", PATIENCE, || {
                kept_about(&mut self.reader, user).is_some_and(|it| it.grants_access)
            });
        }
        damages.len()
    }

    fn keys(&self, kind: &str) -> BTreeSet<String> {
        let keys = self.redis.keys(PREFIX).into_iter();
        keys.filter(|key| {
            key[PREFIX.len()..].split_once(':').is_some_and(|(_, it)| it.starts_with(kind))
        })
        .collect()
    }
}

fn answers(redis: &Redis) -> BTreeSet<String> {
    redis.keys(PREFIX).into_iter().filter(|key| key.contains(":answer:")).collect()
}

#[test]
fn damaged_values_give_no_yes() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let mut scene = Scene::new(None);
    let answers = scene.drill(ANY) + scene.drill(OPEN) + scene.drill_types();
    let (tokens, leases) = (scene.drill_tokens(), scene.drill_leases());
    let orders = scene.drill_order();
    println!(
        "damaged: {answers} answers, {tokens} tokens, {leases} leases, {orders} orders; no yes"
    );
    assert!(answers + tokens + leases + orders >= 30);
}

#[test]
fn sealed_values_cannot_be_forged() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let mut scene = Scene::new(Some(SECRET));
    let answers = scene.drill(ANY) + scene.drill(SEALED) + scene.drill_types();
    let tokens = scene.drill_tokens();
    println!("sealed: {answers} answers, {tokens} tokens; no yes");
}
