//! A consistent view of a store: what a query sees.
//!
//! A snapshot is a prefix of the commit order: live segments, and columns decoded from the log. The
//! writer takes it at its watermark; a reader in another process finds the same prefix on its own.

mod cardinality;
mod definitions;
mod follower;
mod marks;
mod reader;
mod runs;
mod select;
mod slices;
mod stats;
mod store_reader;
mod tail;
mod tally;
mod view;

pub use crate::snapshot::cardinality::Cardinality;
pub(crate) use crate::snapshot::follower::Follower;
pub use crate::snapshot::reader::Reader;
pub(crate) use crate::snapshot::runs::{Run, SealedChunk, Wanted};
pub use crate::snapshot::select::SelectedSeries;
pub(crate) use crate::snapshot::slices::ChunkSlices;
pub use crate::snapshot::stats::{MetricStats, StatsReport};
pub(crate) use crate::snapshot::store_reader::{PinnedLog, PinnedStore, StoreReader};
pub use crate::snapshot::tail::Tail;
pub(crate) use crate::snapshot::tally::{Tally, Watch, unwatched};
pub use crate::snapshot::view::Snapshot;
pub(crate) use crate::snapshot::view::{
    SnapshotHead, SnapshotParts, open_segment, origin_of, read_segment,
};
