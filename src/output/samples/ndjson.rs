//! Samples as JSON, an object each.

use std::io;

use crate::model::{Sample, SeriesKey};
use crate::output::number;

/// Writes `{"metric":…,"time":…,"value":…,"labels":{…}}`, a line each.
pub(crate) fn write(
    key: &SeriesKey,
    samples: impl Iterator<Item = Sample>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let text = |text: &str| serde_json::to_string(text).map_err(io::Error::from);
    let metric = text(key.metric())?;
    let mut labels = Vec::new();
    for (name, value) in key.labels() {
        labels.push(format!("{}:{}", text(name)?, text(value)?));
    }
    let labels = labels.join(",");
    for sample in samples {
        let (time, value) = (sample.timestamp, number::text(sample.value));
        writeln!(
            out,
            "{{\"metric\":{metric},\"time\":\"{time}\",\"value\":{value},\"labels\":{{{labels}}}}}"
        )?;
    }
    Ok(())
}
