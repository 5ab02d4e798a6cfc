//! The identity of a series: a metric name and a sorted set of labels.

use std::fmt;
use std::sync::Arc;

use crate::model::error::ModelError;
use crate::model::limits::Limits;

/// A 128-bit digest of a series' identity; equal digests are confirmed by comparing the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u128);

/// A metric name and labels, sorted bytewise by label name: what identifies a series.
///
/// ```
/// use silverback::SeriesKey;
/// let key = SeriesKey::new("latency").label("channel", "web").label("bot", "support");
/// assert_eq!(key.to_string(), r#"latency{bot="support",channel="web"}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    metric: Arc<str>,
    labels: Vec<(Arc<str>, Arc<str>)>,
}

impl SeriesKey {
    /// Starts a key with a metric name and no labels.
    #[must_use]
    pub fn new(metric: impl Into<Arc<str>>) -> Self {
        Self { metric: metric.into(), labels: Vec::new() }
    }

    /// Adds a label, or replaces its value. An empty value means that the label is absent.
    #[must_use]
    pub fn label(mut self, name: impl Into<Arc<str>>, value: impl Into<Arc<str>>) -> Self {
        let (name, value) = (name.into(), value.into());
        match (self.labels.binary_search_by(|(known, _)| known.cmp(&name)), value.is_empty()) {
            (Ok(index), true) => drop(self.labels.remove(index)),
            (Ok(index), false) => {
                if let Some(slot) = self.labels.get_mut(index) {
                    slot.1 = value;
                }
            }
            (Err(_), true) => {}
            (Err(index), false) => self.labels.insert(index, (name, value)),
        }
        self
    }

    /// Returns the metric's name.
    #[must_use]
    pub fn metric(&self) -> &Arc<str> {
        &self.metric
    }

    /// Returns the labels, sorted by name.
    #[must_use]
    pub fn labels(&self) -> &[(Arc<str>, Arc<str>)] {
        &self.labels
    }

    /// Returns a label's value, or the empty string where it is absent.
    #[must_use]
    pub fn value_of(&self, label: &str) -> &str {
        self.labels
            .binary_search_by(|(known, _)| known.as_ref().cmp(label))
            .ok()
            .and_then(|index| self.labels.get(index))
            .map_or("", |(_, value)| value)
    }

    /// Returns the digest of metric and labels (XXH3 of each part behind its length).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part(&self.metric);
        for (name, value) in &self.labels {
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
        check_name("metric", &self.metric, limits)?;
        at_most("labels of a series", limits.labels_per_series_max, self.labels.len())?;
        for (name, value) in &self.labels {
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

impl fmt::Display for SeriesKey {
    /// Writes the key as a selector of the query language.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |name: &str, more: &[char]| {
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || more.contains(&c))
        };
        if plain(&self.metric, &['.', ':']) {
            f.write_str(&self.metric)?;
        } else {
            write!(f, "`{}`", self.metric)?;
        }
        if self.labels.is_empty() {
            return Ok(());
        }
        for (index, (name, value)) in self.labels.iter().enumerate() {
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
