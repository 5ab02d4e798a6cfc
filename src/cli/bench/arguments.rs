//! The arguments of `silverback bench`: what traffic, how it is written, how figures are printed.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use silverback::Durability;
use silverback::workload::Preset;

use crate::cli::Usage;
use crate::cli::bench::report::Form;
use crate::cli::quantity::duration_of;

/// How many samples are made up where nobody says.
const SAMPLES: u64 = 1_000_000;

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
    /// Answer each question by collecting and sorting its samples too, and compare
    #[arg(long)]
    pub(crate) report: bool,
}

/// The traffic and how it is written.
#[derive(Debug, Args)]
pub(crate) struct LoadArguments {
    /// events (response times of 200 series), scrape (gauges and counters), churn (series that
    /// end), traffic (requests as measured services have them), or a file that `ingest` reads
    #[arg(long, value_name = "WORKLOAD|FILE", default_value = "events", value_parser = workload)]
    pub(crate) workload: Workload,
    /// What traffic of the workload `traffic`: its series, rate and labels
    #[arg(long, default_value = "tiny", value_parser = preset)]
    pub(crate) preset: Preset,
    /// How many samples [default: 1000000, or all of a file]
    #[arg(long)]
    pub(crate) samples: Option<NonZero<u64>>,
    /// How many series at a time, where the workload leaves it open
    #[arg(long, default_value_t = 2_000)]
    pub(crate) series: u64,
    /// How many threads append
    #[arg(long, default_value = "1")]
    pub(crate) threads: NonZero<usize>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Workload {
    Events,
    Scrape,
    Churn,
    Traffic,
    File(PathBuf),
}

impl Workload {
    /// Returns the name that figures have.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Events => "events".to_owned(),
            Self::Scrape => "scrape".to_owned(),
            Self::Churn => "churn".to_owned(),
            Self::Traffic => "traffic".to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl LoadArguments {
    /// Returns how many samples are made up.
    pub(crate) fn samples_made(&self) -> u64 {
        self.samples.map_or(SAMPLES, NonZero::get)
    }
}

/// Reads the name of a workload, or of a file.
fn workload(name: &str) -> Result<Workload, String> {
    match name {
        "events" => Ok(Workload::Events),
        "scrape" => Ok(Workload::Scrape),
        "churn" => Ok(Workload::Churn),
        "traffic" => Ok(Workload::Traffic),
        _ if Path::new(name).is_file() => Ok(Workload::File(PathBuf::from(name))),
        _ => {
            Err("workloads are events, scrape, churn, traffic, or a file that is there".to_owned())
        }
    }
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
