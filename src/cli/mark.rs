//! `silverback mark`: names an instant, and lists those that have names.

use std::io::{self, Write};

use clap::Args;
use silverback::{Clock, Mark, Request, vfs::SystemClock};

use crate::cli::ask::AskArguments;
use crate::cli::listing::in_one_line;
use crate::cli::span::time;
use crate::cli::{Context, Status};

/// Arguments of `silverback mark`.
#[derive(Debug, Args)]
pub(crate) struct MarkArguments {
    /// What the instant is called, for mark("...") in questions; without it, all marks are listed
    text: Option<String>,
    /// The instant, such as 2026-02-09T10:00Z or 'now - 5m' [default: now]
    #[arg(long, value_name = "TIME", requires = "text")]
    at: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

pub(crate) fn run(arguments: &MarkArguments, context: &Context) -> anyhow::Result<Status> {
    let Some(text) = &arguments.text else { return list(context) };
    let time = arguments.at.as_deref().map_or_else(|| Ok(SystemClock.now()), time)?;
    let mark = Mark { time, text: text.clone() };
    if context.ask(&Request::Mark(mark), &arguments.ask)?.is_some() {
        writeln!(io::stdout().lock(), "{time}  {}", in_one_line(text))?;
    }
    Ok(Status::Done)
}

fn list(context: &Context) -> anyhow::Result<Status> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    for mark in context.reader()?.snapshot()?.marks()? {
        writeln!(out, "{}  {}", mark.time, in_one_line(&mark.text))?;
    }
    out.flush()?;
    Ok(Status::Done)
}
