//! `figma-payments man`: the manual, made of the help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::exit::{Exit, Failure};
use crate::terminal::write;

/// Print the manual.
///
/// Without options it is one page: the program, then each command. With
/// --output-dir each of them gets a file of its own, as packages have them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  figma-payments man | man -l -
  figma-payments man --output-dir /usr/local/share/man/man1")]
pub struct Arguments {
    /// Write a file for the program and for each of its commands to this folder:
    /// figma-payments.1, figma-payments-check.1 and so on.
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, program: Command) -> Result<Exit, Failure> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let mut pages = Vec::new();
    add_pages(&program, &mut pages);
    match &arguments.output_dir {
        None => write(&pages.into_iter().flat_map(|page| page.text).collect::<Vec<_>>())?,
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::usage(format!("{} cannot be created: {error}", folder.display()))
            })?;
            pages.iter().try_for_each(|page| page.write_to(folder))?;
        }
    }
    Ok(Exit::Success)
}

struct Page {
    /// The name of the file.
    name: String,
    text: Vec<u8>,
}

impl Page {
    fn write_to(&self, folder: &Path) -> Result<(), Failure> {
        let path = folder.join(&self.name);
        fs::write(&path, &self.text).map_err(|error| Failure {
            exit: Exit::CouldNotTell,
            message: format!("{} cannot be written: {error}", path.display()),
        })
    }
}

/// Adds the page of a command, and after it those of its own commands.
fn add_pages(command: &Command, pages: &mut Vec<Page>) {
    let man = Man::new(command.clone());
    let text = page(command, &man).expect("memory can be written");
    pages.push(Page { name: man.get_filename(), text });
    command.get_subcommands().for_each(|command| add_pages(command, pages));
}

fn page(command: &Command, man: &Man) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    if let Some(after_help) = command.get_after_help() {
        last_sections(&after_help.to_string()).to_writer(&mut text)?;
    }
    Ok(text)
}

/// The sections after the options: a paragraph each, that begins with its heading and a colon.
fn last_sections(after_help: &str) -> Roff {
    let mut roff = Roff::new();
    for paragraph in after_help.split("\n\n") {
        let (heading, text) = match paragraph.split_once(":\n") {
            Some((heading, text)) => (heading, text),
            None => ("Notes", paragraph),
        };
        roff.control("SH", [heading.to_uppercase().as_str()]);
        // As it is, with its own line ends.
        roff.control("nf", []);
        text.lines().for_each(|line| {
            roff.text([roman(line)]);
        });
        roff.control("fi", []);
    }
    roff
}
