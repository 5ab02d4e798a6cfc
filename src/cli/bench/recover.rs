//! `bench recover`: from opening to the first answer.

use std::path::Path;
use std::time::Instant;

use silverback::{Reader, SeriesKey, Store, TimeRange};

use crate::cli::bench::arguments::LoadArguments;
use crate::cli::bench::load::{Load, Spent};
use crate::cli::bench::machine::{Usage, copy_dir};
use crate::cli::bench::report::Figures;
use crate::cli::bench::write::{Place, head};

/// Measures how soon a store answers after a clean close, and as a killed process leaves it.
pub(crate) fn run(arguments: &LoadArguments) -> anyhow::Result<Figures> {
    let place = Place::new(arguments)?;
    let store = Store::options().durability(arguments.durability).open(place.store())?;
    let mut load = Load::new(arguments, &store)?;
    let mut spent = Spent::default();
    while load.append_block(arguments, &store, &mut spent)? {}
    let series = load.series() as u64;
    let key = load.any_series().cloned().unwrap_or_else(|| SeriesKey::new("latency"));
    // What is in the files now is what the next process finds after a kill.
    copy_dir(&place.store(), &place.copy())?;
    store.close()?;
    // The handles keep the store, and what it knows of each series, in memory.
    drop((load, store));
    let appending_peak_rss_bytes = Usage::now().peak_rss_bytes;
    let mut figures = head("recover", arguments, &spent);
    figures.add("series", series);
    figures.add("appending_peak_rss_bytes", appending_peak_rss_bytes);
    let killed = place.copy();
    let log_bytes = Reader::open(&killed)?.snapshot()?.stats()?.log_bytes;
    figures.add("unflushed_log_bytes", log_bytes);
    figures.add("killed_reader_seconds", reader_seconds(&killed, &key)?);
    figures.add("killed_writer_seconds", writer_seconds(&killed, &key)?);
    figures.add("closed_reader_seconds", reader_seconds(&place.store(), &key)?);
    figures.add("closed_writer_seconds", writer_seconds(&place.store(), &key)?);
    let started = Instant::now();
    let snapshot = Reader::open(place.store())?.snapshot()?;
    let metric = key.metric();
    snapshot.query(&format!("count({metric}), max({metric}) since 2020-01-01T00:00:00Z"))?;
    figures.add("closed_query_over_all_seconds", started.elapsed().as_secs_f64());
    figures.add("peak_rss_bytes", Usage::now().peak_rss_bytes);
    Ok(figures)
}

fn reader_seconds(dir: &Path, key: &SeriesKey) -> anyhow::Result<f64> {
    let started = Instant::now();
    Reader::open(dir)?.snapshot()?.samples(key, TimeRange::ALL)?;
    Ok(started.elapsed().as_secs_f64())
}

fn writer_seconds(dir: &Path, key: &SeriesKey) -> anyhow::Result<f64> {
    let started = Instant::now();
    let store = Store::open(dir)?;
    store.snapshot()?.samples(key, TimeRange::ALL)?;
    let took = started.elapsed().as_secs_f64();
    drop(store);
    Ok(took)
}
