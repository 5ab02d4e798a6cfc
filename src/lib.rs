//! silverback: an embeddable, append-only, columnar time-series store for bot-backend performance,
//! with a mini query language.

pub mod codec;
mod error;
pub mod format;
pub mod lang;
mod model;
mod query;
pub mod sketch;
mod snapshot;
pub mod vfs;

pub use crate::error::{Error, ErrorKind, Result};
pub use crate::format::FormatError;
pub use crate::lang::{Diagnostic, Severity, Span};
pub use crate::model::{
    Clock, Columns, DuplicatePolicy, Fingerprint, Limits, ManualClock, Matcher, MatcherOp,
    MetricDef, MetricKind, ModelError, Sample, Selector, SeriesKey, TimeRange, Timestamp,
};
pub use crate::query::{Answer, Cell, Column, Role, RunOptions};
pub use crate::snapshot::{SelectedSeries, Snapshot};
