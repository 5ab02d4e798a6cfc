//! The names of a file system in memory: which directories there are, and which files in them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};

/// Directories and named files; `F` is what a name stands for.
#[derive(Debug, Clone)]
pub(super) struct Names<F> {
    files: BTreeMap<PathBuf, F>,
    dirs: BTreeSet<PathBuf>,
}

impl<F> Names<F> {
    /// Creates a file system that holds nothing but its root, for absolute and for relative paths.
    pub(super) fn new() -> Self {
        let dirs = ["", "/"].map(PathBuf::from);
        Self { files: BTreeMap::new(), dirs: BTreeSet::from(dirs) }
    }

    /// Creates a directory and its parents; returns the new ones, outermost first.
    pub(super) fn create_dir_all(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let path = plain(path);
        if path.ancestors().any(|dir| self.files.contains_key(dir)) {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let absent = |dir: &&Path| !self.dirs.contains(*dir);
        let mut made: Vec<PathBuf> =
            path.ancestors().filter(absent).map(Path::to_path_buf).collect();
        made.reverse();
        self.dirs.extend(made.iter().cloned());
        Ok(made)
    }

    /// Returns the names in a directory, sorted.
    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let path = plain(path);
        if !self.dirs.contains(&path) {
            return Err(self.why_not_a_dir(&path).into());
        }
        let children = self.files.keys().chain(&self.dirs);
        let children = children.filter(|child| child.parent() == Some(path.as_path()));
        let mut names: Vec<String> = children
            .filter_map(|child| child.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Returns true if a file or directory stands at the path.
    pub(super) fn contains(&self, path: &Path) -> bool {
        let path = plain(path);
        self.files.contains_key(&path) || self.dirs.contains(&path)
    }

    /// Returns what a file's name stands for.
    pub(super) fn get(&self, path: &Path) -> io::Result<&F> {
        let path = plain(path);
        let is_dir = self.dirs.contains(&path);
        let why = if is_dir { io::ErrorKind::IsADirectory } else { io::ErrorKind::NotFound };
        self.files.get(&path).ok_or_else(|| why.into())
    }

    /// Adds a file where no other stands.
    pub(super) fn insert(&mut self, path: &Path, file: F) -> io::Result<()> {
        let path = plain(path);
        if self.contains(&path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.check_parent(&path)?;
        self.files.insert(path, file);
        Ok(())
    }

    /// Renames a file; returns the one it replaced.
    pub(super) fn rename(&mut self, source: &Path, target: &Path) -> io::Result<Option<F>> {
        let (source, target) = (plain(source), plain(target));
        self.get(&source)?;
        self.check_parent(&target)?;
        if self.dirs.contains(&target) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if source == target {
            return Ok(None);
        }
        let file = self.files.remove(&source);
        Ok(file.and_then(|file| self.files.insert(target, file)))
    }

    /// Removes a file's name; returns what it stood for.
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<F> {
        self.get(path)?;
        self.files.remove(&plain(path)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Returns all files, by path.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &F)> {
        self.files.iter().map(|(path, file)| (path.as_path(), file))
    }

    /// Returns all directories, parents before what is in them.
    pub(super) fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.dirs.iter().map(PathBuf::as_path)
    }

    /// Sets or clears what a name stands for, whatever stands there and around it.
    pub(super) fn assign(&mut self, path: &Path, file: Option<F>) {
        match file {
            Some(file) => self.files.insert(plain(path), file),
            None => self.files.remove(&plain(path)),
        };
    }

    /// Adds one directory, whether or not its parent is there.
    pub(super) fn assign_dir(&mut self, path: &Path) {
        self.dirs.insert(plain(path));
    }

    /// Drops every file and directory that cannot be reached from the root.
    pub(super) fn drop_unreachable(&mut self) {
        let mut reached = Self::new().dirs;
        for dir in &self.dirs {
            // Paths sort parents first, so that the parent was decided before.
            if dir.parent().is_some_and(|parent| reached.contains(parent)) {
                reached.insert(dir.clone());
            }
        }
        self.files.retain(|path, _| path.parent().is_some_and(|parent| reached.contains(parent)));
        self.dirs = reached;
    }

    fn check_parent(&self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if self.dirs.contains(parent) => Ok(()),
            Some(parent) => Err(self.why_not_a_dir(parent).into()),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    fn why_not_a_dir(&self, path: &Path) -> io::ErrorKind {
        let is_file = self.files.contains_key(path);
        if is_file { io::ErrorKind::NotADirectory } else { io::ErrorKind::NotFound }
    }
}

/// Returns a path without its `.` components, so that each file has one name.
pub(super) fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::Names;

    #[test]
    fn one_file_has_one_name() {
        let mut names = Names::new();
        names.create_dir_all(Path::new("./a/")).unwrap();
        names.insert(Path::new("a/./f"), 1).unwrap();
        assert_eq!(*names.get(Path::new("a//f")).unwrap(), 1);
        assert!(!names.contains(Path::new("/a/f")), "absolute and relative names are apart");
    }

    #[test]
    fn refuses_what_a_file_system_refuses() {
        let mut names = Names::new();
        names.create_dir_all(Path::new("/d/e")).unwrap();
        names.insert(Path::new("/d/f"), 1).unwrap();
        let kind = |outcome: io::Result<_>| outcome.map(|_: Option<i32>| ()).unwrap_err().kind();
        assert_eq!(
            kind(names.insert(Path::new("/x/f"), 1).map(|()| None)),
            io::ErrorKind::NotFound
        );
        assert_eq!(
            kind(names.insert(Path::new("/d/e"), 1).map(|()| None)),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(
            kind(names.insert(Path::new("/d/f/g"), 1).map(|()| None)),
            io::ErrorKind::NotADirectory
        );
        assert_eq!(
            kind(names.create_dir_all(Path::new("/d/f/g")).map(|_| None)),
            io::ErrorKind::NotADirectory
        );
        assert_eq!(
            kind(names.rename(Path::new("/d/f"), Path::new("/d/e"))),
            io::ErrorKind::IsADirectory
        );
        assert_eq!(kind(names.remove(Path::new("/d/e")).map(Some)), io::ErrorKind::IsADirectory);
        assert_eq!(names.files().count(), 1, "nothing was changed");
    }

    #[test]
    fn what_lost_its_parent_is_unreachable() {
        let mut names = Names::new();
        for dir in ["/a", "/b/c", "/b/c/d"] {
            names.assign_dir(Path::new(dir));
        }
        for file in ["/a/f", "/b/c/f", "/b/c/d/f"] {
            names.assign(Path::new(file), Some(()));
        }
        names.drop_unreachable();
        let left: Vec<&Path> = names.files().map(|(path, ())| path).collect();
        assert_eq!(left, [Path::new("/a/f")]);
        assert!(!names.contains(Path::new("/b/c/d")));
    }
}
