//! One run of `silverback ingest`: from its arguments to its status.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use silverback::ingest::{Input, Mapping, StoreSink, ingest};
use silverback::{Error, ErrorKind, Progress, Store};

use crate::cli::export::write_all;
use crate::cli::ingest::arguments::IngestArguments;
use crate::cli::ingest::identity::same_file;
use crate::cli::ingest::inputs::{Inputs, open};
use crate::cli::ingest::intake::{Done, StoreClock};
use crate::cli::ingest::rejects::Rejects;
use crate::cli::interrupt::stop_flag;
use crate::cli::{Context, Status, Usage};

/// Rows that a dry run shows.
const DRY_ROWS: u64 = 3;

pub(crate) fn run(arguments: &IngestArguments, context: &Context) -> anyhow::Result<Status> {
    let reads_stdin = arguments.files.iter().any(|path| path.as_os_str() == "-");
    if reads_stdin && (arguments.follow || arguments.resume) {
        return Err(Usage("--follow and --resume need files: stdin cannot be read again").into());
    }
    let mapping = arguments.reading.mapping()?;
    if arguments.dry_run {
        return dry_run(arguments, mapping.as_ref(), context);
    }
    if let Some(rejects) = &arguments.rejects {
        check_apart(rejects, &arguments.files)?;
    }
    let directory = context.directory()?;
    context.say_more(&format!("opens the store at {} for writing", directory.display()));
    let stop = stop_flag()?;
    let store = Store::options()
        .durability(arguments.durability)
        .limits(arguments.reading.limits())
        .open(&directory)
        .map_err(|error| with_ways_out(error, &directory))?;
    let rejects = arguments.rejects.as_deref().map(Rejects::open).transpose()?.map(Mutex::new);
    let progress = Progress::default();
    let inputs = Inputs {
        arguments,
        mapping,
        store: &store,
        rejects,
        stop: &stop,
        context,
        progress: &progress,
    };
    let mut done = Done::default();
    let read = if arguments.follow {
        // There is no end that could be told.
        inputs.follow_all(&mut done)
    } else {
        context.watched(&progress, || inputs.read_all(&mut done))
    };
    let kept = inputs.rejects.map_or(Ok(()), |rejects| {
        rejects.into_inner().unwrap_or_else(PoisonError::into_inner).flush()
    });
    let closed = store.close();
    // The first failure is the cause of the others.
    read.with_context(|| format!("{} rows were stored before this", done.rows))?;
    kept.context("cannot write the refused rows")?;
    closed?;
    let Done { rows, samples, refused, at } = done;
    if stop.load(Ordering::Relaxed) {
        let (line, name) = at.unwrap_or_default();
        context.say(&format!("{rows} rows durable, up to line {line} of {name}"));
        return Ok(Status::Interrupted);
    }
    context.say(&format!("{rows} rows, {samples} samples stored, {refused} rows refused"));
    Ok(if refused == 0 { Status::Done } else { Status::RowsRefused })
}

/// Makes sure that no input is the file that refused rows go to: it would grow as it is read.
fn check_apart(rejects: &Path, files: &[PathBuf]) -> anyhow::Result<()> {
    let Ok(kept) = fs::metadata(rejects) else { return Ok(()) };
    let is_kept = |path: &PathBuf| {
        let path = if path.as_os_str() == "-" { Path::new("/dev/stdin") } else { path };
        fs::metadata(path).is_ok_and(|read| kept.is_file() && same_file(&read, &kept))
    };
    if files.iter().any(is_kept) {
        return Err(Usage("--rejects names an input, which would grow as it is read").into());
    }
    Ok(())
}

/// Says what can be done where another process has the store.
fn with_ways_out(error: Error, directory: &Path) -> anyhow::Error {
    let is_locked = matches!(error.kind(), ErrorKind::Locked { .. });
    let ways_out = if is_locked {
        "; ingest into a --db of its own and read both, or let the process that writes append"
    } else {
        ""
    };
    let what = format!("cannot write to the store at {}{ways_out}", directory.display());
    anyhow::Error::new(error).context(what)
}

/// Shows how the input would be read.
fn dry_run(
    arguments: &IngestArguments,
    mapping: Option<&Mapping>,
    context: &Context,
) -> anyhow::Result<Status> {
    let mut refused = 0;
    let store = Store::options().limits(arguments.reading.limits()).in_memory()?;
    let clock = StoreClock(&store);
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let mut sink = StoreSink::new(&store);
        let options = arguments.reading.options(mapping, false);
        let options = options.rows_max(DRY_ROWS).clock(&clock);
        let name = path.display().to_string();
        let bytes: Box<dyn Read> =
            if name == "-" { Box::new(io::stdin().lock()) } else { Box::new(open(path)?) };
        let report = ingest(Input { name, bytes }, options, &mut sink)?;
        sink.finish().1?;
        if let Some(mapping) = &report.mapping {
            writeln!(out, "--map '{mapping}'")?;
        }
        context.say_rejected(&report.rejected, report.rows_rejected);
        refused += report.rows_rejected;
    }
    write_all(&store.snapshot()?, &mut out)?;
    Ok(if refused == 0 { Status::Done } else { Status::RowsRefused })
}
