//! `silverback ingest`: files or stdin into the store.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use silverback::ingest::{
    IngestOptions, IngestReport, Input, InputFormat, Mapping, TimeUnit, Zone, ingest,
};
use silverback::{Durability, Store};

use crate::cli::rejects::Rejects;
use crate::cli::sink::{Count, StoreSink};
use crate::cli::{Context, Status};

/// Arguments of `silverback ingest`.
#[derive(Debug, Args)]
pub(crate) struct IngestArguments {
    /// The files, plain or .gz; - is stdin
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// auto, csv, ndjson or influx
    #[arg(long, default_value = "auto")]
    format: InputFormat,
    /// Which columns are what: 'ts=COLUMN, labels=COLUMN,..., METRIC=COLUMN[:UNIT[:KIND]], ...'
    #[arg(long)]
    map: Option<Mapping>,
    /// The column of the time
    #[arg(long)]
    time_field: Option<String>,
    /// auto, s, ms, us, ns or rfc3339
    #[arg(long, default_value = "auto")]
    time_unit: TimeUnit,
    /// The time zone of dates and times that name none
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    time_zone: Zone,
    /// A label for every row
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// What a bad row does
    #[arg(long, value_parser = ["skip", "stop"], default_value = "skip")]
    on_error: String,
    /// What a value that is NaN or infinite does
    #[arg(long, value_parser = ["skip", "error"], default_value = "error")]
    nan: String,
    /// Keep bad rows in this file, byte for byte
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Store nothing; show the mapping and how three rows read
    #[arg(long)]
    dry_run: bool,
    /// Samples that become durable together
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    batch: usize,
    /// sync, interval=200ms or os
    #[arg(long, default_value = "interval=200ms", value_parser = durability)]
    durability: Durability,
}

/// Rows that a dry run shows.
const DRY_ROWS: u64 = 3;

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn durability(text: &str) -> Result<Durability, String> {
    let unknown = || "write sync, os or interval=200ms".to_owned();
    match text.split_once('=') {
        None if text == "sync" => Ok(Durability::Sync),
        None if text == "os" => Ok(Durability::Os),
        Some(("interval", length)) => {
            let millis = length.strip_suffix("ms").and_then(|millis| millis.parse().ok());
            millis.map(Duration::from_millis).map(Durability::Interval).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

pub(crate) fn run(arguments: &IngestArguments, context: &Context) -> anyhow::Result<Status> {
    if arguments.dry_run {
        return dry_run(arguments);
    }
    let directory = context.directory()?;
    let store = Store::options()
        .durability(arguments.durability)
        .open(&directory)
        .with_context(|| format!("cannot write to the store at {}", directory.display()))?;
    let mut rejects = arguments.rejects.as_deref().map(Rejects::open).transpose()?;
    let mut sink = StoreSink::new(&store, arguments.batch.max(1));
    let read = arguments.read_all(rejects.as_mut(), &mut sink, context);
    // What was read before an error is good, and is kept: it can be gone on from there.
    let (Count { rows, samples }, finished) = sink.finish();
    let kept = rejects.as_mut().map_or(Ok(()), Rejects::flush);
    let closed = store.close();
    // The first failure is the cause of the others.
    let stored = || format!("{rows} rows were stored before this");
    let refused = read.with_context(stored)?;
    finished.with_context(stored)?;
    kept.context("cannot write the refused rows")?;
    closed?;
    context.say(&format!("{rows} rows, {samples} samples stored, {refused} rows refused"));
    Ok(if refused == 0 { Status::Done } else { Status::RowsRefused })
}

/// Shows how the input would be read.
fn dry_run(arguments: &IngestArguments) -> anyhow::Result<Status> {
    let store = Store::in_memory()?;
    let mut out = io::stdout().lock();
    for path in &arguments.files {
        let mut sink = StoreSink::new(&store, 1_000);
        let report = arguments.read(path, None, Some(DRY_ROWS), &mut sink)?;
        sink.finish().1?;
        if let Some(mapping) = &report.mapping {
            writeln!(out, "--map '{mapping}'")?;
        }
        for rejected in &report.rejected {
            writeln!(out, "{rejected}")?;
        }
    }
    super::export::write_all(&store.snapshot()?, &mut out)?;
    Ok(Status::Done)
}

impl IngestArguments {
    /// Reads all files and returns how many rows were refused.
    fn read_all(
        &self,
        mut rejects: Option<&mut Rejects>,
        sink: &mut StoreSink<'_>,
        context: &Context,
    ) -> anyhow::Result<u64> {
        let mut refused = 0;
        for path in &self.files {
            let report = self.read(path, rejects.as_deref_mut(), None, sink)?;
            context.say_rejected(&report);
            refused += report.rows_rejected;
            if let Some(rejects) = &mut rejects {
                rejects.end_row();
            }
        }
        Ok(refused)
    }

    /// Reads one file into a sink.
    fn read(
        &self,
        path: &PathBuf,
        rejects: Option<&mut Rejects>,
        rows_max: Option<u64>,
        sink: &mut StoreSink<'_>,
    ) -> anyhow::Result<IngestReport> {
        let name = path.display().to_string();
        let bytes: Box<dyn Read> = if name == "-" {
            Box::new(io::stdin().lock())
        } else {
            let file = OpenOptions::new().read(true).open(path);
            Box::new(file.with_context(|| format!("cannot read {name}"))?)
        };
        Ok(ingest(Input { name, bytes }, self.options(rejects, rows_max), sink)?)
    }

    /// Returns the options of reading one file.
    pub(crate) fn options<'a>(
        &self,
        rejects: Option<&'a mut Rejects>,
        rows_max: Option<u64>,
    ) -> IngestOptions<'a> {
        let mut options = IngestOptions::default()
            .format(self.format)
            .time_unit(self.time_unit)
            .time_zone(self.time_zone.clone())
            .stop_on_error(self.on_error == "stop")
            .skip_nan(self.nan == "skip");
        if let Some(mapping) = &self.map {
            options = options.mapping(mapping.clone());
        }
        if let Some(field) = &self.time_field {
            options = options.time_field(field);
        }
        for (name, value) in &self.label {
            options = options.label(name, value);
        }
        if let Some(rows) = rows_max {
            options = options.rows_max(rows);
        }
        match rejects {
            Some(rejects) => options.rejects(rejects),
            None => options,
        }
    }
}
