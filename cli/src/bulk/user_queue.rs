//! The users that the run asks about: those of the input, without users that have an
//! answer already, and each user once. A separate thread reads the input ahead of the
//! questions, so that wrong lines are reported at once, and not after hours of asking.

use std::collections::HashSet;
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
        UserQueue { queue, counts }
    }

    pub fn counts(&self) -> Arc<InputCounts> {
        Arc::clone(&self.counts)
    }

    /// The next user to ask about, and the number of its line.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, UserId)>> {
        self.queue.poll_recv(context).map(|next| next.map(|(line, id)| (line, id.into())))
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
