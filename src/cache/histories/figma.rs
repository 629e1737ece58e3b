//! A Figma in this process, which answers when it is told to, and a record of
//! all that was said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::model::{Arrived, Call, Method, Model, Moment, Said, Times, Word};
use super::question::{Question, Subject, about};
use super::steps::{Fate, Reply};
use crate::api::types::PaymentInformation;
use crate::cache::entitlement::{Entitlement, Source};
use crate::error::{Error, ErrorKind};
use crate::model::payment::{DateOfPurchase, PaymentStatus};
use crate::model::resource::ResourceType;

/// The instants, in milliseconds modulo this. What is done by the steps, what
/// arrives, and what times out never fall on the same instant, so that whatever
/// happens at one follows from one thing. The waits of the client keep to it:
/// see [`RETRY_AFTER`] and [`DEADLINE`].
pub(super) const RHYTHM: u64 = 4;
const ARRIVES: u64 = 1;

/// After an arrival, so that the retry goes out with the steps.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(503);
/// After which an attempt ends; at [`ARRIVES`] plus 1 or 2.
pub(super) const TIMEOUT: Duration = Duration::from_millis(5002);
pub(super) const DEADLINE: Duration = Duration::from_millis(12_002);

/// Shared by the server, the callers and the history.
#[derive(Clone)]
pub(super) struct Figma(Arc<Mutex<State>>);

pub(super) struct State {
    pub(super) model: Model,
    pub(super) truth: BTreeMap<Subject, PaymentStatus>,
    at_first: PaymentStatus,
    pub(super) fates: VecDeque<Fate>,
    pub(super) weather: Reply,
    pub(super) requests: u64,
    pub(super) checked: Checked,
    pub(super) wrong: Option<String>,
    /// What happened, if it is to be told.
    pub(super) told: Option<Vec<String>>,
    began: Instant,
    moments: u64,
    callers: usize,
    arrivals: BTreeSet<u64>,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) answers: u64,
    pub(super) yeses_from_memory: u64,
    pub(super) stale: u64,
    pub(super) lost: u64,
}

impl Figma {
    pub(super) fn new(times: Times, at_first: PaymentStatus, roomy: bool, telling: bool) -> Self {
        Figma(Arc::new(Mutex::new(State {
            model: Model { times, roomy, words: Vec::new() },
            truth: BTreeMap::new(),
            at_first,
            fates: VecDeque::new(),
            weather: Reply::Truth,
            requests: 0,
            checked: Checked::default(),
            wrong: None,
            told: telling.then(Vec::new),
            began: Instant::now(),
            moments: 0,
            callers: 0,
            arrivals: BTreeSet::new(),
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Answers one request, as the history has it.
    pub(super) async fn answer(self, question: Question) -> Result<PaymentInformation, Error> {
        let (word, fate) = self.lock().goes_out(question);
        let mut under_way = UnderWay { figma: self.clone(), word: Some(word) };
        if fate.there > 0 {
            sleep(Duration::from_millis(fate.there.into())).await;
        }
        let said = self.lock().decide(question, &fate.reply);
        let arrives = self.lock().arrival(Duration::from_millis(fate.back.into()));
        sleep_until(arrives).await;
        under_way.word = None;
        self.lock().arrives(word, said, &fate.reply)
    }
}

/// A request that is given up before it is answered, which tells of an outage.
struct UnderWay {
    figma: Figma,
    word: Option<usize>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(word) = self.word {
            let mut state = self.figma.lock();
            state.word(word, Said::Outage(ErrorKind::Timeout));
            state.tell(|| format!("request {word} is given up"));
        }
    }
}

impl State {
    pub(super) fn now(&mut self) -> Moment {
        self.moments += 1;
        Moment { number: self.moments, at: Instant::now() }
    }

    pub(super) fn tell(&mut self, what: impl FnOnce() -> String) {
        if let (Some(told), None) = (&mut self.told, &self.wrong) {
            told.push(format!("{:>12.3} s: {}", self.began.elapsed().as_secs_f64(), what()));
        }
    }

    pub(super) fn is_wrong(&mut self, what: String) {
        self.tell(|| format!("WRONG: {what}"));
        self.wrong.get_or_insert(what);
    }

    /// The next instant after so many milliseconds at which a step may be done.
    pub(super) fn step(&self, after: u32) -> Instant {
        let millis = self.began.elapsed().as_millis() as u64 + u64::from(after.max(1));
        self.began + Duration::from_millis(millis.next_multiple_of(RHYTHM))
    }

    /// The next instant after this time at which nothing else arrives.
    fn arrival(&mut self, after: Duration) -> Instant {
        let millis = (self.began.elapsed() + after).as_millis() as u64;
        let mut arrives = millis.next_multiple_of(RHYTHM) + ARRIVES;
        while !self.arrivals.insert(arrives) {
            arrives += RHYTHM;
        }
        self.began + Duration::from_millis(arrives)
    }

    /// What is said without a question stands at once.
    pub(super) fn said(&mut self, about: Subject, said: Said) -> usize {
        let sent = self.now();
        let arrived = Some(Arrived { when: sent, said });
        let word = Word { about, question: None, sent, arrived, given_as_fresh: false };
        self.model.words.push(word);
        self.model.words.len() - 1
    }

    fn goes_out(&mut self, question: Question) -> (usize, Fate) {
        let (number, about, sent) = (self.model.words.len(), question.subject(), self.now());
        self.tell(|| format!("request {number} goes out {question}"));
        let question = Some(question);
        self.model.words.push(Word { about, question, sent, arrived: None, given_as_fresh: false });
        self.requests += 1;
        let fate = self.fates.pop_front().unwrap_or_else(|| Fate {
            there: 0,
            back: 10,
            reply: self.weather.clone(),
        });
        (number, fate)
    }

    fn decide(&mut self, question: Question, reply: &Reply) -> Said {
        let about = question.subject();
        match reply {
            Reply::Truth if question.is_answered_by(about) => Said::Status(self.truth(about)),
            Reply::Truth => Said::Refused(ErrorKind::Mismatch),
            Reply::Says(status) => Said::Status(status.clone()),
            Reply::TooManyRequests { .. } => Said::Outage(ErrorKind::RateLimited),
            Reply::Fails(kind, _) => match kind {
                ErrorKind::Server
                | ErrorKind::Timeout
                | ErrorKind::Connect
                | ErrorKind::Transport => Said::Outage(*kind),
                refused => Said::Refused(*refused),
            },
        }
    }

    pub(super) fn truth(&self, about: Subject) -> PaymentStatus {
        self.truth.get(&about).cloned().unwrap_or_else(|| self.at_first.clone())
    }

    fn arrives(
        &mut self,
        word: usize,
        said: Said,
        reply: &Reply,
    ) -> Result<PaymentInformation, Error> {
        self.word(word, said.clone());
        self.tell(|| format!("request {word} is answered: {said:?}"));
        let (kind, status, retry_after) = match (said, reply) {
            (Said::Status(status), _) => {
                return Ok(payment(self.model.words[word].about, status, word));
            }
            (_, Reply::TooManyRequests { retry_after }) => {
                (ErrorKind::RateLimited, Some(429), *retry_after)
            }
            (Said::Outage(kind) | Said::Refused(kind), Reply::Fails(_, status)) => {
                (kind, *status, None)
            }
            (_, _) => (ErrorKind::Mismatch, Some(200), None),
        };
        Err(Error::new(kind, "simulated").with(|details| {
            details.may_have_arrived = kind != ErrorKind::Connect;
            details.response.status = status;
            details.response.retry_after = retry_after.map(|wait| Duration::from_secs(wait.into()));
        }))
    }

    fn word(&mut self, word: usize, said: Said) {
        let when = self.now();
        self.model.words[word].arrived = Some(Arrived { when, said });
    }

    pub(super) fn begins(&mut self, method: Method, question: Question) -> Call {
        self.callers += 1;
        let caller = self.callers;
        self.tell(|| format!("caller {caller} asks: {method:?} {question}"));
        Call { caller, method, question, began: self.now() }
    }

    /// Holds what a caller was given against the model.
    pub(super) fn ends(&mut self, call: &Call, given: &Result<Option<Entitlement>, ErrorKind>) {
        let (now, caller) = (self.now(), call.caller);
        if now.at - call.began.at > self.model.times.deadline + Duration::from_secs(1) {
            self.is_wrong(format!("caller {caller} waited beyond the deadline"));
        }
        let from_memory = |it: &Entitlement| it.source == Source::Cached;
        if !matches!(given, Ok(Some(given)) if from_memory(given)) && self.model.could_give(call) {
            self.checked.lost += 1;
        }
        let given = match given {
            Ok(Some(given)) => given,
            Ok(None) => return self.tell(|| format!("caller {caller} is given nothing")),
            Err(kind) => return self.tell(|| format!("caller {caller} is given {kind:?}")),
        };
        let (status, source) = (&given.payment.payment_status, given.source);
        let Some(number) = word_of(&given.payment) else {
            return self.is_wrong(format!("caller {caller} is given what nobody said"));
        };
        self.tell(|| format!("caller {caller} is given {status} of request {number}, {source:?}"));
        self.checked.answers += 1;
        match source {
            Source::Fresh => {}
            Source::Cached => {
                self.checked.yeses_from_memory += u64::from(given.grants_access());
            }
            Source::Stale => self.checked.stale += 1,
        }
        let word = &self.model.words[number];
        let same = about(&given.payment) == Some(word.about)
            && word.said() == Some(&Said::Status(status.clone()));
        let allowed = match same {
            true => self.model.judge(call, word, source, now),
            false => Err("it is not what was said".to_owned()),
        };
        if let Err(why) = allowed {
            let truth = self.truth(word.about);
            return self.is_wrong(format!(
                "caller {caller} was given {status}, {source:?}: {why} (the truth is {truth})"
            ));
        }
        if call.method == Method::GetFresh {
            self.model.words[number].given_as_fresh = true;
        }
    }
}

/// An answer that can be told from all others.
pub(super) fn payment(about: Subject, status: PaymentStatus, word: usize) -> PaymentInformation {
    PaymentInformation {
        date_of_purchase: Some(DateOfPurchase::from(word.to_string().as_str())),
        payment_status: status,
        resource_id: about.resource().id().to_owned(),
        resource_type: ResourceType::Plugin,
        user_id: about.user_id().to_string(),
    }
}

fn word_of(payment: &PaymentInformation) -> Option<usize> {
    payment.date_of_purchase.as_ref()?.as_str().parse().ok()
}

impl Checked {
    pub(super) fn add(&mut self, other: Checked) {
        self.answers += other.answers;
        self.yeses_from_memory += other.yeses_from_memory;
        self.stale += other.stale;
        self.lost += other.lost;
    }
}
