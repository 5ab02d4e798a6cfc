//! Which file is which: what `--resume` knows a file by.
//!
//! A file is known by its place on the disk, the time it was made and its first line, so that it
//! may grow and be renamed, as logs are; a copy is another file. What the store remembers is how
//! many bytes of it were stored, under that name: the batch that ends there counts once.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek};
use std::time::UNIX_EPOCH;

use silverback::Store;

/// How much of a file's first line belongs to its name.
const HEAD_BYTES: u64 = 1_024;

/// What the store knows a file by, and how much of it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The name of the producer.
    pub(crate) producer: String,
    /// The byte of the plain text to go on at.
    pub(crate) offset: u64,
    /// True for compressed text.
    pub(crate) is_packed: bool,
}

/// Finds the place to read a file from: its beginning, or behind what was stored of it. A file that
/// is shorter than that has begun anew.
pub(crate) fn place(store: &Store, file: &mut File, resumes: bool) -> io::Result<Place> {
    let metadata = file.metadata()?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    file.rewind()?;
    let is_packed = head.starts_with(&[0x1f, 0x8b]) || head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let line = head.split_inclusive(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let created = metadata.created().ok();
    let created = created.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let created = created.map_or(0, |since| since.as_nanos());
    let line = String::from_utf8_lossy(line);
    let name = format!("ingest {} {created} {line}", disk_place(&metadata));
    // Each reading from the beginning has a name of its own: that the same rows were stored before
    // does not make them others' rows.
    let numbered = |number: u32| format!("{name}#{number}");
    let known = (0..).take_while(|number| store.position_of(&numbered(*number)).is_some());
    let (mut offset, mut producer) = (0, numbered(0));
    for number in known {
        offset = store.position_of(&numbered(number)).unwrap_or(0);
        producer = numbered(if resumes { number } else { number + 1 });
        if !is_packed && offset > metadata.len() {
            (producer, offset) = (numbered(number + 1), 0);
        }
    }
    Ok(Place { producer, offset: if resumes { offset } else { 0 }, is_packed })
}

/// True where two paths lead to one file.
#[cfg(unix)]
pub(crate) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    disk_place(one) == disk_place(other)
}

/// True where two paths lead to one file, as far as can be told here.
#[cfg(not(unix))]
pub(crate) fn same_file(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

#[cfg(unix)]
fn disk_place(metadata: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt as _;
    format!("{}:{}", metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn disk_place(_: &Metadata) -> String {
    String::new()
}
