//! Looking at a log: its header, each frame up to the end of the valid prefix, and what is behind.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::FormatError;
use crate::format::definition::{Definition, decode_definitions};
use crate::format::frame::{Frame, FrameHead, decode_frame};
use crate::format::log_header::{LOG_HEADER_BYTES, LogHeader};
use crate::format::tombstone::Tombstone;
use crate::head::Registry;
use crate::model::Timestamp;
use crate::store::inspect::part::Part;
use crate::store::inspect::start::{Inspection, read_whole};
use crate::vfs::ReadFile;
use crate::wal::{Ignore, LogBytes, LogGeneration, ScanState, find_gap, scan};

/// How much is read at once; a longer frame is read alone.
const BLOCK_BYTES: usize = 256 << 10;

pub(super) fn show(file: &Arc<dyn ReadFile>, inspection: &mut Inspection<'_>) -> Result<()> {
    let page = read_whole(&**file, LOG_HEADER_BYTES as u64)?;
    let decoded = LogHeader::decode(&page);
    let header = Part::new("header", 0, page.len() as u64).fill(decoded.clone(), header_fields);
    inspection.show(&header)?;
    // Every checksum begins with what the header says.
    let Ok(header) = decoded else { return Ok(()) };
    let log = LogGeneration { header, bytes: LogBytes::Opened(Arc::clone(file)) };
    let mut state = ScanState::new();
    if let Err(error) = scan(&log, &mut state, u64::MAX, &mut Ignore) {
        inspection.note(error)?;
    }
    Frames { file: &**file, block: Vec::new(), block_at: 0, registry: Registry::default() }
        .show(state.offset, inspection)?;
    if let Err(error) = log.check_not_cut(state.offset) {
        inspection.note(error)?;
    }
    show_end(&log, &state, inspection)
}

fn header_fields(part: Part, header: LogHeader) -> Part {
    part.with("db uuid", header.db_uuid)
        .with("generation", header.generation)
        .with("created", Timestamp::from_nanos(header.created))
}

/// Shows what stands behind the valid prefix.
fn show_end(log: &LogGeneration, state: &ScanState, inspection: &mut Inspection<'_>) -> Result<()> {
    let len = inspection.report.file_bytes.saturating_sub(state.offset);
    let gap = find_gap(log, state)?;
    let name = match gap {
        Some(_) => "gap",
        None => "free",
    };
    let mut part = Part::new(name, state.offset, len)
        .with("seq before", state.seq)
        .with("durable up to", state.durable)
        .with("shut down", if state.closed { "in order" } else { "no" });
    if let Some(gap) = gap {
        part = part
            .with("next valid frame", gap.offset)
            .with("valid frames", gap.frames)
            .with("seq after", gap.seq_after)
            .with("cause", if gap.is_corruption { "damage" } else { "power cut" });
        if gap.is_corruption {
            let (needed, available) = (gap.offset, state.offset);
            part.damage = Some(FormatError::Truncated { needed, available });
        }
    }
    inspection.show(&part)
}

/// The frames of a log, read block by block.
struct Frames<'a> {
    file: &'a dyn ReadFile,
    block: Vec<u8>,
    block_at: u64,
    registry: Registry,
}

impl Frames<'_> {
    /// Shows the frames up to the end of the valid prefix, all of which are intact.
    fn show(&mut self, end: u64, inspection: &mut Inspection<'_>) -> Result<()> {
        let mut at = LOG_HEADER_BYTES as u64;
        while at < end {
            let Some(word) = self.bytes(at, 8)?.first_chunk::<8>().copied() else { break };
            let Some(head) = FrameHead::of_word(u64::from_le_bytes(word)) else { break };
            let len = head.words * 8;
            let path = self.file.path().to_owned();
            let mut registry = std::mem::take(&mut self.registry);
            let decoded = decode_frame(head, self.bytes(at, len)?);
            let part = decoded.and_then(|frame| describe(&frame, at, len as u64, &mut registry));
            self.registry = registry;
            match part {
                Ok((part, samples)) => {
                    inspection.report.samples += samples;
                    inspection.show(&part)?;
                }
                Err(error) => inspection.note(Error::corrupt(&path, at, error))?,
            }
            at += len as u64;
        }
        Ok(())
    }

    /// Returns bytes of the file; fewer only at its end.
    fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8]> {
        let has = |block: &Vec<u8>, from: u64| {
            let start = usize::try_from(at.checked_sub(from)?).ok()?;
            let end = start.checked_add(len)?;
            (end <= block.len()).then_some(start..end)
        };
        if has(&self.block, self.block_at).is_none() {
            self.block.resize(len.max(BLOCK_BYTES), 0);
            let got = self.file.read_at(at, &mut self.block)?;
            self.block.truncate(got);
            self.block_at = at;
        }
        let range = has(&self.block, self.block_at);
        Ok(range.and_then(|range| self.block.get(range)).unwrap_or(&[]))
    }
}

type Described = Result<(Part, u64), FormatError>;

/// Returns what a frame says, and how many samples it holds.
fn describe(frame: &Frame<'_>, at: u64, len: u64, registry: &mut Registry) -> Described {
    let part = |name| Part::detail(name, at, len);
    Ok(match *frame {
        Frame::Sample { series, timestamp, value } => {
            let named = name_of(series, registry);
            let time = Timestamp::from_nanos(timestamp);
            (part("SAMPLE").with("series", named).with("time", time).with("value", value), 1)
        }
        Frame::Mark { seq, durable } => {
            (part("MARK").with("seq", seq).with("durable up to", durable), 0)
        }
        Frame::Batch { seq, token, ref batch } => {
            let mut times: Option<(i64, i64)> = None;
            batch.rows(|_, time, _| {
                let (first, last) = times.unwrap_or((time, time));
                times = Some((first.min(time), last.max(time)));
            })?;
            let name = if token.is_some() { "ONCE" } else { "BATCH" };
            let mut part = part(name).with("seq", seq).with("samples", batch.len() as u64);
            if let Some(token) = token {
                part = part.with("producer", token.producer).with("position", token.position);
            }
            if let Some((first, last)) = times {
                part = part
                    .with("first time", Timestamp::from_nanos(first))
                    .with("last time", Timestamp::from_nanos(last));
            }
            (part, batch.len() as u64)
        }
        Frame::Delete { seq, body } => {
            let tombstone = Tombstone::decode(0, body)?;
            let metric = tombstone.selector.metric.unwrap_or_else(|| "any metric".to_owned());
            let part = part("DELETE")
                .with("seq", seq)
                .with("metric", metric)
                .with("matchers", tombstone.selector.matchers.len() as u64)
                .with("time start", tombstone.range.start)
                .with("time end", tombstone.range.end);
            (part, 0)
        }
        Frame::Open(open) => {
            let part = part("OPEN")
                .with("previous generation", open.previous_generation)
                .with("its end", open.previous_end)
                .with("its last seq", open.previous_seq);
            (part, 0)
        }
        Frame::Define(body) => (describe_definitions(part("DEFINE"), body, registry)?, 0),
        Frame::Close { seq } => (part("CLOSE").with("seq", seq), 0),
    })
}

fn describe_definitions(
    part: Part,
    body: &[u8],
    registry: &mut Registry,
) -> Result<Part, FormatError> {
    let (metrics, series) = (registry.metrics().len(), registry.series_count());
    let mut symbols = 0_u64;
    decode_definitions(body, |definition| {
        symbols += u64::from(matches!(definition, Definition::Symbol(_)));
        Ok(())
    })?;
    registry.define(body)?;
    let mut part = part.with("symbols", symbols);
    for metric in registry.metrics().iter().skip(metrics) {
        let unit = metric.unit.as_deref().unwrap_or("no unit");
        let text = format!("{} ({}, {unit}, {})", metric.name, metric.kind, metric.duplicates);
        part = part.with("metric", text);
    }
    for series in series..registry.series_count() {
        let key = u32::try_from(series).ok().and_then(|series| registry.key(series));
        part = part.with("series", key.map_or_else(String::new, |key| key.to_string()));
    }
    Ok(part)
}

/// Names a series by its number and, where that was defined, its labels.
fn name_of(series: u32, registry: &Registry) -> String {
    match registry.key(series) {
        Some(key) => format!("{series} {key}"),
        None => format!("{series}"),
    }
}
