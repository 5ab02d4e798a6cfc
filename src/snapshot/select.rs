//! Choosing series of a snapshot, and where their samples are.

use crate::error::Result;
use crate::model::{Selector, SeriesKey, TimeRange};
use crate::snapshot::view::Snapshot;
use crate::tombstone::SeriesDeletions;

/// A series of a snapshot that a selector chose.
#[derive(Debug, Clone)]
pub struct SelectedSeries {
    pub(super) key: SeriesKey,
    /// What each store has of it, in the order of the stores.
    pub(super) shares: Vec<Share>,
}

/// What one store has of a series.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) store: usize,
    /// Where its samples are, in order of arrival.
    pub(super) places: Vec<Place>,
    /// What is gone of them.
    pub(super) deletions: SeriesDeletions,
}

/// How many series are looked at without a pause: some milliseconds.
const SERIES_AT_ONCE: usize = 4_096;

/// Where samples of a series lie in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Segment { segment: usize, series: u32 },
    Head { head: usize, series: u32 },
}

impl SelectedSeries {
    /// Returns the series' identity.
    #[must_use]
    pub fn key(&self) -> &SeriesKey {
        &self.key
    }
}

impl Snapshot {
    /// Returns the series that a selector chooses, sorted by metric and labels.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn select(&self, selector: &Selector) -> Result<Vec<SelectedSeries>> {
        self.select_while(selector, &|| Ok(()))
    }

    /// Returns the same series; the error of `go_on`, which is asked now and then, ends it early.
    pub(crate) fn select_while(
        &self,
        selector: &Selector,
        go_on: &dyn Fn() -> Result<()>,
    ) -> Result<Vec<SelectedSeries>> {
        let mut found: Vec<(SeriesKey, usize, Place)> = Vec::new();
        for (store, parts) in self.stores.iter().enumerate() {
            for (index, segment) in parts.segments.iter().enumerate() {
                let chosen = segment.select_while(selector, go_on)?;
                found.reserve(chosen.len());
                segment.each_key(&chosen, |series, key| {
                    if found.len().is_multiple_of(SERIES_AT_ONCE) {
                        go_on()?;
                    }
                    found.push((key, store, Place::Segment { segment: index, series }));
                    Ok(())
                })?;
            }
            for (index, head) in parts.heads.iter().enumerate() {
                let chosen = head.view.select_while(selector, go_on)?.into_iter();
                let place = |series| Place::Head { head: index, series };
                found.extend(chosen.map(|(series, key)| (key, store, place(series))));
            }
        }
        go_on()?;
        found.sort();
        let mut chosen: Vec<SelectedSeries> = Vec::new();
        for (count, (key, store, place)) in found.into_iter().enumerate() {
            if count.is_multiple_of(SERIES_AT_ONCE) {
                go_on()?;
            }
            if chosen.last().is_none_or(|last| last.key != key) {
                chosen.push(SelectedSeries { key, shares: Vec::new() });
            }
            let Some(last) = chosen.last_mut() else { continue };
            match last.shares.last_mut().filter(|share| share.store == store) {
                Some(share) => share.places.push(place),
                None => last.shares.extend(self.share_of(&last.key, store, place)),
            }
        }
        Ok(chosen)
    }

    /// Returns one series, if it has samples: a binary search in each segment.
    ///
    /// # Errors
    /// A damaged or unreadable segment.
    pub fn find(&self, key: &SeriesKey) -> Result<Option<SelectedSeries>> {
        let mut shares = Vec::new();
        for (store, parts) in self.stores.iter().enumerate() {
            let mut places = Vec::new();
            for (index, segment) in parts.segments.iter().enumerate() {
                let found = segment.find(key)?;
                places.extend(found.map(|series| Place::Segment { segment: index, series }));
            }
            for (index, head) in parts.heads.iter().enumerate() {
                let found = head.view.find(key);
                places.extend(found.map(|series| Place::Head { head: index, series }));
            }
            if !places.is_empty() {
                let deletions = parts.deletions.of_series(key);
                shares.push(Share { store, places, deletions });
            }
        }
        Ok((!shares.is_empty()).then(|| SelectedSeries { key: key.clone(), shares }))
    }

    fn share_of(&self, key: &SeriesKey, store: usize, place: Place) -> Option<Share> {
        let deletions = self.stores.get(store)?.deletions.of_series(key);
        Some(Share { store, places: vec![place], deletions })
    }

    /// Returns how many sealed chunks a series has, and how many of them a range meets.
    pub(crate) fn chunks_of(
        &self,
        series: &SelectedSeries,
        range: TimeRange,
    ) -> Result<(u64, u64)> {
        let (mut all, mut met) = (0, 0);
        for share in &series.shares {
            let Some(store) = self.stores.get(share.store) else { continue };
            for place in &share.places {
                let Place::Segment { segment, series } = *place else { continue };
                let Some(segment) = store.segments.get(segment) else { continue };
                for index in segment.chunks(series)? {
                    let chunk = segment.chunk(index)?;
                    all += 1;
                    met += u64::from(range.meets(chunk.time_min, chunk.time_max));
                }
            }
        }
        Ok((all, met))
    }
}
