//! `--watch`: the same question again and again.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use silverback::CancelToken;

use crate::cli::interrupt::{sleep, stop_flag};
use crate::cli::query::Asked;
use crate::cli::query::shown::ShownArguments;
use crate::cli::query::source::Source;
use crate::cli::{Context, Status};

/// Moves to the upper left corner, and clears all.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J\u{1b}[3J";

/// Asks until it is interrupted, its output is closed, or the condition holds. A terminal shows the
/// last answer alone; a file or pipe gets them all, with an empty line between.
pub(crate) fn run(
    asked: Asked,
    source: &Source,
    pause: Duration,
    shown: &ShownArguments,
    context: &Context,
) -> anyhow::Result<Status> {
    let stop = stop_flag()?;
    let options = asked.options.cancel(&CancelToken::from(Arc::clone(&stop)));
    let asked = Asked { options, ..asked };
    let is_terminal = io::stdout().is_terminal();
    let mut is_first = true;
    loop {
        let started = Instant::now();
        let snapshot = source.snapshot()?;
        // Written at once, so that a terminal does not flicker.
        let mut frame = Vec::new();
        if is_terminal {
            let now = snapshot.now();
            writeln!(frame, "{CLEAR}every {pause:?}: {}  {now}\n", asked.query)?;
        } else if !std::mem::take(&mut is_first) {
            writeln!(frame)?;
        }
        let status = asked.ask(&snapshot, shown, context, &mut frame);
        if stop.load(Ordering::Relaxed) {
            // The answer may be the error of a run that was stopped.
            return Ok(Status::Interrupted);
        }
        let status = status?;
        let mut out = io::stdout().lock();
        out.write_all(&frame)?;
        out.flush()?;
        drop((out, snapshot));
        if status != Status::Done {
            return Ok(status);
        }
        sleep(pause.saturating_sub(started.elapsed()), &stop);
        if stop.load(Ordering::Relaxed) {
            return Ok(Status::Interrupted);
        }
    }
}
