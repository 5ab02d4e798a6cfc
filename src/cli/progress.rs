//! How far long work is: one line on stderr that is drawn over and over, on a terminal only.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use silverback::Progress;

use crate::cli::Context;

/// How often the line is drawn; what is done sooner shows none.
const PAUSE: Duration = Duration::from_millis(200);
/// Goes to the line's beginning and clears it.
const CLEAR: &str = "\r\u{1b}[K";
const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

impl Context {
    /// Does long work while a line says how far it is, how fast, and how long it will take.
    pub(crate) fn watched<T>(&self, progress: &Progress, work: impl FnOnce() -> T) -> T {
        if self.quiet || !io::stderr().is_terminal() {
            return work();
        }
        thread::scope(|scope| {
            let (working, ended) = channel::<()>();
            scope.spawn(move || draw(progress, &ended));
            let outcome = work();
            drop(working);
            outcome
        })
    }
}

/// Draws until the other side is gone, then takes the line away.
fn draw(progress: &Progress, ended: &Receiver<()>) {
    let start = Instant::now();
    let mut is_drawn = false;
    while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        let line = line(progress.bytes_done(), progress.bytes_total(), start.elapsed());
        // The cursor stays in front: what is said meanwhile does not begin behind the line. There
        // is nobody to tell where stderr is closed.
        drop(write!(io::stderr().lock(), "{CLEAR}{line}\r"));
        is_drawn = true;
    }
    if is_drawn {
        drop(write!(io::stderr().lock(), "{CLEAR}"));
    }
}

/// Says how far work is. Without a total there is no end to tell.
fn line(done: u64, total: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if done == 0 && total == 0 {
        return format!("{seconds:.0} s");
    }
    #[expect(clippy::cast_precision_loss, reason = "rounded to be read")]
    let (done, total) = (done as f64, total as f64);
    let rate = done / seconds.max(1e-9);
    let per_second = size(rate);
    if total == 0.0 {
        return format!("{}  {per_second}/s", size(done));
    }
    let done = done.min(total);
    let (share, left) = (done / total * 100.0, (total - done) / rate);
    let far = format!("{share:3.0} %  {} of {}  {per_second}/s", size(done), size(total));
    if rate > 0.0 { format!("{far}  {left:.0} s left") } else { far }
}

fn size(bytes: f64) -> String {
    let mut amount = bytes;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while amount >= 1024.0
        && let Some(next) = units.next()
    {
        amount /= 1024.0;
        unit = Some(next);
    }
    let digits = usize::from(amount < 10.0 && bytes >= 1024.0);
    format!("{amount:.digits$} {}", unit.unwrap_or(&"B"))
}

/// A reader that says how far it is.
#[derive(Debug)]
pub(crate) struct Counted<'a, R> {
    pub(crate) inner: R,
    pub(crate) progress: &'a Progress,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::cli::progress::line;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let mib = 1 << 20;
        for (done, total, seconds, wanted) in [
            (0, 0, 3, "3 s"),
            (0, 100 * mib, 1, "  0 %  0 B of 100 MiB  0 B/s"),
            (25 * mib, 100 * mib, 5, " 25 %  25 MiB of 100 MiB  5.0 MiB/s  15 s left"),
            (100 * mib, 100 * mib, 8, "100 %  100 MiB of 100 MiB  12 MiB/s  0 s left"),
            // A file that grew while it was read.
            (120 * mib, 100 * mib, 8, "100 %  100 MiB of 100 MiB  15 MiB/s  0 s left"),
            (1_536, 0, 1, "1.5 KiB  1.5 KiB/s"),
            (999, 0, 1, "999 B  999 B/s"),
            (5 << 50, 0, 1, "5120 TiB  5120 TiB/s"),
        ] {
            assert_eq!(line(done, total, Duration::from_secs(seconds)), wanted);
        }
    }
}
