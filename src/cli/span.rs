//! `--from` and `--to`: a range of time in the words of the query language.

use anyhow::anyhow;
use clap::Args;
use silverback::{Columns, SeriesKey, Snapshot, TimeRange, Timestamp};

use crate::cli::Usage;

/// Arguments that choose a range; all time where none is given.
#[derive(Debug, Args)]
pub(crate) struct SpanArguments {
    /// From this time on, such as 2026-02-09T10:00Z or 'now - 7d'
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Up to this time, which is not included
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
}

impl SpanArguments {
    /// Returns the range.
    pub(crate) fn range(&self) -> anyhow::Result<TimeRange> {
        let start = self.from.as_deref().map_or(Ok(Timestamp::MIN), time)?;
        let end = self.to.as_deref().map_or(Ok(Timestamp::MAX), time)?;
        if start > end {
            return Err(Usage("--from lies after --to").into());
        }
        Ok(TimeRange::new(start, end))
    }
}

/// Reads a time as a question would: where a range would start that begins with it.
pub(crate) fn time(text: &str) -> anyhow::Result<Timestamp> {
    use silverback::{Clock, vfs::SystemClock};
    let mut one = Columns::default();
    one.push(0, 0.0);
    let now = SystemClock.now();
    let any = Snapshot::of_samples(now, Vec::new(), vec![(SeriesKey::new("x"), one)]);
    let answer = any.query(&format!("count(x) from {text} for 1s")).map_err(|_| {
        let usage = Usage("a time is like 2026-02-09T10:00Z, 2026-02-09 or 'now - 7d'");
        anyhow!("{text:?} is none").context(usage)
    })?;
    Ok(answer.range.start)
}
