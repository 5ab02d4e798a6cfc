//! Every changed bit is found, and costs no more than it must.

use crate::error::{Error, ErrorKind};
use crate::format::FormatError;
use crate::format::segment_footer::SegmentFooter;
use crate::format::segment_sections::SectionId;
use crate::model::{Columns, SeriesKey, Timestamp};
use crate::segment::Segment;
use crate::segment::tests::fixture::{
    Contents, bits, columns, footer, open, open_unmapped, reseal, sketched, small, ticking, write,
};
use crate::segment::verify::Lost;
use crate::segment::verify::SegmentCheck;

fn is_corrupt(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::FormatVersion { .. })
}

/// Opens and checks bytes; returns true if either finds damage.
#[track_caller]
fn is_found(bytes: &[u8], what: impl std::fmt::Display) -> bool {
    match open(bytes) {
        Err(error) => {
            assert!(is_corrupt(&error), "{what}: {error:?}");
            true
        }
        Ok(segment) => !segment.verify().unwrap().damages.is_empty(),
    }
}

#[test]
fn every_flipped_bit_is_found() {
    let mut bytes = write(&small());
    assert!(bytes.len() < 4096, "{} bytes", bytes.len());
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(is_found(&bytes, bit), "bit {bit} of {}", bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(!is_found(&bytes, "whole"));
}

#[test]
fn every_cut_is_an_error() {
    let bytes = write(&small());
    for len in 0..bytes.len() {
        assert!(is_corrupt(&open(&bytes[..len]).unwrap_err()), "{len} bytes");
        assert!(is_corrupt(&open_unmapped(&bytes[..len]).unwrap_err()), "{len} bytes");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(is_corrupt(&open(&longer).unwrap_err()));
}

/// Returns true if the samples are those of the contents.
fn holds(segment: &Segment, contents: &Contents) -> bool {
    let mut series = (0..).zip(contents);
    series.all(|(series, (key, columns))| {
        segment.key(series).unwrap() == *key && bits(&read_series(segment, series)) == bits(columns)
    })
}

/// Changes of the index under right checksums: only the data can tell.
#[test]
fn an_index_that_does_not_fit_the_data_is_found() {
    let mut contents = small();
    contents.extend(ticking());
    contents.extend(sketched());
    let whole = write(&contents);
    let segment = open(&whole).unwrap();
    // Another name, unit or number there is as good as the one that was written.
    let free =
        [SectionId::SymbolOffsets, SectionId::SymbolBytes, SectionId::Metrics, SectionId::Inputs];
    for id in SectionId::ALL.into_iter().filter(|id| !free.contains(id)) {
        let section = segment.section(id);
        assert!(section.len > 0, "{id:?} is tested");
        for at in section.offset..section.offset + section.len {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[usize::try_from(at).unwrap()] ^= 1 << bit;
                reseal(&mut bytes, |_| {});
                let place = at - section.offset;
                // One value is the same bytes in several codecs.
                let codec = [SectionId::ChunkValueCodec, SectionId::TimeBlockCodec].contains(&id);
                let harmless = || codec && holds(&open(&bytes).unwrap(), &contents);
                assert!(is_found(&bytes, place) || harmless(), "{id:?}: bit {bit} of {place}");
            }
        }
    }
    for id in free {
        let section = segment.section(id);
        for at in section.offset..section.offset + section.len {
            let mut bytes = whole.clone();
            bytes[usize::try_from(at).unwrap()] ^= 0xff;
            reseal(&mut bytes, |_| {});
            // Found or not, it must not panic.
            is_found(&bytes, at);
        }
    }
}

#[test]
fn symbols_that_are_no_text_or_out_of_order_are_found() {
    let whole = write(&small());
    let start = open(&whole).unwrap().section(SectionId::SymbolBytes).offset;
    for byte in [0xff, b'~'] {
        let mut bytes = whole.clone();
        bytes[usize::try_from(start).unwrap()] = byte;
        reseal(&mut bytes, |_| {});
        let damages = open(&bytes).unwrap().verify().unwrap().damages;
        assert_eq!(damages.iter().map(|damage| damage.offset).collect::<Vec<_>>(), [start]);
    }
}

#[test]
fn a_footer_that_does_not_fit_the_data_is_found() {
    let whole = write(&small());
    let changes: [fn(&mut SegmentFooter); 10] = [
        |f| f.samples += 1,
        |f| f.counts.series += 1,
        |f| f.counts.series = u32::MAX,
        |f| f.counts.chunks = u32::MAX,
        |f| f.counts.symbols = u32::MAX,
        |f| f.counts.time_blocks = 0,
        |f| f.time_min -= 1,
        |f| f.time_max += 1,
        |f| f.blocks_end -= 1,
        |f| f.sections_start -= 8,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut bytes = whole.clone();
        reseal(&mut bytes, change);
        assert!(is_found(&bytes, number), "change {number}");
    }
}

#[test]
fn a_block_of_another_segment_is_found() {
    // The same contents in another generation: each block at its place has the same bytes, and
    // only the file id under its checksum differs.
    let whole = write(&small());
    let mut other = whole.clone();
    let start = usize::try_from(footer(&whole).sections_start).unwrap();
    reseal(&mut other, |footer| footer.origin.generation_lo -= 1);
    let header = footer(&other).origin.encode_header();
    other[..header.len()].copy_from_slice(&header);
    assert_eq!(other[header.len()..start], whole[header.len()..start]);
    // Tables and pages are summed under the old id too.
    assert!(is_corrupt(&open(&other).unwrap_err()));
    // The header alone belongs to another segment.
    let mut mixed = whole;
    mixed[..header.len()].copy_from_slice(&header);
    match open(&mixed).unwrap_err().kind() {
        ErrorKind::Corrupt { offset: 0, source: FormatError::Checksum { .. }, .. } => {}
        other => panic!("{other:?}"),
    }
}

/// Two series of three chunks that share their timestamps, and many small ones.
fn large() -> Contents {
    let rows = |scale: f64| (0..20_000_i32).map(move |i| (i64::from(i), f64::from(i % 97) * scale));
    let key = |bot: &str| SeriesKey::new("latency").label("bot", bot);
    let mut contents = Contents::new();
    contents.insert(key("a"), columns(rows(1.0)));
    contents.insert(key("b"), columns(rows(0.3)));
    for number in 0..4_000 {
        contents.insert(key(&format!("c{number}")), columns([(number, 1.0)]));
    }
    contents
}

fn flip(bytes: &mut [u8], offset: u64) {
    bytes[usize::try_from(offset).unwrap()] ^= 0x10;
}

fn lost(check: &SegmentCheck) -> Vec<Lost> {
    check.damages.iter().filter_map(|damage| damage.lost.clone()).collect()
}

fn read_series(segment: &Segment, series: u32) -> Columns {
    let mut columns = Columns::default();
    for chunk in segment.chunks(series).unwrap() {
        segment.read_chunk(chunk, &mut columns).unwrap();
    }
    columns
}

#[test]
fn a_damaged_value_block_costs_its_chunk() {
    let contents = large();
    let mut bytes = write(&contents);
    let block = open(&bytes).unwrap().chunk(4).unwrap().values;
    flip(&mut bytes, block.offset + block.len / 2);
    let segment = open(&bytes).unwrap();
    let check = segment.verify().unwrap();
    let (time_min, time_max) = (Timestamp::from_nanos(8192), Timestamp::from_nanos(16_383));
    let key = contents.keys().nth(1).cloned();
    assert_eq!(lost(&check), [Lost { key, time_min, time_max, samples: 8192 }]);
    assert_eq!(check.damages.len(), 1);
    assert_eq!(check.damages[0].offset, block.offset);
    assert_eq!(check.samples, 44_000 - 8192);
    // What was read before the damage stays, what is damaged adds nothing.
    let mut columns = Columns::default();
    segment.read_chunk(3, &mut columns).unwrap();
    assert!(is_corrupt(&segment.read_chunk(4, &mut columns).unwrap_err()));
    assert_eq!((columns.timestamps.len(), columns.values.len()), (8192, 8192));
    assert_eq!(bits(&read_series(&segment, 0)), bits(contents.values().next().unwrap()));
}

#[test]
fn a_damaged_timestamp_block_costs_the_chunks_that_share_it() {
    let contents = large();
    let mut bytes = write(&contents);
    let segment = open(&bytes).unwrap();
    let block = segment.time_block(segment.chunk(2).unwrap().time_block).unwrap().block;
    flip(&mut bytes, block.offset);
    let check = open(&bytes).unwrap().verify().unwrap();
    let keys: Vec<_> =
        lost(&check).into_iter().map(|lost| (lost.key.unwrap(), lost.samples)).collect();
    let expected: Vec<_> = contents.keys().take(2).map(|key| (key.clone(), 3616)).collect();
    assert_eq!(keys, expected);
    assert!(check.damages.iter().all(|damage| damage.offset == block.offset));
}

#[test]
fn a_damaged_posting_list_costs_no_sample() {
    let contents = large();
    let mut bytes = write(&contents);
    let block = open(&bytes).unwrap().posting(1).unwrap().block;
    flip(&mut bytes, block.offset);
    let check = open(&bytes).unwrap().verify().unwrap();
    assert_eq!(check.samples, 44_000);
    assert_eq!(check.damages.iter().map(|d| d.offset).collect::<Vec<_>>(), [block.offset]);
}

#[test]
fn a_damaged_page_costs_what_stands_in_it() {
    let contents = large();
    let whole = write(&contents);
    let segment = open(&whole).unwrap();
    // A page of statistics: checking finds it, reading does not need it.
    let increase = segment.section(SectionId::StatIncrease);
    let mut bytes = whole.clone();
    flip(&mut bytes, increase.offset + increase.len / 2);
    let damaged = open(&bytes).unwrap();
    for (series, columns) in (0..).zip(contents.values()) {
        assert_eq!(bits(&read_series(&damaged, series)), bits(columns));
    }
    let check = damaged.verify().unwrap();
    assert_eq!((check.samples, check.damages.len()), (44_000, 1));
    assert_eq!(lost(&check), []);

    // A page of series records: some names are lost, the samples are not.
    let records = segment.section(SectionId::SeriesRecords);
    let mut bytes = whole;
    flip(&mut bytes, records.offset + records.len / 2);
    let check = open(&bytes).unwrap().verify().unwrap();
    assert_eq!((check.samples, check.damages.len()), (44_000, 1));
}
