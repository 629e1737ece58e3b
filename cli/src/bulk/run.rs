//! The run: asks, writes what is answered, says what is not.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use figma_payments::{
    AskedBy, Client, Error, ErrorKind, PaymentInformation, PaymentQuery, Resource, UserId,
};
use futures_util::{StreamExt, stream};
use tokio::time::interval;

use super::console::{Console, Progress};
use super::output::Output;
use super::row::Row;
use super::status_counts::Tally;
use super::user_queue::{Counts, Intake};
use crate::remedy::remedy;

/// So many failures without an answer between them are not about the users.
const FAILURES_IN_A_ROW: u64 = 20;

pub struct Run {
    client: Client,
    /// The server that answers.
    server: String,
    /// What to call the input.
    input: String,
    output: Output,
    console: Console,
    counts: Arc<Counts>,
    begun: Instant,
    answers: Tally,
    failed: u64,
    failed_in_a_row: u64,
}

/// How a run ends.
pub enum End {
    AllAsked,
    Interrupted,
    /// And what keeps it from going on.
    Stopped(String),
}

impl Run {
    pub fn new(
        client: Client,
        server: String,
        input: String,
        output: Output,
        console: Console,
        counts: Arc<Counts>,
    ) -> Self {
        let (begun, answers) = (Instant::now(), Tally::default());
        let (failed, failed_in_a_row) = (0, 0);
        Run {
            client,
            server,
            input,
            output,
            console,
            counts,
            begun,
            answers,
            failed,
            failed_in_a_row,
        }
    }

    /// Asks until all are asked, or it makes no sense to go on.
    pub async fn ask(&mut self, resource: &Resource, mut intake: Intake) -> End {
        // The lines of those who are being asked about.
        let lines = RefCell::new(HashMap::new());
        let queries = stream::poll_fn(|context| intake.poll_next(context)).map(|(line, user)| {
            lines.borrow_mut().insert(user.clone(), line);
            PaymentQuery::by_user(user, resource.clone())
        });
        let mut answers = self.client.clone().get_payments_all(queries);
        let mut interrupted = pin!(interrupted());
        let mut ticks = interval(self.console.period());
        ticks.tick().await;
        let end = loop {
            let next = tokio::select! {
                biased;
                () = &mut interrupted => break End::Interrupted,
                _ = ticks.tick() => {
                    self.console.show(&self.progress());
                    continue;
                }
                next = answers.next() => next,
            };
            let Some((query, outcome)) = next else { break End::AllAsked };
            let Some(user) = query.user() else { continue };
            let line = lines.borrow_mut().remove(user).unwrap_or_default();
            if let Err(why) = self.take(user, line, outcome) {
                break End::Stopped(why);
            }
        };
        self.console.end();
        match (self.output.sync(), end) {
            (Err(error), End::AllAsked | End::Interrupted) => {
                End::Stopped(format!("the disk did not confirm all answers: {error}"))
            }
            (_, end) => end,
        }
    }

    /// Writes an answer, or says that there is none. An error ends the run.
    fn take(
        &mut self,
        user: &UserId,
        line: u64,
        outcome: Result<PaymentInformation, Error>,
    ) -> Result<(), String> {
        let error = match outcome {
            Ok(payment) => {
                self.output.append(&Row::new(user.clone(), &payment, &self.server))?;
                self.answers.count(&payment.payment_status);
                self.failed_in_a_row = 0;
                return Ok(());
            }
            Err(error) => error,
        };
        self.failed += 1;
        self.failed_in_a_row += 1;
        let remedy = remedy(&error, AskedBy::User);
        match error.kind() {
            // As true of the next user as of this one.
            ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::Configuration => {
                Err(format!("the run has stopped: {error}\n{remedy}"))
            }
            _ => {
                let (input, in_a_row) = (&self.input, self.failed_in_a_row);
                self.console.say(&format!("{input}, line {line}: user {user}: {error}"));
                match in_a_row < FAILURES_IN_A_ROW {
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
            elapsed: self.begun.elapsed(),
            answers: self.answers,
            failed: self.failed,
            total: complete.then(|| self.counts.to_ask.load(Relaxed)),
            rate_limited: self.client.counters().rate_limited,
        }
    }
}

/// Waits for Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        pending().await
    }
}
