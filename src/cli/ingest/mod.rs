//! `silverback ingest`: files or stdin into the store.

mod arguments;
mod follow;
mod identity;
mod inputs;
mod intake;
mod piped;
mod reading;
mod rejects;
mod run;
mod telling;

pub(crate) use crate::cli::ingest::arguments::IngestArguments;
pub(crate) use crate::cli::ingest::reading::ReadingArguments;
pub(crate) use crate::cli::ingest::run::run;
