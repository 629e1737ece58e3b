//! The answers that several processes share. While Redis cannot be used, this process keeps
//! answers of its own, and drops them when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use redis::{RedisError, RedisResult};
use tokio::time::{Instant, sleep};

use super::denials::Denial;
use super::fleet::{Fleet, Now};
use super::keys::TokenNames;
use super::lease::{HeldLease, LEASE_MS, SharedLease};
use super::link::Session;
use super::scripts::{LEASE, SEND, SETTLE};
use super::value::{self, FORMAT, Ticket};
use crate::api::types::PaymentInformation;
use crate::error::{Error, ErrorKind};
use crate::platform::clock::Calendar;
use crate::store::answer::{CachedAnswer, Sent, Settled, Within};
use crate::store::asked::{Asked, LeaseLost};
use crate::store::memory::Memory;
use crate::store::order::Sequence;
use crate::store::patience::Patience;
use crate::store::question::{Denied, Question, Subject, TokenHash};
use crate::store::time_to_live::TimesToLive;

/// For how long other processes that waited may take an answer.
const HANDED_ON_MS: u64 = 2_000;

/// The oldest answer that a process takes from one that it waited for.
const OLDEST_HANDED_ON: u64 = 60_000_000;

/// The shortest time for which the user and resource of a payment token are kept.
const TOKEN_IS_KEPT: Duration = Duration::from_secs(3600);

/// How long a process waits before it looks again whether another one has its answer.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

pub(crate) struct SharedAnswers {
    fleet: Arc<Fleet>,
    times: TimesToLive,
    /// The user and resource of each payment token. They never change.
    tokens: Cache<TokenHash, Subject>,
    /// The order of what happens in this process, and its own answers during an outage.
    alone: Memory,
    /// The outage that the answers in `alone` are of.
    outage: AtomicU64,
}

impl SharedAnswers {
    pub(crate) fn new(fleet: Arc<Fleet>, times: TimesToLive, max_entries: u64) -> Self {
        let tokens = Cache::new(usize::try_from(max_entries).unwrap_or(usize::MAX));
        let alone = Memory::new(max_entries);
        SharedAnswers { fleet, times, tokens, alone, outage: AtomicU64::new(0) }
    }

    pub(crate) fn patience(&self) -> Patience {
        Patience::of(self.fleet.timeout())
    }

    /// What is known in this process, and no other.
    pub(crate) fn of_this_process(&self) -> &Memory {
        &self.alone
    }

    /// Asks for the time again before the next look.
    #[cfg(test)]
    pub(crate) fn forget_time(&self) {
        self.fleet.forget_time();
    }

    /// The answers of this outage.
    fn alone(&self) -> &Memory {
        let outage = self.fleet.outages();
        if self.outage.swap(outage, Relaxed) != outage {
            self.alone.clear();
        }
        &self.alone
    }

    pub(crate) async fn look_up(&self, asked: Asked<'_>) -> Option<Arc<CachedAnswer>> {
        let Some(mut session) = self.fleet.link.session() else {
            return self.alone().look_up(asked.question);
        };
        if asked.patience.is_over() {
            return None;
        }
        let subject = match asked.question {
            Question::ByUser(subject) => subject,
            Question::ByToken(question) => match self.tokens.get(&question.token) {
                Some(subject) => &subject.clone(),
                None => &self.subject_of_token(&mut session, asked, question.token).await?,
            },
        };
        let now = self.fleet.now(&mut session, asked.patience).await?;
        let key = self.fleet.keys.answer_about(subject);
        let kept = self.fleet.get(&mut session, asked.patience, now.at, &key).await??;
        let (payment, ticket) = value::decode_about(&self.fleet.keys, &key, &kept, subject)?;
        self.cached(now, payment, ticket, Sequence(ticket.number))
    }

    async fn subject_of_token(
        &self,
        session: &mut Session,
        asked: Asked<'_>,
        token: TokenHash,
    ) -> Option<Subject> {
        let key = self.fleet.keys.token(&self.token_names(asked).token);
        let kept = self.fleet.get(session, asked.patience, Instant::now(), &key).await??;
        let subject = value::decode_subject(&self.fleet.keys, &key, &kept)?;
        self.tokens.insert(token, subject.clone());
        Some(subject)
    }

    /// An answer that another process may have sent. Not if it is from the future, or of an
    /// order that has ended.
    fn cached(
        &self,
        now: Now,
        payment: PaymentInformation,
        ticket: Ticket,
        sequence: Sequence,
    ) -> Option<Arc<CachedAnswer>> {
        /// What two clocks may differ in a second.
        const TOLERANCE: u64 = 5_000;
        if ticket.began != now.began || ticket.number > now.time + TOLERANCE {
            return None;
        }
        let age = Duration::from_micros(now.time.saturating_sub(ticket.number));
        let within = Within::Order(ticket);
        let sent = Sent { sequence, at: now.at, date: now.date, within }.moved_back(age);
        Some(Arc::new(CachedAnswer { payment: Arc::new(payment), sequence, sent }))
    }

    pub(crate) async fn lease(&self, asked: Asked<'_>, deadline: Instant) -> SharedLease {
        let sequence = self.alone.now();
        let key = self.lease_key(asked);
        let nonce = format!("{}-{:08x}", self.fleet.process, fastrand::u32(..));
        let mut waited_for = String::new();
        let mut wait = FIRST_LOOK;
        loop {
            let Some(mut session) = self.fleet.session(asked.patience) else {
                return SharedLease::Held(None);
            };
            let mut lease = self.fleet.script(&LEASE);
            lease.key(&key).arg(&nonce).arg(LEASE_MS).arg(&waited_for);
            let granted: Option<(u8, Option<Vec<u8>>)> = match waited_for.as_str() {
                "" => self.fleet.run(&mut session, asked.patience, &lease).await,
                _ => self.fleet.run_while_waiting(&mut session, &lease).await,
            };
            match granted {
                None => {
                    // It may have been given all the same.
                    drop(HeldLease::new(Arc::clone(&self.fleet), key, nonce));
                    return SharedLease::Held(None);
                }
                Some((1, _)) => {
                    let held = HeldLease::new(Arc::clone(&self.fleet), key, nonce);
                    return SharedLease::Held(Some(held));
                }
                Some((2, Some(answer))) => {
                    // Otherwise it does not say what this call asked, and it asks itself.
                    waited_for.clear();
                    let handed_on = self.handed_on(asked, &mut session, &key, &answer, sequence);
                    if let Some(settled) = handed_on.await {
                        return SharedLease::Answered(settled);
                    }
                    continue;
                }
                Some((_, holder)) => {
                    waited_for = String::from_utf8(holder.unwrap_or_default()).unwrap_or_default();
                }
            }
            let now = Instant::now();
            if now >= deadline {
                return SharedLease::TooLate;
            }
            let random = wait.mul_f64(0.75 + fastrand::f64() / 2.0);
            sleep(random.min(deadline - now)).await;
            wait = (wait * 3 / 2).min(LONGEST_WAIT);
        }
    }

    /// The answer of the process that this one waited for, if it counts for this call.
    async fn handed_on(
        &self,
        asked: Asked<'_>,
        session: &mut Session,
        key: &str,
        answer: &[u8],
        sequence: Sequence,
    ) -> Option<Settled> {
        let now = self.fleet.now(session, &self.patience()).await?;
        // It is bound to its key, because the question may not say which user it is about.
        let answer = answer.strip_suffix(key.as_bytes())?;
        let (payment, ticket) = value::decode(&self.fleet.keys, key, answer)?;
        asked.query.verify(&payment).ok()?;
        let is_recent = ticket.number + OLDEST_HANDED_ON > now.time;
        let answer = self.cached(now, payment, ticket, sequence).filter(|_| is_recent)?;
        Some(Settled { answer, undisputed: true })
    }

    pub(crate) async fn lease_if_free(&self, asked: Asked<'_>) -> Option<Option<HeldLease>> {
        let Some(mut session) = self.fleet.session(asked.patience) else { return Some(None) };
        let key = self.lease_key(asked);
        let nonce = format!("{}-{:08x}", self.fleet.process, fastrand::u32(..));
        let mut lease = self.fleet.script(&LEASE);
        lease.key(&key).arg(&nonce).arg(LEASE_MS).arg("");
        let granted: Option<(u8, Option<Vec<u8>>)> =
            self.fleet.run(&mut session, asked.patience, &lease).await;
        // Without a reply it may have been given all the same.
        let is_held = granted.as_ref().is_none_or(|(granted, _)| *granted == 1);
        let held = is_held.then(|| HeldLease::new(Arc::clone(&self.fleet), key, nonce));
        granted.and(held).map(Some)
    }

    pub(crate) async fn send(
        &self,
        asked: Asked<'_>,
        lease: Option<&HeldLease>,
    ) -> Result<Sent, LeaseLost> {
        let sequence = self.alone.now();
        let alone = Sent { within: Within::Outage(self.fleet.outages()), ..Sent::now(sequence) };
        let Some(mut session) = self.fleet.session(asked.patience) else { return Ok(alone) };
        let mut send = self.fleet.script(&SEND);
        send.key(lease.map_or_else(|| self.lease_key(asked), |lease| lease.key.clone()));
        send.arg(lease.map_or("", |lease| &lease.nonce)).arg(LEASE_MS);
        match self.fleet.run(&mut session, asked.patience, &send).await {
            None => Ok(Sent { within: Within::Outage(self.fleet.outages()), ..alone }),
            Some((0, _)) => Err(LeaseLost),
            Some((number, began)) => {
                let ticket = self.fleet.drawn(number, began);
                Ok(Sent { within: Within::Order(ticket), ..Sent::now(sequence) })
            }
        }
    }

    pub(crate) async fn settle(
        &self,
        asked: Asked<'_>,
        lease: Option<&HeldLease>,
        sent: Sent,
        payment: PaymentInformation,
    ) -> Settled {
        let Some(subject) = Subject::of(&payment) else {
            return self.not_kept(asked.question, sent, payment);
        };
        let is_denial = !payment.grants_access();
        let told = match sent.within {
            Within::Order(ticket) => {
                self.settle_in_order(asked, lease, ticket, &subject, &payment, false).await
            }
            Within::Outage(_) => None,
        };
        if is_denial && told.is_none() {
            self.fleet.deny(self.denial_of(&subject)).await;
        }
        // Sent and answered in the same outage.
        if sent.within.is_outage(self.fleet.outages()) {
            return self.alone().settle(asked.question, sent, payment);
        }
        let undisputed = told.unwrap_or(true);
        if let (Question::ByToken(question), true) = (asked.question, undisputed) {
            self.tokens.insert(question.token, subject);
        }
        let settled = self.not_kept(asked.question, sent, payment);
        Settled { undisputed: settled.undisputed && undisputed, ..settled }
    }

    fn denial_of(&self, subject: &Subject) -> Denial {
        let keys = &self.fleet.keys;
        let name = keys.subject(subject);
        Denial { denied: format!("s:{name}"), key: keys.answer(&name), lease: keys.lease(&name) }
    }

    /// An answer that goes to its asker only. A denial counts in this process all the same.
    fn not_kept(&self, question: &Question, sent: Sent, payment: PaymentInformation) -> Settled {
        let undisputed = self.alone.no_denial_since(sent.sequence, question);
        let sequence = match Subject::of(&payment) {
            Some(subject) if !payment.grants_access() => {
                self.alone.record_denial(Denied::Subject(subject))
            }
            _ => sent.sequence,
        };
        let answer = CachedAnswer { payment: Arc::new(payment), sequence, sent };
        Settled { answer: Arc::new(answer), undisputed }
    }

    /// Whether it is certain that nothing was denied since the ticket was drawn. `None` if
    /// Redis cannot be reached any more.
    async fn settle_in_order(
        &self,
        asked: Asked<'_>,
        lease: Option<&HeldLease>,
        ticket: Ticket,
        subject: &Subject,
        payment: &PaymentInformation,
        from_elsewhere: bool,
    ) -> Option<bool> {
        let Fleet { keys, .. } = &*self.fleet;
        let mut session = self.fleet.session(asked.patience)?;
        let name = keys.subject(subject);
        let answer_key = keys.answer(&name);
        let (token_key, token) = match asked.question {
            Question::ByUser(_) => (answer_key.clone(), String::new()),
            Question::ByToken(_) => {
                let token = self.token_names(asked).token;
                (keys.token(&token), format!("t:{token}"))
            }
        };
        let lease_key = lease.map_or(&answer_key, |lease| &lease.key);
        let answer = value::encode(keys, &answer_key, ticket, payment);
        let handed_on = lease.and_then(|lease| {
            let answer = value::encode(keys, &lease.key, ticket, payment)?;
            Some([&answer, lease.key.as_bytes()].concat())
        });
        let time_to_live = self.times.longest_of(&payment.payment_status);
        let mut settle = self.fleet.script(&SETTLE);
        settle.key(&answer_key).key(&token_key).key(lease_key);
        settle.arg(ticket.number).arg(ticket.began);
        settle.arg(format!("s:{name}")).arg(token);
        settle.arg(u8::from(!payment.grants_access()));
        settle.arg(FORMAT).arg(answer.as_deref().unwrap_or_default());
        // Zero: not kept.
        settle.arg(answer.map_or(0, |_| milliseconds(time_to_live)));
        settle.arg(value::encode_subject(keys, &token_key, subject));
        settle.arg(milliseconds(time_to_live.max(TOKEN_IS_KEPT)));
        // Without an answer to hand on, those who wait ask themselves.
        settle.arg(lease.filter(|_| handed_on.is_some()).map_or("", |lease| &lease.nonce));
        settle.arg(handed_on.unwrap_or_default());
        settle.arg(HANDED_ON_MS).arg(u8::from(from_elsewhere));
        let (undisputed, last): (bool, u64) =
            self.fleet.run(&mut session, asked.patience, &settle).await?;
        self.fleet.saw(last);
        Some(undisputed)
    }

    pub(crate) async fn refused(&self, asked: Asked<'_>) {
        self.alone().refused(asked.question);
        let denial = match asked.question {
            Question::ByUser(subject) => self.denial_of(subject),
            Question::ByToken(question) => {
                self.tokens.remove(&question.token);
                let TokenNames { token, question } = self.token_names(asked);
                let keys = &self.fleet.keys;
                let denied = format!("t:{token}");
                Denial { denied, key: keys.token(&token), lease: keys.lease(&question) }
            }
        };
        self.fleet.deny(denial).await;
    }

    pub(crate) async fn invalidate(&self, subject: Subject) -> Result<(), Error> {
        let denial = self.denial_of(&subject);
        self.alone().invalidate(subject);
        if self.fleet.deny(denial.clone()).await || self.delete(&denial).await {
            return self.replicated().await;
        }
        Err(not_known_to_others("Redis cannot be used now"))
    }

    /// A Redis that is out of memory, or cannot save, refuses scripts that write, but a script
    /// that is refused may follow on keys that are deleted. Without the order, nothing that is
    /// under way is kept either.
    async fn delete(&self, denial: &Denial) -> bool {
        let Some(mut connection) = self.fleet.link.last_connection() else { return false };
        let is_full = async {
            let deny = self.fleet.deny_script(denial);
            match deny.invoke_async::<u64>(&mut connection).await {
                Ok(_) => Ok(true),
                Err(error) if is_full(&error) => {
                    let mut delete = redis::cmd("DEL");
                    delete.arg(&denial.key).arg(&denial.lease).arg(self.fleet.keys.order());
                    delete.query_async::<()>(&mut connection).await.map(|()| true)
                }
                Err(error) => Err(error),
            }
        };
        matches!(tokio::time::timeout(self.fleet.timeout(), is_full).await, Ok(Ok(true)))
    }

    /// Waits until as many replicas have it as the settings ask for. In short steps, because
    /// nothing else goes over the connection meanwhile.
    async fn replicated(&self) -> Result<(), Error> {
        let wanted = self.fleet.replicas();
        if wanted == 0 {
            return Ok(());
        }
        let ends = Instant::now() + self.fleet.timeout();
        while let Some(mut connection) = self.fleet.link.last_connection() {
            let mut wait = redis::cmd("WAIT");
            wait.arg(wanted).arg(1);
            let have = wait.query_async(&mut connection);
            let have: Result<RedisResult<u32>, _> = tokio::time::timeout_at(ends, have).await;
            match have {
                Ok(Ok(have)) if have >= wanted => return Ok(()),
                Ok(Ok(_)) if Instant::now() < ends => sleep(Duration::from_millis(2)).await,
                _ => break,
            }
        }
        Err(not_known_to_others("too few replicas of Redis have it yet"))
    }

    pub(crate) async fn prime(&self, payment: PaymentInformation) {
        self.prime_aged(payment, Duration::ZERO, Calendar::now()).await;
    }

    pub(crate) async fn prime_at(&self, payment: PaymentInformation, checked_at: SystemTime) {
        let now = Calendar::now();
        let date = checked_at.min(now);
        self.prime_aged(payment, now.duration_since(date).unwrap_or_default(), date).await;
    }

    async fn prime_aged(&self, payment: PaymentInformation, age: Duration, date: SystemTime) {
        let Some(subject) = Subject::of(&payment) else { return };
        let patience = self.patience();
        let Some(mut session) = self.fleet.session(&patience) else {
            return self.alone().prime_at(payment, date);
        };
        let mut send = self.fleet.script(&SEND);
        send.key(self.fleet.keys.order()).arg("").arg(LEASE_MS);
        let Some((number, began)) = self.fleet.run(&mut session, &patience, &send).await else {
            return self.alone().prime_at(payment, date);
        };
        let Ticket { number, began } = self.fleet.drawn(number, began);
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let ticket = Ticket { number: number.saturating_sub(age), began };
        let question = Question::ByUser(subject.clone());
        let query = crate::model::query::PaymentQuery::by_user(
            subject.user.clone(),
            subject.resource.clone(),
        );
        let asked = Asked { query: &query, question: &question, patience: &patience };
        let told = self.settle_in_order(asked, None, ticket, &subject, &payment, true).await;
        if !payment.grants_access() {
            self.alone.record_denial(Denied::Subject(subject.clone()));
            if told.is_none() {
                self.fleet.deny(self.denial_of(&subject)).await;
            }
        }
    }

    fn token_names(&self, asked: Asked<'_>) -> TokenNames {
        self.fleet.keys.token_question(asked.query, &self.fleet.token_key())
    }

    fn lease_key(&self, asked: Asked<'_>) -> String {
        match asked.question {
            Question::ByUser(subject) => self.fleet.keys.lease(&self.fleet.keys.subject(subject)),
            Question::ByToken(_) => self.fleet.keys.lease(&self.token_names(asked).question),
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    // Redis refuses times beyond what its clock can hold.
    const LONGEST: u128 = 10 * 365 * 24 * 60 * 60 * 1000;
    time.as_millis().min(LONGEST) as u64
}

/// Whether Redis has no room for what a script writes, or may not write it.
fn is_full(error: &RedisError) -> bool {
    matches!(error.code(), Some("OOM" | "MISCONF"))
}

fn not_known_to_others(why: &str) -> Error {
    let message = format!(
        "the answer is forgotten in this process, but {why}: other processes may give it until its time ends; try again later, and answer the webhook with 503 so that it comes again"
    );
    Error::new(ErrorKind::Store, message).with(|details| details.may_have_arrived = false)
}
