//! Where the store is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use silverback::{Reader, Store};

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
        Reader::open(&directory).with_context(|| {
            format!("no store to read at {}; give --db DIR", shown(&directory))
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
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
