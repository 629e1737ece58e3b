//! The command line of `update-spec`, `diff-spec` and `replay-spec`.

use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use lexopt::prelude::*;

use super::diff::compare::diff;
use super::output::{Exit, Output};
use super::replay::replay;
use super::slice::cut::slice;
use super::source::fetch::Source;
use super::source::npm;
use super::update::{Mode, Reporting, update};
use crate::shared::workspace::Workspace;

/// What `--help` prints.
pub const HELP: &str = "\
usage:
  update-spec              replace the bundled document, if the library compiles
                           with the new one
      --source SOURCE      npm (the newest version; the default), npm@VERSION, an
                           https:// URL, or a file
      --dry-run            do everything except replacing the files
      --check              compare with the version that was reviewed last; replaces
                           nothing, and keeps what --review would write in
                           target/update-spec/source.lock.toml
      --review VERSION     record VERSION as reviewed; it has to be the one that
                           --check compared last. Replaces only the lock
  diff-spec OLD NEW        compare two documents; each is a SOURCE
  replay-spec              compare every version on npm with the next
      --tests              also run the test suite with the newest version bundled

options of update-spec and diff-spec:
  --format FORMAT          text (the default), json or markdown
  --fail-on LEVEL          breaking or any: exit with 1 if the verdict on the
                           documents as published reaches this level; update-spec
                           then replaces nothing

Files are replaced only in a git checkout, only if they have no uncommitted changes,
and by one run at a time. To undo a run that was interrupted:
  git restore --staged --worktree -- FILE...
The next run prints this command with the names of the files.

exit codes:
    0  success, or nothing to do
    1  the --fail-on threshold was reached (replay-spec: a step has an effect on
       this crate)
    4  --check: the reviewed version is stale. If --fail-on is reached too, the
       exit code is 1
  100  could not run: npm, git or the network is missing, a document or an argument
       is invalid, the files have uncommitted changes, or another run is active
";

const SEE_HELP: &str = "see cargo xtask update-spec --help";

#[derive(Default)]
struct Arguments {
    positional: Vec<String>,
    source: Option<Source>,
    reporting: Reporting,
    mode: Mode,
    tests: bool,
}

/// Runs one of the commands.
///
/// # Errors
///
/// One line that says why it could not run.
pub fn run(command: &str, arguments: &[String]) -> Result<Output> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut given = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) => given.positional.push(value.string()?),
            Short('h') | Long("help") => return Ok(report(HELP.to_owned())),
            Long("source") => given.source = Some(value(&mut parser)?),
            Long("format") => given.reporting.format = value(&mut parser)?,
            Long("fail-on") => given.reporting.fail_on = Some(value(&mut parser)?),
            Long("dry-run") => set_mode(&mut given, Mode::DryRun)?,
            Long("check") => set_mode(&mut given, Mode::Check)?,
            Long("review") => {
                let version = npm::version(&parser.value()?.string()?)?;
                set_mode(&mut given, Mode::Review(version))?;
            }
            Long("tests") => given.tests = true,
            other => return Err(anyhow!(other.unexpected())).context(SEE_HELP),
        }
    }
    match (command, &given.positional[..]) {
        ("update-spec", []) if given.source.is_some() && matches!(given.mode, Mode::Review(_)) => {
            bail!("--review takes no --source: it records the version that --check compared last");
        }
        ("update-spec", []) => {
            let source = given.source.unwrap_or(Source::Npm(None));
            update(&Workspace::locate(), &source, given.mode, given.reporting)
        }
        ("diff-spec", [old, new]) => {
            let part = |source: &str| slice(&Source::from_str(source)?.fetch()?.document);
            let compared = diff(&part(old)?, &part(new)?)?;
            let exit = match given.reporting.is_threshold_reached(&compared) {
                true => Exit::Threshold,
                false => Exit::Success,
            };
            Ok(Output { exit, ..report(compared.render(given.reporting.format)) })
        }
        ("diff-spec", _) => bail!("diff-spec takes two documents, OLD and NEW"),
        ("replay-spec", []) => replay(&Workspace::locate(), given.tests),
        (_, [extra, ..]) => bail!("{command} does not take the argument `{extra}`; {SEE_HELP}"),
        (_, []) => bail!("the command `{command}` does not exist; {SEE_HELP}"),
    }
}

fn value<T: FromStr<Err = anyhow::Error>>(parser: &mut lexopt::Parser) -> Result<T> {
    parser.value()?.string()?.parse()
}

fn set_mode(arguments: &mut Arguments, mode: Mode) -> Result<()> {
    if arguments.mode != Mode::Update {
        bail!("only one of --dry-run, --check and --review can be given");
    }
    arguments.mode = mode;
    Ok(())
}

fn report(report: String) -> Output {
    Output { report, note: String::new(), exit: Exit::Success }
}
