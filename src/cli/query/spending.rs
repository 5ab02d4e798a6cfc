//! What answering may spend: time, memory, threads.

use std::num::NonZero;
use std::thread::available_parallelism;

use clap::Args;
use silverback::RunOptions;

use crate::cli::quantity::{bytes_of, duration_of};

/// Arguments that say what answering may spend.
#[derive(Debug, Args)]
pub(crate) struct SpendingArguments {
    /// Give up after this long, with status 124 [default: never]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// Hold samples of at most this size at a time; percentiles of more are read several times
    /// [default: 512MiB]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Read and compute with so many threads; the answer is the same with any number [default: one
    /// a processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

impl SpendingArguments {
    /// Adds what may be spent to the options of a run.
    pub(crate) fn limit(&self, options: RunOptions) -> anyhow::Result<RunOptions> {
        let threads = self.threads.or_else(|| available_parallelism().ok());
        let mut options = options.threads(threads.map_or(1, NonZero::get));
        if let Some(timeout) = &self.timeout {
            options = options.timeout(duration_of(timeout)?);
        }
        if let Some(memory) = &self.memory {
            options = options.memory(bytes_of(memory)?);
        }
        Ok(options)
    }
}
