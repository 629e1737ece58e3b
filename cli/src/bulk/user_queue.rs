//! The users that the run asks about: those of the input, without users that have an
//! answer already, and each user once. A separate thread reads the input ahead of the
//! questions, so that wrong lines are reported at once, and not after hours of asking.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::thread;

use figma_payments::UserId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::compact_id::CompactId;
use super::console::Console;
use super::input::Input;

/// How many lines without a user id are reported. The rest are only counted.
const MAX_REPORTED: u64 = 100;

pub struct UserQueue {
    /// Users whose question failed, to be asked about once more.
    again: VecDeque<(u64, CompactId)>,
    /// Whether one of them is next.
    again_is_next: bool,
    queue: UnboundedReceiver<(u64, CompactId)>,
    counts: Arc<InputCounts>,
}

/// What was found in the input so far.
#[derive(Debug, Default)]
pub struct InputCounts {
    /// Users to ask about.
    pub to_ask: AtomicU64,
    /// Users that have an answer from an earlier run.
    pub answered_before: AtomicU64,
    /// Lines with a user that an earlier line has too.
    pub repeated: AtomicU64,
    /// Lines without a user id.
    pub invalid: AtomicU64,
    /// Whether the whole input has been read.
    pub complete: AtomicBool,
}

impl UserQueue {
    /// Begins to read. The users in `answered` are left out.
    pub fn start(input: Input, answered: HashSet<CompactId>, console: Console) -> Self {
        let counts = Arc::new(InputCounts::default());
        let (sender, queue) = unbounded_channel();
        let shared = Arc::clone(&counts);
        // Not a thread of the runtime: it may wait for standard input for ever, and a
        // runtime waits for its threads when the program ends.
        thread::spawn(move || read(input, answered, &console, &shared, &sender));
        UserQueue { again: VecDeque::new(), again_is_next: false, queue, counts }
    }

    pub fn counts(&self) -> Arc<InputCounts> {
        Arc::clone(&self.counts)
    }

    /// The next user to ask about, and the number of its line. Users that are asked about again
    /// take turns with new ones: some that never get an answer must not look like an outage.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, UserId)>> {
        self.again_is_next = !self.again_is_next;
        let again = if self.again_is_next { self.again.pop_front() } else { None };
        let next = match again {
            Some(next) => Poll::Ready(Some(next)),
            None => self.poll_new_first(context),
        };
        next.map(|next| next.map(|(line, id)| (line, id.into())))
    }

    fn poll_new_first(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, CompactId)>> {
        match self.queue.poll_recv(context) {
            Poll::Ready(Some(next)) => Poll::Ready(Some(next)),
            none => self.again.pop_front().map_or(none, |next| Poll::Ready(Some(next))),
        }
    }

    /// Has a user asked about once more, after all others of this kind.
    pub fn ask_again(&mut self, line: u64, user: &UserId) {
        self.again.push_back((line, user.into()));
    }

    /// How many users are to be asked about once more.
    pub fn to_ask_again(&self) -> u64 {
        self.again.len() as u64
    }
}

fn read(
    input: Input,
    answered: HashSet<CompactId>,
    console: &Console,
    counts: &InputCounts,
    queue: &UnboundedSender<(u64, CompactId)>,
) {
    let name = input.name.clone();
    let mut seen = HashSet::new();
    for entry in input {
        let counted = match entry.user {
            Ok(user) => {
                let id = CompactId::from(&user);
                if !seen.insert(id) {
                    &counts.repeated
                } else if answered.contains(&id) {
                    &counts.answered_before
                } else if queue.send((entry.line, id)).is_ok() {
                    &counts.to_ask
                } else {
                    return;
                }
            }
            Err(why) => {
                let reported = counts.invalid.load(Relaxed);
                if reported < MAX_REPORTED {
                    console.say(&format!("{name}, line {}: {why}", entry.line));
                } else if reported == MAX_REPORTED {
                    console
                        .say(&format!("{name}: further lines without a user id are only counted"));
                }
                &counts.invalid
            }
        };
        counted.fetch_add(1, Relaxed);
    }
    counts.complete.store(true, Relaxed);
}
