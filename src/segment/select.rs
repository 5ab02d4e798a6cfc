//! Choosing series by their labels, through posting lists.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::cursor::Cursor;
use crate::format::postings::decode_postings;
use crate::format::segment::NO_SYMBOL;
use crate::format::segment_sections::{POSTING_ENTRY_BYTES, SectionId};
use crate::model::{Matcher, MatcherOp, Selector, SeriesKey};
use crate::segment::reader::{BlockMeta, Segment, check_zero};

/// How many values of a label are looked at without a pause: some hundred microseconds.
const VALUES_AT_ONCE: usize = 1_024;

/// An entry of the table of posting lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PostingEntry {
    pub(crate) name: u32,
    pub(crate) value: u32,
    pub(crate) block: BlockMeta,
    pub(crate) count: u32,
}

impl Segment {
    /// Returns the series that a selector chooses, ascending.
    ///
    /// Equality and `in` need one posting list a value; other conditions look at each value of the
    /// label once, and never at a series.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn select(&self, selector: &Selector) -> Result<Vec<u32>> {
        self.select_while(selector, &|| Ok(()))
    }

    /// Returns the same series; the error of `go_on`, which is asked now and then, ends it early.
    ///
    /// # Errors
    /// As [`select`](Self::select), and those of `go_on`.
    pub(crate) fn select_while(
        &self,
        selector: &Selector,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<u32>> {
        let mut chosen: Vec<u32> = match &selector.metric {
            None => (0..self.series_count()).collect(),
            Some(metric) => match self.find_symbol(metric)? {
                None => Vec::new(),
                Some(symbol) => self.find_list(NO_SYMBOL, symbol)?,
            },
        };
        for matcher in &selector.matchers {
            if chosen.is_empty() {
                break;
            }
            go_on()?;
            chosen = self.narrow(chosen, matcher, go_on)?;
        }
        Ok(chosen)
    }

    /// Returns the number of a series, if the segment has it: they are in the order of their keys.
    ///
    /// # Errors
    /// I/O errors and damage.
    pub(crate) fn find(&self, key: &SeriesKey) -> Result<Option<u32>> {
        let (mut low, mut high) = (0, self.series_count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.key(middle)?.cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(Some(middle)),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }

    fn narrow(
        &self,
        chosen: Vec<u32>,
        matcher: &Matcher,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<u32>> {
        let matches_absent = matcher.matches("");
        let Some(name) = self.find_symbol(&matcher.label)? else {
            return Ok(if matches_absent { chosen } else { Vec::new() });
        };
        match &matcher.op {
            MatcherOp::Equal(value) if !matches_absent => {
                return Ok(intersect(&chosen, &self.list_of_value(name, value)?));
            }
            MatcherOp::In(values) if !matches_absent => {
                return Ok(intersect(&chosen, &self.list_of_values(name, values)?));
            }
            _ => {}
        }
        // Where an absent label matches, it is enough to take away the values that do not.
        let mut union = Vec::new();
        for (count, index) in self.lists_of(name)?.enumerate() {
            if count.is_multiple_of(VALUES_AT_ONCE) {
                go_on()?;
            }
            let entry = self.posting(index)?;
            if matcher.matches(self.symbol(entry.value)?) != matches_absent {
                union.extend(self.read_list(&entry)?);
            }
        }
        // A series has one value of a label, so no list repeats another's.
        union.sort_unstable();
        Ok(if matches_absent { subtract(&chosen, &union) } else { intersect(&chosen, &union) })
    }

    /// Returns the series whose label has a value.
    fn list_of_value(&self, name: u32, value: &str) -> Result<Vec<u32>> {
        match self.find_symbol(value)? {
            Some(value) => self.find_list(name, value),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the series whose label has one of the values, ascending.
    fn list_of_values(&self, name: u32, values: &BTreeSet<String>) -> Result<Vec<u32>> {
        let mut union = Vec::new();
        for value in values {
            union.extend(self.list_of_value(name, value)?);
        }
        union.sort_unstable();
        Ok(union)
    }

    /// Returns how many posting lists there are.
    pub(crate) fn posting_count(&self) -> u32 {
        let count = self.section(SectionId::Postings).len / POSTING_ENTRY_BYTES;
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Returns an entry of the table of posting lists.
    pub(crate) fn posting(&self, index: u32) -> Result<PostingEntry> {
        let at = u64::from(index) * POSTING_ENTRY_BYTES;
        let bytes = self.pages.bytes(self.section(SectionId::Postings), at, POSTING_ENTRY_BYTES)?;
        let decode = || {
            let mut cursor = Cursor::new(bytes);
            let (name, value, offset) = (cursor.u32()?, cursor.u32()?, cursor.u64()?);
            let (len, count, crc) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
            check_zero(cursor.array::<4>()?)?;
            let block = BlockMeta { offset, len: u64::from(len), crc };
            Ok(PostingEntry { name, value, block, count })
        };
        decode().map_err(|error: FormatError| self.corrupt(SectionId::Postings, error))
    }

    /// Returns a posting list.
    pub(crate) fn read_list(&self, entry: &PostingEntry) -> Result<Vec<u32>> {
        let bytes = self.read_block(entry.block)?;
        decode_postings(&bytes, entry.count as usize, self.series_count())
            .map_err(|error| Error::corrupt(self.path(), entry.block.offset, error))
    }

    fn find_list(&self, name: u32, value: u32) -> Result<Vec<u32>> {
        let index = self.first_list_at(name, value)?;
        if index == self.posting_count() {
            return Ok(Vec::new());
        }
        let entry = self.posting(index)?;
        if (entry.name, entry.value) == (name, value) {
            self.read_list(&entry)
        } else {
            Ok(Vec::new())
        }
    }

    /// Returns the entries of all values of a label.
    fn lists_of(&self, name: u32) -> Result<Range<u32>> {
        Ok(self.first_list_at(name, 0)?..self.first_list_at(name.saturating_add(1), 0)?)
    }

    /// Returns the first entry that is not before (name, value), by binary search.
    fn first_list_at(&self, name: u32, value: u32) -> Result<u32> {
        let (mut low, mut high) = (0, self.posting_count());
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.posting(middle)?;
            if (entry.name, entry.value) < (name, value) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }

    /// Returns the names of all labels, sorted.
    pub(crate) fn label_names(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        let mut last = NO_SYMBOL;
        for index in 0..self.posting_count() {
            let name = self.posting(index)?.name;
            if name != last && name != NO_SYMBOL {
                names.push(self.symbol(name)?.to_owned());
                last = name;
            }
        }
        Ok(names)
    }

    /// Returns the values of a label, sorted.
    pub(crate) fn label_values(&self, label: &str) -> Result<Vec<String>> {
        let Some(name) = self.find_symbol(label)? else { return Ok(Vec::new()) };
        self.lists_of(name)?
            .map(|index| Ok(self.symbol(self.posting(index)?.value)?.to_owned()))
            .collect()
    }
}

/// Returns what is in both ascending lists, in the time of one walk over each.
fn intersect(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut right = right.iter().copied().peekable();
    let is_in_right = |series: &u32| {
        while right.next_if(|other| other < series).is_some() {}
        right.peek() == Some(series)
    };
    left.iter().copied().filter(is_in_right).collect()
}

/// Returns what is in the first ascending list only.
fn subtract(left: &[u32], right: &[u32]) -> Vec<u32> {
    let mut right = right.iter().copied().peekable();
    let is_not_in_right = |series: &u32| {
        while right.next_if(|other| other < series).is_some() {}
        right.peek() != Some(series)
    };
    left.iter().copied().filter(is_not_in_right).collect()
}

#[cfg(test)]
mod tests {
    use crate::segment::select::{intersect, subtract};

    #[test]
    fn set_operations_on_ascending_lists() {
        assert_eq!(intersect(&[1, 3, 5, 7], &[0, 3, 4, 7, 9]), [3, 7]);
        assert_eq!(subtract(&[1, 3, 5, 7], &[0, 3, 4, 7, 9]), [1, 5]);
        assert_eq!(intersect(&[], &[1]), [] as [u32; 0]);
        assert_eq!(subtract(&[1], &[]), [1]);
    }
}
