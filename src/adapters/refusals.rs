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

    /// Takes the latest reason; nothing where there is none since it was taken last.
    #[must_use]
    pub fn take_last(&self) -> Option<Error> {
        self.inner.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns what succeeded, and counts what did not.
    pub(crate) fn note<T>(&self, result: Result<T>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                self.inner.count.fetch_add(1, Ordering::Relaxed);
                *self.inner.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                None
            }
        }
    }
}
