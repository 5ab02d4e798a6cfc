//! Segments to test with, in memory, and ways to forge them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::format::checksum::block_crc;
use crate::format::segment::{PAGE_BYTES, SegmentOrigin};
use crate::format::segment_footer::{SEGMENT_FOOTER_BYTES, SegmentFooter};
use crate::model::{Columns, MetricDef, MetricKind, SeriesKey};
use crate::segment::{Segment, SegmentMeta, SegmentWriter};
use crate::vfs::{MemVfs, ReadFile, Vfs};

pub(crate) type Contents = BTreeMap<SeriesKey, Columns>;

pub(crate) const META: SegmentMeta = SegmentMeta {
    origin: SegmentOrigin {
        db_uuid: *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef",
        generation_lo: 3,
        generation_hi: 4,
        level: 1,
        partition_start: 1_700_006_400_000_000_000,
        partition_nanos: 86_400_000_000_000,
        flush_set_index: 0,
    },
    flush_set_size: 1,
    seq_first: 10,
    seq_last: 99,
    uid: 7,
    deleted_up_to: 0,
};

pub(crate) const INPUTS: [u64; 2] = [5, 6];

/// Definitions of some of the metrics that the tests use; one of them has no series.
pub(crate) fn metrics() -> Vec<MetricDef> {
    let unit =
        |name: &str, unit: &str| MetricDef { unit: Some(unit.into()), ..MetricDef::new(name) };
    vec![
        unit("latency", "ms"),
        MetricDef { kind: MetricKind::Counter, ..MetricDef::new("requests") },
        unit("unused", "s"),
    ]
}

/// Writes a segment and returns its bytes.
pub(crate) fn write(contents: &Contents) -> Vec<u8> {
    let vfs = MemVfs::new();
    let path = Path::new("/s.sbs");
    let mut file = vfs.create(path).unwrap();
    let mut writer = SegmentWriter::new(META, &INPUTS, &metrics(), &mut *file).unwrap();
    for (key, columns) in contents {
        writer.push(key, columns).unwrap();
    }
    let summary = writer.finish().unwrap();
    file.sync().unwrap();
    let file = vfs.open(path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    assert_eq!(summary.file_bytes, bytes.len() as u64);
    bytes
}

/// Opens bytes as a segment that is mapped.
pub(crate) fn open(bytes: &[u8]) -> Result<Segment> {
    Segment::open(Arc::new(BytesFile::new(bytes, true)))
}

/// Opens bytes as a segment, each of whose reads is a call.
pub(crate) fn open_unmapped(bytes: &[u8]) -> Result<Segment> {
    Segment::open(Arc::new(BytesFile::new(bytes, false)))
}

/// A file in memory that counts the bytes that calls read.
#[derive(Debug)]
pub(crate) struct BytesFile {
    bytes: Vec<u8>,
    mapped: bool,
    pub(crate) bytes_read: AtomicU64,
}

impl BytesFile {
    pub(crate) fn new(bytes: &[u8], mapped: bool) -> Self {
        Self { bytes: bytes.to_vec(), mapped, bytes_read: AtomicU64::new(0) }
    }
}

impl ReadFile for BytesFile {
    fn path(&self) -> &Path {
        Path::new("/s.sbs")
    }

    fn len(&self) -> Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.bytes_read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.mapped.then_some(&self.bytes)
    }
}

pub(crate) fn footer(bytes: &[u8]) -> SegmentFooter {
    let footer = &bytes[bytes.len() - SEGMENT_FOOTER_BYTES..];
    SegmentFooter::decode(footer, bytes.len() as u64).unwrap()
}

/// Makes the checksums of pages, tables and footer right again after the index was changed.
pub(crate) fn reseal(bytes: &mut [u8], change: impl FnOnce(&mut SegmentFooter)) {
    let mut footer = footer(bytes);
    let file_id = footer.origin.file_id();
    let at = |offset: u64| usize::try_from(offset).unwrap();
    let (start, end) = (footer.sections_start, footer.sections_end);
    let table_end = end + footer.section_table_len();
    let mut crcs = Vec::new();
    for (page, offset) in
        bytes[at(start)..at(end)].chunks(PAGE_BYTES).zip((start..).step_by(PAGE_BYTES))
    {
        crcs.extend_from_slice(&block_crc(file_id, page, offset).to_le_bytes());
    }
    bytes[at(table_end)..][..crcs.len()].copy_from_slice(&crcs);
    footer.section_table_crc = block_crc(file_id, &bytes[at(end)..at(table_end)], end);
    footer.page_table_crc = block_crc(file_id, &crcs, table_end);
    change(&mut footer);
    let footer_at = bytes.len() - SEGMENT_FOOTER_BYTES;
    bytes[footer_at..].copy_from_slice(&footer.encode());
}

/// Makes columns of rows.
pub(crate) fn columns(rows: impl IntoIterator<Item = (i64, f64)>) -> Columns {
    let mut columns = Columns::default();
    for (timestamp, value) in rows {
        columns.push(timestamp, value);
    }
    columns
}

/// Samples as bits, for which `NaN` and -0 are nothing special.
pub(crate) fn bits(columns: &Columns) -> Vec<(i64, u64)> {
    columns.iter().map(|s| (s.timestamp.as_nanos(), s.value.to_bits())).collect()
}

/// Four series of three metrics; two share their timestamps.
pub(crate) fn small() -> Contents {
    let ticks = |count: i64| (0..count).map(|i| 1_700_006_400_000_000_000 + i * 15_000_000);
    let values = |start: f64| std::iter::successors(Some(start), |value| Some(value * 1.5 - 3.0));
    let key = |metric: &str| SeriesKey::new(metric).label("bot", "support");
    BTreeMap::from([
        (key("latency").label("channel", "web"), columns(ticks(9).zip(values(10.0)))),
        (key("latency").label("channel", "ä"), columns(ticks(5).zip(values(7.0)))),
        (key("requests"), columns(ticks(9).zip([1.0, 2.0, 5.0, 1.0, 2.0, 3.0, 9.0, 0.0, 4.0]))),
        (SeriesKey::new("tokens"), columns([(1_700_006_400_000_000_001, -0.0)])),
    ])
}

/// As many events as have a sketch, in a few of its buckets.
pub(crate) fn sketched() -> Contents {
    let time = |i: i64| 1_700_006_400_000_000_000 + i * 1_000_000_000;
    let rows = (0..1024_i32).map(|i| (time(i.into()), f64::from(i * i % 7) * 20.0 + 60.0));
    Contents::from([(SeriesKey::new("waits"), columns(rows))])
}

/// A series whose timestamps are dense enough for ticks.
pub(crate) fn ticking() -> Contents {
    let time = |i: i64| 1_700_006_400_000_000_000 + i * 29_000_000 + i * i % 7 * 1_000_000;
    let rows = (0..70).map(|i| (time(i), 5.0));
    Contents::from([(SeriesKey::new("visits"), columns(rows))])
}
