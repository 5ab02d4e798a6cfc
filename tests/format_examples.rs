//! The worked examples of the format's documentation are what the encoders write.
//!
//! An example of a block is a line that names the column, the codec and the entries, then lines of
//! bytes, each with its meaning behind a bar, up to an empty line or the end of the block. An
//! example of a file is a whole text block under a heading, where the meaning begins with the
//! offset. That of a segment is tested beside its writer.

#![allow(clippy::format_collect, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use silverback::codec::{TimeCodec, ValueCodec, decode_timestamps, decode_values};
use silverback::format::checksum::WordCrc;
use silverback::format::frame::{Frame, FrameHead, FrameTag, Unsealed, decode_frame};
use silverback::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use silverback::format::manifest::ManifestRecord;
use silverback::format::segment_sections::SectionId;
use silverback::vfs::{MemVfs, Vfs};
use silverback::{Background, Durability, ManualClock, SeriesKey, Store, Timestamp};

const DOCS: &str = include_str!("../docs/FORMAT.md");

struct Example<'a> {
    codec: &'a str,
    entries: &'a str,
    bytes: Vec<u8>,
}

fn examples<'a>(column: &str) -> Vec<Example<'a>> {
    let mut lines = DOCS.lines();
    let mut examples = Vec::new();
    while let Some(line) = lines.next() {
        let title = line.strip_prefix(column).and_then(|rest| rest.split_once(": "));
        let Some((codec, entries)) = title else { continue };
        let rows = lines.by_ref().take_while(|line| line.contains('|'));
        let hex = rows.flat_map(|row| row.split('|').next().unwrap().split_whitespace());
        let bytes = hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        examples.push(Example { codec: codec.trim(), entries, bytes });
    }
    examples
}

fn hex_of(bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[test]
fn the_examples_of_values_are_true() {
    let examples = examples("values ");
    assert_eq!(examples.len(), 10);
    for Example { codec, entries, bytes } in examples {
        let values: Vec<f64> = entries.split(' ').map(|entry| entry.parse().unwrap()).collect();
        let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
        let named = ValueCodec::ALL.into_iter().find(|known| known.as_str() == codec).unwrap();
        assert!(named.encode(&values, &mut encoded));
        assert_eq!(hex_of(&encoded), hex_of(&bytes), "{codec} {entries}");
        decode_values(named, &bytes, values.len(), &mut decoded).unwrap();
        assert!(decoded.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn the_examples_of_timestamps_are_true() {
    let examples = examples("timestamps ");
    assert_eq!(examples.len(), 5);
    for Example { codec, entries, bytes } in examples {
        let timestamps: Vec<i64> = entries.split(' ').map(|entry| entry.parse().unwrap()).collect();
        let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
        let named = TimeCodec::ALL.into_iter().find(|known| known.as_str() == codec).unwrap();
        assert!(named.encode(&timestamps, &mut encoded));
        assert_eq!(hex_of(&encoded), hex_of(&bytes), "{codec} {entries}");
        decode_timestamps(named, &bytes, timestamps.len(), &mut decoded).unwrap();
        assert_eq!(decoded, timestamps);
    }
}

const FILE_ID: u64 = 0x0123_4567_89ab_cdef;
const FIRST_LOG: &str = "db/wal/w-0000000000000001.sbw";
const SECOND_LOG: &str = "db/wal/w-0000000000000002.sbw";

/// Returns the text blocks under a heading of the documentation.
fn blocks_under(heading: &str) -> Vec<&'static str> {
    let (_, rest) = DOCS.split_once(&format!("\n### {heading}\n")).unwrap();
    let section = rest.split("\n#").next().unwrap();
    section
        .split("```")
        .skip(1)
        .step_by(2)
        .map(|block| block.trim_start_matches("text\n"))
        .collect()
}

/// Returns the bytes of an example of a file; each line must stand at the offset that it names.
fn documented_file(block: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (hex, meaning) = line.split_once('|').unwrap();
        let offset = meaning.split_whitespace().next().unwrap();
        assert_eq!(offset.parse(), Ok(bytes.len()), "{line}");
        if let Some((byte, times)) = hex.split_once('x') {
            let byte = u8::from_str_radix(byte.trim(), 16).unwrap();
            bytes.resize(bytes.len() + times.trim().parse::<usize>().unwrap(), byte);
            continue;
        }
        bytes.extend(hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    bytes
}

fn read(vfs: &MemVfs, path: &str) -> Vec<u8> {
    let file = vfs.open(Path::new(path)).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// Writes the store of the examples; it is synced but not closed.
fn example_store(vfs: &Arc<MemVfs>) -> Store {
    let start = Timestamp::from_nanos(1_700_006_400_000_000_000);
    let uuid = 0xefcd_ab89_6745_2301_efcd_ab89_6745_2301_u128.to_le_bytes();
    let store = Store::options()
        .vfs(Arc::clone(vfs) as Arc<dyn Vfs>)
        .clock(Arc::new(ManualClock::new(start)))
        .uuid(uuid)
        .background(Background::Manual)
        .durability(Durability::Os)
        .open("db")
        .unwrap();
    store.metric("latency").unit("ms").define().unwrap();
    store.metric("tokens").delta().define().unwrap();
    let latency = store.series(&SeriesKey::new("latency").label("bot", "a")).unwrap();
    let tokens = store.series(&SeriesKey::new("tokens").label("bot", "a")).unwrap();
    latency.append(start, 842.0).unwrap();
    let later = start.saturating_add(1_000_000);
    let batch = store.batch().push(&latency, later, 842.0);
    batch.push(&tokens, start, 3.0).push(&tokens, later, 7.0).commit().unwrap();
    store.sync().unwrap();
    store
}

/// Compares a file with its example; behind it a log may hold zeros only.
fn assert_same(documented: &[u8], written: &[u8]) {
    let differs = documented.iter().zip(written).position(|(a, b)| a != b);
    assert_eq!(differs, None, "the first offset that differs");
    assert!(written.len() >= documented.len());
    assert!(written[documented.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_example_of_a_sample_is_true() {
    let blocks = blocks_under("One sample, byte by byte");
    let (time, value) = (1_700_000_000_000_000_000_u64, 842.5_f64);
    let rest = [time, value.to_bits()];
    let unsealed = Unsealed::new(WordCrc::of_file(FILE_ID), FrameTag::Sample, 5, &rest);
    let words = [unsealed.seal(4096), rest[0], rest[1]];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(blocks, [format!("{hex}\n")]);
    let head = FrameHead::of_word(words[0]).unwrap();
    let frame = Frame::Sample { series: 5, timestamp: time.cast_signed(), value };
    assert_eq!(decode_frame(head, &bytes), Ok(frame));
}

#[test]
fn the_examples_of_a_log_and_a_manifest_are_true() {
    let vfs = Arc::new(MemVfs::default());
    let store = example_store(&vfs);
    let [first, second] = blocks_under("A log, byte by byte").try_into().unwrap();
    let first = documented_file(first);
    assert_same(&first, &read(&vfs, FIRST_LOG));
    let header = LogHeader::decode(&first[..LOG_HEADER_BYTES]).unwrap();
    assert_eq!((header.generation, header.created), (1, store.now().as_nanos()));
    store.close().unwrap();
    assert_same(&documented_file(second), &read(&vfs, SECOND_LOG));
    let [manifest] = blocks_under("A MANIFEST, byte by byte").try_into().unwrap();
    let (manifest, written) = (documented_file(manifest), read(&vfs, "db/MANIFEST"));
    assert_eq!(manifest.len(), written.len());
    assert_same(&manifest, &written);
    let record = ManifestRecord::decode(&manifest).unwrap();
    assert_eq!((record.edit, record.flushed_generation, record.segments.len()), (2, 1, 1));
    assert_eq!(record.encode(), manifest);
}

#[test]
fn the_table_of_frames_has_every_tag() {
    for byte in 0..=u8::MAX {
        let row = DOCS.lines().find(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            matches!(cells[..], ["", tag, name, ..] if tag == byte.to_string()
                && name.len() > 2 && name.chars().all(|c| c.is_ascii_uppercase()))
        });
        let name = FrameTag::from_tag(byte).map(|tag| format!("{tag:?}").to_uppercase());
        assert_eq!(name.is_some(), row.is_some(), "tag {byte}");
        assert!(row.zip(name).is_none_or(|(row, name)| row.contains(&name)), "tag {byte}");
    }
}

#[test]
fn the_table_of_sections_has_every_section() {
    for id in SectionId::ALL {
        let row = format!("| {} | {id:?} | ", id.to_tag());
        assert!(DOCS.lines().any(|line| line.starts_with(&row)), "{row}");
    }
}
