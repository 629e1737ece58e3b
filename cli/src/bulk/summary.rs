//! What a run has come to.

use std::sync::atomic::Ordering::Relaxed;

use figma_payments::Resource;
use indicatif::HumanCount;

use super::console::Progress;
use super::status_counts::Tally;
use super::user_queue::Counts;

/// The last lines of a run. `earlier` are the answers from before.
pub fn summary(
    progress: &Progress,
    counts: &Counts,
    earlier: Tally,
    path: &str,
    resource: &Resource,
) -> String {
    let all = earlier + progress.answers;
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
        "{path} has {} about {resource}, {} of them new.",
        number(all.answers(), "answer"),
        HumanCount(progress.answers.answers()),
    );
    let (repeated, invalid) = (counts.repeated.load(Relaxed), counts.invalid.load(Relaxed));
    let before = counts.answered_before.load(Relaxed);
    for (count, what) in [
        (before, format!("{} had an answer before.", number(before, "user"))),
        (repeated, format!("{} gave a user again.", number(repeated, "line"))),
        (invalid, format!("{} had no user id.", number(invalid, "line"))),
    ] {
        if count > 0 {
            text += &format!("\n{what}");
        }
    }
    let left = counts.to_ask.load(Relaxed).saturating_sub(progress.answers.answers());
    if left > 0 {
        let users = number(left, "user");
        text +=
            &format!("\n{users} without an answer; the same command, run again, asks about them.");
    }
    text
}

fn number(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", HumanCount(count))
}
