//! What was written is what is read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use proptest::collection::{btree_map, vec};
use proptest::num::f64::{NORMAL, SUBNORMAL, ZERO};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

use crate::format::segment_sections::SectionId;
use crate::model::{Columns, SeriesKey};
use crate::segment::tests::fixture::{
    BytesFile, Contents, INPUTS, META, bits, columns, metrics, open, open_unmapped, small, write,
};
use crate::segment::{Segment, SegmentWriter};
use crate::vfs::{MemVfs, Vfs};

pub(crate) fn keys() -> impl Strategy<Value = SeriesKey> {
    let metric = prop_oneof![Just("latency"), Just("requests"), Just("tokens"), Just("µ")];
    let name = prop_oneof![Just("bot"), Just("channel"), Just("ключ"), Just("a b")];
    let value = prop_oneof![Just(""), Just("support"), Just("sales"), Just("ä"), Just("latency")];
    (metric, vec((name, value), 0..4)).prop_map(|(metric, labels)| {
        labels.into_iter().fold(SeriesKey::new(metric), |key, (name, value)| key.label(name, value))
    })
}

/// Few distinct times, so that ties are common; and the ends of time.
fn samples() -> impl Strategy<Value = Columns> {
    let time = prop_oneof![8 => 0..20_i64, 1 => any::<i64>(), 1 => Just(i64::MIN)];
    let value = prop_oneof![
        4 => (-50..50_i32).prop_map(|v| f64::from(v) / 4.0),
        1 => NORMAL | ZERO | SUBNORMAL,
        1 => Just(f64::MAX)
    ];
    vec((time, value), 1..30).prop_map(|rows| {
        let mut columns = columns(rows);
        columns.sort_by_time();
        columns
    })
}

pub(crate) fn contents() -> impl Strategy<Value = Contents> {
    btree_map(keys(), samples(), 0..12)
}

/// Asserts that a segment holds just this, in every way that it can be asked.
fn assert_holds(segment: &Segment, contents: &Contents) {
    assert_eq!(segment.meta(), META);
    let samples: usize = contents.values().map(Columns::len).sum();
    assert_eq!(segment.summary().samples, samples as u64);
    assert_eq!(segment.series_count() as usize, contents.len());
    let mut chunks = 0;
    for (series, (key, columns)) in (0..).zip(contents) {
        assert_eq!(segment.key(series).unwrap(), *key);
        let mut read = Columns::default();
        for chunk in segment.chunks(series).unwrap() {
            let meta = segment.chunk(chunk).unwrap();
            let before = read.len();
            segment.read_chunk(chunk, &mut read).unwrap();
            assert_eq!(meta.count, read.len() - before);
            assert_eq!(meta.time_min.as_nanos(), read.timestamps[before]);
            assert_eq!(meta.time_max.as_nanos(), read.timestamps[read.len() - 1]);
            assert_eq!(chunk, chunks);
            chunks += 1;
        }
        assert_eq!(bits(&read), bits(columns), "{key}");
    }
    assert_eq!(chunks, segment.summary().chunks);
    let check = segment.verify().unwrap();
    assert!(check.damages.is_empty(), "{:?}", check.damages);
    assert_eq!((check.samples, check.chunks), (samples as u64, u64::from(chunks)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_contents_come_back(contents in contents()) {
        let bytes = write(&contents);
        assert_eq!(write(&contents), bytes, "the same input gives the same bytes");
        assert_holds(&open(&bytes).unwrap(), &contents);
        assert_holds(&open_unmapped(&bytes).unwrap(), &contents);
    }

    #[test]
    fn labels_are_listed_as_a_walk_over_the_series_would(contents in contents()) {
        let segment = open(&write(&contents)).unwrap();
        let labels = || contents.keys().flat_map(SeriesKey::labels);
        let names: BTreeSet<&str> = labels().map(|(name, _)| name).collect();
        assert!(segment.label_names().unwrap().iter().eq(&names));
        for label in names.into_iter().chain(["latency", "absent", ""]) {
            let values: BTreeSet<&str> =
                labels().filter(|(name, _)| *name == label).map(|(_, value)| value).collect();
            assert!(segment.label_values(label).unwrap().iter().eq(&values), "{label}");
        }
    }
}

#[test]
fn metrics_keep_their_definitions_and_others_get_the_default() {
    let segment = open(&write(&small())).unwrap();
    let read = segment.metrics().unwrap();
    assert!(metrics().iter().all(|def| read.contains(def)));
    let names: Vec<&str> = read.iter().map(|def| def.name.as_str()).collect();
    assert_eq!(names, ["latency", "requests", "tokens", "unused"]);
}

#[test]
fn inputs_are_kept() {
    let segment = open(&write(&small())).unwrap();
    assert_eq!(segment.section(SectionId::Inputs).len, 16);
    for (index, input) in (0..).zip(INPUTS) {
        assert_eq!(segment.u64_at(SectionId::Inputs, index).unwrap(), input);
    }
}

#[test]
fn series_are_cut_at_fixed_counts_and_share_equal_timestamps() {
    let rows =
        |scale: f64| (0..20_000_i32).map(move |i| (i64::from(i), f64::from(i % 100) * scale));
    let key = |metric| SeriesKey::new(metric).label("bot", "a");
    let mut contents: Contents = [("latency", 1.0), ("requests", 2.0), ("tokens", 3.0)]
        .map(|(m, s)| (key(m), columns(rows(s))))
        .into();
    let segment = open(&write(&contents)).unwrap();
    assert_holds(&segment, &contents);
    for series in 0..3 {
        let counts = segment.chunks(series).unwrap().map(|c| segment.chunk(c).unwrap().count);
        assert_eq!(counts.collect::<Vec<_>>(), [8192, 8192, 3616]);
    }
    assert_eq!(segment.time_block_sharing().unwrap(), (3, 3));
    let usage = segment.usage().unwrap();
    assert_eq!(usage.values().map(|u| (u.series, u.samples)).collect::<Vec<_>>(), [(1, 20_000); 3]);
    assert!(usage["latency"].timestamp_bytes > 0);
    assert_eq!([usage["requests"].timestamp_bytes, usage["tokens"].timestamp_bytes], [0, 0]);

    // One other timestamp: a block of its own, for that chunk alone.
    contents.get_mut(&key("tokens")).unwrap().timestamps[19_999] += 1;
    let segment = open(&write(&contents)).unwrap();
    assert_holds(&segment, &contents);
    assert_eq!(segment.time_block_sharing().unwrap(), (4, 3));
}

#[test]
fn opening_reads_the_ends_of_the_file_only() {
    let mut contents = Contents::new();
    for number in 0..2_000 {
        let key = SeriesKey::new("latency").label("bot", format!("bot-{number}"));
        contents.insert(key, columns([(number, 1.5), (number + 7, 2.5)]));
    }
    let bytes = write(&contents);
    let file = Arc::new(BytesFile::new(&bytes, false));
    let segment = Segment::open(Arc::clone(&file) as _).unwrap();
    let read = file.bytes_read.load(Ordering::Relaxed);
    assert!(read < 2_048, "{read} of {} bytes read", bytes.len());
    assert_eq!(segment.key(1_000).unwrap(), *contents.keys().nth(1_000).unwrap());
}

#[test]
fn a_segment_without_samples_is_legal() {
    let contents = Contents::from([(SeriesKey::new("latency"), Columns::default())]);
    let segment = open(&write(&contents)).unwrap();
    assert_eq!((segment.series_count(), segment.summary().samples), (0, 0));
    assert!(segment.verify().unwrap().damages.is_empty());
}

#[test]
#[should_panic(expected = "series come ascending")]
fn series_out_of_order_are_refused() {
    let vfs = MemVfs::new();
    let mut file = vfs.create("/s".as_ref()).unwrap();
    let mut writer = SegmentWriter::new(META, &[], &[], &mut *file).unwrap();
    let sample = columns([(1, 1.0)]);
    writer.push(&SeriesKey::new("b"), &sample).unwrap();
    writer.push(&SeriesKey::new("a"), &sample).unwrap();
}
