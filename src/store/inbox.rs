//! The inbox: how a process that is not the writer reaches the one that is.
//!
//! A request is written beside and renamed to `NAME.req`. The writer renames it to `NAME.run`,
//! does it, lays down `NAME.ans`, and removes `NAME.run`. One that a dying writer had begun is
//! done again by the next, as `NAME.again` and then `NAME.last`: it takes effect as if that writer
//! alone had done it. One with which two writers died is answered with that, and not tried again.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::request::{ReplyRecord, RequestRecord};
use crate::model::{Progress, TimeRange};
use crate::store::core::Core;
use crate::store::request::{Outcome, Request};
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

    /// Takes a request back that no writer has begun, or whose writer has died.
    pub(crate) fn take_back(&self, vfs: &dyn Vfs, name: &str) -> Result<()> {
        for ending in ["req", "again"] {
            match vfs.remove(&self.file(name, ending)) {
                Err(error) if error.is_not_found() => {}
                removed => return removed,
            }
        }
        Ok(())
    }

    /// Reads the answer to a request, and removes it; nothing where there is none yet.
    pub(crate) fn take_answer(&self, vfs: &dyn Vfs, name: &str) -> Result<Option<ReplyRecord>> {
        for ending in ["ans", "old"] {
            let path = self.file(name, ending);
            let bytes = match read_file(vfs, &path) {
                Err(error) if error.is_not_found() => continue,
                bytes => bytes?,
            };
            match vfs.remove(&path) {
                // A writer that has just come back has renamed it.
                Err(error) if error.is_not_found() => vfs.remove(&self.file(name, "old"))?,
                removed => removed?,
            }
            let reply = ReplyRecord::decode(&bytes);
            return reply.map(Some).map_err(|error| Error::corrupt(&path, 0, error));
        }
        Ok(None)
    }

    fn names(&self, vfs: &dyn Vfs) -> Result<Vec<String>> {
        match vfs.read_dir(&self.dir) {
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            names => names,
        }
    }

    /// Lists the requests that wait, in order of name.
    fn waiting(&self, vfs: &dyn Vfs) -> Result<Vec<Waiting>> {
        let names = self.names(vfs)?;
        let requests = names.iter().filter_map(|name| {
            let (name, ending) = name.rsplit_once('.')?;
            let is_again = ending == "again";
            (is_again || ending == "req").then(|| Waiting { name: name.to_owned(), is_again })
        });
        let mut requests: Vec<Waiting> = requests.collect();
        requests.sort_unstable();
        Ok(requests)
    }

    /// Begins a request and returns its bytes, or nothing where it was taken back.
    fn begin(&self, vfs: &dyn Vfs, request: &Waiting) -> Result<Option<Vec<u8>>> {
        let (waits, runs) = request.endings();
        let running = self.file(&request.name, runs);
        match vfs.rename(&self.file(&request.name, waits), &running) {
            Ok(()) => read_file(vfs, &running).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn finish(&self, vfs: &dyn Vfs, request: &Waiting, reply: &ReplyRecord) -> Result<()> {
        self.put(vfs, &request.name, "ans", &reply.encode())?;
        let (_, runs) = request.endings();
        vfs.remove(&self.file(&request.name, runs))
    }

    /// Takes over what earlier writers left: requests that wait are kept, those that one had begun
    /// wait again. An answer is kept for whoever still waits, until a writer comes once more.
    pub(crate) fn take_over(&self, vfs: &dyn Vfs) -> Result<()> {
        let names = self.names(vfs)?;
        let has = |name: &str, ending: &str| names.contains(&format!("{name}.{ending}"));
        for (name, ending) in names.iter().filter_map(|name| name.rsplit_once('.')) {
            let path = self.file(name, ending);
            let is_answered = has(name, "ans");
            match ending {
                "old" => vfs.remove(&path)?,
                "ans" => vfs.rename(&path, &self.file(name, "old"))?,
                "run" | "last" if is_answered => vfs.remove(&path)?,
                "run" => vfs.rename(&path, &self.file(name, "again"))?,
                "last" => {
                    let request = Waiting { name: name.to_owned(), is_again: true };
                    let reason = "two writers died while they did it".to_owned();
                    self.finish(vfs, &request, &ReplyRecord::Refused(reason))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A request that waits.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    name: String,
    /// A writer had begun it and died.
    is_again: bool,
}

impl Waiting {
    /// Returns the endings of its file's name while it waits, and while it is done.
    fn endings(&self) -> (&'static str, &'static str) {
        if self.is_again { ("again", "last") } else { ("req", "run") }
    }
}

/// Reads a small file whole; of a longer one than any request, its beginning.
fn read_file(vfs: &dyn Vfs, path: &Path) -> Result<Vec<u8>> {
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
        for request in inbox.waiting(vfs)?.into_iter().take(ROUND_MAX) {
            let Some(bytes) = inbox.begin(vfs, &request)? else { continue };
            let (_, runs) = request.endings();
            let done = RequestRecord::decode(&bytes)
                .map_err(|error| Error::corrupt(&inbox.file(&request.name, runs), 0, error))
                .and_then(|record| self.do_request(&Request::of_record(record), request.is_again));
            let reply = match done {
                Ok(outcome) => ReplyRecord::Done(outcome.to_numbers()),
                Err(error) => ReplyRecord::Refused(error.to_string()),
            };
            inbox.finish(vfs, &request, &reply)?;
            answered += 1;
        }
        Ok(answered)
    }

    /// Does what is asked. All but a mark have the same effect as if it were done once, now; a mark
    /// that a dead writer has stored is not stored again.
    fn do_request(&self, request: &Request, is_again: bool) -> Result<Outcome> {
        if let Request::Mark(mark) = request
            && is_again
        {
            let instant = TimeRange::new(mark.time, mark.time.saturating_add(1));
            if !self.snapshot()?.samples(&mark.series(), instant)?.is_empty() {
                self.with_rescue(|| self.wal.sync_all())?;
                return Ok(Outcome::Marked);
            }
        }
        request.run_in(self, &Progress::default())
    }
}
