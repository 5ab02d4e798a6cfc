//! Samples as Influx line protocol: `metric,label=value value=842.5 1700000000000000000`.

use std::io;

use crate::model::{Sample, SeriesKey};
use crate::output::number;

/// Writes the samples of one series, a line each, in order.
pub(crate) fn write(
    key: &SeriesKey,
    samples: impl Iterator<Item = Sample>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut prefix = escaped(key.metric(), &[',', ' ']);
    // What would make the line a comment, or the input another form, is no start of a name.
    if prefix.starts_with(['#', '{', '\u{feff}']) {
        prefix.insert(0, '\\');
    }
    for (name, value) in key.labels() {
        prefix.push(',');
        prefix.push_str(&escaped(name, &[',', ' ', '=']));
        prefix.push('=');
        prefix.push_str(&escaped(value, &[',', ' ', '=']));
    }
    for sample in samples {
        let (value, time) = (number::text(sample.value), sample.timestamp.as_nanos());
        // With all digits no reader takes it for a time in another unit.
        writeln!(out, "{prefix} value={value} {time:019}")?;
    }
    Ok(())
}

/// Puts a backslash before what would end the text, before a backslash, and in place of line ends.
fn escaped(text: &str, special: &[char]) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            c if special.contains(&c) => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}
