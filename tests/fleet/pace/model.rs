//! What the scripts have to keep to, seen from outside: each slot with its time, and who
//! waited when.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::history::{History, MILLISECOND, MINUTE, SECOND};
use crate::server::{Take, Taken};

/// Which queue of which process.
pub(crate) type Queue = (usize, bool);

/// A slot that was granted.
struct Slot {
    decided: i64,
    at: i64,
    queue: Queue,
    gone: bool,
}

/// A head that asks, as the server has seen it.
struct Asking {
    since: i64,
    /// How many calls that joined later have got a slot before it.
    overtaken: u32,
}

struct Pause {
    since: i64,
    until: i64,
    last_probe: i64,
}

/// What came of a history.
#[derive(Debug, Default, Clone)]
pub(crate) struct Figures {
    pub(crate) slots: usize,
    /// Slots that nobody took while somebody waited.
    pub(crate) lost: f64,
    /// Those within five seconds after a pause.
    pub(crate) lost_after_pauses: f64,
    /// Slots of processes that died before they used them.
    pub(crate) wasted: usize,
    pub(crate) scripts: usize,
    /// Between two slots while somebody waited, in intervals.
    pub(crate) longest_gap: f64,
    /// How many requests a bucket at the server has to hold.
    pub(crate) bucket: f64,
    pub(crate) overtaken: u32,
    pub(crate) refused: usize,
    pub(crate) per_process: BTreeMap<usize, usize>,
    pub(crate) batches: usize,
}

impl Figures {
    /// The part of the limit that was used while somebody waited.
    pub(crate) fn used(&self) -> f64 {
        let used = (self.slots - self.wasted) as f64;
        used / (self.slots as f64 + self.lost)
    }
}

pub(crate) struct Model {
    history: History,
    slots: Vec<Slot>,
    asking: HashMap<Queue, Asking>,
    stalled: BTreeSet<usize>,
    dead: BTreeSet<usize>,
    granted: HashMap<String, i64>,
    pause: Option<Pause>,
    pause_ended: i64,
    /// The bucket as it should be, filled up to `now`.
    now: i64,
    tokens: f64,
    per_minute: f64,
    burst: f64,
    /// Since when a slot is free that nobody took.
    free_since: Option<i64>,
    /// Of the slots that are free now, how many were lost.
    unused: f64,
    /// Calls since a batch had a slot, while calls waited all the time.
    calls_since_batch: Option<u32>,
    /// When a limit was known, and when the smallest was.
    limited_since: Option<i64>,
    smallest_since: Option<i64>,
    sent: Vec<i64>,
    /// When the clock was put on: the bucket counts as filled since.
    steps: Vec<i64>,
    stepped: bool,
    pub(crate) troubles: usize,
    pub(crate) figures: Figures,
    pub(crate) broken: Vec<String>,
}

impl Model {
    pub(crate) fn new(history: &History) -> Self {
        Model {
            history: history.clone(),
            slots: Vec::new(),
            asking: HashMap::new(),
            stalled: BTreeSet::new(),
            dead: BTreeSet::new(),
            granted: HashMap::new(),
            pause: None,
            pause_ended: i64::MIN / 2,
            now: 0,
            tokens: 1.0,
            per_minute: 0.0,
            burst: 1.0,
            free_since: None,
            unused: 0.0,
            calls_since_batch: None,
            limited_since: None,
            smallest_since: None,
            sent: Vec::new(),
            steps: Vec::new(),
            stepped: false,
            troubles: 0,
            figures: Figures::default(),
            broken: Vec::new(),
        }
    }

    fn breaks(&mut self, what: String) {
        self.broken.push(format!("at {:.3} s: {what}", self.now as f64 / 1e6));
    }

    fn waits(&self) -> bool {
        self.asking.keys().any(|(process, _)| !self.stalled.contains(process))
    }

    /// Lets time pass: what does not fit into the bucket is lost if somebody waits.
    fn pass(&mut self, now: i64) {
        if self.pause.as_ref().is_some_and(|pause| pause.until <= now) {
            self.pause_ended = self.pause.take().map_or(now, |pause| pause.until);
        }
        let time = (now - self.now) as f64;
        self.tokens += time * self.per_minute / MINUTE as f64;
        if self.tokens >= 1.0 {
            self.free_since.get_or_insert(now);
        }
        let over = self.tokens - self.burst;
        if over > 0.0 {
            self.tokens = self.burst;
            if self.waits() && self.pause.is_none() && self.per_minute > 0.0 {
                self.unused += over;
                self.figures.longest_gap = self.figures.longest_gap.max(1.0 + self.unused);
                match now < self.pause_ended + 5 * SECOND {
                    true => self.figures.lost_after_pauses += over,
                    false => self.figures.lost += over,
                }
            }
        }
        self.now = now;
    }

    pub(crate) fn stalls(&mut self, now: i64, process: usize, stalls: bool) {
        self.pass(now);
        match stalls {
            true => self.stalled.insert(process),
            false => self.stalled.remove(&process),
        };
    }

    /// The clock of Redis is another from now on. Times that have begun end earlier, or
    /// by so much later as nothing was written before it.
    pub(crate) fn clock_steps(&mut self, now: i64, step: i64) {
        self.pass(now);
        self.troubles += 1;
        self.stepped = true;
        if step > 50 * SECOND {
            // What was set more than a minute ago is set anew with the next question.
            self.smallest_since = None;
        }
        if step > 0 {
            self.steps.push(now);
            // A slowdown may be over, too.
            self.burst = self.history.processes.iter().map(|it| it.burst).max().unwrap().into();
            self.tokens = self.burst;
            // By the clock the slot is free for long.
            self.free_since = Some(now - step.max(SECOND));
        }
        if let Some(pause) = &mut self.pause {
            pause.until -= step.max(0);
            pause.last_probe -= step.max(0);
        }
    }

    /// The process is gone. Slots that it has not used are wasted.
    pub(crate) fn dies(&mut self, now: i64, process: usize) {
        self.pass(now);
        self.dead.insert(process);
        self.asking.retain(|(it, _), _| *it != process);
        let unused = self.slots.iter().filter(|slot| slot.queue.0 == process && !slot.gone);
        self.figures.wasted += unused.count();
    }

    pub(crate) fn goes(&mut self, at: i64, queue: Queue) {
        let slot = self.slots.iter_mut().find(|slot| slot.queue == queue && !slot.gone);
        let slot = slot.expect("nobody goes without a slot");
        slot.gone = true;
        let early = slot.at - at;
        // Half of the round trip is known, and not each of its ways.
        let jitter = self.history.processes[queue.0].jitter;
        if early > jitter + MILLISECOND {
            self.breaks(format!("{queue:?} went {early} us before its slot"));
        }
        self.sent.push(at);
    }

    pub(crate) fn too_many_requests(&mut self, now: i64, pause: i64) {
        self.pass(now);
        self.figures.refused += 1;
        self.tokens = self.tokens.min(0.0);
        self.burst = 1.0;
        if pause >= 0 {
            self.pause = Some(Pause { since: now, until: now + pause, last_probe: now });
        }
    }

    pub(crate) fn passed(&mut self, now: i64, sent: i64) {
        self.pass(now);
        if self.pause.take_if(|pause| pause.since <= sent).is_some() {
            self.pause_ended = now;
        }
    }

    /// The server has answered who asked for a slot.
    pub(crate) fn taken(&mut self, now: i64, queue: Queue, take: &Take, taken: &Taken) {
        self.pass(now);
        self.figures.scripts += 1;
        self.check_limit(take, taken);
        if let Some(slot) = self.granted.get(&take.nonce) {
            let same = taken.go && (now + taken.wait - (*slot).max(now)).abs() <= 2;
            // A clock that went back leaves nothing that was to come.
            if !same && !self.stepped {
                self.breaks(format!("{queue:?} asked again and got another slot: {taken:?}"));
            }
            return;
        }
        if !self.dead.contains(&queue.0) {
            self.asking.entry(queue).or_insert(Asking { since: now, overtaken: 0 });
        }
        if !self.asking.keys().any(|(_, batch)| !batch) {
            self.calls_since_batch = None;
        }
        if taken.go {
            self.grants(now, queue, take, taken);
        } else {
            self.check_wait(taken);
        }
    }

    fn check_limit(&mut self, take: &Take, taken: &Taken) {
        let slowed_down = taken.reason == "slowed_down";
        let limits = self.history.processes.iter().filter(|it| it.per_minute > 0);
        let smallest = limits.min_by_key(|it| it.per_minute).unwrap().per_minute;
        if take.per_minute > 0 {
            self.limited_since.get_or_insert(self.now);
        }
        if take.per_minute == smallest && self.smallest_since.is_none() {
            self.smallest_since = Some(self.now);
        }
        if !slowed_down && self.smallest_since.is_some() && taken.rate > f64::from(smallest) {
            self.breaks(format!("{} a minute, and {smallest} was set", taken.rate));
        }
        if taken.reason == "none" && self.limited_since.is_some() {
            self.breaks("the limit is forgotten".into());
        }
        self.per_minute = taken.rate;
        let same = |it: &&crate::history::Process| f64::from(it.per_minute) == taken.rate;
        let set = self.history.processes.iter().filter(same).map(|it| it.burst).min();
        self.burst = set.filter(|_| !slowed_down).map_or(1.0, f64::from);
        self.tokens = self.tokens.min(self.burst);
    }

    fn check_wait(&mut self, taken: &Taken) {
        if !(1_000..=5 * SECOND).contains(&taken.wait) {
            self.breaks(format!("asked to come back in {} us", taken.wait));
        }
    }

    fn grants(&mut self, now: i64, queue: Queue, take: &Take, taken: &Taken) {
        let at = now + taken.wait;
        if let Some(own) = self.asking.remove(&queue) {
            self.check_order(now, queue, &own, take);
        }
        self.check_batches(queue);
        self.check_pause(at, taken);
        self.tokens -= 1.0;
        self.free_since = self.free_since.filter(|_| self.tokens >= 1.0);
        self.unused = 0.0;
        self.granted.insert(take.nonce.clone(), at);
        self.figures.slots += 1;
        *self.figures.per_process.entry(queue.0).or_default() += 1;
        self.figures.batches += usize::from(queue.1);
        self.slots.push(Slot { decided: now, at, queue, gone: false });
        if self.dead.contains(&queue.0) {
            self.figures.wasted += 1;
        }
    }

    /// Calls that have asked before and still wait are overtaken.
    fn check_order(&mut self, now: i64, queue: Queue, own: &Asking, take: &Take) {
        let joined = now - take.waited;
        if queue.1 {
            return;
        }
        let network = self.history.processes.iter().map(|it| it.round_trip + it.jitter).max();
        let tolerance = network.unwrap_or(0) + 5 * MILLISECOND;
        for ((process, batch), other) in &mut self.asking {
            let first = other.since + tolerance < joined.min(own.since);
            if !batch && first && !self.stalled.contains(process) {
                other.overtaken += 1;
                self.figures.overtaken = self.figures.overtaken.max(other.overtaken);
            }
        }
    }

    /// While calls wait all the time, nine of them go between two batches, unless a slot
    /// is free for some time and none of them asks for it.
    fn check_batches(&mut self, queue: Queue) {
        let unused = self.free_since.is_some_and(|since| self.now - since >= 20 * MILLISECOND);
        if queue.1 {
            if let Some(calls) = self.calls_since_batch.filter(|calls| *calls < 9 && !unused) {
                self.breaks(format!("a batch after {calls} calls"));
            }
            self.calls_since_batch = Some(0);
        } else if let Some(calls) = &mut self.calls_since_batch {
            *calls += 1;
        }
    }

    fn check_pause(&mut self, at: i64, taken: &Taken) {
        let Some(pause) = &mut self.pause else {
            if taken.probe && !self.stepped {
                self.breaks("a probe without a pause".into());
            }
            return;
        };
        if at >= pause.until {
            return;
        }
        let since = at - pause.last_probe;
        pause.last_probe = at;
        if since < MINUTE || !taken.probe {
            self.breaks(format!("a request in a pause, {since} us after the last: {taken:?}"));
        }
    }

    pub(crate) fn ends(&mut self, now: i64) {
        self.pass(now);
        self.check_rate();
        let deaths = self.dead.len();
        if self.figures.wasted > 2 * deaths {
            self.breaks(format!("{} slots wasted by {deaths} deaths", self.figures.wasted));
        }
        let ahead = self.furthest_look() * largest_rate(&self.history);
        if self.troubles == 0 && f64::from(self.figures.overtaken) > ahead.floor() + 1.0 {
            self.breaks(format!("a call was overtaken by {}", self.figures.overtaken));
        }
        let allowed = self.troubles as f64 + 1.0 + 0.03 * self.figures.slots as f64;
        if self.figures.lost > allowed {
            self.breaks(format!("{:.1} slots lost, {allowed:.1} allowed", self.figures.lost));
        }
        self.figures.bucket = self.bucket_needed();
    }

    /// How far ahead of time a slot is granted.
    fn furthest_look(&self) -> f64 {
        let round_trips = self.history.processes.iter().map(|it| it.round_trip + 2 * it.jitter);
        (20 * MILLISECOND + 2 * round_trips.max().unwrap()) as f64
    }

    /// In any window, at most the burst and what the limit allows.
    fn check_rate(&mut self) {
        let limits = || self.history.processes.iter().filter(|it| it.per_minute > 0);
        let largest = limits().map(|it| it.per_minute).max().unwrap();
        let burst = limits().map(|it| it.burst).max().unwrap();
        let smallest = limits().min_by_key(|it| (it.per_minute, it.burst)).unwrap();
        let bounds = [
            (self.limited_since.unwrap_or(i64::MAX), largest, burst),
            (self.smallest_since.unwrap_or(i64::MAX), smallest.per_minute, burst),
        ];
        for (from, per_minute, burst) in bounds {
            let (mut tokens, mut before) = (f64::from(burst), 0);
            let mut steps = self.steps.iter().peekable();
            for slot in self.slots.iter().filter(|slot| slot.decided >= from) {
                if steps.next_if(|step| **step <= slot.decided).is_some() {
                    (tokens, before) = (f64::from(burst), slot.at);
                }
                let filled = (slot.at - before) as f64 * f64::from(per_minute) / MINUTE as f64;
                tokens = (tokens + filled).min(f64::from(burst)) - 1.0;
                before = slot.at;
                if tokens < -0.001 {
                    let at = slot.at;
                    self.breaks(format!("a slot too many at {at} us: {tokens:.4}"));
                    break;
                }
            }
        }
    }

    fn bucket_needed(&self) -> f64 {
        let rate = largest_rate(&self.history);
        let since = self.limited_since.unwrap_or(i64::MAX);
        let mut sent: Vec<i64> = self.sent.iter().copied().filter(|at| *at > since).collect();
        sent.sort_unstable();
        let (mut level, mut before, mut needed) = (0.0_f64, 0, 0.0_f64);
        for at in sent {
            level = (level - (at - before) as f64 * rate).max(0.0) + 1.0;
            before = at;
            needed = needed.max(level);
        }
        needed
    }
}

/// In a microsecond.
fn largest_rate(history: &History) -> f64 {
    let limits = history.processes.iter().map(|it| it.per_minute);
    f64::from(limits.max().unwrap()) / MINUTE as f64
}
