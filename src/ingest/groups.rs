//! Which series the rows of an input belong to, found by the bytes that name them.
//!
//! A row names its metrics and labels in bytes that mostly stood in the input before. They are
//! looked up as they are, so that a known row costs one hash: nothing is unescaped, validated,
//! sorted or allocated for it.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::ingest::report::BadRow;

/// What rows with the same labels share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Names and values, in the order of the input.
    pub(crate) labels: Vec<(String, String)>,
    /// The metrics that its rows have values of; a value names one by its place.
    pub(crate) metrics: Vec<String>,
    /// How the input writes each of the metrics, where that differs from row to row.
    pub(crate) fields: Vec<Box<[u8]>>,
}

/// The groups of an input, each known by a number.
#[derive(Debug)]
pub(crate) struct Groups {
    numbers: HashMap<Box<[u8]>, u32, Seeded>,
    known: Vec<Group>,
    series_max: u64,
    series: u64,
    /// Why further series are refused, once they are: thousands of rows may ask.
    refusal: Option<String>,
}

impl Groups {
    /// Starts without groups; more series than this are refused.
    pub(crate) fn new(series_max: u64) -> Self {
        // What an input holds must not decide which of its keys collide.
        let seed = RandomState::new().hash_one(0);
        let numbers = HashMap::with_hasher(Seeded { seed });
        Self { numbers, known: Vec::new(), series_max, series: 0, refusal: None }
    }

    /// Returns the number of a group that is known.
    #[inline]
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    /// Returns the group of a number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<&Group> {
        self.known.get(number as usize)
    }

    /// Adds a group and returns its number, or says why there are too many.
    pub(crate) fn add(&mut self, key: &[u8], group: Group) -> Result<u32, BadRow> {
        self.count(group.metrics.len())?;
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.known.push(group);
        self.numbers.insert(key.into(), number);
        Ok(number)
    }

    /// Adds a metric to a group and returns its place.
    pub(crate) fn add_field(
        &mut self,
        number: u32,
        field: &[u8],
        metric: String,
    ) -> Result<u32, BadRow> {
        self.count(1)?;
        let Some(group) = self.known.get_mut(number as usize) else { return Ok(0) };
        group.metrics.push(metric);
        group.fields.push(field.into());
        Ok(u32::try_from(group.fields.len() - 1).unwrap_or(u32::MAX))
    }

    fn count(&mut self, more: usize) -> Result<(), BadRow> {
        let series = self.series + more as u64;
        if series <= self.series_max {
            self.series = series;
            return Ok(());
        }
        if self.refusal.is_none() {
            let widest = self.widest_label().map_or(String::new(), |(name, values)| {
                format!("; label {name:?} has many values ({values} of late): leave it out")
            });
            let more = format!("more than {} series in one input", self.series_max);
            self.refusal = Some(format!("{more}{widest}, or raise --series-max"));
        }
        Err(BadRow::new(0, self.refusal.clone().unwrap_or_default()))
    }

    /// Returns the label with the most values in a sample of the groups, and how many they are:
    /// that is mostly one that names a request, which should not be a label.
    fn widest_label(&self) -> Option<(&str, usize)> {
        const GROUPS_SEEN: usize = 1_000;
        let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
        let labels = self.known.iter().rev().take(GROUPS_SEEN).flat_map(|group| &group.labels);
        for (name, value) in labels {
            values.entry(name).or_default().push(value);
        }
        let counted = values.into_iter().map(|(name, mut values)| {
            values.sort_unstable();
            values.dedup();
            (values.len(), name)
        });
        counted.max().map(|(count, name)| (name, count))
    }
}

/// Makes hashers with a seed that is the process' own.
#[derive(Debug, Clone)]
struct Seeded {
    seed: u64,
}

impl BuildHasher for Seeded {
    type Hasher = OneShot;

    fn build_hasher(&self) -> OneShot {
        OneShot { seed: self.seed }
    }
}

/// Hashes one slice of bytes at once, where the standard hasher takes thrice as long.
#[derive(Debug)]
struct OneShot {
    seed: u64,
}

impl Hasher for OneShot {
    fn write(&mut self, bytes: &[u8]) {
        self.seed = xxh3_64_with_seed(bytes, self.seed);
    }

    // The length stands before the bytes, whose hash depends on it anyway.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.seed
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::groups::{Group, Groups};

    #[test]
    fn groups_are_found_again_and_bounded() {
        let mut groups = Groups::new(3);
        let group = |value: &str| Group {
            labels: vec![("id".to_owned(), value.to_owned())],
            metrics: vec!["m".to_owned()],
            fields: Vec::new(),
        };
        assert_eq!(groups.find(b"a"), None);
        assert_eq!(groups.add(b"a", group("1")), Ok(0));
        assert_eq!(groups.add(b"", group("2")), Ok(1));
        assert_eq!(
            (groups.find(b"a"), groups.find(b""), groups.find(b"b")),
            (Some(0), Some(1), None)
        );
        assert_eq!(groups.get(1), Some(&group("2")));
        assert_eq!(groups.add_field(1, b"f", "m_f".to_owned()), Ok(0));
        let refused = groups.add(b"b", group("3")).unwrap_err();
        assert!(refused.reason.contains("label \"id\" has many values (2 of late)"), "{refused:?}");
    }
}
