//! Samples as a table: metric, timestamp, value, and a column a label.

use std::io;

use crate::model::{Sample, SeriesKey};
use crate::output::number;

/// What is called so by a label stands behind `label.`, which its reader takes away.
const RESERVED: [&str; 3] = ["metric", "timestamp", "value"];

/// Writes the header.
pub(crate) fn write_header(labels: &[String], out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(b"metric,timestamp,value")?;
    for label in labels {
        let is_reserved = RESERVED.contains(&label.trim_start_matches("label."));
        let name = if is_reserved { format!("label.{label}") } else { label.clone() };
        write!(out, ",{}", field(&name))?;
    }
    out.write_all(b"\n")
}

/// Writes the samples of a series, a line each.
pub(crate) fn write(
    key: &SeriesKey,
    labels: &[String],
    samples: impl Iterator<Item = Sample>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let metric = field(key.metric());
    let mut tail = String::new();
    for label in labels {
        tail.push(',');
        tail.push_str(&field(key.value_of(label)));
    }
    for sample in samples {
        let (time, value) = (sample.timestamp, number::text(sample.value));
        writeln!(out, "{metric},{time},{value}{tail}")?;
    }
    Ok(())
}

/// Returns a field, in quotes where it would be read as something else.
fn field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) || text != text.trim() {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}
