//! Telling the form of an input from its first lines.

use crate::ingest::InputFormat;
use crate::ingest::access::looks_like_access_log;
use crate::ingest::exposition::{is_exposition_comment, looks_like_exposition};
use crate::ingest::influx::looks_like_line_protocol;
use crate::ingest::statsd::looks_like_statsd;

pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// True for a line that tells the form of its input: one that is neither empty nor a comment that
/// any form may have.
pub(crate) fn is_telling(line: &[u8]) -> bool {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    !line.is_empty() && (!line.starts_with(b"#") || is_exposition_comment(line))
}

/// Tells the form of an input by its first line that tells one.
pub(crate) fn detect(start: &[u8]) -> InputFormat {
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    let Some(line) = start.split(|&byte| byte == b'\n').find(|line| is_telling(line)) else {
        return InputFormat::Csv;
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line {
        line if line.trim_ascii_start().starts_with(b"{\"") => json_or_quoted(line),
        line if line.trim_ascii_start().starts_with(b"{") => InputFormat::Ndjson,
        line if is_exposition_comment(line) => InputFormat::Prometheus,
        line if looks_like_access_log(line) => InputFormat::AccessLog,
        line if looks_like_statsd(line) => InputFormat::Statsd,
        line if looks_like_line_protocol(line) => InputFormat::Influx,
        line if looks_like_exposition(line) => InputFormat::Prometheus,
        _ => InputFormat::Csv,
    }
}

/// Tells JSON from an exposition whose metric's name is in quotes: `{"a metric"} 1`.
fn json_or_quoted(line: &[u8]) -> InputFormat {
    if looks_like_exposition(line) { InputFormat::Prometheus } else { InputFormat::Ndjson }
}
