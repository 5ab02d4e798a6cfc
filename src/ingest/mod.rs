//! Text to samples: CSV, JSON lines, Influx line protocol, Prometheus and `OpenMetrics`, `StatsD`
//! and access logs, plain, in gzip or in Zstandard.
//!
//! A row becomes one sample for each mapped value, all with the row's labels and time. A bad row
//! costs that row: it is counted, reported with line and column, and can be kept byte for byte.

mod access;
mod compressed;
mod csv;
mod detect;
mod exposition;
mod groups;
mod guess;
mod influx;
mod input_format;
mod json;
mod lines;
mod map;
mod number;
mod options;
mod record;
mod report;
mod sink;
mod source;
mod statsd;
mod store_sink;
mod time;

pub use crate::ingest::input_format::InputFormat;
pub use crate::ingest::map::{Mapping, MetricMapping};
pub use crate::ingest::options::IngestOptions;
pub use crate::ingest::report::{IngestReport, Rejected};
pub use crate::ingest::sink::{Input, Row, Sink};
pub use crate::ingest::source::ingest;
pub use crate::ingest::store_sink::{Ingested, StoreSink};
pub use crate::ingest::time::{TimeUnit, Zone};
