//! What the scripts promise, one by one.

use redis::Value;

use crate::history::{MILLISECOND, MINUTE, SECOND};
use crate::server::{Request, Scripts, Server, Take, Taken, keys};

/// One limit, and the time there.
struct Limit {
    scripts: Scripts,
    now: i64,
    nonces: u32,
    _server: Server,
}

impl Limit {
    fn new() -> Option<Self> {
        let server = Server::start()?;
        let now = 1_800_000_000 * SECOND;
        Some(Limit { scripts: server.scripts(), now, nonces: 0, _server: server })
    }

    fn run(&mut self, request: &Request) -> Value {
        self.scripts.run("limit", self.now, request)
    }

    /// What the process asks, with a nonce of its own.
    fn asks(&mut self, process: &str, per_minute: u32, burst: u32) -> Take {
        self.nonces += 1;
        Take {
            process: process.into(),
            nonce: self.nonces.to_string(),
            batch: false,
            waited: 0,
            per_minute,
            burst,
            look: 20 * MILLISECOND,
            late: 25 * MILLISECOND,
            callers: 1,
            used: 0,
        }
    }

    fn take(&mut self, take: &Take) -> Taken {
        Taken::of(self.run(&Request::Take(take.clone())))
    }

    fn takes(&mut self, process: &str, per_minute: u32, burst: u32) -> Taken {
        let take = self.asks(process, per_minute, burst);
        self.take(&take)
    }

    fn takes_batch(&mut self, process: &str, per_minute: u32, burst: u32) -> Taken {
        let take = Take { batch: true, ..self.asks(process, per_minute, burst) };
        self.take(&take)
    }

    /// A 429 to a request that was sent so long ago.
    fn too_many_requests(&mut self, age: i64, pause: i64, batch: bool) {
        self.run(&Request::TooManyRequests { age, pause, batch });
    }

    fn passed(&mut self, age: i64) -> bool {
        self.run(&Request::Passed { age }) == Value::Int(1)
    }

    fn leave(&mut self, process: &str) {
        self.run(&Request::Leave { process: process.into() });
    }

    fn takes_if_idle(&mut self, per_minute: u32, burst: u32) -> bool {
        self.run(&Request::Idle { per_minute, burst }) == Value::Int(1)
    }

    fn field(&mut self, field: &str) -> Option<f64> {
        let mut command = redis::cmd("HGET");
        command.arg(&keys("limit")[0]).arg(field).query(&mut self.scripts.connection).unwrap()
    }

    fn exists(&mut self, key: usize) -> bool {
        let mut command = redis::cmd("EXISTS");
        command.arg(&keys("limit")[key]).query(&mut self.scripts.connection).unwrap()
    }

    /// The limit in force, of 120 a minute.
    fn part(&mut self) -> f64 {
        let rate = self.takes("look", 120, 1).rate;
        (rate / 120.0 * 1000.0).round() / 1000.0
    }
}

#[test]
fn nothing_known_is_a_slot_and_no_burst() {
    let Some(mut limit) = Limit::new() else { return };
    let first = limit.takes("a", 300, 300);
    assert!(first.go && first.wait == 0 && first.interval == 200_000, "{first:?}");
    assert_eq!((first.rate, first.reason.as_str(), first.pause), (300.0, "set", -1));
    let second = limit.takes("a", 300, 300);
    assert!(!second.go && second.wait == 190_000 && second.own_slot == 200_000, "{second:?}");
    // The burst comes with time.
    limit.now += 3 * SECOND;
    let slots = (0..30).filter(|_| {
        let taken = limit.takes("a", 300, 300);
        taken.go && taken.wait == 0
    });
    assert_eq!(slots.count(), 15);
}

#[test]
fn a_slot_is_granted_shortly_ahead_and_asking_twice_gives_the_same() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 300, 1);
    limit.now += 190 * MILLISECOND;
    let take = limit.asks("b", 300, 1);
    let first = limit.take(&take);
    assert!(first.go && first.wait == 10_000, "{first:?}");
    limit.now += 4 * MILLISECOND;
    let again = limit.take(&take);
    assert!(again.go && again.wait == 6_000, "{again:?}");
    limit.now += SECOND;
    assert!(limit.take(&take).go);
    assert_eq!(limit.field("calls"), Some(2.0));
    let other = Take { batch: true, ..take.clone() };
    assert!(limit.take(&other).go);
    assert_eq!(limit.field("calls"), Some(3.0), "a batch's slot is another");
    limit.now += 11 * SECOND;
    assert!(limit.take(&take).go);
    assert_eq!(limit.field("calls"), Some(4.0), "it is forgotten after ten seconds");
}

#[test]
fn who_has_waited_longest_is_next() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 60, 1);
    for (process, waited) in [("b", 10), ("c", 30), ("d", 20)] {
        let take = Take { waited: waited * SECOND, ..limit.asks(process, 60, 1) };
        assert!(!limit.take(&take).go);
    }
    let mut order = Vec::new();
    for second in 1..4 {
        limit.now += SECOND;
        for (process, waited) in [("b", 10), ("c", 30), ("d", 20)] {
            if order.contains(&process) {
                continue;
            }
            let waited = (waited + second) * SECOND;
            let take = Take { waited, ..limit.asks(process, 60, 1) };
            if limit.take(&take).go {
                order.push(process);
            }
        }
        // Nobody who comes later is asked to wait for those who are gone.
        limit.now += 10 * MILLISECOND;
    }
    assert_eq!(order, ["c", "d", "b"]);
}

#[test]
fn the_smallest_limit_of_the_last_minute_counts() {
    let Some(mut limit) = Limit::new() else { return };
    let free = limit.takes("job", 0, 1);
    assert!(free.go && free.reason == "none" && free.interval == 0 && !free.disagree);
    assert!(!limit.takes("a", 300, 10).disagree);
    let smaller = limit.takes("b", 50, 5);
    assert!(smaller.rate == 50.0 && smaller.disagree);
    let (larger, job) = (limit.takes("a", 300, 10), limit.takes("job", 0, 1));
    assert!(larger.rate == 50.0 && larger.disagree);
    assert!(job.rate == 50.0 && !job.disagree && job.reason == "set");
    limit.now += 61 * SECOND;
    let larger = limit.takes("a", 300, 10);
    assert!(larger.rate == 300.0 && !larger.disagree);
    limit.now += 50 * MINUTE;
    assert_eq!(limit.takes("job", 0, 1).rate, 300.0, "the last one that is known");
}

#[test]
fn without_a_limit_all_go_at_once_except_in_a_pause() {
    let Some(mut limit) = Limit::new() else { return };
    assert!((0..1_000).all(|_| limit.takes("a", 0, 1).go));
    assert!(!limit.exists(1) && !limit.exists(3), "nobody has queued");
    limit.too_many_requests(0, 300 * SECOND, false);
    let held = limit.takes("a", 0, 1);
    assert!(!held.go && held.reason == "none" && held.pause == 300 * SECOND);
    assert!(!limit.takes("b", 0, 1).go);
    limit.now += MINUTE;
    let probe = limit.takes("a", 0, 1);
    assert!(probe.go && probe.probe, "{probe:?}");
    assert!(!limit.takes("b", 0, 1).go, "one probe a minute");
    assert!(limit.passed(0));
    assert!(limit.takes("b", 0, 1).go && limit.takes("c", 0, 1).go);
}

#[test]
fn a_pause_holds_back_all_but_one_a_minute() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 300, 1);
    limit.too_many_requests(100 * MILLISECOND, 150 * SECOND, false);
    let mut probes = Vec::new();
    let began = limit.now;
    while limit.now < began + 160 * SECOND {
        for process in ["a", "b", "c"] {
            let taken = limit.takes(process, 300, 1);
            if taken.go {
                probes.push(((limit.now + taken.wait - began) as f64 / 1e6, taken.probe));
            }
        }
        limit.now += 10 * MILLISECOND;
    }
    assert_eq!(probes[..3], [(60.0, true), (120.0, true), (150.0, false)]);
    // Slower by now: 242 a minute. The slot at the end was granted ahead of time.
    assert!((0.247..0.249).contains(&(probes[3].0 - 150.0)), "{}", probes[3].0);
    assert!(probes.len() > 35, "{}", probes.len());
}

#[test]
fn the_newest_pause_counts_and_only_a_later_request_ends_it() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 300, 1);
    limit.too_many_requests(0, 1_000 * SECOND, false);
    limit.now += SECOND;
    limit.too_many_requests(SECOND, 10 * SECOND, false);
    assert_eq!(limit.takes("a", 300, 1).pause, 10 * SECOND);
    limit.too_many_requests(SECOND, -1, false);
    assert_eq!(limit.takes("a", 300, 1).pause, 10 * SECOND, "without Retry-After it stays");
    limit.now += SECOND;
    assert!(!limit.passed(SECOND + 1) && limit.takes("a", 300, 1).pause > 0);
    assert!(limit.passed(SECOND) && limit.takes("a", 300, 1).pause == -1);
    assert!(!limit.passed(0), "no pause is left");
}

#[test]
fn a_429_leaves_a_little_less_than_what_was_granted() {
    for (slots, expected) in [(0, 0.4), (6, 0.4), (10, 0.45), (12, 0.54), (20, 0.64)] {
        let Some(mut limit) = Limit::new() else { return };
        limit.takes("a", 120, 1);
        limit.too_many_requests(0, -1, false);
        let slowed_down = limit.takes("a", 120, 1);
        assert_eq!((slowed_down.rate, slowed_down.reason.as_str()), (96.0, "slowed_down"));
        let mut granted = 0;
        let began = limit.now;
        while granted < slots {
            limit.now += 50 * MILLISECOND;
            granted += u32::from(limit.takes("a", 120, 1).go);
            if limit.now - began > 10 * SECOND {
                // As fast as the limit allows, these are fewer than 20.
                break;
            }
        }
        limit.now = began + 10 * SECOND;
        limit.too_many_requests(SECOND, -1, false);
        let expected =
            if slots == 20 { 0.64_f64.min(0.9 * f64::from(granted) / 20.0) } else { expected };
        assert!((limit.part() - expected).abs() < 0.002, "{slots}: {}", limit.part());
    }
}

#[test]
fn many_429s_leave_a_tenth_and_those_together_count_once() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 120, 1);
    limit.too_many_requests(0, -1, false);
    limit.now += SECOND;
    limit.too_many_requests(2 * SECOND, -1, false);
    assert_eq!(limit.part(), 0.8);
    for expected in [0.4, 0.2, 0.1, 0.1] {
        limit.now += 10 * SECOND;
        limit.too_many_requests(0, -1, false);
        assert_eq!(limit.part(), expected);
    }
}

#[test]
fn the_limit_recovers_within_five_minutes() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 120, 60);
    limit.too_many_requests(0, -1, false);
    let began = limit.now;
    for (part, expected) in [(0.5, 0.806), (0.8, 0.866), (0.9, 0.918)] {
        limit.now = began + (part * 300e6) as i64;
        let take = limit.asks("a", 120, 60);
        let taken = limit.take(&take);
        assert!((taken.rate / 120.0 - expected).abs() < 0.001, "{part}: {}", taken.rate);
    }
    limit.now = began + 299 * SECOND;
    assert_eq!(limit.takes("a", 120, 60).reason, "slowed_down");
    limit.now = began + 300 * SECOND;
    let over = limit.takes("a", 120, 60);
    assert_eq!((over.reason.as_str(), over.rate), ("set", 120.0));
}

#[test]
fn a_slower_limit_has_no_burst_until_it_recovers() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 120, 60);
    limit.now += MINUTE;
    let burst = |limit: &mut Limit| {
        let now = |_: &u32| limit.takes("a", 120, 60).wait == 0;
        (0..100).take_while(now).count()
    };
    assert_eq!(burst(&mut limit), 60);
    limit.now += MINUTE;
    limit.too_many_requests(0, -1, false);
    assert_eq!(burst(&mut limit), 0, "the server's bucket has no room");
    limit.now += 150 * SECOND;
    assert_eq!(burst(&mut limit), 1);
}

#[test]
fn without_a_setting_only_a_batch_assumes_a_limit() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 0, 1);
    limit.too_many_requests(0, -1, false);
    assert_eq!(limit.takes("a", 0, 1).reason, "none");
    limit.too_many_requests(0, -1, true);
    let assumed = limit.takes("a", 0, 1);
    assert_eq!((assumed.reason.as_str(), assumed.rate, assumed.go), ("assumed", 50.0, false));
    limit.now += 300 * SECOND;
    assert_eq!(limit.takes("a", 0, 1).reason, "none");
}

#[test]
fn what_a_process_used_alone_is_poured_in_once() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 60, 10);
    limit.now += MINUTE;
    let take = Take { used: 12, ..limit.asks("b", 60, 10) };
    let first = limit.take(&take);
    assert_eq!((first.go, first.own_slot), (false, 3 * SECOND));
    assert_eq!(limit.take(&take).own_slot, 3 * SECOND, "asked again");
    limit.now += MINUTE;
    let take = Take { used: 1_000_000, ..limit.asks("b", 60, 10) };
    assert_eq!(limit.take(&take).own_slot, 51 * SECOND, "a minute's at most");
}

#[test]
fn batches_get_one_slot_in_ten_while_calls_wait_and_all_otherwise() {
    let Some(mut limit) = Limit::new() else { return };
    let mut slots = String::new();
    for tenth in 0..1_000 {
        let batch = Take { callers: 50, ..limit.asks("batch", 600, 1) };
        if limit.take(&Take { batch: true, ..batch }).go {
            slots.push('b');
        }
        let call = Take { waited: SECOND, callers: 3, ..limit.asks("call", 600, 1) };
        if tenth >= 500 && limit.take(&call).go {
            slots.push('c');
        }
        limit.now += 10 * MILLISECOND;
    }
    let (alone, beside) = slots.split_at(slots.find('c').unwrap());
    assert!((49..=51).contains(&alone.len()), "{slots}");
    let batches: Vec<usize> = beside.match_indices('b').map(|(at, _)| at).collect();
    assert!(batches.len() >= 4 && beside.len() >= 49, "{slots}");
    assert!(batches.windows(2).all(|pair| pair[1] - pair[0] == 10), "{slots}");
}

#[test]
fn the_callers_of_other_processes_are_counted() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("first", 60, 1);
    for (process, callers, others) in [("a", 5, 0), ("b", 7, 5), ("a", 4, 7), ("c", 1, 11)] {
        let take = Take { callers, ..limit.asks(process, 60, 1) };
        assert_eq!(limit.take(&take).waiting, others, "{process}");
    }
    let batch = Take { batch: true, callers: 100, ..limit.asks("d", 60, 1) };
    assert_eq!(limit.take(&batch).waiting, 12);
    assert_eq!(limit.takes("c", 60, 1).waiting, 11 + 1, "a batch gets one of the slots");
    limit.leave("d");
    limit.leave("b");
    assert_eq!(limit.takes("c", 60, 1).waiting, 4);
    // Who does not come back is not counted.
    limit.now += 10 * SECOND;
    assert_eq!(limit.takes("e", 60, 1).waiting, 0);
}

#[test]
fn every_key_expires_and_a_goodbye_leaves_nothing_behind() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 60, 1);
    for process in ["a", "b"] {
        limit.takes(process, 60, 1);
        limit.takes_batch(process, 60, 1);
    }
    for key in keys("limit") {
        let mut command = redis::cmd("PTTL");
        let left: i64 = command.arg(&key).query(&mut limit.scripts.connection).unwrap();
        assert!((3_500_000..=3_600_000).contains(&left), "{key}: {left}");
    }
    limit.leave("a");
    limit.leave("b");
    let mut command = redis::cmd("HGETALL");
    let command = command.arg(&keys("limit")[4]);
    let waiting: Vec<String> = command.query(&mut limit.scripts.connection).unwrap();
    assert_eq!(waiting, ["calls", "0", "batches", "0"]);
    assert_eq!([1, 2, 3].map(|key| limit.exists(key)), [false; 3]);
}

#[test]
fn the_slots_of_two_minutes_are_counted() {
    let Some(mut limit) = Limit::new() else { return };
    (0..3).for_each(|_| drop(limit.takes("a", 0, 1)));
    limit.now += MINUTE;
    limit.takes("a", 0, 1);
    assert_eq!((limit.field("calls"), limit.field("calls_before")), (Some(1.0), Some(3.0)));
    limit.now += 2 * MINUTE;
    limit.takes("a", 0, 1);
    assert_eq!((limit.field("calls"), limit.field("calls_before")), (Some(1.0), Some(0.0)));
}

#[test]
fn a_clock_that_goes_back_holds_up_nobody() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 60, 1);
    assert!(!limit.takes("dead", 60, 1).go);
    limit.too_many_requests(0, 30 * SECOND, false);
    limit.now -= 3_600 * SECOND;
    let held = limit.takes("b", 60, 1);
    assert!(!held.go && held.pause == 30 * SECOND, "{held:?}");
    limit.now += 30 * SECOND;
    assert!(limit.takes("b", 60, 1).go);
}

#[test]
fn a_free_slot_waits_a_quarter_of_a_second_for_who_is_first() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("x", 12, 1);
    assert_eq!(limit.takes("dead 1", 12, 1).wait, 4_990_000);
    assert_eq!(limit.takes("dead 2", 12, 1).wait, 5 * SECOND);
    limit.now += 3 * SECOND;
    assert_eq!(limit.takes("first", 12, 1).wait, 5 * SECOND);
    // The clock is put on: the slot is free, and the first does not know it.
    limit.now += 2_200 * MILLISECOND;
    assert!(!limit.takes("next", 12, 1).go);
    limit.now += 51 * MILLISECOND;
    assert!(limit.takes("next", 12, 1).go);
}

#[test]
fn at_the_end_of_a_pause_the_burst_is_there_for_all() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("x", 60, 5);
    limit.too_many_requests(0, 310 * SECOND, false);
    limit.now += 305 * SECOND;
    assert!(limit.takes("probe", 60, 5).probe);
    let held = ["a", "b", "c", "d", "e", "f"].map(|process| limit.takes(process, 60, 5).own_slot);
    let in_seconds = held.map(|slot| slot / SECOND);
    assert_eq!(in_seconds, [5, 5, 5, 5, 5, 6]);
    limit.now += 5 * SECOND;
    for process in ["a", "b", "c", "d", "e"] {
        assert!(limit.takes(process, 60, 5).go, "{process}");
    }
    assert!(!limit.takes("f", 60, 5).go);
}

#[test]
fn what_can_wait_takes_a_slot_only_while_nobody_waits_and_no_pause_lasts() {
    let Some(mut limit) = Limit::new() else { return };
    assert!(limit.takes_if_idle(60, 1));
    assert_eq!(limit.field("calls"), Some(1.0));
    assert!(!limit.takes_if_idle(60, 1), "no slot is free");
    limit.now += SECOND;
    assert!(limit.takes_if_idle(60, 1));
    assert!(!limit.takes("a", 60, 1).go);
    limit.now += SECOND;
    assert!(!limit.takes_if_idle(60, 1), "a caller waits");
    assert!(limit.takes("a", 60, 1).go);
    limit.too_many_requests(0, 30 * SECOND, false);
    limit.now += 29 * SECOND;
    assert!(!limit.takes_if_idle(60, 1), "a pause lasts");
    limit.now += 4 * SECOND;
    assert!(limit.takes_if_idle(60, 1), "it has ended");
    assert_eq!(limit.field("sent"), Some(1.0), "a slot of the slower limit");
    assert!(!limit.takes("a", 60, 1).go);
}

#[test]
fn a_429_after_the_clock_went_back_leaves_nobody_in_the_old_queue() {
    let Some(mut limit) = Limit::new() else { return };
    limit.takes("a", 60, 1);
    assert!(!limit.takes("dead", 60, 1).go);
    limit.now -= 3_600 * SECOND;
    limit.too_many_requests(0, -1, false);
    let next = limit.takes("b", 60, 1);
    assert!(!next.go && next.waiting == 0, "{next:?}");
    assert_eq!(limit.field("went_back"), None);
    limit.now += 2 * SECOND;
    assert!(limit.takes("b", 60, 1).go);
}

#[test]
fn a_key_that_holds_something_else_is_begun_anew() {
    for (damaged, key) in keys("limit").iter().enumerate() {
        let Some(mut limit) = Limit::new() else { return };
        limit.takes("a", 60, 1);
        limit.takes("b", 60, 1);
        limit.takes_batch("b", 60, 1);
        let mut command = redis::cmd("SET");
        let _: () = command.arg(key).arg("x").query(&mut limit.scripts.connection).unwrap();
        let is_of_waiting = damaged == 4;
        assert!(!is_of_waiting || !limit.takes_if_idle(60, 1));
        limit.takes("b", 60, 1);
        limit.takes_batch("b", 60, 1);
        limit.now += 2 * SECOND;
        assert!(limit.takes("b", 60, 1).go, "{key}");
        limit.now += 12 * SECOND;
        assert!(limit.takes_if_idle(60, 1), "{key}");
    }
}
