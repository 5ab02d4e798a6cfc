//! A request to a live writer, and its answer: files that lie in the inbox for a moment.
//!
//! ```text
//! offset size field     legal range
//!      0    8 magic     "SBREQ\r\n\x1a" or "SBANS\r\n\x1a"
//!      8    4 version   1
//!     12    4 tag       see `RequestRecord` and `ReplyRecord`
//!     16      body      by tag
//!    end    4 crc       CRC-32 of 0, all bytes before, offset 0
//! ```

use crate::format::FORMAT_VERSION;
use crate::format::checksum::block_crc;
use crate::format::cursor::{Cursor, put_text};
use crate::format::error::FormatError;
use crate::format::ledger::Ledger;
use crate::format::tombstone::Tombstone;
use crate::model::{DuplicatePolicy, Mark, MetricDef, MetricKind, Timestamp};

const REQUEST_MAGIC: [u8; 8] = *b"SBREQ\r\n\x1a";
const REPLY_MAGIC: [u8; 8] = *b"SBANS\r\n\x1a";

/// What a writer is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestRecord {
    /// 1: defines a metric: name text · kind u8 · duplicates u8 · has unit u8 · unit text.
    Define(MetricDef),
    /// 2: deletes samples: a tombstone's body, whose generation the writer decides.
    Delete(Tombstone),
    /// 3: sets retention: a ledger that holds nothing else.
    Retain(Ledger),
    /// 4: removes what has expired.
    Expire,
    /// 5: compacts.
    Compact,
    /// 6: compacts and purges.
    Purge,
    /// 7: names an instant: time i64, nanoseconds since the epoch · text.
    Mark(Mark),
}

/// What a writer answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyRecord {
    /// 1: it is done: numbers u64 each, whose meaning the request tells.
    Done(Vec<u64>),
    /// 2: it was refused, for a reason: UTF-8.
    Refused(String),
}

impl RequestRecord {
    /// Encodes the whole file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let tag = match self {
            Self::Define(def) => {
                put_text(&def.name, &mut body);
                body.extend([def.kind.to_tag(), def.duplicates.to_tag()]);
                body.push(u8::from(def.unit.is_some()));
                put_text(def.unit.as_deref().unwrap_or(""), &mut body);
                1
            }
            Self::Delete(tombstone) => {
                tombstone.encode(&mut body);
                2
            }
            Self::Retain(ledger) => {
                ledger.encode(&mut body);
                3
            }
            Self::Expire => 4,
            Self::Compact => 5,
            Self::Purge => 6,
            Self::Mark(mark) => {
                body.extend_from_slice(&mark.time.as_nanos().to_le_bytes());
                put_text(&mark.text, &mut body);
                7
            }
        };
        encode_file(REQUEST_MAGIC, tag, &body)
    }

    /// Decodes the whole file.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let (tag, body) = decode_file(REQUEST_MAGIC, bytes)?;
        let mut cursor = Cursor::new(body);
        let request = match tag {
            1 => Self::Define(decode_def(&mut cursor)?),
            2 => return Ok(Self::Delete(Tombstone::decode(0, body)?)),
            3 => return Ok(Self::Retain(Ledger::decode(cursor)?)),
            4 => Self::Expire,
            5 => Self::Compact,
            6 => Self::Purge,
            7 => {
                let time = Timestamp::from_nanos(cursor.i64()?);
                Self::Mark(Mark { time, text: cursor.text()?.to_owned() })
            }
            tag => return Err(unknown("request", tag)),
        };
        cursor.finish()?;
        Ok(request)
    }
}

impl ReplyRecord {
    /// Encodes the whole file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Done(numbers) => {
                let body: Vec<u8> =
                    numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                encode_file(REPLY_MAGIC, 1, &body)
            }
            Self::Refused(reason) => encode_file(REPLY_MAGIC, 2, reason.as_bytes()),
        }
    }

    /// Decodes the whole file.
    ///
    /// # Errors
    /// [`FormatError`] says what is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let (tag, body) = decode_file(REPLY_MAGIC, bytes)?;
        match tag {
            1 => {
                let (numbers, rest) = body.as_chunks::<8>();
                if !rest.is_empty() {
                    let (needed, available) = (body.len() as u64 + 1, body.len() as u64);
                    return Err(FormatError::Truncated { needed, available });
                }
                Ok(Self::Done(numbers.iter().map(|number| u64::from_le_bytes(*number)).collect()))
            }
            2 => {
                let reason = std::str::from_utf8(body).map_err(|_| FormatError::Utf8)?;
                Ok(Self::Refused(reason.to_owned()))
            }
            tag => Err(unknown("answer", tag)),
        }
    }
}

fn unknown(what: &'static str, tag: u32) -> FormatError {
    FormatError::Tag { what, tag: u8::try_from(tag).unwrap_or(u8::MAX) }
}

fn decode_def(cursor: &mut Cursor<'_>) -> Result<MetricDef, FormatError> {
    let name = cursor.text()?.to_owned();
    let (kind, duplicates, has_unit) = (cursor.u8()?, cursor.u8()?, cursor.u8()?);
    let unit = cursor.text()?;
    Ok(MetricDef {
        name,
        kind: MetricKind::from_tag(kind)
            .ok_or(FormatError::Tag { what: "metric kind", tag: kind })?,
        duplicates: DuplicatePolicy::from_tag(duplicates)
            .ok_or(FormatError::Tag { what: "duplicate policy", tag: duplicates })?,
        unit: (has_unit != 0).then(|| unit.to_owned()),
    })
}

fn encode_file(magic: [u8; 8], tag: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(20 + body.len());
    out.extend_from_slice(&magic);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(body);
    out.extend_from_slice(&block_crc(0, &out, 0).to_le_bytes());
    out
}

fn decode_file(magic: [u8; 8], bytes: &[u8]) -> Result<(u32, &[u8]), FormatError> {
    let mut cursor = Cursor::new(bytes);
    cursor.start(magic)?;
    let tag = cursor.u32()?;
    let body = cursor.take(cursor.remaining().saturating_sub(4))?;
    let summed = Cursor::new(bytes).take(bytes.len().saturating_sub(4))?;
    let (stored, computed) = (cursor.u32()?, block_crc(0, summed, 0));
    if stored == computed {
        Ok((tag, body))
    } else {
        Err(FormatError::Checksum { stored, computed })
    }
}

#[cfg(test)]
mod tests {
    use crate::format::ledger::Ledger;
    use crate::format::request::{ReplyRecord, RequestRecord};
    use crate::format::tombstone::Tombstone;
    use crate::model::{
        DuplicatePolicy, Mark, MetricDef, MetricKind, Selector, TimeRange, Timestamp,
    };

    #[test]
    fn requests_and_answers_round_trip_and_every_cut_and_flip_is_an_error() {
        let def = MetricDef {
            kind: MetricKind::Delta,
            duplicates: DuplicatePolicy::Max,
            unit: Some("ms".to_owned()),
            ..MetricDef::new("latency")
        };
        let selector = Selector::metric("latency");
        let tombstone = Tombstone { generation: 0, range: TimeRange::ALL, selector };
        let requests = [
            RequestRecord::Define(def),
            RequestRecord::Define(MetricDef::new("x")),
            RequestRecord::Delete(tombstone),
            RequestRecord::Retain(Ledger::default()),
            RequestRecord::Mark(Mark { time: Timestamp::from_nanos(-7), text: "a b".to_owned() }),
            RequestRecord::Expire,
            RequestRecord::Compact,
            RequestRecord::Purge,
        ];
        for request in requests {
            let bytes = request.encode();
            assert_eq!(RequestRecord::decode(&bytes), Ok(request));
            for len in 0..bytes.len() {
                assert!(RequestRecord::decode(&bytes[..len]).is_err(), "{len} bytes");
            }
            for bit in 0..bytes.len() * 8 {
                let mut flipped = bytes.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(RequestRecord::decode(&flipped).is_err(), "bit {bit}");
            }
        }
        for reply in [ReplyRecord::Done(vec![1, u64::MAX]), ReplyRecord::Refused("no".to_owned())] {
            let bytes = reply.encode();
            assert_eq!(ReplyRecord::decode(&bytes), Ok(reply));
            for len in 0..bytes.len() {
                assert!(ReplyRecord::decode(&bytes[..len]).is_err(), "{len} bytes");
            }
        }
    }
}
