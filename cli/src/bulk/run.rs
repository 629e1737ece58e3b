//! The run: asks about each user, writes the answers, and reports the failures.

use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};

use figma_payments::{
    AskedBy, Client, Entitlements, Error, ErrorKind, PaymentInformation, PaymentQuery, Resource,
    UserId,
};
use futures_util::{StreamExt, stream};
use tokio::time::{Interval, interval_at, sleep};

use super::console::{Console, Progress, time};
use super::outage::{self, Outage};
use super::output::Output;
use super::row::Row;
use super::status_counts::StatusCounts;
use super::summary::number;
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
    /// When to show the progress.
    ticks: Interval,
    /// How long an outage may last; zero if none is waited out.
    outage_timeout: Duration,
    /// How long the past outages lasted, together.
    waited: Duration,
    /// In an outage: when the next question is asked.
    asks_again_at: Option<Instant>,
    answers: StatusCounts,
    /// A user about whom the server has answered.
    answered: Option<UserId>,
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

/// A user whose question failed, perhaps by an outage.
struct Unanswered {
    line: u64,
    user: UserId,
    error: Error,
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
        let period = console.period();
        Run {
            client,
            server,
            input_name,
            output,
            console,
            counts,
            entitlements: None,
            started_at: Instant::now(),
            ticks: interval_at(tokio::time::Instant::now() + period, period),
            outage_timeout: Duration::ZERO,
            waited: Duration::ZERO,
            asks_again_at: None,
            answers: StatusCounts::default(),
            answered: None,
            failed: 0,
            failed_in_a_row: 0,
        }
    }

    /// Also keeps the answers in `entitlements`.
    pub fn prime(&mut self, entitlements: Entitlements) {
        self.entitlements = Some(entitlements);
    }

    /// Waits outages out, for `timeout` at most. `answered` is a user about whom the server has
    /// answered before.
    pub fn wait_out(&mut self, timeout: Duration, answered: Option<UserId>) {
        self.outage_timeout = timeout;
        self.answered = answered;
    }

    /// Asks about all users, unless it is interrupted or stopped by an error.
    pub async fn ask(&mut self, resource: &Resource, users: UserQueue) -> End {
        let signal = match signals::listen() {
            Ok(signal) => signal,
            Err(error) => return End::Stopped(format!("no signal can be received: {error}")),
        };
        let end = tokio::select! {
            biased;
            exit = signal => End::Interrupted(exit),
            end = self.ask_all(resource, users) => end,
        };
        self.console.clear();
        match (self.output.sync(), end) {
            (Err(error), End::AllAsked | End::Interrupted(_)) => {
                End::Stopped(format!("the last answers may not be on the disk: {error}"))
            }
            (_, end) => end,
        }
    }

    /// Asks about all users, and waits outages out.
    async fn ask_all(&mut self, resource: &Resource, mut users: UserQueue) -> End {
        let mut outage: Option<Outage> = None;
        // The server answers others, so those that failed are asked about only once more.
        let mut only_some_fail = false;
        loop {
            // In an outage one question shows whether it is over.
            let (most, failures) = match outage {
                Some(_) => (1, 1),
                // Users asked again take turns with new ones, hence twice as many.
                None if only_some_fail => (2 * users.to_ask_again() as usize, usize::MAX),
                None => (usize::MAX, outage::FAILURES),
            };
            let error = match self.ask_some(resource, &mut users, most, failures).await {
                Ok(error) => error,
                Err(why) => return End::Stopped(why),
            };
            let was_only_some = mem::take(&mut only_some_fail);
            match error {
                None if was_only_some => {}
                Some(error) if outage.is_none() && self.answers_others(resource, &error).await => {
                    only_some_fail = true;
                }
                None => match outage.take() {
                    None => return End::AllAsked,
                    Some(over) => self.end_outage(&over, users.to_ask_again()),
                },
                Some(error) => {
                    let begins = outage.is_none();
                    let outage = outage.get_or_insert_with(|| Outage::new(self.outage_timeout));
                    let Some(pause) = outage.pause(error.retry_after()) else {
                        self.failed += users.to_ask_again();
                        return End::Stopped(self.given_up(&error));
                    };
                    if begins {
                        self.say_outage(&error, pause);
                    }
                    self.wait(pause).await;
                }
            }
        }
    }

    /// Whether the server answers about a user that it has answered about before, so that an
    /// error with a status is about the users that got it.
    async fn answers_others(&self, resource: &Resource, error: &Error) -> bool {
        let Some(user) = self.answered.clone().filter(|_| error.status().is_some()) else {
            return false;
        };
        let query = PaymentQuery::by_user(user, resource.clone());
        self.client.get_payments(query).await.is_ok()
    }

    /// Asks about users, `most` of them at most, until this many `failures` in a row tell of an
    /// outage. Then it returns the last one, and the users without an answer are asked about
    /// again. If this returns an error, the run has to stop.
    async fn ask_some(
        &mut self,
        resource: &Resource,
        users: &mut UserQueue,
        most: usize,
        failures: usize,
    ) -> Result<Option<Error>, String> {
        let questions = RefCell::new(HashMap::new());
        let asked = stream::poll_fn(|context| users.poll_next(context)).take(most);
        let queries = asked.map(|(line, user)| {
            let given_at = (Instant::now(), SystemTime::now());
            questions.borrow_mut().insert(user.clone(), Question { line, given_at });
            PaymentQuery::by_user(user, resource.clone())
        });
        let mut answers = self.client.clone().get_payments_all(queries);
        let mut unanswered: Vec<Unanswered> = Vec::new();
        while unanswered.len() < failures {
            let next = tokio::select! {
                biased;
                _ = self.ticks.tick() => {
                    self.console.show(&self.progress());
                    continue;
                }
                next = answers.next() => next,
            };
            let Some((query, outcome)) = next else { break };
            let Some(user) = query.user() else { continue };
            let question: Option<Question> = questions.borrow_mut().remove(user);
            let line = question.as_ref().map_or(0, |question| question.line);
            let answer = match outcome {
                Err(error) if self.may_be_outage(&error) => {
                    unanswered.push(Unanswered { line, user: user.clone(), error });
                    continue;
                }
                outcome => outcome,
            };
            // The server answers, so what has failed before is no outage.
            self.report_all(unanswered.drain(..))?;
            match answer {
                Ok(payment) => {
                    self.record(user, &payment)?;
                    if let (Some(entitlements), Some(question)) = (&self.entitlements, question) {
                        entitlements.prime_at(payment, question.before_it_was_sent()).await;
                    }
                }
                Err(error) => self.report(user, line, &error)?,
            }
        }
        drop(answers);
        let Some(last) = unanswered.last().map(|it| it.error.clone()) else { return Ok(None) };
        // At the end of the input, a few of status 5xx may be about these users alone.
        if unanswered.len() < failures && last.status().is_some() {
            self.report_all(unanswered)?;
            return Ok(None);
        }
        unanswered.iter().for_each(|it| users.ask_again(it.line, &it.user));
        let under_way = questions.into_inner();
        under_way.iter().for_each(|(user, question)| users.ask_again(question.line, user));
        Ok(Some(last))
    }

    /// Whether a run waits if there are more of these.
    fn may_be_outage(&self, error: &Error) -> bool {
        outage::explains(error) && !self.outage_timeout.is_zero()
    }

    fn say_outage(&self, error: &Error, pause: Duration) {
        self.console.say(&format!(
            "{} does not answer ({}): waiting, asking again in {}, for {} at most (--outage-timeout)",
            self.server,
            wording::text(error),
            time(pause),
            time(self.outage_timeout),
        ));
    }

    fn end_outage(&mut self, outage: &Outage, to_ask_again: u64) {
        let lasted = outage.lasted();
        self.waited += lasted;
        self.console.say(&format!(
            "{} answers again, after {}; asking again about {}",
            self.server,
            time(lasted),
            number(to_ask_again, "user"),
        ));
    }

    /// The message of a run that ends in an outage.
    fn given_up(&self, error: &Error) -> String {
        format!(
            "the run has stopped: {} has not answered for {} (--outage-timeout): {}\n{}",
            self.server,
            time(self.outage_timeout),
            wording::text(error),
            remedy(error, AskedBy::User),
        )
    }

    async fn wait(&mut self, pause: Duration) {
        self.asks_again_at = Some(Instant::now() + pause);
        let mut over = pin!(sleep(pause));
        loop {
            tokio::select! {
                () = &mut over => break,
                _ = self.ticks.tick() => self.console.show(&self.progress()),
            }
        }
        self.asks_again_at = None;
    }

    /// Writes an answer. If this returns an error, the run has to stop.
    fn record(&mut self, user: &UserId, payment: &PaymentInformation) -> Result<(), String> {
        self.output.append(&Row::new(user.clone(), payment, &self.server))?;
        self.answers.count(&payment.payment_status);
        self.answered = Some(user.clone());
        self.failed_in_a_row = 0;
        Ok(())
    }

    fn report_all(&mut self, failed: impl IntoIterator<Item = Unanswered>) -> Result<(), String> {
        failed.into_iter().try_for_each(|it| self.report(&it.user, it.line, &it.error))
    }

    /// Reports a failure. If this returns an error, the run has to stop.
    fn report(&mut self, user: &UserId, line: u64, error: &Error) -> Result<(), String> {
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
            elapsed: self.started_at.elapsed().saturating_sub(self.waited),
            asks_again_in: self
                .asks_again_at
                .map(|at| at.saturating_duration_since(Instant::now())),
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
