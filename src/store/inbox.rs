//! The inbox: how a process that is not the writer reaches the one that is.
//!
//! A request is written beside and renamed to `NAME.req`. The writer renames it to `NAME.run`, does
//! it, lays down `NAME.ans`, and removes `NAME.run`: a request is done at most once, and one that a
//! dying writer had begun is not begun again.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::request::{ReplyRecord, RequestRecord};
use crate::model::Progress;
use crate::store::core::Core;
use crate::store::request::Request;
use crate::vfs::Vfs;

/// A longer file is no request.
const BYTES_MAX: u64 = 1 << 20;
/// How many requests one round of background work carries out.
const ROUND_MAX: usize = 16;

/// Where requests and answers lie.
#[derive(Debug)]
pub(crate) struct Inbox {
    dir: PathBuf,
}

impl Inbox {
    /// Names the inbox of a store.
    pub(crate) fn new(store: &Path) -> Self {
        Self { dir: store.join("inbox") }
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.dir.join(format!("{name}.{ending}"))
    }

    /// Returns where an answer will lie.
    pub(crate) fn answer(&self, name: &str) -> PathBuf {
        self.file(name, "ans")
    }

    /// Lays a request down, whole or not at all.
    pub(crate) fn lay(&self, vfs: &dyn Vfs, name: &str, bytes: &[u8]) -> Result<()> {
        vfs.create_dir_all(&self.dir)?;
        self.put(vfs, name, "req", bytes)
    }

    fn put(&self, vfs: &dyn Vfs, name: &str, ending: &str, bytes: &[u8]) -> Result<()> {
        let beside = self.file(name, "tmp");
        vfs.create(&beside)?.write_all(bytes)?;
        vfs.rename(&beside, &self.file(name, ending))
    }

    /// Takes a request back that the writer has not begun.
    pub(crate) fn take_back(&self, vfs: &dyn Vfs, name: &str) -> Result<()> {
        match vfs.remove(&self.file(name, "req")) {
            Err(error) if error.is_not_found() => Ok(()),
            removed => removed,
        }
    }

    /// Lists the requests that wait, in order of name.
    fn waiting(&self, vfs: &dyn Vfs) -> Result<Vec<String>> {
        let names = match vfs.read_dir(&self.dir) {
            Ok(names) => names,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let requests = names.iter().filter_map(|name| name.strip_suffix(".req"));
        let mut requests: Vec<String> = requests.map(str::to_owned).collect();
        requests.sort_unstable();
        Ok(requests)
    }

    /// Begins a request and returns its bytes, or nothing where it was taken back.
    fn begin(&self, vfs: &dyn Vfs, name: &str) -> Result<Option<Vec<u8>>> {
        let running = self.file(name, "run");
        match vfs.rename(&self.file(name, "req"), &running) {
            Ok(()) => read_file(vfs, &running).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn finish(&self, vfs: &dyn Vfs, name: &str, reply: &[u8]) -> Result<()> {
        self.put(vfs, name, "ans", reply)?;
        vfs.remove(&self.file(name, "run"))
    }

    /// Removes what dead processes left; requests that wait are kept.
    pub(crate) fn clear(&self, vfs: &dyn Vfs) -> Result<()> {
        let names = match vfs.read_dir(&self.dir) {
            Ok(names) => names,
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => return Err(error),
        };
        for path in names.iter().map(|name| self.dir.join(name)) {
            let is_left = path.extension().is_some_and(|end| end == "run" || end == "ans");
            if is_left {
                vfs.remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Reads a small file whole; of a longer one than any request, its beginning.
pub(crate) fn read_file(vfs: &dyn Vfs, path: &Path) -> Result<Vec<u8>> {
    let file = vfs.open(path)?;
    let len = file.len()?.min(BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
    let got = file.read_at(0, &mut bytes)?;
    bytes.truncate(got);
    Ok(bytes)
}

impl Core {
    /// Carries out the requests that lie in the inbox; returns how many there were. What is wrong
    /// with one goes to who asked.
    pub(crate) fn answer_requests(&self) -> Result<u64> {
        let (inbox, vfs) = (Inbox::new(&self.dir), &*self.options.vfs);
        let mut answered = 0;
        for name in inbox.waiting(vfs)?.into_iter().take(ROUND_MAX) {
            let Some(bytes) = inbox.begin(vfs, &name)? else { continue };
            let done = RequestRecord::decode(&bytes)
                .map_err(|error| Error::corrupt(&inbox.file(&name, "run"), 0, error))
                .and_then(|record| Request::of_record(record).run_in(self, &Progress::default()));
            let reply = match done {
                Ok(outcome) => ReplyRecord::Done(outcome.to_numbers()),
                Err(error) => ReplyRecord::Refused(error.to_string()),
            };
            inbox.finish(vfs, &name, &reply.encode())?;
            answered += 1;
        }
        Ok(answered)
    }
}
