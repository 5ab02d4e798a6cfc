//! The part of the MANIFEST behind its segments: what is gone, what is to go, and what was counted.
//!
//! ```text
//! size field
//!    8 expired before     i64 ns: samples before are gone; the earliest time where none are
//!    8 keep               u64 ns: samples expire at this age; 0 where none do
//!    8 bytes max          u64: the oldest days expire while segments have more; 0: any number
//!    8 samples taken      u64: samples of all generations that were flushed
//!    8 log bytes          u64: bytes of all generations that were flushed
//!    8 flushed bytes      u64: bytes of segments that flushes wrote
//!    8 merged bytes       u64: bytes of segments that merges wrote
//!      rules              varint count · per metric, ascending: name text · keep u64 ns
//!                         · expired before i64 ns
//!      tombstones         varint count · each: generation varint · body length varint · body
//!      producers          varint count · each, ascending: producer u64 · position u64
//! ```
//!
//! A text is its length as varint and its UTF-8 bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::codec::varint;
use crate::format::cursor::{Cursor, put_text};
use crate::format::error::FormatError;
use crate::format::tombstone::Tombstone;
use crate::model::Retention;

/// How long samples are kept, and which are gone already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRecord {
    /// Samples before this time are gone, in nanoseconds since the epoch.
    pub expired_before: i64,
    /// The age at which samples expire, in nanoseconds; 0 where none do.
    pub keep_nanos: u64,
    /// The most bytes of all segments; 0 for any number.
    pub bytes_max: u64,
    /// Metrics with an age of their own.
    pub rules: BTreeMap<String, MetricRetention>,
}

/// How long one metric's samples are kept, where that is shorter than for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricRetention {
    /// The age at which samples expire, in nanoseconds; 0 where none do.
    pub keep_nanos: u64,
    /// Samples before this time are gone, in nanoseconds since the epoch.
    pub expired_before: i64,
}

impl Default for RetentionRecord {
    fn default() -> Self {
        Self { expired_before: i64::MIN, keep_nanos: 0, bytes_max: 0, rules: BTreeMap::new() }
    }
}

impl RetentionRecord {
    /// Makes the record of what a user asks for, of which nothing has expired yet.
    #[must_use]
    pub fn of_policy(policy: &Retention) -> Self {
        let rule = |age: &Duration| MetricRetention {
            keep_nanos: nanos_of(Some(*age)),
            expired_before: i64::MIN,
        };
        Self {
            expired_before: i64::MIN,
            keep_nanos: nanos_of(policy.keep),
            bytes_max: policy.bytes_max.unwrap_or(0),
            rules: policy.metrics.iter().map(|(name, age)| (name.clone(), rule(age))).collect(),
        }
    }

    /// Takes over what a user asks for; what has expired stays so.
    pub fn set_policy(&mut self, policy: &Retention) {
        let asked = Self::of_policy(policy);
        self.keep_nanos = asked.keep_nanos;
        self.bytes_max = asked.bytes_max;
        self.rules.values_mut().for_each(|rule| rule.keep_nanos = 0);
        for (metric, new) in asked.rules {
            self.rules.entry(metric).or_insert(new).keep_nanos = new.keep_nanos;
        }
        self.rules.retain(|_, rule| rule.keep_nanos > 0 || rule.expired_before > i64::MIN);
    }

    /// Returns what a user has asked for.
    #[must_use]
    pub fn policy(&self) -> Retention {
        let mut policy = Retention::forever();
        policy.keep = duration_of(self.keep_nanos);
        policy.bytes_max = (self.bytes_max > 0).then_some(self.bytes_max);
        let rules = self.rules.iter();
        policy.metrics = rules
            .filter_map(|(metric, rule)| Some((metric.clone(), duration_of(rule.keep_nanos)?)))
            .collect();
        policy
    }

    /// Returns the time before which a metric's samples are gone.
    #[must_use]
    pub fn expired_before(&self, metric: &str) -> i64 {
        let rule = self.rules.get(metric).map_or(i64::MIN, |rule| rule.expired_before);
        self.expired_before.max(rule)
    }
}

fn nanos_of(age: Option<Duration>) -> u64 {
    age.map_or(0, |age| u64::try_from(age.as_nanos()).unwrap_or(u64::MAX).max(1))
}

fn duration_of(nanos: u64) -> Option<Duration> {
    (nanos > 0).then(|| Duration::from_nanos(nanos))
}

/// What a store has written since it was made, by what for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WrittenRecord {
    /// Samples of all generations that were flushed.
    pub samples: u64,
    /// Bytes of all generations that were flushed.
    pub log_bytes: u64,
    /// Bytes of segments that flushes wrote.
    pub flushed_bytes: u64,
    /// Bytes of segments that merges wrote.
    pub merged_bytes: u64,
}

/// What a MANIFEST says beside its segments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// How long samples are kept.
    pub retention: RetentionRecord,
    /// What was written.
    pub written: WrittenRecord,
    /// What is deleted and may still lie in a segment, in order of generation.
    pub tombstones: Vec<Tombstone>,
    /// How far each producer has come, of the generations that were flushed.
    pub producers: BTreeMap<u64, u64>,
}

impl Ledger {
    /// Appends the encoded form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (retention, written) = (&self.retention, &self.written);
        out.extend_from_slice(&retention.expired_before.to_le_bytes());
        for number in [
            retention.keep_nanos,
            retention.bytes_max,
            written.samples,
            written.log_bytes,
            written.flushed_bytes,
            written.merged_bytes,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        varint::put_u64(out, retention.rules.len() as u64);
        for (metric, rule) in &retention.rules {
            put_text(metric, out);
            out.extend_from_slice(&rule.keep_nanos.to_le_bytes());
            out.extend_from_slice(&rule.expired_before.to_le_bytes());
        }
        varint::put_u64(out, self.tombstones.len() as u64);
        let mut body = Vec::new();
        for tombstone in &self.tombstones {
            body.clear();
            tombstone.encode(&mut body);
            varint::put_u64(out, tombstone.generation);
            varint::put_u64(out, body.len() as u64);
            out.extend_from_slice(&body);
        }
        varint::put_u64(out, self.producers.len() as u64);
        for (producer, position) in &self.producers {
            out.extend_from_slice(&producer.to_le_bytes());
            out.extend_from_slice(&position.to_le_bytes());
        }
    }

    /// Decodes all that is left before the cursor's end.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(mut cursor: Cursor<'_>) -> Result<Self, FormatError> {
        let retention = RetentionRecord {
            expired_before: cursor.i64()?,
            keep_nanos: cursor.u64()?,
            bytes_max: cursor.u64()?,
            rules: BTreeMap::new(),
        };
        let written = WrittenRecord {
            samples: cursor.u64()?,
            log_bytes: cursor.u64()?,
            flushed_bytes: cursor.u64()?,
            merged_bytes: cursor.u64()?,
        };
        let rules = decode_rules(&mut cursor)?;
        let tombstones = decode_tombstones(&mut cursor)?;
        let producers = decode_producers(&mut cursor)?;
        cursor.finish()?;
        Ok(Self {
            retention: RetentionRecord { rules, ..retention },
            written,
            tombstones,
            producers,
        })
    }
}

fn decode_rules(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, MetricRetention>, FormatError> {
    let mut rules: BTreeMap<String, MetricRetention> = BTreeMap::new();
    for _ in 0..cursor.index("retention rules", cursor.remaining() / 17 + 1)? {
        let metric = cursor.text()?;
        if rules.last_key_value().is_some_and(|(last, _)| last.as_str() >= metric) {
            return Err(FormatError::Misplaced { what: "retention rule" });
        }
        let rule = MetricRetention { keep_nanos: cursor.u64()?, expired_before: cursor.i64()? };
        rules.insert(metric.to_owned(), rule);
    }
    Ok(rules)
}

fn decode_tombstones(cursor: &mut Cursor<'_>) -> Result<Vec<Tombstone>, FormatError> {
    let count = cursor.index("tombstones", cursor.remaining() / 20 + 1)?;
    let mut tombstones: Vec<Tombstone> = Vec::with_capacity(count);
    for _ in 0..count {
        let generation = cursor.varint()?;
        if tombstones.last().is_some_and(|last| last.generation > generation) {
            return Err(FormatError::Misplaced { what: "tombstone" });
        }
        let len = cursor.index("tombstone bytes", cursor.remaining() + 1)?;
        tombstones.push(Tombstone::decode(generation, cursor.take(len)?)?);
    }
    Ok(tombstones)
}

fn decode_producers(cursor: &mut Cursor<'_>) -> Result<BTreeMap<u64, u64>, FormatError> {
    let mut producers: BTreeMap<u64, u64> = BTreeMap::new();
    for _ in 0..cursor.index("producers", cursor.remaining() / 16 + 1)? {
        let producer = cursor.u64()?;
        if producers.last_key_value().is_some_and(|(last, _)| *last >= producer) {
            return Err(FormatError::Misplaced { what: "producer" });
        }
        producers.insert(producer, cursor.u64()?);
    }
    Ok(producers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use crate::format::cursor::Cursor;
    use crate::format::ledger::{Ledger, MetricRetention, RetentionRecord, WrittenRecord};
    use crate::format::tombstone::Tombstone;
    use crate::model::{Selector, TimeRange, Timestamp};

    fn example() -> Ledger {
        let tombstone = Tombstone {
            generation: 3,
            range: TimeRange::new(Timestamp::from_nanos(1), Timestamp::from_nanos(2)),
            selector: Selector::metric("tokens"),
        };
        let rule = MetricRetention { keep_nanos: 5, expired_before: -4 };
        Ledger {
            retention: RetentionRecord {
                expired_before: -9,
                keep_nanos: 8,
                bytes_max: 7,
                rules: [("latency".to_owned(), rule), ("tokens".to_owned(), rule)].into(),
            },
            written: WrittenRecord { samples: 1, log_bytes: 2, flushed_bytes: 3, merged_bytes: 4 },
            tombstones: vec![tombstone.clone(), Tombstone { generation: 4, ..tombstone }],
            producers: [(1, 9), (u64::MAX, 0)].into(),
        }
    }

    #[test]
    fn round_trips_and_every_cut_is_an_error() {
        for ledger in [Ledger::default(), example()] {
            let mut bytes = Vec::new();
            ledger.encode(&mut bytes);
            assert_eq!(Ledger::decode(Cursor::new(&bytes)), Ok(ledger));
            for len in 0..bytes.len() {
                assert!(Ledger::decode(Cursor::new(&bytes[..len])).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn a_metric_expires_with_all_or_earlier() {
        let mut retention = example().retention;
        assert_eq!(retention.expired_before("latency"), -4);
        assert_eq!(retention.expired_before("errors"), -9);
        retention.expired_before = 0;
        assert_eq!(retention.expired_before("latency"), 0);
    }

    proptest! {
        #[test]
        fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Ledger::decode(Cursor::new(&bytes)));
        }
    }
}
