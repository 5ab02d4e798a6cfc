//! A simulated disk: files, the names that processes see, and the changes of names that are not
//! durable yet.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::vfs::names::{Names, plain};
use crate::vfs::sim_cache::CachedFile;
use crate::vfs::sim_loss::{LossPattern, Survival};

/// A file, whatever its name. None is ever forgotten: those without a name stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(usize);

/// A disk with its page cache.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    files: Vec<CachedFile>,
    seen: Names<FileId>,
    durable: Names<FileId>,
    /// Changes that lead from the durable names to those seen, oldest first.
    pending: Vec<Pending>,
}

#[derive(Debug, Clone)]
struct Pending {
    operation: u64,
    change: Change,
}

#[derive(Debug, Clone)]
enum Change {
    MakeDir { path: PathBuf },
    Create { path: PathBuf, file: FileId },
    Remove { path: PathBuf, file: FileId },
    Rename { source: PathBuf, target: PathBuf, file: FileId },
}

impl Disk {
    /// Creates an empty disk.
    pub(super) fn new() -> Self {
        let pending = Vec::new();
        Self { files: Vec::new(), seen: Names::new(), durable: Names::new(), pending }
    }

    /// Returns the names that processes see.
    pub(super) fn names(&self) -> &Names<FileId> {
        &self.seen
    }

    pub(super) fn file(&self, file: FileId) -> Option<&CachedFile> {
        self.files.get(file.0)
    }

    pub(super) fn file_mut(&mut self, file: FileId) -> Option<&mut CachedFile> {
        self.files.get_mut(file.0)
    }

    pub(super) fn create_dir_all(&mut self, operation: u64, path: &Path) -> io::Result<()> {
        for path in self.seen.create_dir_all(path)? {
            self.pending.push(Pending { operation, change: Change::MakeDir { path } });
        }
        Ok(())
    }

    pub(super) fn create(&mut self, operation: u64, path: &Path) -> io::Result<FileId> {
        let file = FileId(self.files.len());
        self.seen.insert(path, file)?;
        self.files.push(CachedFile::default());
        self.pending
            .push(Pending { operation, change: Change::Create { path: plain(path), file } });
        Ok(file)
    }

    /// Gives a file a second name.
    pub(super) fn link(&mut self, operation: u64, source: &Path, target: &Path) -> io::Result<()> {
        let file = *self.seen.get(source)?;
        self.seen.insert(target, file)?;
        // The file itself is there already; what a power cut may take is the name alone.
        self.pending
            .push(Pending { operation, change: Change::Create { path: plain(target), file } });
        Ok(())
    }

    /// Removes a name; returns the file, which may still be open.
    pub(super) fn remove(&mut self, operation: u64, path: &Path) -> io::Result<FileId> {
        let file = self.seen.remove(path)?;
        self.pending
            .push(Pending { operation, change: Change::Remove { path: plain(path), file } });
        Ok(file)
    }

    /// Renames a file; returns the one that lost its name by that.
    pub(super) fn rename(
        &mut self,
        operation: u64,
        source: &Path,
        target: &Path,
    ) -> io::Result<Option<FileId>> {
        let file = *self.seen.get(source)?;
        let replaced = self.seen.rename(source, target)?;
        let (source, target) = (plain(source), plain(target));
        if source != target {
            let change = Change::Rename { source, target, file };
            self.pending.push(Pending { operation, change });
        }
        Ok(replaced)
    }

    /// Makes the names in a directory durable.
    ///
    /// A rename between directories is durable once its target's directory is synced; until the
    /// source's directory is synced too, the old name may stand beside the new one. Syncing the
    /// source's directory alone promises nothing about it.
    pub(super) fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.seen.list(path)?;
        let dir = plain(path);
        let mut is_chosen: Vec<bool> =
            self.pending.iter().map(|pending| pending.change.is_committed_by(&dir)).collect();
        self.choose_causes(&mut is_chosen, Change::follows_rename);
        for (pending, is_chosen) in std::mem::take(&mut self.pending).into_iter().zip(is_chosen) {
            if !is_chosen {
                self.pending.push(pending);
                continue;
            }
            let rest = pending.change.commit(&mut self.durable, &dir);
            let operation = pending.operation;
            self.pending.extend(rest.map(|change| Pending { operation, change }));
        }
        Ok(())
    }

    /// Returns the disk as it is after a power cut, with nothing in its page cache.
    pub(super) fn after_power_loss(&self, pattern: LossPattern, salt: u64, now: u64) -> Self {
        let unsynced = self.files.iter().flat_map(CachedFile::unsynced);
        let unsynced = unsynced.chain(self.pending.iter().map(|pending| pending.operation));
        let survival = &mut Survival::new(pattern, salt, unsynced.min().unwrap_or(now)..now);
        let names = self.names_after_power_loss(survival);
        let mut files = BTreeMap::new();
        let mut disk = Self::new();
        for dir in names.dirs() {
            disk.seen.assign_dir(dir);
        }
        for (path, old) in names.files() {
            let file = *files.entry(*old).or_insert_with(|| {
                disk.files.extend(self.file(*old).map(|file| {
                    let pages = file.after_power_loss(survival);
                    CachedFile::durable(pages, file.is_read_only)
                }));
                FileId(disk.files.len() - 1)
            });
            disk.seen.assign(path, Some(file));
        }
        disk.durable = disk.seen.clone();
        disk
    }

    fn names_after_power_loss(&self, survival: &mut Survival) -> Names<FileId> {
        let chosen = self.pending.iter().map(|pending| survival.name(pending.operation));
        let mut is_chosen: Vec<bool> = chosen.collect();
        self.choose_causes(&mut is_chosen, |later, earlier| {
            later.follows_rename(earlier) || later.moves_into(earlier)
        });
        let mut names = self.durable.clone();
        for (pending, _) in self.pending.iter().zip(is_chosen).filter(|(_, is_chosen)| *is_chosen) {
            pending.change.clone().apply(&mut names);
        }
        names.drop_unreachable();
        names
    }

    /// Chooses with each change those before it without which it would lose a file.
    fn choose_causes(&self, is_chosen: &mut [bool], needs: impl Fn(&Change, &Change) -> bool) {
        // From the last to the first, so that causes of causes are found too.
        for (index, later) in self.pending.iter().enumerate().rev() {
            if is_chosen.get(index) != Some(&true) {
                continue;
            }
            for (earlier, is_chosen) in self.pending.iter().take(index).zip(is_chosen.iter_mut()) {
                *is_chosen |= needs(&later.change, &earlier.change);
            }
        }
    }

    /// Returns true where a power cut may lose something.
    pub(super) fn is_dirty(&self) -> bool {
        !self.pending.is_empty() || self.files.iter().any(CachedFile::is_dirty)
    }

    /// Returns a hash of what is durable for certain: directories, and files with their bytes.
    pub(super) fn durable_hash(&self) -> u128 {
        let mut names = self.durable.clone();
        names.drop_unreachable();
        let mut hash = Xxh3::new();
        let text = |hash: &mut Xxh3, path: &Path| {
            let path = path.to_string_lossy();
            hash.update(&(path.len() as u64).to_le_bytes());
            hash.update(path.as_bytes());
        };
        for dir in names.dirs() {
            text(&mut hash, dir);
        }
        hash.update(&u64::MAX.to_le_bytes()); // no length of a path: the files begin
        for (path, file) in names.files() {
            text(&mut hash, path);
            if let Some(file) = self.file(*file) {
                file.certain().hash(&mut hash);
            }
        }
        hash.digest128()
    }
}

impl Change {
    /// Returns true if a sync of the directory makes the change durable.
    fn is_committed_by(&self, dir: &Path) -> bool {
        let path = match self {
            Self::MakeDir { path } | Self::Create { path, .. } | Self::Remove { path, .. } => path,
            Self::Rename { target, .. } => target,
        };
        path.parent() == Some(dir)
    }

    /// Returns true if the earlier change is a rename from or to a name that this change touches:
    /// done alone, this one could take the file's last name.
    fn follows_rename(&self, earlier: &Self) -> bool {
        let Self::Rename { source, target, .. } = earlier else { return false };
        let touches = |path: &PathBuf| path == source || path == target;
        match self {
            Self::MakeDir { .. } => false,
            Self::Create { path, .. } | Self::Remove { path, .. } => touches(path),
            Self::Rename { source, target, .. } => touches(source) || touches(target),
        }
    }

    /// Returns true if this moves a file into a directory that the earlier change makes.
    fn moves_into(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Rename { target, .. }, Self::MakeDir { path }) => target.starts_with(path),
            _ => false,
        }
    }

    /// Makes the change durable by a sync of a directory; returns the part that is not durable.
    fn commit(self, names: &mut Names<FileId>, dir: &Path) -> Option<Self> {
        match self {
            Self::Rename { source, target, file } if source.parent() != Some(dir) => {
                names.assign(&target, Some(file));
                Some(Self::Remove { path: source, file })
            }
            change => {
                change.apply(names);
                None
            }
        }
    }

    /// Applies the change to names among which others may not have happened.
    fn apply(self, names: &mut Names<FileId>) {
        let clear = |names: &mut Names<FileId>, path: &Path, file: FileId| {
            if names.get(path).is_ok_and(|named| *named == file) {
                names.assign(path, None);
            }
        };
        match self {
            Self::MakeDir { path } => names.assign_dir(&path),
            Self::Create { path, file } => names.assign(&path, Some(file)),
            Self::Remove { path, file } => clear(names, &path, file),
            Self::Rename { source, target, file } => {
                clear(names, &source, file);
                names.assign(&target, Some(file));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::vfs::{LossPattern, SimVfs, Vfs, loss_patterns};

    fn text(vfs: &SimVfs, path: &str) -> Option<String> {
        let file = vfs.open(Path::new(path)).ok()?;
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_at(0, &mut bytes).unwrap();
        Some(String::from_utf8(bytes).unwrap())
    }

    /// Makes `/a/f` durable, and links it as `/b/g`.
    fn linked() -> SimVfs {
        let vfs = SimVfs::new(1);
        for dir in ["/a", "/b"] {
            vfs.create_dir_all(Path::new(dir)).unwrap();
        }
        vfs.sync_dir(Path::new("/")).unwrap();
        let mut file = vfs.create(Path::new("/a/f")).unwrap();
        file.write_all(b"kept").unwrap();
        file.sync().unwrap();
        vfs.sync_dir(Path::new("/a")).unwrap();
        vfs.link(Path::new("/a/f"), Path::new("/b/g")).unwrap();
        vfs
    }

    #[test]
    fn a_link_is_there_or_not_until_its_directory_is_synced() {
        let vfs = linked();
        let mut seen: Vec<_> = loss_patterns()
            .chain((0..20).map(LossPattern::Random))
            .map(|pattern| text(&vfs.power_loss(pattern), "/b/g"))
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, [None, Some("kept".to_owned())]);
        vfs.sync_dir(Path::new("/b")).unwrap();
        vfs.remove(Path::new("/a/f")).unwrap();
        vfs.sync_dir(Path::new("/a")).unwrap();
        for pattern in loss_patterns() {
            let after = vfs.power_loss(pattern);
            assert_eq!(text(&after, "/a/f"), None, "{pattern:?}");
            assert_eq!(text(&after, "/b/g").as_deref(), Some("kept"), "{pattern:?}");
        }
    }

    #[test]
    fn space_is_given_back_with_the_last_name() {
        let vfs = linked();
        vfs.limit_space(0);
        let fits = |name: &str| {
            let mut file = vfs.create(Path::new(name)).unwrap();
            file.write_all(b"more").is_ok()
        };
        vfs.remove(Path::new("/a/f")).unwrap();
        assert!(!fits("/a/one"), "another name keeps the bytes");
        vfs.remove(Path::new("/b/g")).unwrap();
        assert!(fits("/a/two"));
    }
}
