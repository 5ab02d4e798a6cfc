//! The store: one writer over one directory. One file a verb.

mod append;
mod appender;
mod background;
mod backup;
mod catalog;
mod close;
mod compact;
mod core;
mod delete;
mod flush;
mod inbox;
mod inspect;
mod mark;
mod merge;
mod open;
mod options;
mod partition;
mod read;
mod rebuild;
mod recover;
mod repair;
mod request;
mod rescue;
mod retention;
mod rotate;
mod segments;
mod series_union;
mod snapshot;
mod verify;

pub use crate::store::append::{Batch, Series};
pub use crate::store::appender::Appender;
pub use crate::store::background::TickReport;
pub use crate::store::backup::{
    BackupEntry, BackupReport, BackupState, Backups, RestoreReport, Sharing,
};
pub use crate::store::catalog::MetricBuilder;
pub use crate::store::close::CloseReport;
pub use crate::store::core::Store;
pub use crate::store::delete::DeleteReport;
pub use crate::store::flush::FlushReport;
pub use crate::store::inspect::{
    Field, FieldValue, FileDamage, FileKind, InspectReport, Part, inspect, inspect_parts,
};
pub use crate::store::merge::CompactReport;
pub use crate::store::options::{Background, Backpressure, Durability, Options, Overflow};
pub use crate::store::read::ReaderOptions;
pub use crate::store::rebuild::CarriedLedger;
pub use crate::store::recover::{RecoveredGap, RecoveryReport};
pub use crate::store::repair::RepairReport;
pub use crate::store::request::{Outcome, Request};
pub use crate::store::retention::RetentionReport;
pub use crate::store::verify::{StoreDamage, VerifyReport};
