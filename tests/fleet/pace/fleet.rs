//! Processes on a virtual clock. Each keeps its callers in a queue, and the one at its
//! head asks the script for a slot, as the client does.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use fastrand::Rng;
use redis::Value;

use crate::history::{Demand, History, MILLISECOND, SECOND, Trouble};
use crate::model::{Model, Queue};
use crate::server::{Request, Take, Taken};

/// A clock that Redis could have.
const BEGIN: i64 = 1_800_000_000 * SECOND;

/// From a request to Figma to its answer.
const FIGMA: i64 = 300 * MILLISECOND;

pub(crate) struct Fleet {
    history: History,
    random: Rng,
    now: i64,
    /// What the clock of Redis shows at the beginning.
    clock: i64,
    events: BinaryHeap<Reverse<(i64, u64)>>,
    /// What happens at the events, by number.
    what: std::collections::HashMap<u64, Event>,
    numbers: u64,
    processes: Vec<State>,
    /// What runs on the server now.
    running: Option<Running>,
    refuses: Option<Refusal>,
    pub(crate) model: Model,
}

struct State {
    alive: bool,
    stalled_until: i64,
    heads: [Head; 2],
    /// The measured round trip to Redis, and whether there was a pause lately.
    round_trip: i64,
    sees_pause: bool,
}

#[derive(Default)]
struct Head {
    /// When each caller joined.
    callers: VecDeque<i64>,
    /// The question that is asked or asked again later. Older ones are void.
    ask: u64,
    active: bool,
    asked_at: i64,
    nonce: String,
    answered: bool,
}

#[derive(Clone, Copy)]
struct Refusal {
    until: i64,
    retry_after: Option<i64>,
}

enum Event {
    Join(Queue),
    /// The head asks, again with the same nonce or anew.
    Ask {
        queue: Queue,
        ask: u64,
        again: bool,
    },
    /// A request arrives at Redis.
    Arrive {
        running: Running,
        lost: bool,
    },
    Reply {
        queue: Queue,
        ask: u64,
        taken: Taken,
    },
    TimeOut {
        queue: Queue,
        ask: u64,
    },
    Go {
        queue: Queue,
    },
    Answered {
        process: usize,
        batch: bool,
        sent: i64,
        refused: Option<Option<i64>>,
    },
    Trouble(Trouble),
    StallEnds(usize),
}

#[derive(Clone)]
struct Running {
    process: usize,
    request: Request,
    queue: Queue,
    ask: u64,
}

fn demand(history: &History, (process, batch): Queue) -> &Demand {
    let process = &history.processes[process];
    if batch { &process.batches } else { &process.calls }
}

impl Fleet {
    pub(crate) fn new(history: History) -> Self {
        let state = |process: &crate::history::Process| State {
            alive: true,
            stalled_until: 0,
            heads: [Head::default(), Head::default()],
            round_trip: process.round_trip,
            sees_pause: false,
        };
        let mut fleet = Fleet {
            random: Rng::with_seed(history.seed),
            now: 0,
            clock: BEGIN,
            events: BinaryHeap::new(),
            what: std::collections::HashMap::new(),
            numbers: 0,
            processes: history.processes.iter().map(state).collect(),
            running: None,
            refuses: None,
            model: Model::new(&history),
            history,
        };
        fleet.begin();
        fleet
    }

    fn begin(&mut self) {
        for process in 0..self.history.processes.len() {
            for batch in [false, true] {
                let demand = demand(&self.history, (process, batch)).clone();
                for _ in 0..demand.callers {
                    let at = demand.from + self.random.i64(0..self.history.begin_within);
                    self.at(at, Event::Join((process, batch)));
                }
            }
        }
        for (at, trouble) in self.history.troubles.clone() {
            self.at(at, Event::Trouble(trouble));
        }
    }

    fn at(&mut self, at: i64, event: Event) {
        self.numbers += 1;
        self.events.push(Reverse((at.max(self.now), self.numbers)));
        self.what.insert(self.numbers, event);
    }

    /// A timer of a process: it runs a little late.
    fn timer(&mut self, at: i64, event: Event) {
        let late = self.random.i64(0..=self.history.timers_late);
        self.at(at + late, event);
    }

    /// Goes on to the next script, and the time at which Redis runs it.
    pub(crate) fn next(&mut self) -> Option<(i64, Request)> {
        while let Some(Reverse((at, number))) = self.events.pop() {
            let event = self.what.remove(&number).unwrap();
            if at >= self.history.length {
                break;
            }
            self.now = at;
            if let Event::Arrive { running, lost: false } = &event {
                self.running = Some(running.clone());
                return Some((self.clock + at, running.request.clone()));
            }
            self.happens(event);
        }
        self.now = self.history.length;
        self.model.troubles += self.refuses.map_or(0, |_| 1);
        self.model.ends(self.now);
        None
    }

    fn happens(&mut self, event: Event) {
        let process = match &event {
            Event::Join((process, _))
            | Event::Ask { queue: (process, _), .. }
            | Event::Reply { queue: (process, _), .. }
            | Event::TimeOut { queue: (process, _), .. }
            | Event::Go { queue: (process, _) }
            | Event::Answered { process, .. } => Some(*process),
            Event::Arrive { .. } | Event::Trouble(_) | Event::StallEnds(_) => None,
        };
        if let Some(process) = process {
            let state = &self.processes[process];
            if !state.alive {
                return;
            }
            if state.stalled_until > self.now {
                return self.at(state.stalled_until, event);
            }
        }
        match event {
            Event::Join(queue) => self.joins(queue),
            Event::Ask { queue, ask, again } => self.asks(queue, ask, again),
            Event::Arrive { .. } => {}
            Event::Reply { queue, ask, taken } => self.replied(queue, ask, &taken),
            Event::TimeOut { queue, ask } => self.timed_out(queue, ask),
            Event::Go { queue } => self.goes(queue),
            Event::Answered { process, batch, sent, refused } => {
                self.answered(process, batch, sent, refused);
            }
            Event::Trouble(trouble) => self.trouble(trouble),
            Event::StallEnds(process) => {
                if self.processes[process].stalled_until <= self.now {
                    self.model.stalls(self.now, process, false);
                }
            }
        }
    }

    fn head(&mut self, (process, batch): Queue) -> &mut Head {
        &mut self.processes[process].heads[usize::from(batch)]
    }

    fn joins(&mut self, queue: Queue) {
        let now = self.now;
        if now >= demand(&self.history, queue).until {
            return;
        }
        let head = self.head(queue);
        head.callers.push_back(now);
        self.next_caller(queue);
    }

    /// The caller at the head asks, if none does.
    fn next_caller(&mut self, queue: Queue) {
        let head = self.head(queue);
        if head.active || head.callers.is_empty() {
            return;
        }
        head.active = true;
        head.ask += 1;
        let ask = head.ask;
        self.asks(queue, ask, false);
    }

    fn asks(&mut self, queue: Queue, ask: u64, again: bool) {
        let now = self.now;
        let (number, batch) = queue;
        if self.head(queue).ask != ask {
            return;
        }
        self.numbers += 1;
        let nonce = format!("n{}", self.numbers);
        let head = self.head(queue);
        if !again {
            head.nonce = nonce;
        }
        head.asked_at = now;
        head.answered = false;
        let (joined, callers, nonce) = (head.callers[0], head.callers.len(), head.nonce.clone());
        let set = &self.history.processes[number];
        let round_trip = self.processes[number].round_trip;
        let take = Take {
            process: format!("p{number}"),
            nonce,
            batch,
            waited: now - joined,
            per_minute: set.per_minute,
            burst: set.burst,
            look: 20 * MILLISECOND + 2 * round_trip,
            late: 25 * MILLISECOND + 3 * round_trip,
            callers,
            used: 0,
        };
        let timeout = 100 * MILLISECOND + set.round_trip + 2 * set.jitter;
        self.sends(Running { process: number, request: Request::Take(take), queue, ask });
        self.timer(now + timeout, Event::TimeOut { queue, ask });
    }

    fn way(&mut self, process: usize) -> i64 {
        let set = &self.history.processes[process];
        set.round_trip / 2 + self.random.i64(0..=set.jitter)
    }

    fn is_lost(&mut self) -> bool {
        self.random.f64() < self.history.lost
    }

    fn sends(&mut self, running: Running) {
        let process = running.process;
        let at = self.now + self.way(process);
        let lost = self.is_lost() && matches!(running.request, Request::Take(_));
        self.at(at, Event::Arrive { running, lost });
    }

    /// The server has run the script.
    pub(crate) fn replies(&mut self, value: Value) {
        let Running { process, request, queue, ask } = self.running.take().unwrap();
        let now = self.now;
        match request {
            Request::Take(take) => {
                let taken = Taken::of(value);
                self.model.taken(now, queue, &take, &taken);
                if self.is_lost() {
                    self.model.troubles += usize::from(taken.go);
                    return;
                }
                let at = now + self.way(process);
                self.at(at, Event::Reply { queue, ask, taken });
            }
            Request::TooManyRequests { pause, .. } => self.model.too_many_requests(now, pause),
            Request::Passed { age } => self.model.passed(now, now - age),
            Request::Leave { .. } | Request::Idle { .. } => {}
        }
    }

    fn timed_out(&mut self, queue: Queue, ask: u64) {
        let head = self.head(queue);
        if head.ask == ask && !head.answered {
            self.asks(queue, ask, true);
        }
    }

    fn replied(&mut self, queue: Queue, ask: u64, taken: &Taken) {
        let now = self.now;
        let head = self.head(queue);
        if head.ask != ask || head.answered {
            return;
        }
        head.answered = true;
        let took = now - head.asked_at;
        let state = &mut self.processes[queue.0];
        state.round_trip += (took - state.round_trip) / 8;
        state.sees_pause = taken.pause >= 0;
        if !taken.go {
            // A question that was answered is not asked again by its timer.
            let head = self.head(queue);
            head.ask += 1;
            let ask = head.ask;
            return self.timer(now + taken.wait, Event::Ask { queue, ask, again: false });
        }
        let head = self.head(queue);
        head.ask += 1;
        head.callers.pop_front();
        let early = self.history.processes[queue.0].asks_early;
        self.timer(now + (taken.wait - took / 2).max(0), Event::Go { queue });
        if early {
            self.head(queue).active = false;
            self.next_caller(queue);
        }
    }

    fn goes(&mut self, queue: Queue) {
        let now = self.now;
        self.model.goes(now, queue);
        if !self.history.processes[queue.0].asks_early {
            self.head(queue).active = false;
            self.next_caller(queue);
        }
        let refused = self.refuses.filter(|it| now < it.until).map(|it| it.retry_after);
        let answered = Event::Answered { process: queue.0, batch: queue.1, sent: now, refused };
        self.at(now + FIGMA, answered);
        // The caller comes back.
        self.at(now + MILLISECOND, Event::Join(queue));
    }

    fn answered(&mut self, process: usize, batch: bool, sent: i64, refused: Option<Option<i64>>) {
        let age = self.now - sent;
        let request = match refused {
            Some(retry_after) => {
                Request::TooManyRequests { age, pause: retry_after.unwrap_or(-1), batch }
            }
            None if self.processes[process].sees_pause => Request::Passed { age },
            None => return,
        };
        self.sends(Running { process, request, queue: (process, batch), ask: 0 });
    }

    fn trouble(&mut self, trouble: Trouble) {
        let now = self.now;
        match trouble {
            Trouble::Dies(process) => self.ends(process),
            Trouble::SaysGoodbye(process) => {
                if self.processes[process].alive {
                    let request = Request::Leave { process: format!("p{process}") };
                    self.sends(Running { process, request, queue: (process, false), ask: 0 });
                    self.ends(process);
                }
            }
            Trouble::Stalls(process, time) => {
                let state = &mut self.processes[process];
                state.stalled_until = state.stalled_until.max(now + time);
                let until = state.stalled_until;
                self.model.stalls(now, process, true);
                self.model.troubles += 1;
                self.at(until, Event::StallEnds(process));
            }
            Trouble::ClockSteps(step) => {
                self.clock += step;
                self.model.clock_steps(now, step);
            }
            Trouble::Refuses { lasts, retry_after } => {
                self.refuses = Some(Refusal { until: now + lasts, retry_after });
            }
        }
    }

    fn ends(&mut self, process: usize) {
        if std::mem::replace(&mut self.processes[process].alive, false) {
            self.model.troubles += 1;
            self.model.dies(self.now, process);
        }
    }
}
