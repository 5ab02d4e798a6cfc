//! Samples that the store refused: counted, since the bot goes on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;
use crate::Result;

/// How many samples were refused, and why the last one was. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Refusals {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    count: AtomicU64,
    last: Mutex<Option<Error>>,
}

impl Refusals {
    /// Returns how many samples were refused.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.inner.count.load(Ordering::Relaxed)
    }

    /// Takes the latest reason; nothing where there is none since it was taken last. A handle that
    /// the store refuses to make says why once, when it is made, and is counted sample by sample.
    #[must_use]
    pub fn take_last(&self) -> Option<Error> {
        self.inner.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Counts a sample that was refused.
    pub(crate) fn count_one(&self) {
        self.inner.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a sample that could not be appended, and keeps why.
    pub(crate) fn note(&self, appended: Result<()>) {
        if self.keep(appended).is_none() {
            self.count_one();
        }
    }

    /// Returns what succeeded, and keeps why something did not that is no sample.
    pub(crate) fn keep<T>(&self, result: Result<T>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                *self.inner.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                None
            }
        }
    }
}
