//! Somebody sends forged payment tokens, and buyers are served meanwhile.

use std::time::Instant;

use figma_payments::sandbox::Sandbox;

use crate::support::server::Server;
use crate::support::{BUYER, accept, assert_refused, figma, gate, plugin};

const FORGER: [u8; 4] = [127, 0, 0, 1];

/// A buyer of their own at another address of this machine, whose answer is not in memory.
async fn a_buyer_is_served(figma: &Sandbox, server: &Server, number: u8) {
    let token = format!("ppt_MARKED_paid_{number}_{}", figma.requests().len());
    accept(figma, &token, BUYER, &plugin());
    let answer = server.ask_from([127, 0, 1, 1 + number], &token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// On Linux all of 127.0.0.0/8 is this machine.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_forged_tokens_cost_as_many_calls_as_the_limit_says() {
    let figma = figma().await;
    // Each server has a gate of its own, because clones share their limit.
    let [(_, axum), _] = Server::both(&gate(&figma)).await;
    let [_, (_, hyper)] = Server::both(&gate(&figma)).await;
    for server in [axum, hyper] {
        // Somebody at the forger's own address, an office for instance.
        assert_eq!(server.ask_from(FORGER, "ppt_MARKED_paid").await.status, 200);
        let begun = Instant::now();
        let asked_before = figma.requests().len();
        let mut refused_by_figma = 0;
        let mut buyers = 0;
        for number in 0..1000 {
            let answer = server.ask_from(FORGER, &format!("ppt_MARKED_forged_{number}")).await;
            match answer.status {
                401 => {
                    assert_refused(&answer, 401, "token-refused");
                    refused_by_figma += 1;
                }
                _ => {
                    assert_refused(&answer, 429, "too-many-requests");
                    assert!(["1", "2"].contains(&answer.header("retry-after").unwrap()));
                }
            }
            if number % 100 == 50 {
                a_buyer_is_served(&figma, &server, buyers).await;
                buyers += 1;
                assert_eq!(server.ask_from(FORGER, "ppt_MARKED_paid").await.status, 200);
            }
        }
        // One of the 30 was the buyer's at the forger's address; one comes back every 2 s.
        let most = 29 + begun.elapsed().as_secs() as usize / 2 + 1;
        assert!((29..=most).contains(&refused_by_figma), "{refused_by_figma} of {most}");
        let asked = figma.requests().len() - asked_before;
        assert_eq!(asked, refused_by_figma + usize::from(buyers));
    }
}

/// And none of the others count for the caller's limit. If the 10 s end meanwhile, the token
/// costs one call more.
#[tokio::test]
async fn the_same_forged_token_costs_one_call_in_ten_seconds() {
    let figma = figma().await;
    let servers = Server::both(&gate(&figma)).await;
    let begun = Instant::now();
    for number in 0..1000 {
        let (_, server) = &servers[number % 2];
        assert_refused(&server.ask("ppt_MARKED_forged").await, 401, "token-refused");
    }
    let most = 1 + begun.elapsed().as_secs() as usize / 10;
    let asked = figma.requests().len();
    assert!((1..=most).contains(&asked), "{asked} of {most}");
}

#[tokio::test]
async fn the_limit_is_that_which_was_set() {
    let figma = figma().await;
    for (per_minute, burst) in [(1, 3), (2, 1), (0, 0)] {
        figma.clear_requests();
        let [(_, server), _] =
            Server::both(&gate(&figma).calls_per_caller(per_minute, burst)).await;
        let mut refused = Vec::new();
        for number in 0..10 {
            let answer = server.ask(&format!("ppt_MARKED_forged_{number}")).await;
            if answer.status == 429 {
                refused.push(answer.header("retry-after").unwrap().parse::<u32>().unwrap());
            }
        }
        let burst = burst.max(1);
        assert_eq!(figma.requests().len(), burst as usize);
        assert_eq!(refused.len(), 10 - burst as usize);
        let longest = 60 / per_minute.max(1);
        assert!(refused.iter().all(|wait| (longest - 5..=longest).contains(wait)), "{refused:?}");
    }
}
