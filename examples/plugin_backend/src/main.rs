//! A backend for a paid plugin; the plugin itself is in `examples/plugin`.
//!
//! To try it, start it with `--sandbox`. It then asks a sandbox instead of Figma, and
//! needs nothing else. It prints payment tokens to try, each with a line for `curl`.
//! Everybody knows these tokens, so it listens on this machine alone:
//!
//!     cargo run --package plugin_backend -- --sandbox
//!
//! Without `--sandbox` it needs an access token in `FIGMA_TOKEN`, and asks Figma, or the
//! server that `--base-url` names. An access token and `--sandbox` together are an error.
//!
//!     FIGMA_TOKEN=figd_… cargo run --package plugin_backend -- --plugin 1122334455
//!
//! Several replicas share one rate limit, and ask about each user once, if they have the same
//! Redis and namespace:
//!
//!     FIGMA_TOKEN=figd_… cargo run --package plugin_backend -- --redis redis://127.0.0.1:6379 --namespace acme
//!
//! A request goes through the layers in `routes` (log, CORS) and the gate, which asks Figma
//! by way of `Entitlements`, to the route. Here it knows its callers by their addresses.
//! Behind a proxy give it `PaymentGate::caller_from`, and let the proxy do TLS and limit how
//! long a client may take to send its request.

mod arguments;
mod routes;
mod trial_run;

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use figma_payments::{Client, Entitlements, PersonalAccessToken, RateLimits, RedisStore};
use figma_payments_gate::PaymentGate;
use tokio::net::TcpListener;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use arguments::{Arguments, Upstream};

/// How long requests may go on after the signal to stop. A call to Figma ends within 12 s.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

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
    let Arguments { listen, plugin, upstream, shared } = Arguments::read()?;
    start_log()?;
    // Wrong settings show here, and not when the first buyer comes. A Redis that is away is
    // none: the log says so, and it is used as soon as it is there.
    let store = match shared {
        Some(shared) => Some(shared.connect().await?),
        None => None,
    };
    let (token, base_url, sandbox) = match upstream {
        Upstream::Figma(token) => (token, None, None),
        Upstream::Server(token, base_url) => (token, Some(base_url), None),
        Upstream::Sandbox => {
            let sandbox = trial_run::start(&plugin).await?;
            (sandbox.access_token(), Some(sandbox.base_url()), Some(sandbox))
        }
    };
    let asks = base_url.clone().unwrap_or_else(|| "Figma".to_owned());
    let client = client(token, base_url, store.clone())?;
    // In an outage of Figma, users who are known to have paid keep access for an hour.
    let entitlements =
        Entitlements::builder(client).stale_if_error(Duration::from_secs(3600)).build();

    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}; choose another --listen"))?;
    let address = listener.local_addr()?;
    println!("listening on http://{address}");
    match &sandbox {
        Some(_) => print!("{}", trial_run::greeting(address, &plugin)),
        None => println!("It asks {asks} about {plugin}."),
    }

    let app = routes::router(PaymentGate::new(entitlements, plugin), store);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(stop_signal());
    tokio::select! {
        ended = server => ended?,
        () = async { stop_signal().await; tokio::time::sleep(SHUTDOWN_TIMEOUT).await } => {
            tracing::warn!("some connections did not end in time, and are closed");
        }
    }
    tracing::info!("stopped");
    Ok(())
}

fn client(
    token: PersonalAccessToken,
    base_url: Option<String>,
    store: Option<RedisStore>,
) -> Result<Client, figma_payments::Error> {
    let mut builder = Client::builder(token);
    if let Some(base_url) = base_url {
        builder = builder.base_url(base_url);
    }
    if let Some(store) = store {
        // What Figma grants the account, all replicas together.
        builder = builder.rate_limits(RateLimits::default().by_token(300)).shared(store);
    }
    builder.build()
}

/// Logs to standard error. `RUST_LOG` sets the level: `debug`, or
/// `info,figma_payments=trace`. No level shows a token.
fn start_log() -> Result<(), Box<dyn Error>> {
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into());
    let levels: Targets = levels.parse().map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(std::io::stderr);
    tracing_subscriber::registry().with(lines).with(levels).init();
    Ok(())
}

/// Waits for Ctrl-C, or for SIGTERM, which stops a container.
async fn stop_signal() {
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
