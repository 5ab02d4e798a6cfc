//! Reading an input row by row, whatever its form, and handing on what is good.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::ingest::csv::CsvRows;
use crate::ingest::influx::{InfluxRows, looks_like_line_protocol};
use crate::ingest::ndjson::JsonRows;
use crate::ingest::report::{BadRow, IngestReport};
use crate::ingest::{IngestOptions, Input, InputFormat, Row, Sink};
use crate::model::{MetricDef, Timestamp};

/// A longer row is refused, so that an input without line ends takes no memory.
const ROW_BYTES_MAX: usize = 4 << 20;
/// How much of the input is looked at to tell its form.
const PEEK_BYTES: usize = 64 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a form of input does with a row.
pub(crate) trait Rows {
    /// Reads one row and hands it to the feed. The first row of a form may be a header.
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError>;

    /// True where the row goes on behind this line end.
    fn goes_on(&self, _row: &[u8]) -> bool {
        false
    }
}

/// Why a row was not taken.
#[derive(Debug)]
pub(crate) enum RowError {
    /// The row is bad, the next one may be good.
    Bad(BadRow),
    /// Nothing more can be done.
    Fatal(Error),
}

impl From<BadRow> for RowError {
    fn from(bad: BadRow) -> Self {
        Self::Bad(bad)
    }
}

/// Reads a whole input and hands its samples to a sink. Gzipped input is told by its first bytes.
///
/// Memory is bounded by the longest row, at most 4 MiB.
///
/// ```
/// use silverback::ingest::{IngestOptions, Input, Row, Sink, ingest};
/// use silverback::{MetricDef, Result};
///
/// struct Print;
/// impl Sink for Print {
///     fn metric(&mut self, _: &MetricDef) -> Result<()> {
///         Ok(())
///     }
///     fn row(&mut self, row: &Row<'_>) -> Result<()> {
///         assert_eq!(row.samples, [("latency_ms", 842.0)]);
///         Ok(())
///     }
/// }
/// let text = "time,bot,latency_ms\n2026-02-09T10:00:00Z,support,842\n";
/// let input = Input { name: "requests.csv".to_owned(), bytes: text.as_bytes() };
/// let report = ingest(input, IngestOptions::default(), &mut Print)?;
/// assert_eq!((report.rows, report.samples), (1, 1));
/// # Ok::<(), silverback::Error>(())
/// ```
///
/// # Errors
/// I/O errors, errors of the sink, and the first bad row where asked to stop there.
pub fn ingest<R: Read>(
    input: Input<R>,
    options: IngestOptions<'_>,
    sink: &mut dyn Sink,
) -> Result<IngestReport> {
    let Input { name, bytes } = input;
    let mut reader = BufReader::with_capacity(PEEK_BYTES, bytes);
    let start = reader.fill_buf().map_err(|error| Error::io("read", Path::new(&name), error))?;
    let is_gzip = start.starts_with(&GZIP_MAGIC);
    let mut feed =
        Feed { options, sink, report: IngestReport::default(), defined: BTreeSet::new() };
    if is_gzip {
        let plain = flate2::bufread::MultiGzDecoder::new(reader);
        feed.read_all(&name, &mut BufReader::with_capacity(PEEK_BYTES, plain))?;
    } else {
        feed.read_all(&name, &mut reader)?;
    }
    Ok(feed.report)
}

/// The way of good rows to the sink, and the count of all.
pub(crate) struct Feed<'o, 's> {
    pub(crate) options: IngestOptions<'o>,
    sink: &'s mut dyn Sink,
    pub(crate) report: IngestReport,
    defined: BTreeSet<String>,
}

impl Feed<'_, '_> {
    fn read_all(&mut self, name: &str, reader: &mut dyn BufRead) -> Result<()> {
        let io_error = |error| Error::io("read", Path::new(name), error);
        let mut rows = self.rows_of(reader.fill_buf().map_err(io_error)?);
        let mut row = Vec::new();
        let mut line = 1;
        loop {
            if self.options.rows_max.is_some_and(|max| self.report.rows_stored >= max) {
                return Ok(());
            }
            row.clear();
            let taken = read_row(reader, &mut row, &*rows).map_err(io_error)?;
            if taken.lines == 0 {
                return Ok(());
            }
            let content = row.strip_suffix(b"\n").unwrap_or(&row);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            // A byte order mark belongs to no row.
            let content = match line {
                1 => content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content),
                _ => content,
            };
            let outcome = if taken.is_too_long {
                Err(BadRow::new(0, format!("the row is longer than {ROW_BYTES_MAX} bytes")).into())
            } else if content.is_empty() {
                Ok(())
            } else {
                rows.row(content, self)
            };
            self.settle(name, line, &row, outcome)?;
            line += taken.lines;
        }
    }

    /// Counts a bad row and keeps it, or ends.
    fn settle(
        &mut self,
        name: &str,
        line: u64,
        row: &[u8],
        outcome: Result<(), RowError>,
    ) -> Result<()> {
        match outcome {
            Ok(()) => Ok(()),
            Err(RowError::Fatal(error)) => Err(error),
            Err(RowError::Bad(bad)) if self.options.stop_on_error => {
                let BadRow { column, reason } = bad;
                Err(ErrorKind::Input { line, column, reason: format!("{reason} (in {name})") }
                    .into())
            }
            Err(RowError::Bad(bad)) => {
                self.report.rows += 1;
                self.report.reject(name, line, &bad);
                let Some(rejects) = &mut self.options.rejects else { return Ok(()) };
                rejects.write_all(row).map_err(|e| Error::io("write", Path::new("rejects"), e))
            }
        }
    }

    fn rows_of(&self, start: &[u8]) -> Box<dyn Rows> {
        let format = match self.options.format {
            InputFormat::Auto => detect(start),
            format => format,
        };
        match format {
            InputFormat::Ndjson => Box::new(JsonRows::default()),
            InputFormat::Influx => Box::new(InfluxRows),
            InputFormat::Csv | InputFormat::Auto => Box::new(CsvRows::default()),
        }
    }

    /// Tells the sink of a metric, once.
    pub(crate) fn define(&mut self, def: &MetricDef) -> Result<(), RowError> {
        if !self.defined.insert(def.name.clone()) {
            return Ok(());
        }
        self.sink.metric(def).map_err(RowError::Fatal)
    }

    /// Hands on a row. Its values are checked here; columns of values are counted from 1, or 0.
    pub(crate) fn take(
        &mut self,
        timestamp: Timestamp,
        labels: &mut Vec<(&str, &str)>,
        samples: &mut Vec<(&str, f64)>,
    ) -> Result<(), RowError> {
        let before = samples.len();
        samples.retain(|(_, value)| value.is_finite());
        let dropped = (before - samples.len()) as u64;
        if dropped > 0 && !self.options.skip_nan {
            return Err(BadRow::new(0, "a value is NaN or infinite").into());
        }
        if samples.is_empty() && dropped == 0 {
            return Err(BadRow::new(0, "the row has none of the mapped values").into());
        }
        let extra = std::mem::take(&mut self.options.labels);
        let all: Vec<(&str, &str)> = labels
            .iter()
            .copied()
            .chain(extra.iter().map(|(name, value)| (name.as_str(), value.as_str())))
            .collect();
        let taken = self.sink.row(&Row { timestamp, labels: &all, samples });
        drop(all);
        self.options.labels = extra;
        taken.map_err(|error| match error.kind() {
            ErrorKind::Model(refused) => RowError::Bad(BadRow::new(0, refused.to_string())),
            _ => RowError::Fatal(error),
        })?;
        self.report.rows += 1;
        self.report.rows_stored += 1;
        self.report.samples += samples.len() as u64;
        self.report.values_skipped += dropped;
        Ok(())
    }
}

/// Tells the form of an input by its first bytes.
fn detect(start: &[u8]) -> InputFormat {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    if start.starts_with(b"{") {
        return InputFormat::Ndjson;
    }
    let first_lines = start.split(|&byte| byte == b'\n').take(5);
    let mut lines =
        first_lines.filter(|line| !line.trim_ascii().is_empty() && !line.starts_with(b"#"));
    match lines.next() {
        Some(line) if looks_like_line_protocol(line) => InputFormat::Influx,
        _ => InputFormat::Csv,
    }
}

/// How much of the input one row took.
struct Taken {
    lines: u64,
    is_too_long: bool,
}

/// Reads a line, and the next ones where the row goes on in them. A row that is too long is read to
/// its line end, but not kept.
fn read_row(reader: &mut dyn BufRead, row: &mut Vec<u8>, rows: &dyn Rows) -> io::Result<Taken> {
    let mut taken = Taken { lines: 0, is_too_long: false };
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            taken.lines += u64::from(!row.is_empty() || taken.is_too_long);
            return Ok(taken);
        }
        let line_end = available.iter().position(|&byte| byte == b'\n');
        let used = line_end.map_or(available.len(), |at| at + 1);
        if row.len() + used > ROW_BYTES_MAX {
            taken.is_too_long = true;
        }
        if !taken.is_too_long {
            row.extend_from_slice(available.get(..used).unwrap_or(&[]));
        }
        reader.consume(used);
        if line_end.is_some() {
            taken.lines += 1;
            if taken.is_too_long || !rows.goes_on(row) {
                return Ok(taken);
            }
        }
    }
}
