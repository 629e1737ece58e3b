//! What is to be asked: the input without what is no user id, is answered
//! already, or was given before. Read ahead in a thread of its own, so that what
//! is wrong with the input shows at once, and not after hours of asking.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::thread;

use figma_payments::UserId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::compact_id::Id;
use super::console::Console;
use super::input::Input;

/// Complaints are shown up to this one; the rest are counted.
const SHOWN: u64 = 100;

pub struct Intake {
    queue: UnboundedReceiver<(u64, Id)>,
    counts: Arc<Counts>,
}

/// What the input had, so far.
#[derive(Debug, Default)]
pub struct Counts {
    /// Users to ask about.
    pub to_ask: AtomicU64,
    /// Users whose answer is in the output from before.
    pub answered_before: AtomicU64,
    /// Lines whose user was given on an earlier line.
    pub repeated: AtomicU64,
    /// Lines without a user id.
    pub invalid: AtomicU64,
    /// Whether this is all.
    pub complete: AtomicBool,
}

impl Intake {
    /// Begins to read. `answered` are those that need not be asked about.
    pub fn start(input: Input, answered: HashSet<Id>, console: Console) -> Self {
        let counts = Arc::new(Counts::default());
        let (sender, queue) = unbounded_channel();
        let shared = Arc::clone(&counts);
        // Not one of the runtime's: it may wait for standard input for ever, and
        // the program has to end all the same.
        thread::spawn(move || read(input, answered, &console, &shared, &sender));
        Intake { queue, counts }
    }

    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    /// The next user to ask about, and the line it stands on.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<(u64, UserId)>> {
        self.queue.poll_recv(context).map(|next| next.map(|(line, id)| (line, id.into())))
    }
}

fn read(
    input: Input,
    answered: HashSet<Id>,
    console: &Console,
    counts: &Counts,
    queue: &UnboundedSender<(u64, Id)>,
) {
    let (name, mut given) = (input.name.clone(), HashSet::new());
    for entry in input {
        let counted = match entry.user {
            Ok(user) => {
                let id = Id::from(&user);
                if !given.insert(id) {
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
                let before = counts.invalid.load(Relaxed);
                if before < SHOWN {
                    console.say(&format!("{name}, line {}: {why}", entry.line));
                } else if before == SHOWN {
                    console.say(&format!("{name}: more such lines are only counted"));
                }
                &counts.invalid
            }
        };
        counted.fetch_add(1, Relaxed);
    }
    counts.complete.store(true, Relaxed);
}
