//! Bytes that no writer writes, under right checksums: an error or an answer, never a panic.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::model::{Columns, Limits, Matcher, Selector};
use crate::segment::Segment;
use crate::segment::tests::fixture::{footer, open, open_unmapped, reseal, small, write};

/// Asks a segment for everything; only panics and hangs would fail.
fn exercise(segment: &Segment) {
    drop(segment.metrics());
    drop(segment.label_names());
    drop(segment.label_values("bot"));
    drop(segment.usage());
    drop(segment.time_block_sharing());
    for pattern in ["s.*", "", "web"] {
        let matchers = vec![
            Matcher::regex("channel", pattern, false, &Limits::DEFAULT).unwrap(),
            Matcher::equal("bot", "support"),
        ];
        drop(segment.select(&Selector { metric: Some("latency".into()), matchers }));
    }
    let mut columns = Columns::default();
    for series in 0..=segment.series_count() {
        drop(segment.key(series));
        for chunk in segment.chunks(series).into_iter().flatten() {
            drop(segment.read_chunk(chunk, &mut columns));
            assert_eq!(columns.timestamps.len(), columns.values.len());
        }
    }
    drop(segment.verify());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_index_is_read_without_panic(changes in vec((any::<u16>(), any::<u8>()), 1..8)) {
        let mut bytes = write(&small());
        let footer = footer(&bytes);
        let start = usize::try_from(footer.sections_start).unwrap();
        // The section table is changed too.
        let end = usize::try_from(footer.sections_end + footer.section_table_len()).unwrap();
        for (at, byte) in changes {
            bytes[start + usize::from(at) % (end - start)] = byte;
        }
        reseal(&mut bytes, |_| {});
        for segment in [open(&bytes), open_unmapped(&bytes)].into_iter().flatten() {
            exercise(&segment);
        }
    }

    #[test]
    fn any_footer_is_read_without_panic(numbers in any::<[u32; 6]>(), places in any::<[u64; 3]>()) {
        let mut bytes = write(&small());
        reseal(&mut bytes, |footer| {
            let [series, chunks, symbols, time_blocks, pages, sections] = numbers;
            let counts = &mut footer.counts;
            match series % 4 {
                0 => (counts.series, counts.chunks) = (series, chunks),
                1 => (counts.symbols, counts.time_blocks) = (symbols, time_blocks),
                2 => (footer.pages, footer.sections) = (pages, sections),
                _ => [footer.blocks_end, footer.sections_start, footer.sections_end] = places,
            }
        });
        assert!(open(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_no_segment(bytes in vec(any::<u8>(), 0..1_000)) {
        assert!(open(&bytes).is_err());
        assert!(open_unmapped(&bytes).is_err());
    }
}
