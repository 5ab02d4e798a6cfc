//! Rows out of bytes: in bounded memory, and with a way back where quotes ran away with the text.

use std::io::{self, BufRead, Read};

/// A longer row is refused, so that an input without line ends takes no memory.
pub(crate) const ROW_BYTES_MAX: usize = 4 << 20;

/// A reader that takes back what was read too far.
pub(crate) struct Lines<'r> {
    reader: &'r mut dyn BufRead,
    /// What was given back; it is read again from `at` on.
    back: Vec<u8>,
    at: usize,
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
    /// There was nothing left.
    Nothing,
}

/// What a row took of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    /// How it ended.
    pub(crate) end: RowEnd,
    /// How many line ends it holds.
    pub(crate) lines: u64,
    /// How many bytes its first line has, with its end.
    pub(crate) first_line_bytes: usize,
}

impl<'r> Lines<'r> {
    pub(crate) fn new(reader: &'r mut dyn BufRead) -> Self {
        Self { reader, back: Vec::new(), at: 0 }
    }

    /// Reads a row, and returns what it took. `leaves_open` is told each line, and whether a row
    /// was open before it; it says whether the row goes on behind it.
    pub(crate) fn read_row(
        &mut self,
        row: &mut Vec<u8>,
        leaves_open: &dyn Fn(&[u8], bool) -> bool,
    ) -> io::Result<Taken> {
        row.clear();
        let (mut line_start, mut is_open) = (0, false);
        let (mut lines, mut first_line_bytes) = (0, 0);
        let end = loop {
            let available = self.fill()?;
            if available.is_empty() {
                let left = row.get(line_start..).unwrap_or(&[]);
                is_open = if left.is_empty() { is_open } else { leaves_open(left, is_open) };
                break match is_open {
                    _ if row.is_empty() => RowEnd::Nothing,
                    true => RowEnd::Open,
                    false => RowEnd::Whole,
                };
            }
            let line_end = available.iter().position(|&byte| byte == b'\n');
            let used = line_end.map_or(available.len(), |at| at + 1);
            if row.len() + used > ROW_BYTES_MAX {
                break RowEnd::TooLong;
            }
            row.extend_from_slice(available.get(..used).unwrap_or(&[]));
            self.consume(used);
            if line_end.is_some() {
                is_open = leaves_open(row.get(line_start..).unwrap_or(&[]), is_open);
                line_start = row.len();
                lines += 1;
                if lines == 1 {
                    first_line_bytes = line_start;
                }
                if !is_open {
                    break RowEnd::Whole;
                }
            }
        };
        if lines == 0 {
            first_line_bytes = row.len();
        }
        Ok(Taken { end, lines, first_line_bytes })
    }

    /// Reads the rest of a line in pieces.
    pub(crate) fn read_to_line_end(
        &mut self,
        piece: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            let available = self.fill()?;
            let line_end = available.iter().position(|&byte| byte == b'\n');
            let used = line_end.map_or(available.len(), |at| at + 1);
            piece(available.get(..used).unwrap_or(&[]))?;
            self.consume(used);
            if line_end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }

    /// Takes back the bytes that were read last.
    pub(crate) fn give_back(&mut self, bytes: &[u8]) {
        let before = self.at.checked_sub(bytes.len());
        match before {
            // They were given back before: a step back costs nothing.
            Some(before) if self.back.get(before..self.at) == Some(bytes) => self.at = before,
            _ => {
                let rest = self.back.get(self.at..).unwrap_or(&[]);
                self.back = [bytes, rest].concat();
                self.at = 0;
            }
        }
    }

    /// Looks at the start of the input: up to a line that `is_enough`, at most `bytes_max` of it.
    pub(crate) fn peek(
        &mut self,
        bytes_max: usize,
        is_enough: &dyn Fn(&[u8]) -> bool,
    ) -> io::Result<&[u8]> {
        let mut start = Vec::new();
        while start.len() < bytes_max {
            let line = start.len();
            let room = (bytes_max - start.len()) as u64;
            let mut input = (&mut *self.reader).take(room);
            if input.read_until(b'\n', &mut start)? == 0
                || is_enough(start.get(line..).unwrap_or(&[]))
            {
                break;
            }
        }
        self.give_back(&start);
        Ok(self.back.get(self.at..).unwrap_or(&[]))
    }

    fn fill(&mut self) -> io::Result<&[u8]> {
        if self.at < self.back.len() {
            return Ok(self.back.get(self.at..).unwrap_or(&[]));
        }
        self.back.clear();
        self.at = 0;
        loop {
            match self.reader.fill_buf() {
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.reader.fill_buf()
    }

    fn consume(&mut self, used: usize) {
        if self.at < self.back.len() {
            self.at += used;
        } else {
            self.reader.consume(used);
        }
    }
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").field("at", &self.at).finish_non_exhaustive()
    }
}
