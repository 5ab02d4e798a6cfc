//! The file that keeps refused rows, byte for byte.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::Context as _;

/// Refused rows go to the end of a file. A line end is put in only where two inputs would run
/// together: the last row of an input may have none.
#[derive(Debug)]
pub(crate) struct Rejects {
    out: io::BufWriter<File>,
    /// The byte that stands last.
    last: Option<u8>,
    is_row_over: bool,
}

impl Rejects {
    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot write {}", path.display());
        let opened = OpenOptions::new().create(true).read(true).append(true).open(path);
        let mut file = opened.with_context(cannot)?;
        let last = last_byte(&mut file).with_context(cannot)?;
        Ok(Self { out: io::BufWriter::new(file), last, is_row_over: true })
    }

    /// Says that what is written next is another row.
    pub(crate) fn end_row(&mut self) {
        self.is_row_over = true;
    }
}

fn last_byte(file: &mut File) -> io::Result<Option<u8>> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(None);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(Some(byte[0]))
}

impl Write for Rejects {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::mem::take(&mut self.is_row_over) && self.last.is_some_and(|last| last != b'\n') {
            self.out.write_all(b"\n")?;
        }
        let written = self.out.write(bytes)?;
        self.last = bytes.get(..written).and_then(|bytes| bytes.last()).copied().or(self.last);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
