//! The data model: metrics, labels, series, samples, time, selectors and the limits on all of them.
//!
//! Everything here is pure: no files, no clock, no threads, no environment.

mod clock;
mod error;
mod limits;
mod mark;
mod metric;
mod progress;
mod retention;
mod sample;
mod selector;
mod series;
mod texts;
mod time;

pub use crate::model::clock::{Clock, ManualClock};
pub use crate::model::error::ModelError;
pub use crate::model::limits::Limits;
pub use crate::model::mark::Mark;
pub use crate::model::metric::{DuplicatePolicy, MetricDef, MetricKind};
pub use crate::model::progress::Progress;
pub use crate::model::retention::Retention;
pub use crate::model::sample::{Columns, Sample};
pub use crate::model::selector::{Matcher, MatcherOp, Selector};
pub use crate::model::series::{Fingerprint, Labels, SeriesKey};
pub(crate) use crate::model::texts::{TextTable, Texts};
pub use crate::model::time::{TimeRange, Timestamp};
