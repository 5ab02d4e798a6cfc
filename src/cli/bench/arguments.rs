//! The arguments of `silverback bench`: what traffic, how it is written, how figures are printed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use silverback::Durability;
use silverback::workload::Preset;

use crate::cli::Usage;
use crate::cli::bench::report::Form;
use crate::cli::quantity::duration_of;

/// The questions and what they are asked of.
#[derive(Debug, Args)]
pub(crate) struct QueryArguments {
    #[command(flatten)]
    pub(crate) load: LoadArguments,
    /// How often each question is asked at least
    #[arg(long, default_value_t = 5)]
    pub(crate) runs: usize,
    /// A store of this workload, which is made where there is none, and kept
    #[arg(long)]
    pub(crate) store: Option<PathBuf>,
}

/// The traffic and how it is written.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// events (response times of 200 series), scrape (gauges and counters), churn (series that
    /// end), traffic (requests as measured services have them)
    #[arg(long, value_enum, default_value = "events")]
    pub(crate) workload: Workload,
    /// What traffic of the workload `traffic`: its series, rate and labels
    #[arg(long, default_value = "tiny", value_parser = preset)]
    pub(crate) preset: Preset,
    /// How many samples
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) samples: u64,
    /// How many series at a time, where the workload leaves it open
    #[arg(long, default_value_t = 2_000)]
    pub(crate) series: u64,
    /// How many threads append
    #[arg(long, default_value_t = 1)]
    pub(crate) threads: usize,
    /// Samples a batch; 1 appends them one by one
    #[arg(long, default_value_t = 1)]
    pub(crate) batch: usize,
    /// sync, interval=200ms or os
    #[arg(long, default_value = "interval=200ms", value_parser = durability)]
    pub(crate) durability: Durability,
    /// The seed of the traffic
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the stores are made, and removed again [default: the system's temporary directory]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// A table, one JSON object, or a table for a README
    #[arg(short, long, value_enum, default_value = "table")]
    pub(crate) output: Form,
}

/// What traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    Events,
    Scrape,
    Churn,
    Traffic,
}

/// Reads the name of a preset.
fn preset(name: &str) -> Result<Preset, String> {
    Preset::from_name(name).ok_or_else(|| {
        let known: Vec<_> = Preset::ALL.into_iter().map(Preset::as_str).collect();
        format!("presets are {}", known.join(", "))
    })
}

/// Reads `sync`, `os` or `interval=200ms`.
fn durability(text: &str) -> Result<Durability, String> {
    let bad = || Usage("durability is sync, interval=200ms or os").to_string();
    match text {
        "sync" => Ok(Durability::Sync),
        "os" => Ok(Durability::Os),
        "interval" => Ok(Durability::Interval(Duration::from_millis(200))),
        _ => {
            let interval = text.strip_prefix("interval=").ok_or_else(bad)?;
            duration_of(interval).map(Durability::Interval).map_err(|_| bad())
        }
    }
}
