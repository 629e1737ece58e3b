//! How the processes are doing, as a table or as JSON.

use std::time::Duration;

use figma_payments::{Error, FleetStatus, LimitStatus};
use humantime::format_duration;
use indicatif::HumanCount;
use serde_json::{Value, json};

use crate::remedy;
use crate::wording;

/// A row of the table of limits.
type Row = (&'static str, fn(&LimitStatus) -> String);

const ROWS: [Row; 5] = [
    ("limit set", |limit| per_minute(limit.set.map(f64::from))),
    ("limit in force", |limit| per_minute(limit.in_force)),
    ("pause after a 429", |limit| limit.pause.map_or("no".to_owned(), pause)),
    ("callers waiting", |limit| count(limit.waiting)),
    ("calls in the last minute", |limit| count(limit.last_minute)),
];

/// The table.
pub fn as_lines(status: &FleetStatus, namespace: &str, server: &str) -> Vec<String> {
    let sharing = match status.sharing {
        true => "on",
        false => "off: each process goes on alone",
    };
    let mut lines = vec![
        format!("{namespace}, asking {server}"),
        String::new(),
        format!("{:26}{sharing}", "sharing"),
        format!("{:26}{}", "processes", count(status.processes)),
        format!("{:26}{}", "answers kept", HumanCount(status.answers)),
        String::new(),
        format!("{:26}{:18}by payment token", "", "by user"),
    ];
    lines.extend(ROWS.map(|(name, value)| {
        format!("{name:26}{:18}{}", value(&status.by_user), value(&status.by_token))
    }));
    lines
}

/// For scripts.
pub fn as_json(status: &FleetStatus, namespace: &str, server: &str) -> Value {
    json!({
        "namespace": namespace,
        "server": server,
        "sharing": status.sharing,
        "processes": status.processes,
        "answers": status.answers,
        "by_user": limit_as_json(&status.by_user),
        "by_token": limit_as_json(&status.by_token),
    })
}

fn limit_as_json(limit: &LimitStatus) -> Value {
    json!({
        "limit_set": limit.set,
        "limit_in_force": limit.in_force,
        "pause_seconds": limit.pause.map(|pause| pause.as_secs_f64()),
        "waiting": limit.waiting,
        "calls_in_last_minute": limit.last_minute,
    })
}

/// As `check --json` prints an error.
pub fn error_as_json(error: &Error) -> Value {
    json!({ "error": {
        "kind": error.kind().as_str(),
        "message": wording::text(error),
        "remedy": remedy::REDIS,
    } })
}

fn per_minute(limit: Option<f64>) -> String {
    limit.map_or("none".to_owned(), |limit| format!("{} a minute", (limit * 10.0).round() / 10.0))
}

fn pause(left: Duration) -> String {
    format!("{} left", format_duration(Duration::from_secs(left.as_secs_f64().ceil() as u64)))
}

fn count(number: u32) -> String {
    HumanCount(number.into()).to_string()
}
