//! The summary at the end of a run.

use std::sync::atomic::Ordering::Relaxed;

use figma_payments::Resource;
use indicatif::HumanCount;

use super::console::Progress;
use super::status_counts::StatusCounts;
use super::user_queue::InputCounts;

/// The last lines that a run prints. `previous` counts the answers of earlier runs.
pub fn summary(
    progress: &Progress,
    counts: &InputCounts,
    previous: StatusCounts,
    path: &str,
    resource: &Resource,
) -> String {
    let all = previous + progress.answers;
    let mut text = String::new();
    for (what, count) in [
        ("paid", all.paid),
        ("trial", all.trial),
        ("unpaid", all.unpaid),
        ("other", all.other),
        ("failed", progress.failed),
    ] {
        if count > 0 || what != "other" {
            text += &format!("  {what:<8}{:>12}\n", HumanCount(count).to_string());
        }
    }
    text += &format!(
        "{path} has {} about {resource}; {} of them new.",
        number(all.total(), "answer"),
        HumanCount(progress.answers.total()),
    );
    let answered_before = counts.answered_before.load(Relaxed);
    let repeated = counts.repeated.load(Relaxed);
    let invalid = counts.invalid.load(Relaxed);
    for (count, what) in [
        (answered_before, format!("{} had an answer before.", number(answered_before, "user"))),
        (repeated, format!("{} repeated a user.", number(repeated, "line"))),
        (invalid, format!("{} had no user id.", number(invalid, "line"))),
    ] {
        if count > 0 {
            text += &format!("\n{what}");
        }
    }
    let left = counts.to_ask.load(Relaxed).saturating_sub(progress.answers.total());
    if left > 0 {
        let users = number(left, "user");
        text +=
            &format!("\n{users} without an answer; run the same command again to ask about them.");
    }
    text
}

/// The line after them if the run has shared the limit. `failure` is why Redis could not be
/// used for a while.
pub fn shared_summary(namespace: &str, failure: Option<&str>) -> String {
    let shared =
        format!("The rate limit and the answers were shared with the processes of {namespace}");
    match failure {
        None => format!("{shared}."),
        Some(why) => format!(
            "{shared}, but not while Redis could not be used ({why}): they do not have the answers of that time."
        ),
    }
}

/// For instance `1 user`, or `2,000 users`.
pub fn number(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", HumanCount(count))
}
