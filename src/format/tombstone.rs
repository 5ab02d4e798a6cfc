//! A deletion: which samples are gone. The body of a DELETE frame, and an entry of the MANIFEST.
//!
//! ```text
//! time start i64 · time end i64 (not included)
//! · metric length + 1 LEB128 (0: any metric) · its UTF-8 bytes
//! · matcher count LEB128 · per matcher: op u8 · label text · texts
//! ```
//!
//! A text is its length as LEB128 and its UTF-8 bytes. Ops: 1 equal, 2 not equal, 3 matches,
//! 4 does not match, each with one text; 5 in: LEB128 number of texts, ascending. An expression
//! stands without the anchors that it is given.

use std::collections::BTreeSet;

use crate::codec::varint;
use crate::format::cursor::{Cursor, put_text};
use crate::format::error::FormatError;
use crate::model::{Limits, Matcher, MatcherOp, Selector, SeriesKey, TimeRange, Timestamp};

/// Samples that are gone: those that a selector and a range choose, of all log generations before
/// the one that says so.
#[derive(Debug, Clone)]
pub struct Tombstone {
    /// Samples of lower generations are gone.
    pub generation: u64,
    /// The times of the samples.
    pub range: TimeRange,
    /// The series.
    pub selector: Selector,
}

/// Two are equal that are written alike.
impl PartialEq for Tombstone {
    fn eq(&self, other: &Self) -> bool {
        let bytes_of = |tombstone: &Self| {
            let mut bytes = Vec::new();
            tombstone.encode(&mut bytes);
            bytes
        };
        self.generation == other.generation && bytes_of(self) == bytes_of(other)
    }
}

impl Eq for Tombstone {}

impl Tombstone {
    /// Appends the body: all but the generation.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for time in [self.range.start, self.range.end] {
            out.extend_from_slice(&time.as_nanos().to_le_bytes());
        }
        match &self.selector.metric {
            None => varint::put_u64(out, 0),
            Some(metric) => {
                varint::put_u64(out, metric.len() as u64 + 1);
                out.extend_from_slice(metric.as_bytes());
            }
        }
        varint::put_u64(out, self.selector.matchers.len() as u64);
        for matcher in &self.selector.matchers {
            encode_matcher(matcher, out);
        }
    }

    /// Decodes a body. Takes memory for the texts that are there and for compiled expressions, each
    /// of which has the usual limit.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(generation: u64, body: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(body);
        let (start, end) = (cursor.i64()?, cursor.i64()?);
        let metric = match cursor.index("metric length", body.len() + 1)?.checked_sub(1) {
            None => None,
            Some(len) => Some(utf8(cursor.take(len)?)?.to_owned()),
        };
        let count = cursor.index("matcher count", cursor.remaining() / 3 + 1)?;
        let matchers: Vec<Matcher> =
            (0..count).map(|_| decode_matcher(&mut cursor)).collect::<Result<_, _>>()?;
        cursor.finish()?;
        let range = TimeRange::new(Timestamp::from_nanos(start), Timestamp::from_nanos(end));
        Ok(Self { generation, range, selector: Selector { metric, matchers } })
    }

    /// True where samples of this series may be gone.
    #[must_use]
    pub fn is_about(&self, key: &SeriesKey) -> bool {
        self.selector.matches(key)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, FormatError> {
    std::str::from_utf8(bytes).map_err(|_| FormatError::Utf8)
}

fn encode_matcher(matcher: &Matcher, out: &mut Vec<u8>) {
    let (op, text) = match &matcher.op {
        MatcherOp::Equal(text) => (1, text.as_str()),
        MatcherOp::NotEqual(text) => (2, text.as_str()),
        MatcherOp::Matches(regex) => (3, Matcher::pattern_of(regex)),
        MatcherOp::NotMatches(regex) => (4, Matcher::pattern_of(regex)),
        MatcherOp::In(values) => {
            out.push(5);
            put_text(&matcher.label, out);
            varint::put_u64(out, values.len() as u64);
            for value in values {
                put_text(value, out);
            }
            return;
        }
    };
    out.push(op);
    put_text(&matcher.label, out);
    put_text(text, out);
}

fn decode_matcher(cursor: &mut Cursor<'_>) -> Result<Matcher, FormatError> {
    let op = cursor.u8()?;
    let label = cursor.text()?.to_owned();
    let op = match op {
        1 => MatcherOp::Equal(cursor.text()?.to_owned()),
        2 => MatcherOp::NotEqual(cursor.text()?.to_owned()),
        3 | 4 => {
            let pattern = cursor.text()?;
            let (field, got) = ("regular expression", pattern.len() as u64);
            return Matcher::regex(label, pattern, op == 4, &Limits::DEFAULT)
                .map_err(|_| FormatError::OutOfRange { field, got });
        }
        5 => {
            let count = cursor.index("value count", cursor.remaining() + 1)?;
            let mut values = BTreeSet::new();
            for _ in 0..count {
                let value = cursor.text()?;
                if values.last().is_some_and(|last: &String| last.as_str() >= value) {
                    return Err(FormatError::Misplaced { what: "value of a matcher" });
                }
                values.insert(value.to_owned());
            }
            MatcherOp::In(values)
        }
        tag => return Err(FormatError::Tag { what: "matcher", tag }),
    };
    Ok(Matcher { label, op })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use crate::format::tombstone::Tombstone;
    use crate::model::{Limits, Matcher, MatcherOp, Selector, SeriesKey, TimeRange, Timestamp};

    fn example() -> Tombstone {
        let regex = |negated| Matcher::regex("intent", "re.*|x$", negated, &Limits::DEFAULT);
        let matchers = vec![
            Matcher::equal("bot", "support"),
            Matcher { label: "channel".into(), op: MatcherOp::NotEqual("web".into()) },
            regex(false).unwrap(),
            regex(true).unwrap(),
            Matcher {
                label: "status".into(),
                op: MatcherOp::In(["ok".to_owned(), "error".to_owned()].into()),
            },
        ];
        Tombstone {
            generation: 7,
            range: TimeRange::new(Timestamp::from_nanos(-5), Timestamp::from_nanos(9)),
            selector: Selector { metric: Some("latency".into()), matchers },
        }
    }

    fn bytes_of(tombstone: &Tombstone) -> Vec<u8> {
        let mut bytes = Vec::new();
        tombstone.encode(&mut bytes);
        bytes
    }

    #[test]
    fn round_trips_and_means_the_same() {
        let any_metric = Tombstone { selector: Selector::default(), ..example() };
        for tombstone in [example(), any_metric] {
            let bytes = bytes_of(&tombstone);
            let back = Tombstone::decode(7, &bytes).unwrap();
            assert_eq!(bytes_of(&back), bytes);
            assert_eq!(back.range, tombstone.range);
            let key = SeriesKey::new("latency").label("intent", "refund");
            assert_eq!(back.is_about(&key), tombstone.is_about(&key));
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        let bytes = bytes_of(&example());
        for len in 0..bytes.len() {
            assert!(Tombstone::decode(1, &bytes[..len]).is_err(), "{len} bytes");
        }
    }

    proptest! {
        #[test]
        fn hostile_bytes_give_an_error_or_a_tombstone(
            bytes in proptest::collection::vec(any::<u8>(), 0..120),
            cut in 0..60_usize,
        ) {
            drop(Tombstone::decode(1, &bytes));
            let mut mixed = bytes_of(&example());
            mixed.truncate(cut);
            mixed.extend(bytes);
            drop(Tombstone::decode(1, &mixed));
        }
    }
}
