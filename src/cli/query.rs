//! `silverback query`: a question and its answer.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use silverback::ingest::{IngestOptions, Input, Mapping, ingest};
use silverback::lang::ast::{Body, Clause, Statement, Time};
use silverback::lang::parse;
use silverback::output::Format;
use silverback::{Answer, Limits, Query, RunOptions, Snapshot, Store};

use crate::cli::sink::StoreSink;
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
    /// Ask about this file instead of a store; may be given several times
    #[arg(long, value_name = "DATA")]
    file: Vec<PathBuf>,
    /// Which columns of the files are what, as in `ingest`
    #[arg(long, requires = "file")]
    map: Option<Mapping>,
    /// table, csv, json, ndjson, markdown, spark, plot or heatmap
    #[arg(short, long, default_value = "table")]
    output: Format,
    /// Ask about this long up to now, in place of the question's range
    #[arg(long, value_name = "DURATION", conflicts_with_all = ["from", "to"])]
    last: Option<String>,
    /// Ask from this time on, in place of the question's range
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Ask up to this time
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<String>,
    /// The time zone of civil times, in place of the question's
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// What `now` means: a time, or `newest` for just after the newest sample
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// Print at most this many rows
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
    /// What stands where there is no value
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
}

pub(crate) fn run(arguments: &QueryArguments, context: &Context) -> anyhow::Result<Status> {
    let text = match (&arguments.query, &arguments.query_file) {
        (Some(query), _) => query.clone(),
        (None, Some(path)) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?,
        (None, None) => String::new(),
    };
    let query: Query = arguments.override_clauses(text)?.parse()?;
    let options = arguments.run_options()?;
    let answer = if arguments.file.is_empty() {
        context.reader()?.snapshot()?.run(&query, &options)?
    } else {
        arguments.snapshot_of_files(context)?.run(&query, &options.whole_range(true))?
    };
    if let Some(lack) = arguments.output.lack(&answer) {
        return Err(Usage(lack).into());
    }
    show(&answer, arguments, context)?;
    Ok(Status::Done)
}

/// Writes rows to stdout, warnings and notes to stderr.
fn show(answer: &Answer, arguments: &QueryArguments, context: &Context) -> anyhow::Result<()> {
    for warning in &answer.warnings {
        context.say(warning.render().trim_end());
    }
    for note in &answer.notes {
        context.say(&format!("note: {note}"));
    }
    let mut shown = answer.clone();
    if let Some(rows) = arguments.max_rows.filter(|rows| *rows < answer.rows.len()) {
        shown.rows.truncate(rows);
        context.say(&format!("note: {rows} of {} rows", answer.rows.len()));
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    context.write_answer(&shown, arguments.output, arguments.null.as_deref(), &mut out)?;
    out.flush()?;
    Ok(())
}

impl QueryArguments {
    fn run_options(&self) -> anyhow::Result<RunOptions> {
        let options = RunOptions::default();
        let Some(now) = &self.now else { return Ok(options) };
        if now == "newest" {
            return Ok(options.now_is_newest(true));
        }
        let statement = parse(&format!("count(x) from {now}"), &Limits::default());
        if let Ok(Statement::Query(query)) = &statement
            && let Some(Clause::From(time, _)) = query.clauses.first().map(|clause| &clause.node)
            && let Time::Instant(nanos) = time.node
        {
            return Ok(options.now(silverback::Timestamp::from_nanos(nanos)));
        }
        Err(Usage("--now takes RFC 3339 with a zone, such as 2026-02-09T10:00Z, or newest").into())
    }

    /// Puts the range and zone of the flags in place of the question's clauses.
    fn override_clauses(&self, text: String) -> anyhow::Result<String> {
        let mut added = String::new();
        if let Some(last) = &self.last {
            added.extend([" last ", last]);
        }
        if let Some(from) = &self.from {
            added.extend([" from ", from]);
            added.extend(self.to.iter().flat_map(|to| [" to ", to]));
        }
        if let Some(zone) = &self.tz {
            added.extend([" tz \"", &zone.replace('"', ""), "\""]);
        }
        if added.is_empty() {
            return Ok(text);
        }
        let has_range = self.last.is_some() || self.from.is_some();
        let mut statement = parse(&text, &Limits::default())?;
        if let Statement::Query(query) | Statement::Explain(query) = &mut statement {
            query.clauses.retain(|clause| match clause.node {
                Clause::Last(_) | Clause::From(..) | Clause::Since(_) | Clause::Until(_) => {
                    !has_range
                }
                Clause::Tz(_) => self.tz.is_none(),
                _ => true,
            });
            debug_assert!(matches!(query.body, Body::Items(_) | Body::Samples(_)));
        }
        Ok(format!("{statement}{added}"))
    }

    /// Reads the files into a store in memory.
    fn snapshot_of_files(&self, context: &Context) -> anyhow::Result<Snapshot> {
        let store = Store::in_memory()?;
        for path in &self.file {
            let name = path.display().to_string();
            let bytes = OpenOptions::new().read(true).open(path);
            let bytes = bytes.with_context(|| format!("cannot read {name}"))?;
            let mut options = IngestOptions::default().skip_nan(true);
            if let Some(mapping) = &self.map {
                options = options.mapping(mapping.clone());
            }
            let mut sink = StoreSink::new(&store, 1_000);
            let report = ingest(Input { name, bytes }, options, &mut sink)?;
            sink.finish().1?;
            context.say_rejected(&report);
        }
        Ok(store.snapshot()?)
    }
}
