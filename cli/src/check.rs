//! `figma-payments check`: one question.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use figma_payments::{
    AskedBy, Client, Error, PaymentInformation, PaymentQuery, PluginPaymentToken, Resource, UserId,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::options::{ResourceChoice, Server};
use crate::remedy::remedy;
use crate::sharing::{RedisOptions, Shared};
use crate::terminal::{print, say};
use crate::wording;

/// Ask whether a user has paid. The exit code is the answer.
///
/// The access token is read from the environment variable FIGMA_TOKEN.
///
/// With a Redis (--redis, or the variable FIGMA_PAYMENTS_REDIS_URL) it keeps to the
/// rate limit that your processes share. It asks Figma even if they have an
/// answer, and what Figma says is kept for them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  figma-payments check --user 500123 --plugin 1678669904810665842
  figma-payments check --token-stdin --plugin 1678669904810665842 < token.txt

Exit codes:
  0  access: the user has paid, or is in a trial
  1  no access: Figma says that the user has not paid
  2  nothing was asked: an option or FIGMA_TOKEN is missing or wrong, or you
     asked for this help (figma-payments help check ends with 0)
  3  could not tell: there is no answer, or it is about another user or
     resource, or it cannot be written to standard output")]
pub struct Arguments {
    /// Ask about this user. With --token-stdin: the payment token has to be
    /// this user's.
    #[arg(long, value_name = "ID")]
    user: Option<UserId>,
    /// Ask by a payment token, and read it from standard input. If you give a
    /// resource too, the token has to be for it.
    #[arg(long)]
    token_stdin: bool,
    #[command(flatten)]
    resource: ResourceChoice,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    sharing: RedisOptions,
    /// Print the answer as JSON. If there is none, print an object with the key
    /// "error".
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { user, token_stdin, resource, server, sharing, json } = arguments;
    let query = match (token_stdin, user, resource.resource()) {
        (true, user, resource) => by_token(payment_token()?, user, resource),
        (false, Some(user), Some(resource)) => PaymentQuery::by_user(user, resource),
        (false, ..) => {
            return Err(Failure::usage(format!(
                "it is not clear what to ask: give --user and one of {}; or give --token-stdin, and the payment token on standard input",
                ResourceChoice::NAMES
            )));
        }
    };
    let asked_by = query.asked_by();
    let shared = sharing.connect().await?;
    let client = server.client(|builder| match &shared {
        Some(shared) => builder.shared(shared.store.clone()),
        None => builder,
    })?;
    let outcome = ask(client, query, shared.as_ref()).await;
    let printed = match &outcome {
        _ if json => print(&as_json(&outcome, asked_by)),
        Ok(payment) => print(&as_text(payment)),
        Err(_) => Ok(()),
    };
    let payment = outcome.map_err(|error| {
        let message = format!("{}\n{}", wording::text(&error), remedy(&error, asked_by));
        Failure { exit: Exit::CouldNotTell, message }
    })?;
    printed?;
    match payment.grants_access() {
        true => Ok(Exit::Success),
        false => Ok(Exit::NoAccess),
    }
}

/// Asks Figma, whatever other processes know.
async fn ask(
    client: Client,
    query: PaymentQuery,
    shared: Option<&Shared>,
) -> Result<PaymentInformation, Error> {
    let Some(shared) = shared else { return client.get_payments(query).await };
    let outcome = shared.join(client, &query).await.get_fresh(query).await;
    if let Some(why) = shared.past_failure() {
        say(&format!(
            "Redis could not be used ({why}): this question did not keep to the shared rate limit, and your other processes do not have its answer."
        ));
    }
    outcome.map(|entitlement| PaymentInformation::clone(&entitlement.payment))
}

fn by_token(
    token: PluginPaymentToken,
    user: Option<UserId>,
    resource: Option<Resource>,
) -> PaymentQuery {
    let query = match resource {
        Some(resource) => PaymentQuery::by_token(token, resource),
        None => PaymentQuery::by_token_any_resource(token),
    };
    match user {
        Some(user) => query.expecting_user(user),
        None => query,
    }
}

/// Reads all of standard input, and takes one line end off.
fn payment_token() -> Result<PluginPaymentToken, Failure> {
    let mut input = io::stdin();
    if input.is_terminal() {
        say("Paste the payment token, then press Enter and Ctrl-D:");
    }
    // With enough capacity from the start: a string that grows leaves copies of the token
    // in memory. The longest token, a line end, and one byte that is too many.
    let longest = PluginPaymentToken::MAX_BYTES + 3;
    let mut text = Zeroizing::new(String::with_capacity(longest));
    input
        .by_ref()
        .take(longest as u64)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    let token =
        text.strip_suffix('\n').map_or(&**text, |line| line.strip_suffix('\r').unwrap_or(line));
    PluginPaymentToken::new(token).map_err(Failure::usage)
}

fn as_text(payment: &PaymentInformation) -> String {
    let access = if payment.grants_access() { "access" } else { "no access" };
    let status = match payment.payment_status.as_str() {
        "" => "of no known status",
        status => status,
    };
    let resource = match payment.resource() {
        Some(resource) => resource.to_string(),
        None => format!("{} {}", payment.resource_type, payment.resource_id),
    };
    let bought = match &payment.date_of_purchase {
        None => String::new(),
        Some(date) if payment.grants_access() => format!(", bought {}", date.as_str()),
        Some(date) => format!(", bought {} (the date stays after a refund)", date.as_str()),
    };
    format!("{access}: user {} is {status} for {resource}{bought}", payment.user_id)
}

fn as_json(outcome: &Result<PaymentInformation, Error>, asked_by: AskedBy) -> String {
    let value = match outcome {
        Ok(payment) => {
            let mut value = json!(payment);
            value["grants_access"] = payment.grants_access().into();
            value
        }
        Err(error) => json!({ "error": {
            "kind": error.kind().as_str(),
            "message": wording::text(error),
            "remedy": remedy(error, asked_by),
            "status": error.status(),
            "retry_after_seconds": error.suggested_retry_after(Duration::MAX),
        } }),
    };
    value.to_string()
}
