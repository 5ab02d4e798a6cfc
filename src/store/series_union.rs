//! The series of several segments as one, in the order of their keys.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::model::SeriesKey;
use crate::store::merge::MergeJob;

/// The place of a series in one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) input: usize,
    pub(super) series: u32,
}

/// A walk over all inputs at once: each has its series in the order of their keys, so that one of
/// each is in memory.
#[derive(Debug)]
pub(super) struct SeriesUnion<'a> {
    job: &'a MergeJob,
    next: BinaryHeap<Reverse<(SeriesKey, Place)>>,
}

impl<'a> SeriesUnion<'a> {
    /// Starts before the first series.
    ///
    /// # Errors
    /// I/O errors, and damage where it is not to be left out.
    pub(super) fn new(job: &'a MergeJob) -> Result<Self> {
        let mut union = Self { job, next: BinaryHeap::with_capacity(job.inputs.len()) };
        for input in 0..job.inputs.len() {
            union.push(Place { input, series: 0 }, None)?;
        }
        Ok(union)
    }

    /// Returns the next key, and replaces `places` by where it is, in the order of the inputs.
    ///
    /// # Errors
    /// As [`SeriesUnion::new`].
    pub(super) fn next(&mut self, places: &mut Vec<Place>) -> Result<Option<SeriesKey>> {
        places.clear();
        let mut found: Option<SeriesKey> = None;
        while let Some(Reverse((key, _))) = self.next.peek() {
            if found.as_ref().is_some_and(|found| found != key) {
                break;
            }
            let Some(Reverse((key, place))) = self.next.pop() else { break };
            self.push(Place { series: place.series + 1, ..place }, Some(&key))?;
            places.push(place);
            found = Some(key);
        }
        Ok(found)
    }

    /// Adds the first series from a place on that reads.
    fn push(&mut self, from: Place, before: Option<&SeriesKey>) -> Result<()> {
        let Some((_, segment)) = self.job.inputs.get(from.input) else { return Ok(()) };
        for series in from.series..segment.series_count() {
            let key = segment.key(series).and_then(|key| {
                if before.is_some_and(|before| *before >= key) {
                    let error = FormatError::OutOfRange { field: "series", got: series.into() };
                    return Err(Error::corrupt(segment.path(), 0, error));
                }
                Ok(key)
            });
            if let Some(key) = self.job.unless_damaged(key)? {
                self.next.push(Reverse((key, Place { series, ..from })));
                break;
            }
        }
        Ok(())
    }
}
