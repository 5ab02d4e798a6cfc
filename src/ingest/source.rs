//! Reading an input row by row, whatever its form, and handing on what is good.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Result};
use crate::ingest::csv::CsvRows;
use crate::ingest::influx::{InfluxRows, looks_like_line_protocol};
use crate::ingest::lines::{Lines, ROW_BYTES_MAX, RowEnd, Taken};
use crate::ingest::ndjson::JsonRows;
use crate::ingest::report::{BadRow, IngestReport};
use crate::ingest::{IngestOptions, Input, InputFormat, Row, Sink};
use crate::model::{MetricDef, Timestamp};

/// How much of the input is looked at to tell its form.
const PEEK_BYTES: usize = 64 << 10;
const BUFFER_BYTES: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// What a form of input does with a row.
pub(crate) trait Rows {
    /// Reads one row and hands it to the feed. The first row of a form may be a header.
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError>;

    /// True where the next row is the header, without which no other can be read.
    fn is_header_next(&self) -> bool {
        false
    }

    /// True where a row is open behind this line, given whether one was before it.
    fn leaves_open(&self, _line: &[u8], _is_open: bool) -> bool {
        false
    }
}

/// Why a row was not taken.
#[derive(Debug)]
pub(crate) enum RowError {
    /// The row is bad, the next one may be good.
    Bad(BadRow),
    /// The row's first line is bad; those behind it may belong to other rows.
    Torn(BadRow),
    /// Without this row none of the input can be read.
    Unusable(BadRow),
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
    let Input { name, mut bytes } = input;
    let mut magic = Vec::new();
    let peeked = bytes.by_ref().take(GZIP_MAGIC.len() as u64).read_to_end(&mut magic);
    peeked.map_err(|error| Error::io("read", Path::new(&name), error))?;
    let is_gzip = magic == GZIP_MAGIC;
    let reader = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(magic).chain(bytes));
    let mut feed =
        Feed { options, sink, report: IngestReport::default(), defined: BTreeSet::new() };
    if is_gzip {
        let plain = MultiGzDecoder::new(reader);
        feed.read_all(&name, &mut BufReader::with_capacity(BUFFER_BYTES, plain))?;
    } else {
        let mut reader = reader;
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
        let mut lines = Lines::new(reader);
        let start = lines.peek(PEEK_BYTES, &is_telling).map_err(io_error)?;
        let mut rows = self.rows_of(start);
        let mut row = Vec::new();
        let mut line = 1;
        while self.options.rows_max.is_none_or(|max| self.report.rows_stored < max) {
            let leaves_open = |line: &[u8], is_open: bool| rows.leaves_open(line, is_open);
            let taken = lines.read_row(&mut row, &leaves_open).map_err(io_error)?;
            if taken.end == RowEnd::Nothing {
                break;
            }
            let outcome = self.row(&mut *rows, content(&row, line), taken);
            let is_torn = matches!(outcome, Err(RowError::Torn(_)));
            if is_torn {
                lines.give_back(row.get(taken.first_line_bytes..).unwrap_or(&[]));
                row.truncate(taken.first_line_bytes);
            }
            self.settle(name, line, &row, outcome)?;
            if taken.end == RowEnd::TooLong && taken.lines == 0 {
                self.pass_over(&mut lines).map_err(io_error)?;
            }
            line += if is_torn { 1 } else { taken.lines.max(1) };
        }
        Ok(())
    }

    fn row(&mut self, rows: &mut dyn Rows, row: &[u8], taken: Taken) -> Result<(), RowError> {
        let bad = match taken.end {
            RowEnd::Whole | RowEnd::Nothing if row.trim_ascii().is_empty() => return Ok(()),
            RowEnd::Whole | RowEnd::Nothing => return rows.row(row, self),
            RowEnd::TooLong if taken.lines == 0 => {
                BadRow::new(0, format!("the row is longer than {ROW_BYTES_MAX} bytes"))
            }
            RowEnd::Open | RowEnd::TooLong => BadRow::new(0, "a quote is opened and never closed"),
        };
        Err(match taken.lines {
            _ if rows.is_header_next() => RowError::Unusable(bad),
            0 => RowError::Bad(bad),
            _ => RowError::Torn(bad),
        })
    }

    /// Reads the rest of a line that is too long for memory, and keeps it with the refused ones.
    fn pass_over(&mut self, lines: &mut Lines<'_>) -> io::Result<()> {
        lines.read_to_line_end(&mut |piece| match &mut self.options.rejects {
            Some(rejects) => rejects.write_all(piece),
            None => Ok(()),
        })
    }

    /// Counts a bad row and keeps it, or ends.
    fn settle(
        &mut self,
        name: &str,
        line: u64,
        row: &[u8],
        outcome: Result<(), RowError>,
    ) -> Result<()> {
        let (bad, ends) = match outcome {
            Ok(()) => return Ok(()),
            Err(RowError::Fatal(error)) => return Err(error),
            Err(RowError::Unusable(bad)) => (bad, true),
            Err(RowError::Bad(bad) | RowError::Torn(bad)) => (bad, self.options.stop_on_error),
        };
        if ends {
            let BadRow { column, reason } = bad;
            let reason = format!("{reason} (in {name})");
            return Err(ErrorKind::Input { line, column, reason }.into());
        }
        self.report.rows += 1;
        self.report.reject(name, line, &bad);
        let Some(rejects) = &mut self.options.rejects else { return Ok(()) };
        rejects.write_all(row).map_err(|error| Error::io("write", Path::new("rejects"), error))
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

/// Returns a row without its line end, and without a byte order mark, which belongs to no row.
fn content(row: &[u8], line: u64) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    if line == 1 { row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row) } else { row }
}

/// True for a line that tells the form of its input: one that is neither empty nor a comment.
fn is_telling(line: &[u8]) -> bool {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line).trim_ascii();
    !line.is_empty() && !line.starts_with(b"#")
}

/// Tells the form of an input by its first line that tells one.
fn detect(start: &[u8]) -> InputFormat {
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    match start.split(|&byte| byte == b'\n').find(|line| is_telling(line)) {
        Some(line) if line.trim_ascii_start().starts_with(b"{") => InputFormat::Ndjson,
        Some(line) if looks_like_line_protocol(line) => InputFormat::Influx,
        _ => InputFormat::Csv,
    }
}
