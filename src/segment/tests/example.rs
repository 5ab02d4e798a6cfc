//! The worked example of the format's documentation is what the writer writes.

use std::path::Path;

use crate::format::segment::SegmentOrigin;
use crate::model::{DuplicatePolicy, MetricDef, MetricKind, SeriesKey};
use crate::segment::tests::fixture::{META, columns, open};
use crate::segment::{SegmentMeta, SegmentWriter};
use crate::vfs::{MemVfs, Vfs};

const DOCS: &str = include_str!("../../../docs/FORMAT.md");

/// Two metrics of the same two events, flushed from generation 3.
fn written() -> Vec<u8> {
    let origin = SegmentOrigin { generation_hi: 3, level: 0, ..META.origin };
    let meta = SegmentMeta { origin, ..META };
    let latency = MetricDef { unit: Some("ms".into()), ..MetricDef::new("latency") };
    let tokens = MetricDef { kind: MetricKind::Delta, ..MetricDef::new("tokens") };
    let vfs = MemVfs::new();
    let path = Path::new("/s.sbs");
    let mut file = vfs.create(path).unwrap();
    let mut writer = SegmentWriter::new(meta, &[], &[latency, tokens], &mut *file).unwrap();
    let start = 1_700_006_400_000_000_000;
    for (metric, values) in [("latency", [842.0, 842.0]), ("tokens", [3.0, 7.0])] {
        let rows = [start, start + 1_000_000].into_iter().zip(values);
        writer.push(&SeriesKey::new(metric).label("bot", "a"), &columns(rows)).unwrap();
    }
    let summary = writer.finish().unwrap();
    file.sync().unwrap();
    let mut bytes = vec![0; usize::try_from(summary.file_bytes).unwrap()];
    vfs.open(path).unwrap().read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn the_worked_example_is_true() {
    let (_, example) = DOCS.split_once("## Worked example").unwrap();
    let block = example.split("```").nth(1).unwrap();
    let mut documented = Vec::new();
    for line in block.lines().filter(|line| line.contains('|')) {
        let (hex, meaning) = line.split_once('|').unwrap();
        let offset = meaning.trim().split(' ').next().unwrap();
        if let Ok(offset) = offset.parse::<usize>() {
            assert_eq!(documented.len(), offset, "{line}");
        }
        let bytes = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap());
        documented.extend(bytes);
    }
    let written = written();
    let differs = documented.iter().zip(&written).position(|(a, b)| a != b);
    assert_eq!((documented.len(), differs), (written.len(), None));
    assert!(open(&documented).unwrap().verify().unwrap().damages.is_empty());
}

#[test]
fn tags_are_those_of_the_documentation() {
    for kind in [MetricKind::Event, MetricKind::Delta, MetricKind::Counter, MetricKind::Gauge] {
        assert!(DOCS.contains(&format!("{} {}", kind.to_tag(), kind.as_str())));
    }
    for policy in
        [DuplicatePolicy::Keep, DuplicatePolicy::Last, DuplicatePolicy::First, DuplicatePolicy::Max]
    {
        assert!(DOCS.contains(&format!("{} {}", policy.to_tag(), policy.as_str())));
    }
}
