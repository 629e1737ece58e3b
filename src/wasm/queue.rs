//! A lock whose waiters do not wake each other. Workers let no request touch the
//! timers and connections of another, and whoever is woken by another request
//! goes on as a part of it, and ends with it. So everybody looks for themselves.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::clock::sleep;

/// How often somebody looks whether it is their turn.
const LOOK: Duration = Duration::from_millis(10);

/// First come, first served, like tokio's `Mutex`.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Line>);

#[derive(Default)]
struct Line {
    last: u64,
    waiting: VecDeque<u64>,
}

/// A place in the queue, until it is dropped.
pub(crate) struct Place<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Queue {
    pub(crate) async fn lock(&self) -> Place<'_> {
        let number = self.line(|line| {
            line.last += 1;
            line.waiting.push_back(line.last);
            line.last
        });
        let place = Place { queue: self, number };
        while self.line(|line| line.waiting.front() != Some(&number)) {
            sleep(LOOK).await;
        }
        place
    }

    fn line<T>(&self, with: impl FnOnce(&mut Line) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.line(|line| line.waiting.retain(|number| *number != self.number));
    }
}
