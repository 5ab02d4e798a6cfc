//! What a run of a query may spend, and what it spent: time, memory, and the patience of who asked.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::model::Limits;
use crate::query::options::RunOptions;
use crate::query::rows::RunStats;
use crate::snapshot::{Tally, Watch};

/// What is limited, as errors name it.
const MEMORY: &str = "the memory of the query";

/// What is limited of groups × windows and rows, as errors name it.
const ANSWER: &str = "the memory of the answer";

/// So much an answer may always take, however little memory the run has for samples.
const ANSWER_BYTES_MIN: u64 = 1 << 20;

/// After so many points the run is asked again whether it may go on.
const POINTS_A_CHECK: usize = 4_096;

/// Stops runs of queries from another thread. Clones stop the same runs.
///
/// ```
/// use silverback::{CancelToken, ErrorKind, Query, RunOptions, Store};
///
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// store.series(&silverback::SeriesKey::new("latency"))?.append(store.now(), 1.0)?;
/// let token = CancelToken::default();
/// let options = RunOptions::default().cancel(&token);
/// token.cancel(); // from any thread, while the query runs
/// let query: Query = "p99(latency) last 1h".parse()?;
/// let error = store.snapshot()?.run(&query, &options).unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Canceled));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    is_canceled: Arc<AtomicBool>,
    /// After how many more questions it counts as canceled.
    #[cfg(test)]
    questions_left: Option<Arc<AtomicU64>>,
}

/// Follows a flag that somebody else sets, such as a handler of signals.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// let flag = Arc::new(AtomicBool::new(false));
/// let token = silverback::CancelToken::from(Arc::clone(&flag));
/// flag.store(true, Ordering::Relaxed);
/// assert!(token.is_canceled());
/// ```
impl From<Arc<AtomicBool>> for CancelToken {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self {
            is_canceled: flag,
            #[cfg(test)]
            questions_left: None,
        }
    }
}

impl CancelToken {
    /// Stops all runs that were given this token or a clone of it, now and later. They end with
    /// [`ErrorKind::Canceled`] before they read the next chunk, choose some thousand more series,
    /// or compute some thousand more points.
    pub fn cancel(&self) {
        self.is_canceled.store(true, Ordering::Relaxed);
    }

    /// Returns true once it was canceled.
    #[must_use]
    pub fn is_canceled(&self) -> bool {
        #[cfg(test)]
        if let Some(left) = &self.questions_left {
            let taken =
                left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            return taken.is_err();
        }
        self.is_canceled.load(Ordering::Relaxed)
    }
}

/// What is left for one run. Threads of the run share it.
#[derive(Debug)]
pub(crate) struct Budget {
    started: Instant,
    timeout: Option<Duration>,
    cancel: Option<CancelToken>,
    bytes_max: u64,
    /// What is held at the moment.
    bytes: AtomicU64,
    /// What is held of the answer: groups × windows, and rows.
    answer_bytes: AtomicU64,
    /// How many threads share the work.
    pub(crate) threads: usize,
    /// What was read.
    pub(crate) tally: Tally,
}

impl Budget {
    /// Begins to count.
    pub(crate) fn new(options: &RunOptions, limits: &Limits) -> Self {
        Self {
            started: Instant::now(),
            timeout: options.timeout,
            cancel: options.cancel.clone(),
            bytes_max: options.memory_bytes.unwrap_or(limits.query_memory_bytes_max),
            bytes: AtomicU64::new(0),
            answer_bytes: AtomicU64::new(0),
            threads: options.threads.max(1),
            tally: Tally::default(),
        }
    }

    /// Returns an error once the run has taken too long or was canceled. Called before each chunk
    /// that is read.
    ///
    /// # Errors
    /// [`ErrorKind::QueryTimeout`] and [`ErrorKind::Canceled`].
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.as_ref().is_some_and(CancelToken::is_canceled) {
            return Err(ErrorKind::Canceled.into());
        }
        let Some(timeout) = self.timeout else { return Ok(()) };
        let elapsed = self.started.elapsed();
        if elapsed > timeout {
            return Err(ErrorKind::QueryTimeout { timeout, elapsed }.into());
        }
        Ok(())
    }

    /// Returns what asks, while points are computed, whether the run may go on.
    pub(crate) fn pace(&self) -> Pace<'_> {
        Pace { budget: self, left: Cell::new(0) }
    }

    /// Calls `read` with what counts its chunks and may stop it.
    pub(crate) fn watched<T>(&self, read: impl FnOnce(Watch<'_>) -> T) -> T {
        read(Watch { tally: &self.tally, check: &|| self.check() })
    }

    /// Returns what was spent up to now, of which planning took `planned`.
    pub(crate) fn stats(&self, planned: Duration) -> RunStats {
        let tally = &self.tally;
        RunStats {
            chunks_considered: tally.considered.get(),
            chunks_from_statistics: tally.from_statistics.get(),
            chunks_from_slices: tally.from_slices.get(),
            chunks_decoded: tally.decoded.get(),
            bytes_read: tally.bytes.get(),
            samples_read: tally.samples.get(),
            threads: self.threads,
            plan_time: planned,
            total_time: self.started.elapsed(),
        }
    }

    /// Returns how long the run has gone on.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes memory out of the budget; returns false, and takes nothing, where there is too little.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = before.saturating_add(bytes) <= self.bytes_max;
        if !fits {
            self.give_back(bytes);
        }
        fits
    }

    /// Makes the error of a run that holds all that it may, and needs more.
    pub(crate) fn exceeded(&self) -> Error {
        let limit = self.bytes_max;
        ErrorKind::Limit { what: MEMORY, limit, got: limit.saturating_add(1) }.into()
    }

    /// Puts memory back.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Takes memory for groups × windows, or for rows, before they are made. Nothing of it can be
    /// read again later, as samples can be, so that what does not fit is refused.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`], with what is held and would be.
    pub(crate) fn hold(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let limit = self.bytes_max.max(ANSWER_BYTES_MIN);
        let got = self.answer_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if got > limit {
            self.let_go(bytes);
            return Err(ErrorKind::Limit { what: ANSWER, limit, got }.into());
        }
        Ok(())
    }

    /// Puts back what was held.
    pub(crate) fn let_go(&self, bytes: u64) {
        self.answer_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Returns what is held of the answer.
    pub(crate) fn held(&self) -> u64 {
        self.answer_bytes.load(Ordering::Relaxed)
    }

    /// Returns how much memory may be taken at all.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }
}

/// Asks whether the run may go on, at the first step and then every few thousand points: asking at
/// each would take longer than most of them.
#[derive(Debug)]
pub(crate) struct Pace<'b> {
    budget: &'b Budget,
    /// How many points are still let through unasked.
    left: Cell<usize>,
}

impl Pace<'_> {
    /// Called before so many more points are computed.
    ///
    /// # Errors
    /// As [`Budget::check`].
    pub(crate) fn step(&self, points: usize) -> Result<()> {
        if let Some(left) = self.left.get().checked_sub(points.max(1)) {
            self.left.set(left);
            return Ok(());
        }
        self.left.set(POINTS_A_CHECK);
        self.budget.check()
    }
}

#[cfg(test)]
impl CancelToken {
    /// A token that is canceled once it was asked so many times.
    pub(crate) fn after(questions: u64) -> Self {
        let questions_left = Some(Arc::new(AtomicU64::new(questions)));
        Self { questions_left, ..Self::default() }
    }
}

#[cfg(test)]
impl Budget {
    /// A budget whose run may go on.
    pub(crate) fn ample() -> Self {
        Self::new(&RunOptions::default(), &Limits::DEFAULT)
    }

    /// A budget whose run is canceled already.
    pub(crate) fn canceled() -> Self {
        let token = CancelToken::default();
        token.cancel();
        Self::new(&RunOptions::default().cancel(&token), &Limits::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, CancelToken, POINTS_A_CHECK};
    use crate::error::ErrorKind;
    use crate::model::Limits;
    use crate::query::options::RunOptions;

    #[test]
    fn what_an_answer_takes_is_refused_with_both_numbers_and_put_back() {
        let budget = Budget::new(&RunOptions::default().memory(3 << 20), &Limits::DEFAULT);
        budget.hold(2 << 20).unwrap();
        let error = budget.hold((1 << 20) + 1).unwrap_err();
        let ErrorKind::Limit { limit, got, .. } = *error.kind() else { panic!("{error}") };
        assert_eq!((limit, got), (3 << 20, (3 << 20) + 1));
        budget.hold(1 << 20).unwrap();
        budget.let_go(3 << 20);
        assert!(budget.hold(usize::MAX).is_err());
        assert_eq!(budget.held(), 0);
        // Questions of a few groups are answered with hardly any memory for samples.
        Budget::new(&RunOptions::default().memory(1), &Limits::DEFAULT).hold(1 << 20).unwrap();
    }

    #[test]
    fn a_pace_asks_at_the_first_step_and_every_few_thousand_points() {
        let token = CancelToken::default();
        let budget = Budget::new(&RunOptions::default().cancel(&token), &Limits::DEFAULT);
        let pace = budget.pace();
        pace.step(1).unwrap();
        token.cancel();
        let steps = 0..2 * POINTS_A_CHECK;
        let let_through = steps.take_while(|_| pace.step(1).is_ok()).count();
        assert_eq!(let_through, POINTS_A_CHECK);
        assert!(pace.step(POINTS_A_CHECK + 1).is_err(), "as many at once");
        let error = budget.pace().step(0).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Canceled), "{error}");
    }
}
