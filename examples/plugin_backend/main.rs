//! A backend for a paid plugin; the plugin itself is in `examples/plugin`.
//!
//! To try it out, `--sandbox` starts a sandbox in place of Figma, and nothing else
//! is needed. It prints tokens to try, each with a line for `curl`. Anybody knows
//! these, so that it then listens on this machine alone:
//!
//!     cargo run --example plugin_backend --features cache,sandbox -- --sandbox
//!
//! Without `--sandbox` it needs an access token in `FIGMA_TOKEN`, and asks Figma, or
//! whom `--base-url` names. Both together are an error.
//!
//!     FIGMA_TOKEN=figd_… cargo run --example plugin_backend --features cache,sandbox -- \
//!         --plugin 1122334455
//!
//! The way of a request: `routes` (CORS, log) → `paying_user` (the extractor) →
//! `caller_limit` → `Entitlements` → the route, or a `refusal`.

mod arguments;
mod caller_limit;
mod paying_user;
mod refusal;
mod routes;
mod trial_run;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use figma_payments::{Client, Entitlements};
use tokio::net::TcpListener;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Arguments, Asks};
use caller_limit::CallerLimit;
use routes::Backend;

/// How long what is under way may take after the signal to stop. A call to Figma
/// ends within 12 s.
const GRACE: Duration = Duration::from_secs(15);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Arguments { listen, plugin, asks } = Arguments::read()?;
    log()?;
    // Whatever has to be right is found wrong here, and not by the first buyer.
    let (client, sandbox) = match asks {
        Asks::Figma(token) => (Client::new(token)?, None),
        Asks::Server(token, base_url) => (Client::builder(token).base_url(base_url).build()?, None),
        Asks::Sandbox => {
            let sandbox = trial_run::start(&plugin).await?;
            (trial_run::client(&sandbox)?, Some(sandbox))
        }
    };
    // Figma's outage is not one for those who are known to have paid.
    let entitlements =
        Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build();

    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}; choose another --listen"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    if sandbox.is_some() {
        print!("{}", trial_run::greeting(address, &plugin));
    }

    let limit = CallerLimit::default();
    let app = routes::router(Backend { entitlements, plugin, limit });
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(told_to_stop());
    tokio::select! {
        ended = server => ended?,
        () = async { told_to_stop().await; tokio::time::sleep(GRACE).await } => {
            tracing::warn!("some connections did not end, and are cut");
        }
    }
    tracing::info!("stopped");
    Ok(())
}

/// To standard error, at what `RUST_LOG` says: `debug`, or
/// `info,figma_payments=trace`. No level shows a token.
fn log() -> Result<(), Box<dyn Error>> {
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into());
    let levels: Targets = levels.parse().map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(levels).init();
    Ok(())
}

/// Waits for Ctrl-C, or for the SIGTERM that a container is sent.
async fn told_to_stop() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate()).expect("SIGTERM can be waited for").recv().await
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.expect("Ctrl-C can be waited for"),
        _ = terminated => {}
    }
}
