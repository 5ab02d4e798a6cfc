//! The forms that samples are written in, and a writer of any of them.

use std::collections::BTreeSet;
use std::io;
use std::str::FromStr;

use crate::model::{MetricDef, ModelError, Sample, SeriesKey};
use crate::output::samples::{csv, exposition, line, ndjson};

/// The forms that samples are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SampleFormat {
    /// Influx line protocol: `latency,bot=support value=842.5 1770631200000000000`.
    #[default]
    Influx,
    /// A table with the columns metric, timestamp, value, and one a label.
    Csv,
    /// One JSON object a sample.
    Ndjson,
    /// `OpenMetrics` with times: kinds and units are kept as far as it has them.
    OpenMetrics,
}

impl FromStr for SampleFormat {
    type Err = ModelError;

    fn from_str(word: &str) -> Result<Self, ModelError> {
        match word {
            "influx" => Ok(Self::Influx),
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            "prom" => Ok(Self::OpenMetrics),
            _ => Err(ModelError::UnknownWord {
                what: "form of samples",
                word: word.to_owned(),
                known: "influx, csv, ndjson, prom",
            }),
        }
    }
}

/// Writes the samples of series in one form.
///
/// ```
/// use silverback::output::{SampleFormat, SampleWriter};
/// use silverback::{MetricDef, Sample, SeriesKey, Timestamp};
///
/// # fn main() -> std::io::Result<()> {
/// let key = SeriesKey::new("latency").label("bot", "support");
/// let mut writer = SampleWriter::new(SampleFormat::Csv, [&key], Vec::new());
/// let sample = Sample::new(Timestamp::from_nanos(1_770_631_200_000_000_000), 842.5);
/// writer.series(&MetricDef::new("latency"), &key, std::iter::once(sample))?;
/// let text = writer.finish()?;
/// assert_eq!(
///     String::from_utf8_lossy(&text),
///     "metric,timestamp,value,bot\nlatency,2026-02-09T10:00:00Z,842.5,support\n"
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SampleWriter<W: io::Write> {
    format: SampleFormat,
    /// The labels of all series, which are the columns of a table.
    labels: Vec<String>,
    out: W,
    is_begun: bool,
    /// The metric that was written last.
    metric: Option<String>,
}

impl<W: io::Write> SampleWriter<W> {
    /// Starts; all series that will come are told, since a table needs their labels.
    pub fn new<'a>(
        format: SampleFormat,
        series: impl IntoIterator<Item = &'a SeriesKey>,
        out: W,
    ) -> Self {
        let mut labels = BTreeSet::new();
        if format == SampleFormat::Csv {
            for key in series {
                let new = key.labels().map(|(name, _)| name);
                labels.extend(
                    new.filter(|name| !labels.contains(*name))
                        .map(str::to_owned)
                        .collect::<Vec<_>>(),
                );
            }
        }
        let labels = labels.into_iter().collect();
        Self { format, labels, out, is_begun: false, metric: None }
    }

    /// Writes the samples of one series, in order. Series of one metric come one after the other.
    ///
    /// # Errors
    /// What the writer says.
    pub fn series(
        &mut self,
        def: &MetricDef,
        key: &SeriesKey,
        samples: impl Iterator<Item = Sample>,
    ) -> io::Result<()> {
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        match self.format {
            SampleFormat::Influx => line::write(key, samples, &mut self.out),
            SampleFormat::Ndjson => ndjson::write(key, samples, &mut self.out),
            SampleFormat::Csv => {
                if is_first {
                    csv::write_header(&self.labels, &mut self.out)?;
                }
                csv::write(key, &self.labels, samples, &mut self.out)
            }
            SampleFormat::OpenMetrics => {
                if self.metric.as_deref() != Some(key.metric()) {
                    self.metric = Some(key.metric().to_owned());
                    exposition::write_comments(def, &mut self.out)?;
                }
                exposition::write(key, samples, &mut self.out)
            }
        }
    }

    /// Ends, and returns the writer.
    ///
    /// # Errors
    /// What the writer says.
    pub fn finish(mut self) -> io::Result<W> {
        match self.format {
            SampleFormat::OpenMetrics => exposition::write_end(&mut self.out)?,
            SampleFormat::Csv if !self.is_begun => csv::write_header(&self.labels, &mut self.out)?,
            _ => {}
        }
        Ok(self.out)
    }
}
