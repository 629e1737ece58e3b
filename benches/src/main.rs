//! One contender, asked over and over: what `cargo xtask bench` measures from
//! outside.
//!
//! With the feature `redis` the base URL of `redis-hit` and `redis-get` is that of a Redis.
//!
//! `serve` | `call CONTENDER BASE_URL CALLS IN_FLIGHT` | `fill USERS`

#![allow(unexpected_cfgs, reason = "the bindings ask for a feature of their own crate")]

mod by_hand;
mod cache;
mod client;
#[cfg(feature = "redis")]
mod fleet;
mod gate;
mod generated;
mod hyper_alone;
mod server;

use std::time::Instant;

use futures_util::future::join_all;

/// Where the bindings look for the types that are written by hand.
mod model {
    pub mod payment {
        pub use figma_payments::{DateOfPurchase, PaymentStatus};
    }
    pub mod resource {
        pub use figma_payments::ResourceType;
    }
}

/// Where the bindings look for what they carry.
mod platform {
    pub(crate) use crate::generated as attempt;
}

const USER: &str = "500123";
const PLUGIN: &str = "1122334455";
const TOKEN: &str = "figd_bench_0123456789abcdef0123456789abcdef";

/// One way to ask the same question.
trait Contender {
    /// Asks once and looks at the answer.
    async fn call(&self);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    match arguments[..] {
        ["serve"] => server::serve().expect("a server"),
        ["call", name, base_url, calls, in_flight] => {
            runtime.block_on(call(name, base_url, number(calls), number(in_flight)));
        }
        ["fill", users] => runtime.block_on(cache::fill(number(users))),
        _ => panic!("serve | call CONTENDER BASE_URL CALLS IN_FLIGHT | fill USERS"),
    }
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

async fn call(name: &str, base_url: &str, calls: u64, in_flight: u64) {
    match name {
        "hyper" => repeat(hyper_alone::HyperAlone::new(base_url), calls, in_flight).await,
        "by-hand" => repeat(by_hand::new(base_url), calls, in_flight).await,
        "generated" => repeat(generated::Generated::new(base_url), calls, in_flight).await,
        "client" => repeat(client::new(base_url), calls, in_flight).await,
        "hit" => repeat(cache::Hit::new(base_url).await, calls, in_flight).await,
        "token-hit" => repeat(gate::Hit::new(base_url), calls, in_flight).await,
        "gate" => repeat(gate::gate(base_url), calls, in_flight).await,
        "layer" => repeat(gate::layer(), calls, in_flight).await,
        #[cfg(feature = "redis")]
        "redis-hit" => repeat(fleet::Hit::new(base_url).await, calls, in_flight).await,
        #[cfg(feature = "redis")]
        "redis-get" => repeat(fleet::Get::new(base_url), calls, in_flight).await,
        "map" => repeat(cache::Map::new(), calls, in_flight).await,
        _ => panic!("{name} is no contender"),
    }
}

/// Prints the seconds that it took.
async fn repeat(contender: impl Contender, calls: u64, in_flight: u64) {
    contender.call().await;
    let started = Instant::now();
    let lane = || async {
        for _ in 0..calls / in_flight {
            contender.call().await;
        }
    };
    match in_flight {
        1 => lane().await,
        _ => drop(join_all((0..in_flight).map(|_| lane())).await),
    }
    println!("{}", started.elapsed().as_secs_f64());
}

/// As the crate has it by default.
fn tls() -> rustls::ClientConfig {
    use rustls_platform_verifier::BuilderVerifierExt;

    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .and_then(|tls| tls.with_platform_verifier())
        .expect("TLS")
        .with_no_client_auth()
}
