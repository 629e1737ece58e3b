//! What happens in a history: how many processes, what they ask, and what goes wrong.

use fastrand::Rng;

pub(crate) const MILLISECOND: i64 = 1_000;
pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;

#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) seed: u64,
    pub(crate) name: &'static str,
    pub(crate) processes: Vec<Process>,
    /// How long it lasts.
    pub(crate) length: i64,
    /// The time in which the first callers come.
    pub(crate) begin_within: i64,
    /// How much later than it should a timer may run.
    pub(crate) timers_late: i64,
    /// The part of the requests and replies between a process and Redis that is lost.
    pub(crate) lost: f64,
    pub(crate) troubles: Vec<(i64, Trouble)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Process {
    pub(crate) per_minute: u32,
    pub(crate) burst: u32,
    /// To Redis and back.
    pub(crate) round_trip: i64,
    /// Up to so much is added to each way.
    pub(crate) jitter: i64,
    pub(crate) calls: Demand,
    pub(crate) batches: Demand,
    /// The next caller asks for its slot as soon as the one before it has its own, and
    /// not when that has gone.
    pub(crate) asks_early: bool,
}

/// Callers that come back as soon as they were served, from a time on until another.
#[derive(Debug, Clone, Default)]
pub(crate) struct Demand {
    pub(crate) callers: usize,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    Dies(usize),
    SaysGoodbye(usize),
    Stalls(usize, i64),
    /// Figma answers 429 for this long, and asks for a pause of that length.
    Refuses {
        lasts: i64,
        retry_after: Option<i64>,
    },
    /// The clock of Redis is put on or back.
    ClockSteps(i64),
}

fn demand(callers: usize, length: i64) -> Demand {
    Demand { callers, from: 0, until: length }
}

impl History {
    /// All want the same, and nothing goes wrong.
    pub(crate) fn calm(processes: usize, per_minute: u32, burst: u32, round_trips: &[i64]) -> Self {
        // Enough slots to compare shares.
        let length = (processes as i64 * 15 * MINUTE / i64::from(per_minute)).max(MINUTE);
        let process = |number: usize| Process {
            per_minute,
            burst,
            round_trip: round_trips[number % round_trips.len()],
            jitter: 0,
            calls: demand(2, length),
            batches: Demand::default(),
            asks_early: false,
        };
        History {
            seed: 1,
            name: "calm",
            processes: (0..processes).map(process).collect(),
            length,
            begin_within: 50 * MILLISECOND,
            timers_late: MILLISECOND,
            lost: 0.0,
            troubles: Vec::new(),
        }
    }

    /// Half of the processes die at the same time.
    pub(crate) fn half_die(processes: usize, burst: u32) -> Self {
        let mut history = History::calm(processes, 300, burst, &[0]);
        history.name = "half die";
        history.length = 20 * SECOND;
        history.troubles =
            (0..processes / 2).map(|it| (5 * SECOND, Trouble::Dies(2 * it))).collect();
        history
    }

    pub(crate) fn random(seed: u64, processes: usize) -> Self {
        let mut random = Rng::with_seed(seed);
        let length = random.i64(30..90) * SECOND;
        let per_minute = [50, 100, 150, 300, 300, 300, 1200][random.usize(0..7)];
        let burst = [1, 1, 1, 2, 3, 10, per_minute][random.usize(0..7)];
        let network = [0, MILLISECOND, 10 * MILLISECOND, 100 * MILLISECOND][random.usize(0..4)];
        let batches = random.u8(0..3) == 0;
        let disagree = random.u8(0..6) == 0;
        let early = random.bool();
        let mut process = |_| {
            let set = match random.u8(0..3) {
                0 if disagree => (per_minute / 2, 1),
                1 if disagree => (0, 1),
                _ => (per_minute, burst),
            };
            let round_trip = random.i64(0..=network);
            let callers = random.usize(1..20);
            let some_time = |random: &mut Rng, callers| {
                let from = random.i64(0..length / 2);
                Demand { callers, from, until: from + random.i64(length / 10..length) }
            };
            let is_batch = batches && random.u8(0..4) == 0;
            Process {
                per_minute: set.0,
                burst: set.1,
                round_trip,
                jitter: random.i64(0..=round_trip / 4 + MILLISECOND),
                calls: match random.u8(0..4) {
                    _ if is_batch => Demand::default(),
                    0 => some_time(&mut random, callers),
                    _ => demand(callers, length),
                },
                batches: if is_batch { demand(callers, length) } else { Demand::default() },
                asks_early: early,
            }
        };
        let processes: Vec<Process> = (0..processes).map(&mut process).collect();
        let timers_late = [1, 1, 5, 10][random.usize(0..4)] * MILLISECOND;
        let lost = [0.0, 0.0, 0.002, 0.02][random.usize(0..4)];
        let troubles = troubles(&mut random, processes.len(), length);
        History {
            seed,
            name: "random",
            processes,
            length,
            begin_within: SECOND,
            timers_late,
            lost,
            troubles,
        }
    }
}

fn troubles(random: &mut Rng, processes: usize, length: i64) -> Vec<(i64, Trouble)> {
    let mut troubles = Vec::new();
    let mut add = |random: &mut Rng, count: usize, trouble: &dyn Fn(&mut Rng) -> Trouble| {
        for _ in 0..count {
            let at = random.i64(SECOND..length);
            troubles.push((at, trouble(random)));
        }
    };
    let some = random.usize(0..=processes / 4);
    let deaths = [0, some, 3][random.usize(0..3)];
    let goodbyes = [0, 0, some][random.usize(0..3)];
    add(random, deaths, &|random| Trouble::Dies(random.usize(0..processes)));
    add(random, goodbyes, &|random| Trouble::SaysGoodbye(random.usize(0..processes)));
    let stalls = [0, 0, 3, some][random.usize(0..4)];
    add(random, stalls, &|random| {
        let longest = [200, 2_000, 10_000][random.usize(0..3)] * MILLISECOND;
        Trouble::Stalls(random.usize(0..processes), random.i64(0..longest))
    });
    let refusals = [0, 0, 1, 2][random.usize(0..4)];
    add(random, refusals, &|random| {
        let pause = random.i64(0..80 * SECOND);
        Trouble::Refuses {
            lasts: random.i64(10 * MILLISECOND..SECOND),
            retry_after: random.bool().then_some(pause),
        }
    });
    let steps = [0, 0, 0, 2][random.usize(0..4)];
    add(random, steps, &|random| {
        let longest = [10, 500, 5_000, 3_600_000][random.usize(0..4)] * MILLISECOND;
        Trouble::ClockSteps(random.i64(-longest..=longest))
    });
    troubles
}
