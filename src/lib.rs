//! silverback: an embeddable, append-only, columnar time-series store for the performance of bot
//! back ends, with a mini query language.
//!
//! A bot appends every request as a sample of a [`Series`]; a [`Snapshot`] answers questions about
//! them, exactly, while the bot writes. One directory has one [`Store`] that writes, and any number
//! of [`Reader`]s in other processes.
//!
//! ```
//! use silverback::{Reader, SeriesKey, Store};
//!
//! # fn main() -> silverback::Result<()> {
//! # let folder = tempfile::tempdir().expect("a folder for the example");
//! # let path = folder.path().join("data");
//! let store = Store::open(&path)?;
//! store.metric("latency").event().unit("ms").define()?;
//! let latency = store.series(&SeriesKey::new("latency").label("bot", "support"))?;
//! latency.append(store.now(), 842.0)?;
//!
//! let reader = Reader::open(&path)?;
//! let answer = reader.snapshot()?.query("p99(latency) by bot last 1h")?;
//! assert_eq!(answer.rows.len(), 1);
//! # store.close()?;
//! # Ok(())
//! # }
//! ```
//!
//! Features: `text` reads and writes text formats, `cli` (the default) builds the binary. Without
//! both, the library has few dependencies.

#[cfg(any(feature = "metrics", feature = "tower", feature = "tracing"))]
pub mod adapters;
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
mod tombstone;
pub mod vfs;
mod wal;
pub mod workload;

pub use crate::error::{Error, ErrorKind, Result};
pub use crate::format::FormatError;
pub use crate::lang::{Diagnostic, Severity, Span};
pub use crate::model::{
    Clock, Columns, DuplicatePolicy, Fingerprint, Labels, Limits, ManualClock, Mark, Matcher,
    MatcherOp, MetricDef, MetricKind, ModelError, Progress, Retention, Sample, Selector, SeriesKey,
    TimeRange, Timestamp,
};
pub use crate::query::{
    Answer, CancelToken, Cell, Column, ColumnBatch, ColumnValues, Query, Role, RunOptions, RunStats,
};
pub use crate::snapshot::{
    Cardinality, MetricStats, Reader, SelectedSeries, Snapshot, StatsReport, Tail,
};
pub use crate::store::{
    Appender, Background, Backpressure, BackupEntry, BackupReport, BackupState, Backups, Batch,
    CarriedLedger, CloseReport, CompactReport, DeleteReport, Durability, Field, FieldValue,
    FileDamage, FileKind, FlushReport, InspectReport, MetricBuilder, Options, Outcome, Overflow,
    Part, ReaderOptions, RecoveredGap, RecoveryReport, RepairReport, Request, RestoreReport,
    RetentionReport, Series, Sharing, Store, StoreDamage, TickReport, VerifyReport, inspect,
    inspect_parts,
};

/// The examples of README and docs, run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/GUIDE.md")]
    struct Guide;
    #[cfg(feature = "text")]
    #[doc = include_str!("../docs/QUERY.md")]
    struct Query;
    #[cfg(feature = "text")]
    #[doc = include_str!("../docs/QUERY-FROM.md")]
    struct QueryFrom;
    #[doc = include_str!("../docs/ARCHITECTURE.md")]
    struct Architecture;
    #[doc = include_str!("../docs/DESIGN.md")]
    struct Design;
    #[doc = include_str!("../docs/FORMAT.md")]
    struct Format;
}
