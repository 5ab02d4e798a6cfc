//! How an answer is shown: its form, how much of it, and what is said beside it.

use std::io::Write;

use clap::Args;
use silverback::Answer;
use silverback::output::Format;

use crate::cli::{Context, Usage};

/// Arguments that say how an answer is shown.
#[derive(Debug, Args)]
pub(crate) struct ShownArguments {
    /// table, csv, json, ndjson, markdown, spark, plot or heatmap
    #[arg(short, long, default_value = "table")]
    pub(crate) output: Format,
    /// Print at most this many rows
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
    /// What stands where there is no value
    #[arg(long, value_name = "TEXT")]
    null: Option<String>,
    /// Say on stderr how many rows there are, what was read for them and how long it took
    #[arg(long)]
    pub(crate) stats: bool,
}

impl ShownArguments {
    /// Writes rows, and says warnings and notes on stderr.
    pub(crate) fn write(
        &self,
        answer: &Answer,
        context: &Context,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        if let Some(lack) = self.output.lack(answer) {
            return Err(Usage(lack).into());
        }
        for warning in &answer.warnings {
            context.say(warning.render().trim_end());
        }
        for note in &answer.notes {
            context.say(&format!("note: {note}"));
        }
        let Some(rows) = self.max_rows.filter(|rows| *rows < answer.rows.len()) else {
            return Ok(context.write_answer(answer, self.output, self.null.as_deref(), out)?);
        };
        let mut some = answer.clone();
        some.rows.truncate(rows);
        context.say(&format!("note: {rows} of {} rows", answer.rows.len()));
        Ok(context.write_answer(&some, self.output, self.null.as_deref(), out)?)
    }
}

/// Says how many rows there are, what was read for them and how long it took.
pub(super) fn tell_stats(answer: &Answer, context: &Context) {
    let (rows, stats) = (answer.rows.len(), &answer.stats);
    let took = stats.total_time.as_secs_f64() * 1e3;
    let (start, end) = (answer.range.start, answer.range.end);
    context.say(&format!("{rows} rows in {took:.3} ms, from {start} to {end}"));
    context.say(&format!(
        "{} chunks: {} by statistics, {} by slices, {} decoded; {} bytes and {} samples read",
        stats.chunks_considered,
        stats.chunks_from_statistics,
        stats.chunks_from_slices,
        stats.chunks_decoded,
        stats.bytes_read,
        stats.samples_read
    ));
}
