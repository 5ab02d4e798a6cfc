//! The identity of a series: a metric name and a sorted set of labels.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::model::error::ModelError;
use crate::model::limits::Limits;

/// A 128-bit digest of a series' identity; equal digests are confirmed by comparing the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

/// A metric name and labels, sorted bytewise by label name: what identifies a series.
///
/// It is one shared piece of text: cloning it is cheap, and a million keys take little memory.
///
/// ```
/// use silverback::SeriesKey;
/// let key = SeriesKey::new("latency").label("channel", "web").label("bot", "support");
/// assert_eq!(key.to_string(), r#"latency{bot="support",channel="web"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeriesKey {
    /// The metric, then the name and the value of each label, each behind its length. A length is
    /// written in ASCII: six bits a character, the lowest first, and 64 added to the last.
    text: Arc<str>,
}

/// The labels of a series, sorted by name.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    rest: &'a str,
}

impl<'a> Labels<'a> {
    fn part(&mut self) -> Option<&'a str> {
        let (mut len, mut shift) = (0, 0);
        for (index, byte) in self.rest.bytes().enumerate() {
            len |= usize::from(byte & 63) << shift;
            shift += 6;
            if byte >= 64 {
                let (part, rest) = self.rest.get(index + 1..)?.split_at_checked(len)?;
                self.rest = rest;
                return Some(part);
            }
        }
        None
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        Some((self.part()?, self.part()?))
    }
}

fn put_part(text: &mut String, part: &str) {
    let mut len = part.len();
    let digit = |bits: usize| char::from(u8::try_from(bits & 63).unwrap_or(0));
    while len >= 64 {
        text.push(digit(len));
        len >>= 6;
    }
    text.push(char::from(64 | u8::try_from(len).unwrap_or(0)));
    text.push_str(part);
}

impl SeriesKey {
    /// Starts a key with a metric name and no labels.
    #[must_use]
    pub fn new(metric: impl AsRef<str>) -> Self {
        Self::with_labels(metric.as_ref(), [])
    }

    /// Makes a key of a metric name and labels in any order. Of labels with the same name the last
    /// one counts, and one whose value is empty is absent.
    ///
    /// ```
    /// use silverback::SeriesKey;
    /// let key = SeriesKey::with_labels("latency", [("channel", "web"), ("bot", "support")]);
    /// assert_eq!(key, SeriesKey::new("latency").label("bot", "support").label("channel", "web"));
    /// ```
    #[must_use]
    pub fn with_labels<'a>(
        metric: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut labels: Vec<(&str, &str)> = labels.into_iter().collect();
        if !labels.is_sorted_by(|(before, _), (name, _)| before < name) {
            // The last of a name comes first, which is the one that stays.
            labels.reverse();
            labels.sort_by_key(|(name, _)| *name);
            labels.dedup_by_key(|(name, _)| *name);
        }
        let bytes = labels.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>();
        Self::of_sorted(metric, &labels, &mut String::with_capacity(metric.len() + bytes + 8))
    }

    /// Makes a key of labels that are strictly ascending by name, in memory that can be used again.
    pub(crate) fn of_sorted(metric: &str, labels: &[(&str, &str)], text: &mut String) -> Self {
        text.clear();
        put_part(text, metric);
        for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            put_part(text, name);
            put_part(text, value);
        }
        Self { text: text.as_str().into() }
    }

    /// Adds a label, or replaces its value. An empty value means that the label is absent.
    #[must_use]
    pub fn label(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let added = (name.as_ref(), value.as_ref());
        let others = self.labels().filter(|(known, _)| *known != added.0);
        Self::with_labels(self.metric(), others.chain([added]))
    }

    /// Returns the metric's name.
    #[must_use]
    pub fn metric(&self) -> &str {
        self.parts().0
    }

    /// Returns the labels, sorted by name.
    #[must_use]
    pub fn labels(&self) -> Labels<'_> {
        self.parts().1
    }

    fn parts(&self) -> (&str, Labels<'_>) {
        let mut rest = Labels { rest: &self.text };
        (rest.part().unwrap_or_default(), rest)
    }

    /// Returns a label's value, or the empty string where it is absent.
    #[must_use]
    pub fn value_of(&self, label: &str) -> &str {
        self.labels().find(|(name, _)| *name == label).map_or("", |(_, value)| value)
    }

    /// Returns the digest of metric and labels (XXH3 of each part behind its length).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(self.metric());
        for (name, value) in self.labels() {
            part(name);
            part(value);
        }
        Fingerprint(hasher.digest128())
    }

    /// Checks names, lengths and counts against the limits.
    ///
    /// # Errors
    /// [`ModelError`] names what is empty, too long or too many, with both numbers.
    pub fn check(&self, limits: &Limits) -> Result<(), ModelError> {
        check_name("metric", self.metric(), limits)?;
        at_most("labels of a series", limits.labels_per_series_max, self.labels().count())?;
        for (name, value) in self.labels() {
            check_name("label", name, limits)?;
            at_most("bytes of a label value", limits.value_bytes_max, value.len())?;
        }
        Ok(())
    }
}

fn check_name(what: &'static str, name: &str, limits: &Limits) -> Result<(), ModelError> {
    if name.is_empty() {
        return Err(ModelError::EmptyName { what });
    }
    if name.chars().any(char::is_control) {
        return Err(ModelError::ControlCharacter { what, name: name.to_owned() });
    }
    at_most("bytes of a name", limits.name_bytes_max, name.len())
}

fn at_most(what: &'static str, limit: u64, got: usize) -> Result<(), ModelError> {
    let got = got as u64;
    if got > limit { Err(ModelError::Limit { what, limit, got }) } else { Ok(()) }
}

impl PartialOrd for SeriesKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SeriesKey {
    /// By metric, then label by label; of two that agree so far, the one with fewer labels first.
    fn cmp(&self, other: &Self) -> Ordering {
        let ((metric, labels), (other_metric, other_labels)) = (self.parts(), other.parts());
        metric.cmp(other_metric).then_with(|| labels.cmp(other_labels))
    }
}

impl fmt::Display for SeriesKey {
    /// Writes the key as a selector of the query language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str, more: &[char]| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || more.contains(&c))
        };
        let (metric, labels) = self.parts();
        if plain(metric, &['.', ':']) {
            f.write_str(metric)?;
        } else {
            write!(f, "`{metric}`")?;
        }
        if labels.rest.is_empty() {
            return Ok(());
        }
        for (index, (name, value)) in labels.enumerate() {
            f.write_str(if index == 0 { "{" } else { "," })?;
            if plain(name, &[]) {
                write!(f, "{name}={value:?}")?;
            } else {
                write!(f, "`{name}`={value:?}")?;
            }
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{Strategy, prop_assert_eq, proptest};

    use crate::model::series::SeriesKey;

    fn text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[a-c\\x00@\u{7f}ä]{0,3}|x{60,70}|y{4090,4100}").unwrap()
    }

    proptest! {
        #[test]
        fn a_key_is_its_metric_and_its_sorted_labels(
            left in (text(), proptest::collection::vec((text(), text()), 0..4)),
            right in (text(), proptest::collection::vec((text(), text()), 0..4)),
        ) {
            let model = |(metric, labels): &(String, Vec<(String, String)>)| {
                let labels: BTreeMap<_, _> = labels.iter().cloned().collect();
                let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
                (metric.clone(), labels.collect::<Vec<_>>())
            };
            let key = |(metric, labels): &(String, Vec<(String, String)>)| {
                let pairs = || labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let add = |key: SeriesKey, (name, value)| key.label(name, value);
                let one_by_one = pairs().fold(SeriesKey::new(metric), add);
                let at_once = SeriesKey::with_labels(metric, pairs());
                assert_eq!(at_once, one_by_one);
                at_once
            };
            for given in [&left, &right] {
                let (key, (metric, labels)) = (key(given), model(given));
                prop_assert_eq!(key.metric(), metric);
                let got: Vec<_> =
                    key.labels().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
                prop_assert_eq!(got, labels);
            }
            prop_assert_eq!(key(&left).cmp(&key(&right)), model(&left).cmp(&model(&right)));
            prop_assert_eq!(key(&left) == key(&right), model(&left) == model(&right));
        }
    }
}
