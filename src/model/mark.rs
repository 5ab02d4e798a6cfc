//! Marks: named instants, such as a deploy.

use crate::model::series::SeriesKey;
use crate::model::time::Timestamp;

/// A named instant, which questions call `mark("…")`.
///
/// It is a sample of the metric `__mark__` whose label `text` is the name, so that whatever holds
/// of samples holds of marks: they are durable, they are in backups and exports, and retention and
/// deletions take them away.
///
/// ```
/// use silverback::{Mark, Store};
/// # fn main() -> silverback::Result<()> {
/// let store = Store::in_memory()?;
/// store.mark("deploy v42", store.now())?;
/// let marks: Vec<Mark> = store.snapshot()?.marks()?;
/// assert_eq!(marks[0].text, "deploy v42");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// When it was.
    pub time: Timestamp,
    /// What it is called.
    pub text: String,
}

impl Mark {
    /// The metric that holds the marks.
    pub const METRIC: &'static str = "__mark__";
    /// The label that has a mark's text.
    pub const LABEL: &'static str = "text";
    /// The value of a mark's sample.
    pub const VALUE: f64 = 1.0;

    /// Returns the series that the mark is a sample of.
    #[must_use]
    pub fn series(&self) -> SeriesKey {
        SeriesKey::new(Self::METRIC).label(Self::LABEL, self.text.as_str())
    }
}
