//! Samples as text that [`crate::ingest`] reads back as they are: to the nanosecond and to the bit.

mod csv;
mod exposition;
mod form;
mod line;
mod ndjson;

pub use crate::output::samples::form::{SampleFormat, SampleWriter};
