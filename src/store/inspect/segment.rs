//! Looking at a segment: header, blocks, posting lists, sections, tables, footer.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::segment::{NO_SYMBOL, SEGMENT_HEADER_BYTES};
use crate::format::segment_footer::{SEGMENT_FOOTER_BYTES, SegmentFooter};
use crate::model::Timestamp;
use crate::segment::{BlockMeta, Segment};
use crate::store::inspect::part::{FileDamage, Part};
use crate::store::inspect::start::Inspection;
use crate::vfs::ReadFile;

pub(super) fn show(file: &Arc<dyn ReadFile>, inspection: &mut Inspection<'_>) -> Result<()> {
    let segment = match Segment::open(Arc::clone(file)) {
        Ok(segment) => segment,
        Err(error) => return inspection.note(error),
    };
    let footer = segment.footer;
    let start = SEGMENT_HEADER_BYTES as u64;
    let header = Part::new("header", 0, start).with("db uuid", footer.origin.db_uuid);
    inspection.show(&header.with("file id", segment.file_id))?;
    inspection.show(&Part::new("blocks", start, footer.blocks_end - start))?;
    show_chunks(&segment, inspection)?;
    let lists = footer.sections_start - footer.blocks_end;
    let lists = Part::new("posting lists", footer.blocks_end, lists);
    inspection.show(&lists.with("lists", segment.posting_count()))?;
    show_postings(&segment, inspection)?;
    for (id, section) in segment.sections() {
        let part = Part::new("section", section.offset, section.len);
        inspection
            .show(&part.with("id", u32::from(id.to_tag())).with("name", format!("{id:?}")))?;
    }
    let table = Part::new("section table", footer.sections_end, footer.section_table_len());
    inspection.show(&table.with("sections", footer.sections))?;
    let pages_at = footer.sections_end + footer.section_table_len();
    let pages = Part::new("page checksums", pages_at, footer.page_table_len());
    inspection.show(&pages.with("pages", footer.pages))?;
    inspection.show(&footer_part(&footer))?;
    let check = segment.verify()?;
    inspection.report.samples = check.samples;
    let shown: BTreeSet<u64> =
        inspection.report.damages.iter().map(|damage| damage.offset).collect();
    for damage in check.damages.into_iter().filter(|damage| !shown.contains(&damage.offset)) {
        let FileDamage { offset, error } =
            FileDamage { offset: damage.offset, error: damage.error };
        inspection.note(Error::corrupt(segment.path(), offset, error))?;
    }
    Ok(())
}

fn footer_part(footer: &SegmentFooter) -> Part {
    let origin = &footer.origin;
    Part::new("footer", footer.offset(), SEGMENT_FOOTER_BYTES as u64)
        .with("generation lo", origin.generation_lo)
        .with("generation hi", origin.generation_hi)
        .with("level", u32::from(origin.level))
        .with("partition start", Timestamp::from_nanos(origin.partition_start))
        .with("partition nanos", origin.partition_nanos)
        .with("flush-set index", origin.flush_set_index)
        .with("flush-set size", footer.flush_set_size)
        .with("seq first", footer.seq_first)
        .with("seq last", footer.seq_last)
        .with("samples", footer.samples)
        .with("series", footer.counts.series)
        .with("chunks", footer.counts.chunks)
        .with("timestamp blocks", footer.counts.time_blocks)
        .with("symbols", footer.counts.symbols)
        .with("time min", Timestamp::from_nanos(footer.time_min))
        .with("time max", Timestamp::from_nanos(footer.time_max))
        .with("uid", footer.uid)
        .with("deleted up to", footer.deleted_up_to)
}

/// Shows the blocks of values, each with its chunk, behind the timestamps that it needs first.
fn show_chunks(segment: &Segment, inspection: &mut Inspection<'_>) -> Result<()> {
    let mut shown = BTreeSet::new();
    for series in 0..segment.series_count() {
        let key = match segment.key(series) {
            Ok(key) => key.to_string(),
            Err(error) => {
                inspection.note(error)?;
                format!("series {series}")
            }
        };
        let chunks = match segment.chunks(series) {
            Ok(chunks) => chunks,
            Err(error) => {
                inspection.note(error)?;
                continue;
            }
        };
        for chunk in chunks {
            if let Err(error) = show_chunk(segment, &key, chunk, &mut shown, inspection) {
                inspection.note(error)?;
            }
        }
    }
    Ok(())
}

fn show_chunk(
    segment: &Segment,
    key: &str,
    chunk: u32,
    shown: &mut BTreeSet<u32>,
    inspection: &mut Inspection<'_>,
) -> Result<()> {
    let meta = segment.chunk(chunk)?;
    let times = segment.time_block(meta.time_block)?;
    if shown.insert(meta.time_block) {
        let part = block("timestamps", segment, times.block)?
            .with("block", meta.time_block)
            .with("count", times.count as u64)
            .with("codec", times.codec.as_str());
        inspection.show(&part)?;
    }
    let part = block("values", segment, meta.values)?
        .with("series", key)
        .with("chunk", chunk)
        .with("timestamps", meta.time_block)
        .with("count", meta.count as u64)
        .with("codec", meta.value_codec.as_str())
        .with("time min", meta.time_min)
        .with("time max", meta.time_max);
    let names = ["sum", "rest of the sum", "min", "max", "first", "last", "increase"];
    let stats = segment.stats(chunk)?.fields();
    let part = names.into_iter().zip(stats).fold(part, |part, (name, stat)| part.with(name, stat));
    inspection.show(&part)
}

fn show_postings(segment: &Segment, inspection: &mut Inspection<'_>) -> Result<()> {
    for index in 0..segment.posting_count() {
        let shown = segment.posting(index).and_then(|entry| {
            let value = segment.symbol(entry.value)?.to_owned();
            let name =
                if entry.name == NO_SYMBOL { "metric" } else { segment.symbol(entry.name)? };
            let part = block("postings", segment, entry.block)?
                .with("label", name)
                .with("value", value)
                .with("series", u64::from(entry.count));
            inspection.show(&part)
        });
        if let Err(error) = shown {
            inspection.note(error)?;
        }
    }
    Ok(())
}

/// Makes the part of a block, whose checksum is compared.
fn block(name: &'static str, segment: &Segment, block: BlockMeta) -> Result<Part> {
    let part = Part::detail(name, block.offset, block.len);
    let read: Result<(), FormatError> = match segment.read_block(block) {
        Ok(_) => Ok(()),
        Err(error) => Err(FileDamage::of_error(error)?.error),
    };
    Ok(part.fill(read, |part, ()| part))
}
