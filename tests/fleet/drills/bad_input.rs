//! What is set wrongly is an error that says what to write instead, and never the password.

use fleet::figma::Figma;
use fleet::process::Process;
use fleet::protocol::Settings;
use fleet::redis_server::Redis;
use fleet::turn;

use crate::common::WORKER;

const PASSWORD: &str = "a-password-of-the-drill";

#[test]
fn wrong_settings_are_refused_in_words_that_help() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let figma = Figma::start();
    let redis = Redis::options().password("right").user("app", "right", "~figma:* +@all");
    let redis = redis.start();
    let address = redis.address();
    let with_password = |scheme: &str| format!("{scheme}://:{PASSWORD}@{address}");
    let right = format!("redis://app:right@{address}");
    let rows = [
        ("a wrong password", with_password("redis"), "acme", "password"),
        ("no password", format!("redis://{address}"), "acme", "password"),
        ("an unknown user", format!("redis://nobody:{PASSWORD}@{address}"), "acme", "password"),
        ("another scheme", with_password("http"), "acme", "redis://"),
        ("no scheme", format!(":{PASSWORD}@{address}"), "acme", "redis://"),
        ("a socket", format!("redis+unix:///{PASSWORD}"), "acme", "redis://"),
        (
            "a database that is none",
            format!("redis://:{PASSWORD}@{address}/main"),
            "acme",
            "redis://",
        ),
        ("a database that is not there", format!("{right}/99"), "acme", "database"),
        ("an empty namespace", right.clone(), "", "acme"),
        ("a brace", right.clone(), "a{b", "letters"),
        ("another brace", right.clone(), "a}b", "letters"),
        ("a space", right.clone(), "a b", "letters"),
        ("a line", right.clone(), "a\nb", "letters"),
        ("a long namespace", right.clone(), &"a".repeat(65), "short name"),
    ];
    for (name, url, namespace, advice) in &rows {
        let settings = Settings::sharing("p", figma.base_url(), url, namespace);
        let refused = Process::try_start(WORKER, &settings);
        let refused = refused.err().unwrap_or_else(|| panic!("{name} is not refused"));
        println!("{name}: {}", refused.message);
        assert_eq!(refused.kind, "configuration", "{name}: {refused:?}");
        assert!(refused.message.contains(advice), "{name}: {refused:?}");
        let text = format!("{refused:?}");
        assert!(!text.contains(PASSWORD) && !text.contains("right@"), "{name}: {text}");
    }
    let settings = Settings::sharing("p", figma.base_url(), &right, "acme");
    Process::start(WORKER, &settings).end();
}

/// An outage of Redis must not stop a program from starting.
#[test]
fn a_redis_that_is_away_is_no_error() {
    if !Redis::available() {
        return;
    }
    let _turn = turn::together();
    let (redis, figma) = (Redis::start(), Figma::start());
    redis.kill();
    let process =
        Process::start(WORKER, &Settings::sharing("p", figma.base_url(), redis.url(), "acme"));
    assert!(process.log().contains("Redis cannot be used"), "{}", process.log());
    assert!(!process.log().contains("panicked"));
}
