//! Shows the progress of a run: a bar on a terminal, else a line a minute. The bar's colours
//! follow NO_COLOR and its like, as those of errors and help do.

use std::env;
use std::time::Duration;

use humantime::format_duration;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::status_counts::StatusCounts;
use crate::terminal::say;

const BAR: &str = "{wide_bar:.green/dim} {human_pos} of {human_len}\n{msg}";
const SPINNER: &str = "{spinner} {human_pos} done; the input is still being read\n{msg}";

/// Standard error, with a bar if it is a terminal. Clones share it.
#[derive(Debug, Clone)]
pub struct Console(Option<ProgressBar>);

/// How far the run is.
#[derive(Debug)]
pub struct Progress {
    /// Without outages.
    pub elapsed: Duration,
    /// In an outage: how long until the next question.
    pub asks_again_in: Option<Duration>,
    /// Answers of this run.
    pub answers: StatusCounts,
    pub failed: u64,
    /// How many users to ask about. Not known before the whole input is read.
    pub total: Option<u64>,
    /// How often Figma answered 429.
    pub rate_limited: u64,
}

impl Console {
    pub fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if bar.is_hidden() || is_dumb() {
            return Console(None);
        }
        bar.set_style(style(SPINNER));
        Console(Some(bar))
    }

    /// How often to show the progress.
    pub fn period(&self) -> Duration {
        Duration::from_secs(if self.0.is_some() { 1 } else { 60 })
    }

    /// Writes text above the bar.
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
            say(&format!("{}{total} done; {}", HumanCount(progress.done()), progress.as_text()));
            return;
        };
        if let (None, Some(total)) = (bar.length(), progress.total) {
            bar.set_length(total);
            bar.set_style(style(BAR));
        }
        bar.set_position(progress.done());
        bar.set_message(progress.as_text());
        bar.tick();
    }

    /// Removes the bar.
    pub fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Whether the terminal cannot move its cursor.
fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|terminal| terminal == "dumb")
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is a constant");
    style.progress_chars("━━╌")
}

impl Progress {
    fn done(&self) -> u64 {
        self.answers.total() + self.failed
    }

    fn as_text(&self) -> String {
        let StatusCounts { paid, trial, unpaid, other } = self.answers;
        let counts = [
            (paid, "paid"),
            (trial, "trial"),
            (unpaid, "unpaid"),
            (other, "other"),
            (self.failed, "failed"),
            (self.rate_limited, "rate limited"),
        ];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts = counts.map(|(count, what)| format!("{} {what}", HumanCount(count)));
        let first = match self.asks_again_in {
            Some(left) => Some(format!("waiting for the server, asking again in {}", time(left))),
            None => self.rate_and_time_left(),
        };
        first.into_iter().chain(counts).collect::<Vec<_>>().join(", ")
    }

    /// For instance `48 a minute, 1h 18m left`.
    fn rate_and_time_left(&self) -> Option<String> {
        let per_second = self.done() as f64 / self.elapsed.as_secs_f64();
        if self.done() == 0 || !per_second.is_normal() {
            return None;
        }
        let rate = format!("{} a minute", HumanCount((per_second * 60.0).round() as u64));
        let left = self.total.map(|total| total.saturating_sub(self.done()) as f64 / per_second);
        Some(match left {
            Some(seconds) => format!("{rate}, {} left", time(Duration::from_secs_f64(seconds))),
            None => rate,
        })
    }
}

/// The time in words: to the second up to ten minutes, above that to the minute.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let step = if seconds > 600 { 60 } else { 1 };
    format_duration(Duration::from_secs(seconds / step * step)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_fast_and_how_long() {
        let answers = StatusCounts { paid: 1_200, trial: 12, unpaid: 28, other: 0 };
        let elapsed = Duration::from_secs(1_550);
        let mut progress = Progress {
            elapsed,
            asks_again_in: None,
            answers,
            failed: 0,
            total: Some(5_000),
            rate_limited: 0,
        };
        let counts = "1,200 paid, 12 trial, 28 unpaid";
        assert_eq!(progress.as_text(), format!("48 a minute, 1h 18m left, {counts}"));
        progress.asks_again_in = Some(Duration::from_millis(59_100));
        let waiting = "waiting for the server, asking again in 1m";
        assert_eq!(progress.as_text(), format!("{waiting}, {counts}"));
        progress.asks_again_in = None;
        progress.total = None;
        progress.failed = 2;
        progress.rate_limited = 3;
        let counts = format!("{counts}, 2 failed, 3 rate limited");
        assert_eq!(progress.as_text(), format!("48 a minute, {counts}"));
        progress.elapsed = Duration::ZERO;
        assert_eq!(progress.as_text(), counts);
        progress.answers = StatusCounts::default();
        progress.failed = 0;
        progress.rate_limited = 0;
        assert_eq!(progress.as_text(), "");
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
            assert_eq!(time(Duration::from_secs_f64(seconds)), expected);
        }
    }
}
