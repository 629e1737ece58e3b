//! What happens in the sandbox, as server-sent events. However much happens, a window gets
//! few and short ones.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use figma_payments::sandbox::{Exchange, Figma};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How often it looks for news.
const INTERVAL: Duration = Duration::from_millis(250);

/// If there is no news for this long, a comment is sent: a proxy in between may close a
/// connection on which nothing is sent, and a client that is gone is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many requests one event has at most.
const MAX_REQUESTS: u64 = 100;

/// What the events are made of.
pub trait Source: Send + Sync {
    /// What a window has to know, without the time.
    fn state(&self, figma: &Figma) -> Value;

    /// Requests with their answers, without secrets.
    fn shown(&self, exchanges: &[Exchange]) -> Vec<Value>;
}

/// What a window knows.
struct Window<S> {
    source: Arc<S>,
    figma: Figma,
    state: Value,
    requests: Option<Range<u64>>,
    sent: Instant,
}

/// The events for a new window, with the present state first. They never end.
pub fn stream(source: Arc<impl Source>, figma: Figma) -> impl Stream<Item = String> + Send {
    let sent = Instant::now();
    let window = Window { source, figma, state: Value::Null, requests: None, sent };
    unfold(window, async |mut window| {
        loop {
            if let Some(news) = window.news() {
                return Some((news, window));
            }
            sleep(INTERVAL).await;
        }
    })
}

impl<S: Source> Window<S> {
    fn news(&mut self) -> Option<String> {
        let mut news = self.state().unwrap_or_default();
        news += &self.requests().unwrap_or_default();
        if news.is_empty() && self.sent.elapsed() >= HEARTBEAT {
            news = ": nothing new\n\n".to_owned();
        }
        if news.is_empty() {
            return None;
        }
        self.sent = Instant::now();
        Some(news)
    }

    fn state(&mut self) -> Option<String> {
        let state = self.source.state(&self.figma);
        if state == self.state {
            return None;
        }
        self.state = state;
        let mut data = self.state.clone();
        data["clock"]["seconds_since_start"] = json!(self.figma.now().as_secs_f64());
        Some(event("state", &data))
    }

    fn requests(&mut self) -> Option<String> {
        let kept = self.figma.exchange_numbers();
        if self.requests.as_ref() == Some(&kept) {
            return None;
        }
        let seen = self.requests.as_ref().map_or(0, |seen| seen.end);
        let newest = self.figma.exchanges_from(seen.max(kept.end.saturating_sub(MAX_REQUESTS)));
        // Others may have come since.
        let next = newest.last().map_or(kept.end, |newest| newest.number + 1);
        let data = json!({
            "first": kept.start,
            "next": next,
            "dropped": self.figma.dropped_requests(),
            "requests": self.source.shown(&newest),
        });
        self.requests = Some(kept.start..next);
        Some(event("requests", &data))
    }
}

fn event(name: &str, data: &Value) -> String {
    // JSON without line breaks in it is one line.
    format!("event: {name}\ndata: {data}\n\n")
}
