//! Where the store is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use silverback::ingest::Rejected;
use silverback::{ErrorKind, Reader, Store};

use crate::cli::{Context, Usage};

/// The directory that is looked for upwards.
const NAME: &str = ".silverback";

impl Context {
    /// Returns the directories of the stores that are read as one: those given, else the nearest
    /// `.silverback` upwards, else `.silverback` here.
    fn directories(&self) -> anyhow::Result<Vec<PathBuf>> {
        if !self.db.is_empty() {
            return Ok(self.db.clone());
        }
        let here = std::env::current_dir().context("cannot tell the current directory")?;
        let nearest = here.ancestors().map(|dir| dir.join(NAME)).find(|dir| dir.is_dir());
        Ok(vec![nearest.unwrap_or_else(|| here.join(NAME))])
    }

    /// Returns the directory of the one store that a verb is about.
    pub(crate) fn directory(&self) -> anyhow::Result<PathBuf> {
        let mut directories = self.directories()?;
        match (directories.pop(), directories.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Usage("this verb is about one store: give one --db DIR").into()),
        }
    }

    /// Opens the stores for reading as one.
    pub(crate) fn reader(&self) -> anyhow::Result<Reader> {
        self.read(&self.directories()?)
    }

    /// Opens the one store that a verb is about for reading.
    pub(crate) fn reader_of_one(&self) -> anyhow::Result<Reader> {
        self.read(&[self.directory()?])
    }

    fn read(&self, directories: &[PathBuf]) -> anyhow::Result<Reader> {
        for directory in directories {
            self.say_more(&format!("reads the store at {}", shown(directory)));
        }
        read(directories)
    }

    /// Opens the store for writing.
    pub(crate) fn writer(&self) -> anyhow::Result<Store> {
        let directory = self.directory()?;
        self.say_more(&format!("opens the store at {} for writing", shown(&directory)));
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

    /// Says on stderr what nobody needs to know until something is not as it should be.
    pub(crate) fn say_more(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Says how many rows of an input were refused, and why the first ones were.
    pub(crate) fn say_rejected(&self, first: &[Rejected], count: u64) {
        for rejected in first {
            self.say(&rejected.to_string());
        }
        let told = first.len() as u64;
        if count > told {
            self.say(&format!("and {} more rows refused", count - told));
        }
    }
}

/// Makes sure that every `--db` counts: the parser forgets those before the verb where others stand
/// behind it, and answers would be short of a store without a word.
pub(crate) fn check_together(
    db: &[PathBuf],
    written: impl Iterator<Item = OsString>,
) -> Result<(), Usage> {
    let options = written.take_while(|word| word != "--");
    let count = options
        .filter(|word| word == "--db" || word.as_encoded_bytes().starts_with(b"--db="))
        .count();
    if count <= db.len() {
        return Ok(());
    }
    Err(Usage("give every --db before the verb, or every one behind it"))
}

fn read(directories: &[PathBuf]) -> anyhow::Result<Reader> {
    Reader::open_all(directories).map_err(|error| {
        let what = if matches!(error.kind(), ErrorKind::NotAStore { .. }) {
            "no store to read; give --db DIR".to_owned()
        } else {
            let shown: Vec<String> = directories.iter().map(|path| shown(path)).collect();
            format!("cannot read the store at {}", shown.join(", "))
        };
        anyhow::Error::new(error).context(what)
    })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
