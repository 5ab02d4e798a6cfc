//! Looking at files that are read whole: MANIFEST, BACKUP, requests and their answers.

use crate::error::Result;
use crate::format::FormatError;
use crate::format::backup::BackupRecord;
use crate::format::manifest::{ManifestRecord, SegmentRecord};
use crate::format::request::{ReplyRecord, RequestRecord};
use crate::manifest;
use crate::model::Timestamp;
use crate::store::inspect::FileKind;
use crate::store::inspect::part::Part;
use crate::store::inspect::start::{Inspection, read_whole};
use crate::vfs::ReadFile;

/// A manifest of a million segments has 80 MB.
const BYTES_MAX: u64 = 256 << 20;
const MANIFEST_HEADER_BYTES: u64 = 72;
const ENTRY_BYTES: u64 = 80;
const CRC_BYTES: u64 = 4;

pub(super) fn show(
    file: &dyn ReadFile,
    kind: FileKind,
    inspection: &mut Inspection<'_>,
) -> Result<()> {
    let bytes = read_whole(file, BYTES_MAX)?;
    let whole = |name| Part::new(name, 0, bytes.len() as u64);
    match kind {
        FileKind::Backup => {
            inspection.show(&whole("backup").fill(BackupRecord::decode(&bytes), backup))
        }
        FileKind::Request => {
            inspection.show(&whole("request").fill(RequestRecord::decode(&bytes), request))
        }
        FileKind::Reply => {
            inspection.show(&whole("reply").fill(ReplyRecord::decode(&bytes), reply))
        }
        _ => show_manifest(&bytes, inspection),
    }
}

fn show_manifest(bytes: &[u8], inspection: &mut Inspection<'_>) -> Result<()> {
    let record = match ManifestRecord::decode(bytes) {
        Ok(record) => record,
        Err(error) => {
            let failed: Result<(), FormatError> = Err(error);
            let part = Part::new("manifest", 0, bytes.len() as u64);
            return inspection.show(&part.fill(failed, |part, ()| part));
        }
    };
    let header = Part::new("header", 0, MANIFEST_HEADER_BYTES)
        .with("db uuid", record.db_uuid)
        .with("edit", record.edit)
        .with("flushed generation", record.flushed_generation)
        .with("flushed seq", record.flushed_seq)
        .with("begun generation", record.begun_generation)
        .with("segments", record.segments.len() as u64);
    inspection.show(&header)?;
    let mut at = MANIFEST_HEADER_BYTES;
    for segment in &record.segments {
        inspection.report.samples += segment.samples;
        inspection.show(&entry(segment, at))?;
        at += ENTRY_BYTES;
    }
    let end = (bytes.len() as u64).saturating_sub(CRC_BYTES);
    inspection.show(&ledger(&record, at, end.saturating_sub(at)))?;
    inspection.show(&Part::new("checksum", end, CRC_BYTES))
}

fn entry(segment: &SegmentRecord, at: u64) -> Part {
    Part::detail("entry", at, ENTRY_BYTES)
        .with("partition", manifest::partition_name(segment))
        .with("segment", manifest::segment_name(segment))
        .with("file length", segment.file_bytes)
        .with("samples", segment.samples)
        .with("time of the first sample", Timestamp::from_nanos(segment.time_first))
        .with("time of the last sample", Timestamp::from_nanos(segment.time_last))
}

fn ledger(record: &ManifestRecord, at: u64, len: u64) -> Part {
    let (retention, written) = (&record.ledger.retention, &record.ledger.written);
    let mut part = Part::new("ledger", at, len)
        .with("expired before", Timestamp::from_nanos(retention.expired_before))
        .with("keep", retention.keep_nanos)
        .with("bytes max", retention.bytes_max)
        .with("samples", written.samples)
        .with("log bytes", written.log_bytes)
        .with("flushed bytes", written.flushed_bytes)
        .with("merged bytes", written.merged_bytes)
        .with("retention rules", retention.rules.len() as u64)
        .with("producers", record.ledger.producers.len() as u64)
        .with("tombstones", record.ledger.tombstones.len() as u64);
    for tombstone in &record.ledger.tombstones {
        part = part
            .with("tombstone generation", tombstone.generation)
            .with("tombstone start", tombstone.range.start)
            .with("tombstone end", tombstone.range.end);
    }
    part
}

fn backup(part: Part, record: BackupRecord) -> Part {
    part.with("db uuid", record.db_uuid)
        .with("created", Timestamp::from_nanos(record.created))
        .with("edit", record.edit)
        .with("seq", record.seq)
        .with("samples", record.samples)
        .with("segments", record.segments)
        .with("log generations", record.logs)
        .with("log bytes", record.log_bytes)
}

fn request(part: Part, record: RequestRecord) -> Part {
    match record {
        RequestRecord::Define(def) => part
            .with("asks", "define")
            .with("metric", def.name)
            .with("kind", def.kind.as_str())
            .with("unit", def.unit.unwrap_or_default()),
        RequestRecord::Delete(tombstone) => part
            .with("asks", "delete")
            .with("metric", tombstone.selector.metric.unwrap_or_default())
            .with("start", tombstone.range.start)
            .with("end", tombstone.range.end),
        RequestRecord::Retain(ledger) => {
            part.with("asks", "retain").with("keep", ledger.retention.keep_nanos)
        }
        RequestRecord::Expire => part.with("asks", "expire"),
        RequestRecord::Compact => part.with("asks", "compact"),
        RequestRecord::Purge => part.with("asks", "purge"),
        RequestRecord::Mark(mark) => {
            part.with("asks", "mark").with("text", mark.text.as_str()).with("time", mark.time)
        }
    }
}

fn reply(part: Part, record: ReplyRecord) -> Part {
    match record {
        ReplyRecord::Done(numbers) => {
            numbers.into_iter().fold(part, |part, number| part.with("done", number))
        }
        ReplyRecord::Refused(reason) => part.with("refused", reason),
    }
}
