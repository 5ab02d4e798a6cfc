//! `silverback query`: a question and its answer.

mod clauses;
mod gate;
mod shown;
mod source;
mod spending;
mod watch;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use silverback::{Query, RunOptions, Snapshot};

use crate::cli::quantity::duration_of;
use crate::cli::query::clauses::ClauseArguments;
use crate::cli::query::shown::ShownArguments;
use crate::cli::query::source::SourceArguments;
use crate::cli::query::spending::SpendingArguments;
use crate::cli::{Context, Status, Usage};

/// Arguments of `silverback query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    /// The question
    #[arg(required_unless_present = "query_file")]
    query: Option<String>,
    /// Read the question from a file
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    query_file: Option<PathBuf>,
    #[command(flatten)]
    source: SourceArguments,
    #[command(flatten)]
    clauses: ClauseArguments,
    #[command(flatten)]
    spending: SpendingArguments,
    #[command(flatten)]
    shown: ShownArguments,
    /// Ask again this often, until it is interrupted
    #[arg(long, value_name = "DURATION")]
    watch: Option<String>,
    /// End with status 7 where this holds, such as 'p99(latency) > 800ms', or 'NAME > 5%' of an
    /// item `as NAME`
    #[arg(long, value_name = "CONDITION")]
    fail_if: Option<String>,
}

/// A question that may be asked again, with what it is judged by.
#[derive(Debug)]
struct Asked {
    query: Query,
    /// The condition as it was given, and as a question.
    gate: Option<(String, Query)>,
    options: RunOptions,
}

pub(crate) fn run(arguments: &QueryArguments, context: &Context) -> anyhow::Result<Status> {
    let text = arguments.text()?;
    let query: Query = arguments.clauses.put_over(&text)?.parse()?;
    let gate = |condition: &String| anyhow::Ok((condition.clone(), query.gate(condition)?));
    let gate = arguments.fail_if.as_ref().map(gate).transpose()?;
    let pause = arguments.pause()?;
    let options = arguments.spending.limit(arguments.clauses.run_options()?)?;
    let source = arguments.source.open(context)?;
    let asked = Asked { query, gate, options: options.whole_range(source.is_whole()) };
    if let Some(pause) = pause {
        return watch::run(asked, &source, pause, &arguments.shown, context);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    let status = asked.ask(&source.snapshot()?, &arguments.shown, context, &mut out)?;
    out.flush()?;
    Ok(status)
}

impl QueryArguments {
    fn text(&self) -> anyhow::Result<String> {
        match (&self.query, &self.query_file) {
            (None, Some(path)) => std::fs::read_to_string(path)
                .with_context(|| format!("cannot read {}", path.display())),
            (query, _) => Ok(query.clone().unwrap_or_default()),
        }
    }

    fn pause(&self) -> anyhow::Result<Option<Duration>> {
        let pause = self.watch.as_deref().map(duration_of).transpose()?;
        if pause.is_some_and(|pause| pause.is_zero()) {
            return Err(Usage("--watch takes a duration such as 5s").into());
        }
        Ok(pause)
    }
}

impl Asked {
    /// Answers once, and says what the condition decides.
    fn ask(
        &self,
        snapshot: &Snapshot,
        shown: &ShownArguments,
        context: &Context,
        out: &mut dyn Write,
    ) -> anyhow::Result<Status> {
        let answer = snapshot.run(&self.query, &self.options)?;
        shown.write(&answer, context, out)?;
        if shown.stats {
            shown::tell_stats(&answer, context);
        }
        match &self.gate {
            None => Ok(Status::Done),
            Some((condition, gate)) => {
                gate::judge(condition, gate, snapshot, &self.options, context)
            }
        }
    }
}
