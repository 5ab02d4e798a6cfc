//! The commands of a session, which begin with a point.

use std::io::{self, Write};

use crate::cli::Usage;
use crate::cli::listing::in_one_line;
use crate::cli::repl::complete::COMMANDS;
use crate::cli::repl::session::Session;

const HELP: &str = "\
A question is asked when its line ends; an open bracket or text, or a \\ at the end, goes on.
Tab completes functions, metrics, labels and their values.

  .mode FORM       table, csv, json, ndjson, markdown, spark, plot or heatmap
  .metrics         the metrics with kind and unit
  .labels [NAME]   the names of labels, or the values of one
  .timer on|off    how long each answer takes
  .explain on|off  what questions read and compute, in place of their answers
  .help            this
  .quit            ends, as Ctrl-D does; Ctrl-C gives a line up
";

impl Session<'_> {
    /// Carries out a line that begins with a point.
    pub(super) fn command(&mut self, line: &str) -> anyhow::Result<()> {
        let (command, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim();
        let mut out = io::stdout().lock();
        match command {
            ".help" => write!(out, "{HELP}")?,
            ".mode" if argument.is_empty() => writeln!(out, "{}", self.mode.as_str())?,
            ".mode" => self.mode = argument.parse()?,
            ".timer" => self.has_timer = switch(argument)?,
            ".explain" => self.explains = switch(argument)?,
            ".metrics" => {
                for def in self.reader.snapshot()?.metrics()? {
                    let unit = def.unit.as_deref().unwrap_or("-");
                    let line = format!("{}  {}  {unit}", def.name, def.kind);
                    writeln!(out, "{}", in_one_line(&line))?;
                }
            }
            ".labels" => {
                let snapshot = self.reader.snapshot()?;
                let names = match argument {
                    "" => snapshot.label_names()?,
                    label => snapshot.label_values(label)?,
                };
                for name in names {
                    writeln!(out, "{}", in_one_line(&name))?;
                }
            }
            _ => {
                self.context.say(&format!("no such command; known are {}", COMMANDS.join(" ")));
            }
        }
        Ok(())
    }
}

fn switch(word: &str) -> anyhow::Result<bool> {
    match word {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Usage("it is on or off").into()),
    }
}
