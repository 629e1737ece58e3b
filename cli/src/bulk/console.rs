//! What a person sees meanwhile: a bar on a terminal, a line a minute elsewhere.

use std::time::Duration;

use humantime::format_duration;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::status_counts::Tally;
use crate::exit::say;

const BAR: &str = "{wide_bar:.green/dim} {human_pos} of {human_len}\n{msg}";
const SPINNER: &str = "{spinner} {human_pos} so far, and the input goes on\n{msg}";

/// Standard error, with a bar if it is a terminal. Clones share it.
#[derive(Debug, Clone)]
pub struct Console(Option<ProgressBar>);

/// How far it has come.
#[derive(Debug)]
pub struct Progress {
    pub elapsed: Duration,
    /// Answers of this run.
    pub answers: Tally,
    pub failed: u64,
    /// How many there are to ask about, once that is known.
    pub total: Option<u64>,
    /// How often Figma said that it was asked too fast.
    pub rate_limited: u64,
}

impl Console {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if bar.is_hidden() {
            return Console(None);
        }
        bar.set_style(style(SPINNER));
        Console(Some(bar))
    }

    /// How often to show progress.
    pub fn period(&self) -> Duration {
        Duration::from_secs(if self.0.is_some() { 1 } else { 60 })
    }

    /// Writes above the bar.
    pub fn say(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    pub fn show(&self, progress: &Progress) {
        let Some(bar) = &self.0 else {
            let total =
                progress.total.map_or(String::new(), |total| format!(" of {}", HumanCount(total)));
            say(&format!("{}{total} done; {}", HumanCount(progress.done()), progress.in_words()));
            return;
        };
        if let (None, Some(total)) = (bar.length(), progress.total) {
            bar.set_length(total);
            bar.set_style(style(BAR));
        }
        bar.set_position(progress.done());
        bar.set_message(progress.in_words());
        bar.tick();
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("a constant template");
    style.progress_chars("━━╌")
}

impl Progress {
    fn done(&self) -> u64 {
        self.answers.answers() + self.failed
    }

    fn in_words(&self) -> String {
        let Tally { paid, trial, unpaid, other } = self.answers;
        let counts = [
            (paid, "paid"),
            (trial, "trial"),
            (unpaid, "unpaid"),
            (other, "other"),
            (self.failed, "failed"),
            (self.rate_limited, "times told to slow down"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{} {what}", HumanCount(count)));
        self.pace().into_iter().chain(counts).collect::<Vec<_>>().join(", ")
    }

    /// The rate and the time left.
    fn pace(&self) -> Option<String> {
        let per_second = self.done() as f64 / self.elapsed.as_secs_f64();
        if self.done() == 0 || !per_second.is_normal() {
            return None;
        }
        let rate = format!("{} a minute", HumanCount((per_second * 60.0).round() as u64));
        let left = self.total.map(|total| total.saturating_sub(self.done()) as f64 / per_second);
        Some(match left {
            Some(seconds) => format!("{rate}, {} left", time(seconds)),
            None => rate,
        })
    }
}

/// As precisely as it is known: to the second at the end, else to the minute.
fn time(seconds: f64) -> String {
    let step = if seconds > 600.0 { 60 } else { 1 };
    format_duration(Duration::from_secs(seconds.ceil() as u64 / step * step)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_fast_and_how_long() {
        let answers = Tally { paid: 1_200, trial: 12, unpaid: 28, other: 0 };
        let elapsed = Duration::from_secs(1_550);
        let mut progress =
            Progress { elapsed, answers, failed: 0, total: Some(5_000), rate_limited: 0 };
        let counts = "1,200 paid, 12 trial, 28 unpaid";
        assert_eq!(progress.in_words(), format!("48 a minute, 1h 18m left, {counts}"));
        (progress.total, progress.failed, progress.rate_limited) = (None, 2, 3);
        let counts = format!("{counts}, 2 failed, 3 times told to slow down");
        assert_eq!(progress.in_words(), format!("48 a minute, {counts}"));
        progress.elapsed = Duration::ZERO;
        assert_eq!(progress.in_words(), counts);
        (progress.answers, progress.failed, progress.rate_limited) = (Tally::default(), 0, 0);
        assert_eq!(progress.in_words(), "");
    }

    #[test]
    fn time_is_as_precise_as_it_is_known() {
        for (seconds, expected) in [
            (0.0, "0s"),
            (0.1, "1s"),
            (600.0, "10m"),
            (661.0, "11m"),
            (4_710.0, "1h 18m"),
            (100_000.0, "1day 3h 46m"),
        ] {
            assert_eq!(time(seconds), expected);
        }
    }
}
