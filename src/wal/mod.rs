//! The write-ahead log: appending frames, rotating generations, and scanning to the valid prefix.

mod definitions;
mod gap;
mod generation;
mod scan;
mod series;
mod sync;
mod tail;
mod writer;

pub(crate) use crate::wal::gap::{Gap, find_gap};
pub(crate) use crate::wal::generation::{
    FIRST_STEP_BYTES, LogBytes, LogGeneration, beginning_lost, generation_of_name, log_name,
};
pub(crate) use crate::wal::scan::{FrameVisitor, Ignore, ScanState, scan};
pub(crate) use crate::wal::series::{LogSeries, MetricEntry};
pub(crate) use crate::wal::tail::{NewLog, Preface, Producers, Sealed, delete_bytes};
pub(crate) use crate::wal::writer::{Appended, BatchScratch, Position, Wal};
