//! `figma-payments bulk`: one question for each user in a file.

mod compact_id;
mod console;
mod csv_column;
mod csv_record;
mod entry;
mod incomplete_row;
mod input;
mod lines;
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

use figma_payments::RateLimits;

use crate::exit::{Exit, Failure, say};
use crate::options::{ResourceChoice, Server};
use console::Console;
use input::Input;
use output::Output;
use row::Format;
use run::{End, Run};
use summary::summary;
use target::Subject;
use user_queue::Intake;

/// Have these users paid? Asks about each user in a file, and writes the answers
/// to another.
///
/// It can be stopped at any moment, and killed: the same command goes on from the
/// answers that are written. Each user is asked about once, however often given.
/// What failed is not written, and so asked again by the next run.
///
/// Each answer says about which resource it is and which server gave it (the base
/// URL). A file of answers about another resource, from another server, a sandbox
/// for instance, or in another format is refused and left as it is.
///
/// In CSV an apostrophe stands before what a server wrote if a spreadsheet could
/// take it for a formula; JSON lines have no such mark.
///
/// The access token is read from the environment variable FIGMA_TOKEN.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  figma-payments bulk users.csv --column figma_id --plugin 1678669904810665842 --output paid.csv

Exit codes:
  0    the output has an answer for every line of the input
  2    nothing was asked: an argument, a file or FIGMA_TOKEN is wrong, or this
       help was printed (figma-payments help bulk ends with 0)
  3    some could not be told: lines without a user id, users that failed, or a
       run that had to stop
  130  interrupted")]
pub struct Arguments {
    /// A file with one user id a line, or with --column a CSV file; - for
    /// standard input.
    input: PathBuf,
    /// The column that has the user ids. The first line names the columns.
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// What is between two fields of the input.
    #[arg(long, value_name = "CHARACTER", default_value = ",", requires = "column", value_parser = delimiter)]
    delimiter: u8,
    /// The file of answers. If it exists, the run goes on from it.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// How answers are written [default: by the file's name, jsonl for .jsonl,
    /// .ndjson and .json, else csv].
    #[arg(long)]
    format: Option<Format>,
    /// How many questions to ask in a minute; 0 for as many as go through, for a
    /// sandbox. Figma allows 10 for View and Collab seats and 50, 100 or 150,
    /// by plan, for Dev and Full seats; your backend's questions by the same
    /// account count too.
    #[arg(long, value_name = "N", default_value_t = 10)]
    per_minute: u32,
    #[command(flatten)]
    resource: ResourceChoice,
    #[command(flatten)]
    server: Server,
}

/// One character, or `tab`.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("one ASCII character other than a quote is expected, or tab".to_owned()),
    }
}

pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { input, column, delimiter, output: path, format, per_minute, .. } = arguments;
    let resource = arguments.resource.resource().ok_or_else(|| {
        Failure::usage(format!("say what to ask about: {}", ResourceChoice::NAMES))
    })?;
    if path.as_os_str() == "-" {
        let why = "--output needs a file: the next run goes on from what is written there";
        return Err(Failure::usage(why));
    }
    let limits = RateLimits::default().by_user(per_minute);
    let client = arguments.server.client(|builder| builder.rate_limits(limits))?;
    let input = Input::open(&input, column.as_deref(), delimiter).map_err(Failure::usage)?;
    let format = format.unwrap_or_else(|| Format::of(&path));
    let subject = Subject::new(&resource, arguments.server.name());
    let (output, earlier) = Output::open(&path, format, &subject).map_err(Failure::usage)?;
    let console = Console::new();
    let name = input.name.clone();
    let intake = Intake::start(input, earlier.answered, console.clone());
    let counts = intake.counts();
    let mut run = Run::new(client, subject.server, name, output, console, counts.clone());
    let end = run.ask(&resource, intake).await;
    let progress = run.progress();
    let path = path.display().to_string();
    say(&summary(&progress, &counts, earlier.tally, &path, &resource));
    match end {
        End::Interrupted => Ok(Exit::Interrupted),
        End::Stopped(message) => Err(Failure { exit: Exit::CouldNotTell, message }),
        End::AllAsked if progress.failed + counts.invalid.load(Relaxed) > 0 => {
            Ok(Exit::CouldNotTell)
        }
        End::AllAsked => Ok(Exit::Success),
    }
}
