//! Who is one caller.

use std::net::IpAddr;

use figma_payments::sandbox::Sandbox;
use figma_payments_gate::{Caller, PaymentGate};

use crate::support::server::Server;
use crate::support::{assert_refused, entitlements, figma, plugin};

/// A gate behind a proxy that says who asks, and allows each caller one call.
fn behind_proxy(sandbox: &Sandbox) -> PaymentGate {
    let gate = PaymentGate::new(entitlements(sandbox), plugin()).calls_per_caller(1, 1);
    gate.caller_from(|request| {
        let address = request.headers.get("x-real-ip")?.to_str().ok()?;
        address.parse::<IpAddr>().ok().map(Caller::from)
    })
}

#[tokio::test]
async fn an_ipv6_caller_is_a_network_of_64_bits() {
    let figma = figma().await;
    // Each server has a gate of its own, because clones share their limit.
    let [(_, axum), _] = Server::both(&behind_proxy(&figma)).await;
    let [_, (_, hyper)] = Server::both(&behind_proxy(&figma)).await;
    for server in [axum, hyper] {
        for (number, (address, status)) in [
            ("2001:db8:0:1::1", 401),
            ("2001:db8:0:1::2", 429),
            ("2001:db8:0:1:ffff:ffff:ffff:ffff", 429),
            ("2001:db8:0:2::1", 401),
            ("192.0.2.1", 401),
            ("::ffff:192.0.2.1", 429),
            ("192.0.2.2", 401),
        ]
        .into_iter()
        .enumerate()
        {
            let bearer = format!("Bearer ppt_MARKED_{number}");
            let answer = server.send(&[("authorization", &bearer), ("x-real-ip", address)]).await;
            assert_eq!(answer.status, status, "{address}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn clones_of_a_gate_share_a_limit_and_other_gates_do_not() {
    let figma = figma().await;
    let gate = behind_proxy(&figma);
    let ask = async |gate: &PaymentGate, token: &str| {
        let [(_, server), _] = Server::both(gate).await;
        let bearer = format!("Bearer ppt_MARKED_{token}");
        server.send(&[("authorization", &*bearer), ("x-real-ip", "192.0.2.1")]).await
    };
    assert_refused(&ask(&gate, "a").await, 401, "token-refused");
    assert_refused(&ask(&gate.clone(), "b").await, 429, "too-many-requests");
    let with_tester = gate.clone().allow(7.into());
    assert_refused(&ask(&with_tester, "c").await, 429, "too-many-requests");
    assert_refused(&ask(&behind_proxy(&figma), "d").await, 401, "token-refused");
}
