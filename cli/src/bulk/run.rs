//! The run: asks about each user, writes the answers, and reports the failures.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Instant, SystemTime};

use figma_payments::{
    AskedBy, Client, Entitlements, Error, ErrorKind, PaymentInformation, PaymentQuery, Resource,
    UserId,
};
use futures_util::{StreamExt, stream};
use tokio::time::interval;

use super::console::{Console, Progress};
use super::output::Output;
use super::row::Row;
use super::status_counts::StatusCounts;
use super::user_queue::{InputCounts, UserQueue};
use crate::exit::Exit;
use crate::remedy::remedy;
use crate::signals;
use crate::wording;

/// After this many failures without an answer between them the run stops: the cause is
/// then not a single user.
const MAX_FAILURES_IN_A_ROW: u64 = 20;

pub struct Run {
    client: Client,
    /// The base URL.
    server: String,
    /// The name of the input, for messages.
    input_name: String,
    output: Output,
    console: Console,
    counts: Arc<InputCounts>,
    /// Where the answers are kept for other processes.
    entitlements: Option<Entitlements>,
    started_at: Instant,
    answers: StatusCounts,
    failed: u64,
    failed_in_a_row: u64,
}

/// A user whose answer has not arrived yet.
struct Question {
    /// The number of the line with the user.
    line: u64,
    /// When it was given to the client, by both clocks: the calendar may be put back, and the
    /// other one may stand still while the machine sleeps.
    given_at: (Instant, SystemTime),
}

/// How a run ends.
pub enum End {
    AllAsked,
    /// By a signal, which has this exit code.
    Interrupted(Exit),
    /// By an error, with a message for the user.
    Stopped(String),
}

impl Run {
    pub fn new(
        client: Client,
        server: String,
        input_name: String,
        output: Output,
        console: Console,
        counts: Arc<InputCounts>,
    ) -> Self {
        Run {
            client,
            server,
            input_name,
            output,
            console,
            counts,
            entitlements: None,
            started_at: Instant::now(),
            answers: StatusCounts::default(),
            failed: 0,
            failed_in_a_row: 0,
        }
    }

    /// Has the answers kept there too.
    pub fn prime(&mut self, entitlements: Entitlements) {
        self.entitlements = Some(entitlements);
    }

    /// Asks about all users, unless it is interrupted or stopped by an error.
    pub async fn ask(&mut self, resource: &Resource, mut users: UserQueue) -> End {
        let questions = RefCell::new(HashMap::new());
        let queries = stream::poll_fn(|context| users.poll_next(context)).map(|(line, user)| {
            let given_at = (Instant::now(), SystemTime::now());
            questions.borrow_mut().insert(user.clone(), Question { line, given_at });
            PaymentQuery::by_user(user, resource.clone())
        });
        let mut answers = self.client.clone().get_payments_all(queries);
        let signal = match signals::listen() {
            Ok(signal) => signal,
            Err(error) => return End::Stopped(format!("no signal can be received: {error}")),
        };
        let mut signal = pin!(signal);
        let mut ticks = interval(self.console.period());
        ticks.tick().await;
        let end = loop {
            let next = tokio::select! {
                biased;
                exit = &mut signal => break End::Interrupted(exit),
                _ = ticks.tick() => {
                    self.console.show(&self.progress());
                    continue;
                }
                next = answers.next() => next,
            };
            let Some((query, outcome)) = next else { break End::AllAsked };
            let Some(user) = query.user() else { continue };
            let question: Option<Question> = questions.borrow_mut().remove(user);
            let line = question.as_ref().map_or(0, |question| question.line);
            if let Err(why) = self.record(user, line, &outcome) {
                break End::Stopped(why);
            }
            if let (Some(entitlements), Some(question), Ok(payment)) =
                (&self.entitlements, question, outcome)
            {
                entitlements.prime_at(payment, question.before_it_was_sent()).await;
            }
        };
        self.console.clear();
        match (self.output.sync(), end) {
            (Err(error), End::AllAsked | End::Interrupted(_)) => {
                End::Stopped(format!("the last answers may not be on the disk: {error}"))
            }
            (_, end) => end,
        }
    }

    /// Writes an answer, or reports a failure. If this returns an error, the run has to
    /// stop.
    fn record(
        &mut self,
        user: &UserId,
        line: u64,
        outcome: &Result<PaymentInformation, Error>,
    ) -> Result<(), String> {
        let error = match outcome {
            Ok(payment) => {
                self.output.append(&Row::new(user.clone(), payment, &self.server))?;
                self.answers.count(&payment.payment_status);
                self.failed_in_a_row = 0;
                return Ok(());
            }
            Err(error) => error,
        };
        self.failed += 1;
        self.failed_in_a_row += 1;
        let (text, remedy) = (wording::text(error), remedy(error, AskedBy::User));
        match error.kind() {
            // The next user would get the same error.
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Configuration => {
                Err(format!("the run has stopped: {text}\n{remedy}"))
            }
            _ => {
                let input = &self.input_name;
                let in_a_row = self.failed_in_a_row;
                self.console.say(&format!("{input}, line {line}: user {user}: {text}"));
                match in_a_row < MAX_FAILURES_IN_A_ROW {
                    true => Ok(()),
                    false => {
                        Err(format!("the run has stopped: {in_a_row} failures in a row\n{remedy}"))
                    }
                }
            }
        }
    }

    pub fn progress(&self) -> Progress {
        let complete = self.counts.complete.load(Relaxed);
        Progress {
            elapsed: self.started_at.elapsed(),
            answers: self.answers,
            failed: self.failed,
            total: complete.then(|| self.counts.to_ask.load(Relaxed)),
            rate_limited: self.client.counters().rate_limited,
        }
    }
}

impl Question {
    /// A date at which its request had not been sent yet. The answer counts as one of this
    /// date: if somebody has said since then that the user has no access any more, after a
    /// refund for instance, it must not be kept.
    fn before_it_was_sent(&self) -> SystemTime {
        let (instant, date) = self.given_at;
        let by_instant = SystemTime::now().checked_sub(instant.elapsed());
        by_instant.map_or(date, |by_instant| date.min(by_instant))
    }
}
