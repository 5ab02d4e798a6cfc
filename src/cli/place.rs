//! Where the store is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use silverback::ingest::IngestReport;
use silverback::{ErrorKind, Reader, Store};

use crate::cli::Context;

/// The directory that is looked for upwards.
const NAME: &str = ".silverback";

impl Context {
    /// Returns the store's directory: the one given, else the nearest `.silverback` upwards, else
    /// `.silverback` here.
    pub(crate) fn directory(&self) -> anyhow::Result<PathBuf> {
        if let Some(given) = &self.db {
            return Ok(given.clone());
        }
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let nearest = here.ancestors().map(|dir| dir.join(NAME)).find(|dir| dir.is_dir());
        Ok(nearest.unwrap_or_else(|| here.join(NAME)))
    }

    /// Opens the store for reading.
    pub(crate) fn reader(&self) -> anyhow::Result<Reader> {
        let directory = self.directory()?;
        Reader::open(&directory).map_err(|error| {
            let what = match error.kind() {
                ErrorKind::NotAStore { .. } => "no store to read; give --db DIR".to_owned(),
                _ => format!("cannot read the store at {}", shown(&directory)),
            };
            anyhow::Error::new(error).context(what)
        })
    }

    /// Opens the store for writing.
    pub(crate) fn writer(&self) -> anyhow::Result<Store> {
        let directory = self.directory()?;
        Store::open(&directory)
            .with_context(|| format!("cannot write to the store at {}", shown(&directory)))
    }

    /// Says something on stderr, unless asked to be quiet.
    pub(crate) fn say(&self, text: &str) {
        use std::io::Write;
        if !self.quiet {
            // There is nobody to tell where stderr is closed.
            drop(writeln!(std::io::stderr().lock(), "{text}"));
        }
    }

    /// Says which rows of an input were refused, and why the first ones were.
    pub(crate) fn say_rejected(&self, report: &IngestReport) {
        for rejected in &report.rejected {
            self.say(&rejected.to_string());
        }
        let told = report.rejected.len() as u64;
        if report.rows_rejected > told {
            self.say(&format!("and {} more rows refused", report.rows_rejected - told));
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
