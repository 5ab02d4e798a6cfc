//! silverback: an embeddable, append-only, columnar time-series store for bot-backend performance,
//! with a mini query language.

pub mod codec;
mod error;
pub mod format;
mod head;
#[cfg(feature = "text")]
pub mod ingest;
pub mod lang;
mod manifest;
mod model;
#[cfg(feature = "text")]
pub mod output;
mod query;
mod segment;
pub mod sketch;
mod snapshot;
mod store;
pub mod vfs;
mod wal;
pub mod workload;

pub use crate::error::{Error, ErrorKind, Result};
pub use crate::format::FormatError;
pub use crate::lang::{Diagnostic, Severity, Span};
pub use crate::model::{
    Clock, Columns, DuplicatePolicy, Fingerprint, Limits, ManualClock, Matcher, MatcherOp,
    MetricDef, MetricKind, ModelError, Sample, Selector, SeriesKey, TimeRange, Timestamp,
};
pub use crate::query::{Answer, Cell, Column, Query, Role, RunOptions};
pub use crate::snapshot::{MetricStats, Reader, SelectedSeries, Snapshot, StatsReport};
pub use crate::store::{
    Background, Batch, CloseReport, CompactReport, Durability, FlushReport, MetricBuilder, Options,
    RecoveredGap, RecoveryReport, Series, Store, StoreDamage, TickReport, VerifyReport,
};
