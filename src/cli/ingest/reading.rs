//! The arguments that say how an input is read, for every verb that reads one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use silverback::ingest::{IngestOptions, InputFormat, Mapping, TimeUnit, Zone};
use silverback::{Limits, Timestamp};

use crate::cli::quantity::duration_of;
use crate::cli::span::time;

/// How an input is read.
#[derive(Debug, Args)]
pub(crate) struct ReadingArguments {
    /// auto, csv, ndjson, influx, prom, openmetrics, statsd or access-log
    #[arg(long, default_value = "auto")]
    format: InputFormat,
    /// Which columns are what: 'ts=COLUMN, labels=COLUMN,..., METRIC=COLUMN[:UNIT[:KIND]], ...'.
    /// labels=* are all others, @row is the row's number, @one is 1
    #[arg(long)]
    map: Option<Mapping>,
    /// Read the mapping from a file; its lines may be of any length, and # begins a comment
    #[arg(long, value_name = "FILE", conflicts_with = "map")]
    map_file: Option<PathBuf>,
    /// The column of the time
    #[arg(long, value_name = "COLUMN")]
    time_field: Option<String>,
    /// auto, s, ms, us, ns or rfc3339
    #[arg(long, default_value = "auto", value_name = "UNIT")]
    time_unit: TimeUnit,
    /// The time zone of dates and times that name none
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    time_zone: Zone,
    /// Times are numbers that count from this one, such as 2026-02-09T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = instant)]
    time_origin: Option<Timestamp>,
    /// A label for every row
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    label: Vec<(String, String)>,
    /// What a value that is NaN or infinite does: skip or error
    #[arg(long, value_parser = ["skip", "error"])]
    nan: Option<String>,
    /// What a text field of line protocol does: refuse or label
    #[arg(long, value_parser = ["refuse", "label"], default_value = "refuse")]
    string_fields: String,
    /// How many series one input may have
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.input_series_max)]
    series_max: u64,
    /// Accept rows that lie at most this far ahead of the clock
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = duration)]
    future: Duration,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    duration_of(text).map_err(|error| error.to_string())
}

fn instant(text: &str) -> Result<Timestamp, String> {
    time(text).map_err(|error| error.to_string())
}

impl ReadingArguments {
    /// Returns the mapping that was given, here or in a file.
    pub(crate) fn mapping(&self) -> anyhow::Result<Option<Mapping>> {
        let Some(path) = &self.map_file else { return Ok(self.map.clone()) };
        let cannot = || format!("cannot read {}", path.display());
        let text = fs::read_to_string(path).with_context(cannot)?;
        let plain = text.lines().map(|line| line.split('#').next().unwrap_or(""));
        let mapping: Mapping = plain.collect::<Vec<_>>().join(" ").parse()?;
        Ok(Some(mapping))
    }

    /// Returns the limits of a store that takes the rows.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.future_nanos_max = u64::try_from(self.future.as_nanos()).unwrap_or(u64::MAX);
        limits
    }

    /// Returns the options of reading one input.
    pub(crate) fn options<'a>(
        &self,
        mapping: Option<&Mapping>,
        skips_nan: bool,
    ) -> IngestOptions<'a> {
        let skips_nan = self.nan.as_ref().map_or(skips_nan, |word| word == "skip");
        let mut options = IngestOptions::default()
            .format(self.format)
            .time_unit(self.time_unit)
            .time_zone(self.time_zone.clone())
            .skip_nan(skips_nan)
            .string_fields_as_labels(self.string_fields == "label")
            .series_max(self.series_max);
        if let Some(mapping) = mapping {
            options = options.mapping(mapping.clone());
        }
        if let Some(field) = &self.time_field {
            options = options.time_field(field);
        }
        if let Some(origin) = self.time_origin {
            options = options.time_origin(origin);
        }
        for (name, value) in &self.label {
            options = options.label(name, value);
        }
        options
    }
}
