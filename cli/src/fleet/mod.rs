//! `figma-payments fleet`: looks after the processes that share a Redis.

mod status;

use figma_payments::{Error, ErrorKind, FleetOperator, UserId};

use crate::exit::{Exit, Failure};
use crate::options::{ResourceChoice, Server};
use crate::sharing::{RedisOptions, cannot_be_used};
use crate::terminal::print;
use crate::wording;

/// Look after the processes that share a Redis.
///
/// It needs no access token, and asks Figma nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  figma-payments fleet status --redis redis://127.0.0.1:6379 --namespace acme
  figma-payments fleet forget --user 500123 --plugin 1678669904810665842

Exit codes:
  0  done
  2  nothing was done: an option or variable is missing or wrong, or you asked
     for this help (figma-payments help fleet ends with 0)
  3  Redis cannot be used, or standard output cannot be written")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show how many processes share, their limits, and what they keep and wait for.
    Status {
        #[command(flatten)]
        place: Place,
        /// Print it as JSON. If Redis cannot be used, print an object with the key
        /// "error".
        #[arg(long)]
        json: bool,
    },
    /// Forget an answer in all processes, after a refund for instance, or all answers.
    Forget {
        /// Forget what is known about this user and the resource.
        #[arg(long, value_name = "ID", conflicts_with = "all")]
        user: Option<UserId>,
        #[command(flatten)]
        resource: ResourceChoice,
        /// Forget all answers. Do this after a backup of Redis was restored.
        #[arg(long, conflicts_with = "resource")]
        all: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Turn sharing off in all processes, or on again.
    ///
    /// While it is off, each process goes on alone with its share of the limit, as in
    /// an outage of Redis. It stays off for 30 days at most.
    Sharing {
        switch: Switch,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

/// The processes to look after: those that share this Redis, and ask this server.
#[derive(Debug, clap::Args)]
struct Place {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    sharing: RedisOptions,
}

/// Somebody who looks after them.
struct Operator {
    operator: FleetOperator,
    namespace: String,
    /// The base URL.
    server: String,
}

impl Place {
    async fn operator(&self) -> Result<Operator, Failure> {
        let server = self.server.checked_base_url()?;
        let shared = self.sharing.connect_or_refuse().await?;
        let operator = shared.store.operator(&server);
        Ok(Operator { operator, namespace: shared.namespace, server })
    }
}

pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Status { place, json } => status(&place.operator().await?, json).await,
        Command::Forget { user, resource, all, place } => match (user, resource.resource(), all) {
            (None, None, true) => forget_all(&place.operator().await?).await,
            (Some(user), Some(resource), false) => {
                let Operator { operator, namespace, server } = place.operator().await?;
                operator.forget(&user, &resource).await.map_err(failure)?;
                done(&format!(
                    "forgotten in {namespace} by the processes that ask {server}: user {user} and {resource}. Their next question goes to Figma."
                ))
            }
            _ => Err(Failure::usage(format!(
                "it is not clear what to forget: give --user and one of {}; or give --all",
                ResourceChoice::NAMES
            ))),
        },
        Command::Sharing { switch, place } => set_sharing(&place.operator().await?, switch).await,
    }
}

async fn status(place: &Operator, json: bool) -> Result<Exit, Failure> {
    let Operator { operator, namespace, server } = place;
    let outcome = operator.status().await;
    let printed = match &outcome {
        Ok(status) if json => print(&status::as_json(status, namespace, server).to_string()),
        Ok(status) => {
            status::as_lines(status, namespace, server).iter().try_for_each(|it| print(it))
        }
        Err(error) if json => print(&status::error_as_json(error).to_string()),
        Err(_) => Ok(()),
    };
    outcome.map_err(failure)?;
    printed?;
    Ok(Exit::Success)
}

async fn forget_all(place: &Operator) -> Result<Exit, Failure> {
    place.operator.forget_all().await.map_err(failure)?;
    done(&format!(
        "all answers are forgotten in {} by the processes that ask {}. The next question about each user goes to Figma.",
        place.namespace, place.server
    ))
}

async fn set_sharing(place: &Operator, switch: Switch) -> Result<Exit, Failure> {
    let on = matches!(switch, Switch::On);
    place.operator.set_sharing(on).await.map_err(failure)?;
    let namespace = &place.namespace;
    done(&match on {
        true => format!("sharing is on in {namespace}."),
        false => format!(
            "sharing is off in {namespace}: each process goes on alone. Turn it on again with figma-payments fleet sharing on."
        ),
    })
}

fn done(what: &str) -> Result<Exit, Failure> {
    print(what).map_err(|failure| Failure {
        message: format!("it is done, but {}", failure.message),
        ..failure
    })?;
    Ok(Exit::Success)
}

fn failure(error: Error) -> Failure {
    match error.kind() {
        ErrorKind::Store => cannot_be_used(&wording::text(&error)),
        _ => Failure::usage(wording::text(&error)),
    }
}
