//! The command line of `update-spec`, `diff-spec` and `replay-spec`.

use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use lexopt::prelude::*;

use crate::shared::workspace::Workspace;
use crate::spec::diff::{Format, diff};
use crate::spec::replay::replay;
use crate::spec::slice::slice;
use crate::spec::source::{Source, npm};
use crate::spec::update::{self, FailOn, Mode, Said, update};

/// What `--help` prints.
pub const HELP: &str = "\
usage:
  update-spec              replace the bundled document, if it still builds
      --source SOURCE      npm (the newest; the default), npm@VERSION, an
                           https:// URL, or a file
      --dry-run            all but the replacing
      --check              is the newest still what was reviewed last? Keeps what
                           --review would write in target/update-spec/source.lock.toml
      --review VERSION     record as reviewed what --check compared last, and no
                           later version; replaces nothing else
  diff-spec OLD NEW        compare two documents; each is a SOURCE
  replay-spec              every version on npm against the next
      --tests              and the test suite with the newest one bundled

options of update-spec and diff-spec:
  --format FORMAT          text (the default), json or markdown
  --fail-on LEVEL          breaking or any: exit with 1 if the verdict over the
                           documents as published reaches it; update-spec then
                           writes nothing

files are replaced only in a git checkout, by one run at a time, and only if they
are as they were committed; a run that was interrupted is undone with
  git restore --staged --worktree -- FILE...
which the next run prints with the names of the files

exit codes:
    0  nothing to do, or done
    1  the --fail-on threshold was reached (replay-spec: a step has an effect)
    4  --check found that the reviewed version is stale; 1 goes before it
  100  could not run: no npm, no network, a bad document, a bad argument, files
       that git could not restore, another run
";

const SEE: &str = "see cargo xtask update-spec --help";

#[derive(Default)]
struct Arguments {
    positional: Vec<String>,
    source: Option<Source>,
    format: Format,
    fail_on: Option<FailOn>,
    mode: Mode,
    tests: bool,
}

/// Runs one of the commands.
///
/// # Errors
///
/// One line on why it could not run.
pub fn run(command: &str, arguments: &[String]) -> Result<Said> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut it = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) => it.positional.push(value.string()?),
            Short('h') | Long("help") => return Ok(said(HELP.to_owned())),
            Long("source") => it.source = Some(value(&mut parser)?),
            Long("format") => it.format = value(&mut parser)?,
            Long("fail-on") => it.fail_on = Some(threshold(&parser.value()?.string()?)?),
            Long("dry-run") => mode(&mut it, Mode::DryRun)?,
            Long("check") => mode(&mut it, Mode::Check)?,
            Long("review") => {
                let version = npm::version(&parser.value()?.string()?)?;
                mode(&mut it, Mode::Review(version))?;
            }
            Long("tests") => it.tests = true,
            other => return Err(anyhow!(other.unexpected())).context(SEE),
        }
    }
    match (command, &it.positional[..]) {
        ("update-spec", []) if it.source.is_some() && matches!(it.mode, Mode::Review(_)) => {
            bail!("--review takes no --source: it records what --check compared");
        }
        ("update-spec", []) => {
            let source = it.source.unwrap_or(Source::Npm(None));
            update(&Workspace::locate(), &source, it.mode, it.format, it.fail_on)
        }
        ("diff-spec", [old, new]) => {
            let part = |source: &str| slice(&Source::from_str(source)?.fetch()?.document);
            let report = diff(&part(old)?, &part(new)?)?;
            let code = match update::is_reached(it.fail_on, &report) {
                true => update::THRESHOLD,
                false => update::DONE,
            };
            Ok(Said { code, ..said(report.render(it.format)) })
        }
        ("diff-spec", _) => bail!("diff-spec takes two documents, OLD and NEW"),
        ("replay-spec", []) => replay(&Workspace::locate(), it.tests),
        (_, [extra, ..]) => bail!("{command} does not take `{extra}`; {SEE}"),
        (_, []) => bail!("`{command}` is not understood; {SEE}"),
    }
}

fn value<T: FromStr<Err = anyhow::Error>>(parser: &mut lexopt::Parser) -> Result<T> {
    parser.value()?.string()?.parse()
}

fn threshold(text: &str) -> Result<FailOn> {
    Ok(match text {
        "breaking" => FailOn::Breaking,
        "any" => FailOn::Any,
        _ => bail!("--fail-on takes breaking or any, not `{text}`"),
    })
}

fn mode(arguments: &mut Arguments, mode: Mode) -> Result<()> {
    if arguments.mode != Mode::Update {
        bail!("--dry-run, --check and --review exclude each other");
    }
    arguments.mode = mode;
    Ok(())
}

fn said(report: String) -> Said {
    Said { report, note: String::new(), code: update::DONE }
}
