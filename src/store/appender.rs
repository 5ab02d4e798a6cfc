//! A handle that makes series and does not keep the store open.

use std::sync::Arc;

use crate::error::Result;
use crate::model::{SeriesKey, Timestamp};
use crate::store::append::Series;
use crate::store::catalog::MetricBuilder;
use crate::store::core::{Core, Store};

/// Makes handles of series, as the store does, and outlives it.
///
/// It is for what lives as long as the process, such as a global recorder: dropping the last clone
/// of the [`Store`] lets the store go, and appends report [`crate::ErrorKind::Closed`] from then
/// on.
///
/// ```
/// use silverback::{ErrorKind, SeriesKey, Store};
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// let appender = store.appender();
/// let latency = appender.series(&SeriesKey::new("latency"))?;
/// latency.append(appender.now(), 842.0)?;
/// drop(store);
/// let refused = latency.append(appender.now(), 842.0);
/// assert!(refused.is_err_and(|error| matches!(error.kind(), ErrorKind::Closed)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Appender {
    core: Arc<Core>,
}

impl Store {
    /// Returns a handle that makes series and does not keep the store open.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender { core: Arc::clone(&self.handle.core) }
    }
}

impl Appender {
    /// Returns the current time by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.options.clock.now()
    }

    /// Starts the definition of a metric, as [`Store::metric`] does.
    pub fn metric(&self, name: impl Into<String>) -> MetricBuilder<'_> {
        MetricBuilder::new(&self.core, name)
    }

    /// Returns a handle for appending to a series, as [`Store::series`] does.
    ///
    /// # Errors
    /// As [`Store::series`].
    pub fn series(&self, key: &SeriesKey) -> Result<Series> {
        Core::series(&self.core, key)
    }
}
