//! Marking: a named instant as a sample of its own metric.

use crate::error::Result;
use crate::model::{Mark, ModelError, Timestamp};
use crate::store::core::{Core, Store};
use crate::store::options::Overflow;

impl Store {
    /// Names an instant, for `mark("…")` in questions. Several marks may share a text; a question
    /// means the newest that is not in its future. On return the mark is durable.
    ///
    /// ```
    /// use silverback::{SeriesKey, Store};
    /// # fn main() -> silverback::Result<()> {
    /// let store = Store::in_memory()?;
    /// store.mark("deploy v42", store.now())?;
    /// store.series(&SeriesKey::new("latency"))?.append(store.now(), 842.0)?;
    /// let question = r#"count(latency) since mark("deploy v42") until now + 1s"#;
    /// assert_eq!(store.snapshot()?.query(question)?.rows.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// A text that is empty or longer than a label's value may be, a time that
    /// [`crate::Series::append`] refuses, a full disk, a store that is closed or poisoned.
    pub fn mark(&self, text: &str, time: Timestamp) -> Result<()> {
        self.handle.core.mark(&Mark { text: text.to_owned(), time })
    }
}

impl Core {
    pub(crate) fn mark(&self, mark: &Mark) -> Result<()> {
        if mark.text.is_empty() {
            return Err(ModelError::EmptyName { what: "mark" }.into());
        }
        // Folded into the series of all that are too many, a mark would lose its text.
        let options = &self.options;
        let entry = self.catalog.series(&mark.series(), &options.limits, Overflow::Refuse)?;
        self.append(&entry, mark.time, Mark::VALUE)?;
        self.with_rescue(|| self.wal.sync_all())
    }
}
