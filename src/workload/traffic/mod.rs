//! Workload `traffic`: requests of a bot company, shaped as measured services are.
//!
//! Rates follow hours, days and a wandering level; gaps are Gamma; a few bots have most of the
//! traffic; tokens follow measured quantiles; failures come in runs; rows are stamped when they
//! begin and written when they end. Memory does not grow with the rows.

mod choice;
pub(crate) mod labels;
mod options;
mod outcome;
mod quantiles;
mod rate;
mod response;
mod row;
mod side;
mod stream;

pub use crate::workload::traffic::options::{
    LabelSet, Preset, TrafficOptions, ValueForm, WriteOrder,
};
pub use crate::workload::traffic::outcome::TrafficStatus;
pub use crate::workload::traffic::row::TrafficRow;
pub use crate::workload::traffic::side::SideMetrics;
pub use crate::workload::traffic::stream::{Traffic, TrafficSamples};
