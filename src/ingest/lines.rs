//! Rows out of bytes: where they lie in the buffer, in bounded memory, and with a way back where
//! quotes ran away with the text.

use std::io::{self, Read};

use memchr::memchr;

use crate::model::Limits;

/// A longer row is refused, so that an input without line ends takes no memory.
#[expect(clippy::cast_possible_truncation, reason = "a few MiB")]
pub(crate) const ROW_BYTES_MAX: usize = Limits::DEFAULT.row_bytes_max as usize;
/// How much is read at once: larger pieces fall out of the second-level cache.
const BUFFER_BYTES: usize = 256 << 10;

/// A reader of rows, which stay in its buffer until they are consumed.
pub(crate) struct Lines<'r> {
    reader: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// What was read and not consumed lies in `start..end`.
    start: usize,
    end: usize,
    is_over: bool,
    /// Bytes that were consumed.
    offset: u64,
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowEnd {
    /// At a line end, or with the input.
    Whole,
    /// The input was over before the row was; it holds several lines.
    Open,
    /// The row was cut at [`ROW_BYTES_MAX`], in its first line or a later one.
    TooLong,
    /// There is nothing more for now.
    Idle,
    /// There was nothing left.
    Nothing,
}

/// What a row takes of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How it ended.
    pub(crate) end: RowEnd,
    /// How many bytes it has, with its line end.
    pub(crate) bytes: usize,
    /// How many line ends it holds.
    pub(crate) lines: u64,
    /// How many bytes its first line has, with its end.
    pub(crate) first_line_bytes: usize,
}

/// What came of reading on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum More {
    Bytes,
    Idle,
    Over,
}

impl<'r> Lines<'r> {
    pub(crate) fn new(reader: &'r mut dyn Read) -> Self {
        let buffer = vec![0; BUFFER_BYTES];
        Self { reader, buffer, start: 0, end: 0, is_over: false, offset: 0 }
    }

    /// Returns how many bytes were consumed.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Finds the next row and says what it takes. `leaves_open` is told each line, and whether a
    /// row was open before it; it says whether the row goes on behind it.
    pub(crate) fn next_row(
        &mut self,
        leaves_open: &dyn Fn(&[u8], bool) -> bool,
    ) -> io::Result<Taken> {
        let (mut line_start, mut scanned, mut is_open) = (0, 0, false);
        let (mut lines, mut first_line_bytes) = (0, 0);
        loop {
            let unread = self.unread();
            let line_end = memchr(b'\n', unread.get(scanned..).unwrap_or(&[]));
            scanned = line_end.map_or(unread.len(), |at| scanned + at + 1);
            if scanned > ROW_BYTES_MAX {
                let first_line_bytes = if lines == 0 { ROW_BYTES_MAX } else { first_line_bytes };
                let (end, bytes) = (RowEnd::TooLong, ROW_BYTES_MAX);
                return Ok(Taken { end, bytes, lines, first_line_bytes });
            }
            if line_end.is_some() {
                is_open = leaves_open(unread.get(line_start..scanned).unwrap_or(&[]), is_open);
                line_start = scanned;
                lines += 1;
                if lines == 1 {
                    first_line_bytes = scanned;
                }
                if !is_open {
                    let end = RowEnd::Whole;
                    return Ok(Taken { end, bytes: scanned, lines, first_line_bytes });
                }
                continue;
            }
            let end = match self.read_more()? {
                More::Bytes => continue,
                More::Idle => RowEnd::Idle,
                More::Over if scanned == 0 => RowEnd::Nothing,
                More::Over => {
                    let left = self.unread().get(line_start..).unwrap_or(&[]);
                    is_open = if left.is_empty() { is_open } else { leaves_open(left, is_open) };
                    if is_open { RowEnd::Open } else { RowEnd::Whole }
                }
            };
            let first_line_bytes = if lines == 0 { scanned } else { first_line_bytes };
            return Ok(Taken { end, bytes: scanned, lines, first_line_bytes });
        }
    }

    /// Returns the bytes of a row that was found and not consumed.
    #[inline]
    pub(crate) fn row(&self, bytes: usize) -> &[u8] {
        self.unread().get(..bytes).unwrap_or(&[])
    }

    /// Goes on behind the first bytes of what was found.
    #[inline]
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
        self.offset += bytes as u64;
    }

    /// Consumes the rest of a line in pieces.
    pub(crate) fn consume_line(
        &mut self,
        piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let unread = self.unread();
            let line_end = memchr(b'\n', unread);
            let used = line_end.map_or(unread.len(), |at| at + 1);
            piece(unread.get(..used).unwrap_or(&[]))?;
            self.consume(used);
            if line_end.is_some() || self.read_more()? == More::Over {
                return Ok(());
            }
        }
    }

    /// Looks at the start of the input: up to a line that `is_enough`, at most `bytes_max` of it.
    pub(crate) fn peek(
        &mut self,
        bytes_max: usize,
        is_enough: &dyn Fn(&[u8]) -> bool,
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<&[u8]> {
        let mut seen = 0;
        loop {
            let unread = self.unread();
            while let Some(at) = memchr(b'\n', unread.get(seen..).unwrap_or(&[])) {
                let line = unread.get(seen..=seen + at).unwrap_or(&[]);
                seen += at + 1;
                if is_enough(line) {
                    return Ok(self.unread().get(..seen).unwrap_or(&[]));
                }
            }
            if unread.len() >= bytes_max {
                return Ok(self.unread());
            }
            match self.read_more()? {
                More::Bytes => {}
                More::Idle if !is_stopped() => {}
                More::Idle | More::Over => return Ok(self.unread()),
            }
        }
    }

    #[inline]
    fn unread(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    fn read_more(&mut self) -> io::Result<More> {
        if self.is_over {
            return Ok(More::Over);
        }
        if self.end == self.buffer.len() && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            let len = (self.buffer.len() * 2).min(ROW_BYTES_MAX + BUFFER_BYTES);
            self.buffer.resize(len.max(self.end + 1), 0);
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or(&mut []);
            match self.reader.read(room) {
                Ok(0) => {
                    self.is_over = true;
                    return Ok(More::Over);
                }
                Ok(count) => {
                    self.end += count;
                    return Ok(More::Bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(More::Idle),
                Err(error) => return Err(error),
            }
        }
    }
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("offset", &self.offset).finish_non_exhaustive()
    }
}
