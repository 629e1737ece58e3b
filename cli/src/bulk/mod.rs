//! `figma-payments bulk`: asks about each user in a file.

mod compact_id;
mod console;
mod csv_column;
mod csv_record;
mod entry;
mod incomplete_row;
mod input;
mod lines;
mod outage;
mod output;
mod previous_answers;
mod row;
mod run;
mod spreadsheet;
mod status_counts;
mod summary;
mod target;
mod user_queue;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use figma_payments::{Client, Entitlements, PaymentQuery, RateLimits, Resource, UserId};

use humantime::parse_duration;

use crate::exit::{Exit, Failure};
use crate::options::{ResourceChoice, Server};
use crate::sharing::{RedisOptions, Shared, cannot_be_used};
use crate::terminal::say;
use console::Console;
use input::Input;
use output::Output;
use row::Format;
use run::{End, Run};
use summary::{shared_summary, summary};
use target::Target;
use user_queue::UserQueue;

/// Ask whether many users have paid.
///
/// The users are read from a file, and the answers are written to another file.
///
/// You can stop or kill it at any moment. The same command then continues: it
/// asks only about users that have no answer in the output yet. Each user is asked
/// about once, even if the input has the user several times. If a question fails,
/// nothing is written for that user, so the next run asks again.
///
/// If the server does not answer, it waits and asks again (--outage-timeout).
///
/// Each answer names its resource, and the server (base URL) that gave it. If the
/// output has answers about another resource, from another server (a sandbox, for
/// instance) or in another format, bulk refuses it and does not change it.
///
/// In CSV, an apostrophe is put before text from the server that a spreadsheet
/// could take for a formula. JSON lines have no apostrophe.
///
/// With a Redis (--redis, or the variable FIGMA_PAYMENTS_REDIS_URL) it keeps to the
/// rate limit that your processes share, and lets their users go first. Its answers
/// are kept for them, so that they do not ask again.
///
/// The access token is read from the environment variable FIGMA_TOKEN.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  figma-payments bulk users.csv --column figma_id --plugin 1678669904810665842 --output paid.csv

Exit codes:
  0    the output has an answer for every line of the input
  2    nothing was asked: an option, a file or FIGMA_TOKEN is missing or wrong,
       or you asked for this help (figma-payments help bulk ends with 0)
  3    some answers are missing: a line has no user id, a question failed, or the
       run had to stop, or could not begin because Redis cannot be used
  130  interrupted with Ctrl-C
  143  interrupted with SIGTERM")]
pub struct Arguments {
    /// The file with the users: one user id a line, or a CSV file with --column.
    /// Use - for standard input.
    input: PathBuf,
    /// The name of the CSV column with the user ids. The first line of the file
    /// has the names.
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// The character between two fields of the CSV input; tab for a tab character.
    #[arg(long, value_name = "CHARACTER", default_value = ",", requires = "column", value_parser = delimiter)]
    delimiter: u8,
    /// The file to write the answers to. If it exists, the run continues it.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The format of the output [default: jsonl if the file's name ends in
    /// .jsonl, .ndjson or .json, else csv].
    #[arg(long)]
    format: Option<Format>,
    /// Questions a minute; 0 for no limit, with a sandbox. Figma allows 10 for
    /// View and Collab seats, and 50, 100 or 150 for Dev and Full seats, depending
    /// on the plan. The questions of your backend count too, if it uses the same
    /// account [default: 10; with a Redis the limit of the processes that share it,
    /// where N would be a limit for all of them].
    #[arg(long, value_name = "N")]
    per_minute: Option<u32>,
    /// How long to wait while the server does not answer, such as 90s, 30m or 2h.
    /// The run asks again after 30 seconds, then less and less often, up to every 5
    /// minutes. 0 does not wait; then 20 failures in a row end the run.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = parse_duration)]
    outage_timeout: Duration,
    #[command(flatten)]
    resource: ResourceChoice,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    sharing: RedisOptions,
}

/// The limit without `--per-minute`, and without other processes that have one.
const DEFAULT_PER_MINUTE: u32 = 10;

/// Reads one character, or the word `tab`.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("give one ASCII character other than a quote, or tab".to_owned()),
    }
}

pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { input, column, delimiter, output: path, format, per_minute, .. } = arguments;
    let resource = arguments.resource.resource().ok_or_else(|| {
        Failure::usage(format!("give what to ask about: one of {}", ResourceChoice::NAMES))
    })?;
    if path.as_os_str() == "-" {
        let why = "--output has to be a file, and cannot be -: the next run continues the file";
        return Err(Failure::usage(why));
    }
    let shared = arguments.sharing.connect().await?;
    let default = if shared.is_some() { 0 } else { DEFAULT_PER_MINUTE };
    let limits = RateLimits::default().by_user(per_minute.unwrap_or(default));
    let client = arguments.server.client(|builder| match &shared {
        Some(shared) => builder.rate_limits(limits).shared(shared.store.clone()),
        None => builder.rate_limits(limits),
    })?;
    let input = Input::open(&input, column.as_deref(), delimiter).map_err(Failure::usage)?;
    let answers_for_others = match &shared {
        Some(shared) => Some(join(shared, client.clone(), &resource).await?),
        None => None,
    };
    let format = format.unwrap_or_else(|| Format::of(&path));
    let target = Target::new(&resource, arguments.server.normal_base_url());
    let (output, previous) = Output::open(&path, format, &target).map_err(Failure::usage)?;
    let console = Console::new();
    if let Some(other) = input.asked_about.as_ref().filter(|other| !other.same_resource(&target)) {
        console.say(&format!(
            "{} has answers about {other}; this run asks the same users about {target}",
            input.name
        ));
    }
    let input_name = input.name.clone();
    let answered = previous.users.iter().next().map(|user| UserId::from(*user));
    let users = UserQueue::start(input, previous.users, console.clone());
    let counts = users.counts();
    let mut run = Run::new(client, target.server, input_name, output, console, counts.clone());
    run.wait_out(arguments.outage_timeout, answered);
    if let Some(entitlements) = answers_for_others {
        run.prime(entitlements);
    }
    let end = run.ask(&resource, users).await;
    let progress = run.progress();
    let path = path.display().to_string();
    say(&summary(&progress, &counts, previous.counts, &path, &resource));
    if let Some(shared) = &shared {
        say(&shared_summary(&shared.namespace, shared.past_failure().as_deref()));
    }
    match end {
        End::Interrupted(exit) => Ok(exit),
        End::Stopped(message) => Err(Failure { exit: Exit::CouldNotTell, message }),
        End::AllAsked if progress.failed + counts.invalid.load(Relaxed) > 0 => {
            Ok(Exit::CouldNotTell)
        }
        End::AllAsked => Ok(Exit::Success),
    }
}

/// Becomes one of the processes that share. Without Redis a run does not begin: their limit
/// is not known, and it has none of its own.
async fn join(
    shared: &Shared,
    client: Client,
    resource: &Resource,
) -> Result<Entitlements, Failure> {
    let nobody = PaymentQuery::by_user(UserId::from(0), resource.clone());
    let entitlements = shared.join(client, &nobody).await;
    match shared.failure() {
        Some(why) => Err(cannot_be_used(&format!(
            "nothing was asked: the limit of your other processes is not known, because Redis cannot be used ({why})"
        ))),
        None => Ok(entitlements),
    }
}
