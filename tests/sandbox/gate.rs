//! A gate decides what a scripted server answers first.

use std::sync::Arc;

use figma_payments::sandbox::{Gate, Reply, ScriptedServer, Step};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::wire::{self, Answer};

/// Answers `/held` behind the gate, and everything else at once.
async fn server(gate: &Gate) -> Arc<ScriptedServer> {
    let gate = gate.clone();
    let server = ScriptedServer::start(move |request| match request.path() {
        "/held" => Reply::json(200, "held").behind(&gate),
        "/script" => Reply::script([Step::send("HTTP/1.1 200 OK\r\n\r\nscript")]).behind(&gate),
        _ => Reply::json(200, "at once"),
    });
    Arc::new(server.await.unwrap())
}

fn ask(server: &ScriptedServer, target: &'static str) -> JoinHandle<Answer> {
    let base_url = server.base_url();
    tokio::spawn(async move { wire::get(&base_url, target, &[]).await.unwrap() })
}

#[tokio::test]
async fn a_held_reply_comes_when_the_gate_is_opened_and_not_before() {
    let gate = Gate::new();
    let server = server(&gate).await;
    let held = ask(&server, "/held");
    server.arrived(1).await;
    // A whole exchange later it is still held.
    assert_eq!(ask(&server, "/").await.unwrap().body, "at once");
    assert!(!held.is_finished());
    gate.open();
    assert_eq!(held.await.unwrap().body, "held");
    assert_eq!(ask(&server, "/held").await.unwrap().body, "held", "it stays open");
}

#[tokio::test]
async fn one_gate_holds_many_replies_and_scripts() {
    let gate = Gate::new();
    let server = server(&gate).await;
    let held: Vec<_> = (0..50).map(|_| ask(&server, "/held")).collect();
    let script = ask(&server, "/script");
    server.arrived(51).await;
    assert!(held.iter().chain([&script]).all(|asked| !asked.is_finished()));
    gate.open();
    for asked in held {
        assert_eq!(asked.await.unwrap().body, "held");
    }
    assert_eq!(script.await.unwrap().body, "script");
}

#[tokio::test]
async fn behind_two_gates_both_have_to_be_open() {
    let gates = [Gate::new(), Gate::new()];
    let [first, second] = gates.clone();
    let server = ScriptedServer::start(move |request| match request.path() {
        "/both" => Reply::json(200, "both").behind(&first).behind(&second),
        _ => Reply::json(200, "second").behind(&second),
    });
    let server = server.await.unwrap();
    let both = ask(&server, "/both");
    server.arrived(1).await;
    gates[1].open();
    assert_eq!(ask(&server, "/").await.unwrap().body, "second");
    assert!(!both.is_finished());
    gates[0].open();
    assert_eq!(both.await.unwrap().body, "both");
}

#[tokio::test]
async fn a_client_that_leaves_does_not_disturb_the_others() {
    let gate = Gate::new();
    let server = server(&gate).await;
    let mut leaves = TcpStream::connect(server.address()).await.unwrap();
    leaves.write_all(b"GET /held HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    server.arrived(1).await;
    drop(leaves);
    let stays = ask(&server, "/held");
    server.arrived(2).await;
    gate.open();
    assert_eq!(stays.await.unwrap().body, "held");
}

#[tokio::test]
async fn a_request_has_arrived_when_it_can_be_read_and_was_decided_about() {
    let gate = Gate::new();
    let server = server(&gate).await;
    server.arrived(0).await;
    let waits = tokio::spawn({
        let server = Arc::clone(&server);
        async move {
            server.arrived(2).await;
            server.requests().len()
        }
    });
    ask(&server, "/").await.unwrap();
    assert!(!waits.is_finished());
    let held = ask(&server, "/held");
    assert_eq!(waits.await.unwrap(), 2);
    gate.open();
    held.await.unwrap();
    server.arrived(1).await; // and what is past does not wait
}

#[test]
fn a_gate_prints_whether_it_is_open() {
    let gate = Gate::new();
    assert_eq!(format!("{gate:?}"), "Gate { open: false }");
    gate.clone().open();
    assert_eq!(format!("{gate:?}"), "Gate { open: true }");
}
