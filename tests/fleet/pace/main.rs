//! The scripts of the shared limit on a real redis-server and a virtual clock: histories
//! of many processes with deaths, stalls, lost replies and 429s. In each
//!
//! - no more slots are granted in any window than the burst and the limit allow,
//! - no slot is lost while somebody waits, except those that a dead process held,
//! - who has waited longest is next,
//! - batches get one slot in ten while calls wait, and all others,
//! - in a pause one request a minute is sent, and none is held back after it,
//! - and a question that is asked twice gets one slot.
//!
//! With `FIGMA_PAYMENTS_HISTORIES=1000` it plays as many, of 64 and of 200 processes; with
//! `FIGMA_PAYMENTS_HISTORY` only that one of them.

mod fleet;
mod history;
mod model;
mod rows;
mod server;

use crate::fleet::Fleet;
use crate::history::{History, MILLISECOND};
use crate::model::Figures;
use crate::server::{Scripts, Server};

/// How many histories are played beside each other, to send their scripts together.
const TOGETHER: usize = 32;

/// A history, what came of it, and the rules that it breaks.
type Played = (History, Figures, Vec<String>);

/// Plays histories, each with keys of its own, and returns what came of them.
fn play(scripts: &mut Scripts, histories: Vec<History>) -> Vec<Played> {
    let mut left = histories.into_iter().enumerate();
    let mut playing: Vec<(usize, History, Fleet)> = Vec::new();
    let mut ended: Vec<(usize, Played)> = Vec::new();
    loop {
        while playing.len() < TOGETHER {
            let Some((number, history)) = left.next() else { break };
            playing.push((number, history.clone(), Fleet::new(history)));
        }
        if playing.is_empty() {
            ended.sort_by_key(|(number, _)| *number);
            return ended.into_iter().map(|(_, played)| played).collect();
        }
        let mut pipe = redis::pipe();
        let mut asking = Vec::new();
        for (number, history, mut fleet) in playing.drain(..) {
            match fleet.next() {
                Some((now, request)) => {
                    scripts.add(&mut pipe, &format!("h{number}"), now, &request);
                    asking.push((number, history, fleet));
                }
                None => ended.push((number, (history, fleet.model.figures, fleet.model.broken))),
            }
        }
        if asking.is_empty() {
            continue;
        }
        let values: Vec<redis::Value> = pipe.query(&mut scripts.connection).unwrap();
        for ((_, _, fleet), value) in asking.iter_mut().zip(values) {
            fleet.replies(value);
        }
        playing = asking;
    }
}

fn show(name: &str, figures: &Figures) {
    println!(
        "{name:44} used {:5.1} %, {:4.1} scripts a slot, longest gap {:5.1} intervals, bucket {:.2}, \
         overtaken {}, lost {:.1} (after pauses {:.1}), wasted {}, 429s {}",
        figures.used() * 100.0,
        figures.scripts as f64 / figures.slots as f64,
        figures.longest_gap,
        figures.bucket,
        figures.overtaken,
        figures.lost,
        figures.lost_after_pauses,
        figures.wasted,
        figures.refused,
    );
}

fn calm() -> Vec<(&'static str, History)> {
    let near = &[0][..];
    let far = &[100 * MILLISECOND][..];
    let mixed = [[100 * MILLISECOND].as_slice(), &[MILLISECOND; 7]].concat();
    vec![
        ("8 processes", History::calm(8, 300, 1, near)),
        ("8 processes, 1,200 a minute", History::calm(8, 1200, 1, near)),
        ("8 processes, all with 100 ms", History::calm(8, 300, 1, far)),
        ("8 processes, one with 100 ms", History::calm(8, 300, 1, &mixed)),
        ("8 processes, 10 a minute", History::calm(8, 10, 1, near)),
        ("64 processes", History::calm(64, 300, 1, near)),
        ("200 processes", History::calm(200, 300, 1, near)),
        ("64 processes, a burst of a minute", History::calm(64, 300, 300, near)),
    ]
}

#[test]
fn a_calm_fleet_uses_its_limit_in_equal_shares() {
    let Some(server) = Server::start() else { return };
    let rows = calm();
    let histories = rows.iter().map(|(_, history)| history.clone()).collect();
    let played = play(&mut server.scripts(), histories);
    for ((name, _), (history, figures, broken)) in rows.iter().zip(played) {
        show(name, &figures);
        assert!(broken.is_empty(), "{name}: {broken:#?}");
        assert!(figures.used() >= 0.97, "{name}: {figures:?}");
        let mean = figures.slots as f64 / history.processes.len() as f64;
        for (process, slots) in &figures.per_process {
            let difference = (*slots as f64 - mean).abs();
            assert!(
                difference <= (0.15 * mean).max(1.5),
                "{name}: {process} got {slots} of {mean}"
            );
        }
    }
}

#[test]
fn the_dead_hold_back_at_most_one_slot_each() {
    let Some(server) = Server::start() else { return };
    let rows = [(64, 1), (64, 3), (200, 1), (200, 3), (8, 1)];
    let histories = rows.iter().map(|(number, burst)| History::half_die(*number, *burst)).collect();
    for ((number, burst), (_, figures, broken)) in
        rows.iter().zip(play(&mut server.scripts(), histories))
    {
        show(&format!("half of {number} die, burst {burst}"), &figures);
        assert!(broken.is_empty(), "{number} {burst}: {broken:#?}");
        assert!(figures.used() >= 0.97 && figures.wasted <= number / 2, "{figures:?}");
    }
}

#[test]
fn no_history_breaks_the_limit_or_loses_a_slot() {
    let Some(server) = Server::start() else { return };
    let number = |name| std::env::var(name).ok().map(|it| it.parse::<u64>().expect(name));
    let (count, one) = (number("FIGMA_PAYMENTS_HISTORIES"), number("FIGMA_PAYMENTS_HISTORY"));
    let sizes: &[usize] = if count.or(one).is_some() { &[64, 200] } else { &[3, 8, 64] };
    let seeds = one.map_or(0..count.unwrap_or(40), |seed| seed..seed + 1);
    let history = |seed| History::random(seed, sizes[seed as usize % sizes.len()]);
    let mut scripts = server.scripts();
    let played = play(&mut scripts, seeds.map(history).collect());
    report(&played, sizes);
    println!("{}", scripts.cost());
    let broken: Vec<_> = played.iter().filter(|(_, _, broken)| !broken.is_empty()).collect();
    for (history, figures, broken) in broken.iter().take(5) {
        show(&format!("seed {} of {}", history.seed, history.processes.len()), figures);
        println!("{:?} lost {} late {}", broken, history.lost, history.timers_late);
    }
    assert!(broken.is_empty(), "{} of {} histories break a rule", broken.len(), played.len());
}

fn report(played: &[Played], sizes: &[usize]) {
    for size in sizes {
        let of_size = || {
            let is_size = |it: &&Played| it.0.processes.len() == *size;
            played.iter().filter(is_size).map(|(_, figures, _)| figures)
        };
        let mut used: Vec<f64> = of_size().map(Figures::used).collect();
        used.sort_by(f64::total_cmp);
        let total = of_size().fold(Figures::default(), |sum, it| Figures {
            slots: sum.slots + it.slots,
            lost: sum.lost + it.lost,
            lost_after_pauses: sum.lost_after_pauses + it.lost_after_pauses,
            wasted: sum.wasted + it.wasted,
            scripts: sum.scripts + it.scripts,
            longest_gap: sum.longest_gap.max(it.longest_gap),
            bucket: sum.bucket.max(it.bucket),
            overtaken: sum.overtaken.max(it.overtaken),
            refused: sum.refused + it.refused,
            ..Figures::default()
        });
        show(&format!("{} histories of {size} processes", used.len()), &total);
        if let [least, ..] = used[..] {
            println!(
                "  least used {:.1} %, median {:.1} %, {} slots",
                least * 100.0,
                used[used.len() / 2] * 100.0,
                total.slots
            );
        }
    }
}
