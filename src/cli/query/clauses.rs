//! The flags that stand over the clauses of a question: its range, its zone, and what `now` means.

use anyhow::Context as _;
use clap::Args;
use silverback::lang::ast::{Clause, Statement};
use silverback::lang::parse;
use silverback::{Limits, RunOptions};

use crate::cli::span::time;

/// Arguments that stand over clauses.
#[derive(Debug, Args, Default)]
pub(crate) struct ClauseArguments {
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
    /// Say what the question reads and computes, in place of its answer
    #[arg(long)]
    explain: bool,
}

impl ClauseArguments {
    /// Returns what `now` means.
    pub(crate) fn run_options(&self) -> anyhow::Result<RunOptions> {
        let options = RunOptions::default();
        let Some(now) = &self.now else { return Ok(options) };
        if now == "newest" {
            return Ok(options.now_is_newest(true));
        }
        Ok(options.now(time(now).context("--now takes a time, or newest")?))
    }

    /// Puts the range and zone of the flags in place of the question's clauses.
    pub(crate) fn put_over(&self, text: &str) -> anyhow::Result<String> {
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
        if added.is_empty() && !self.explain {
            return Ok(text.to_owned());
        }
        let has_range = self.last.is_some() || self.from.is_some();
        let mut statement = parse(text, &Limits::default())?;
        if let Statement::Query(query) | Statement::Explain(query) = &mut statement {
            query.clauses.retain(|clause| match clause.node {
                Clause::Last(_) | Clause::From(..) | Clause::Since(_) | Clause::Until(_) => {
                    !has_range
                }
                Clause::Tz(_) => self.tz.is_none(),
                _ => true,
            });
        }
        let explain = match statement {
            Statement::Query(_) if self.explain => "explain ",
            _ => "",
        };
        Ok(format!("{explain}{statement}{added}"))
    }
}
