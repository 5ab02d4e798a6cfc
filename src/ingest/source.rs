//! Reading an input row by row, whatever its form, and handing on what is good.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::ingest::access::AccessRows;
use crate::ingest::compressed::plain;
use crate::ingest::csv::CsvRows;
use crate::ingest::detect::{BYTE_ORDER_MARK, detect, is_telling};
use crate::ingest::exposition::ExpositionRows;
use crate::ingest::groups::{Group, Groups};
use crate::ingest::influx::InfluxRows;
use crate::ingest::json::JsonRows;
use crate::ingest::lines::{Lines, ROW_BYTES_MAX, RowEnd, Taken};
use crate::ingest::report::{BadRow, IngestReport, Rejected};
use crate::ingest::statsd::StatsdRows;
use crate::ingest::time;
use crate::ingest::{IngestOptions, Input, InputFormat, Row, Sink};
use crate::model::{MetricDef, Timestamp};

/// How much of the input is looked at to tell its form.
const PEEK_BYTES: usize = 64 << 10;

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

impl RowError {
    /// Says of what is wrong with a row that it is wrong with all of them.
    pub(crate) fn of_all_rows(self) -> Self {
        match self {
            Self::Bad(bad) | Self::Torn(bad) => Self::Unusable(bad),
            error => error,
        }
    }
}

impl From<BadRow> for RowError {
    fn from(bad: BadRow) -> Self {
        Self::Bad(bad)
    }
}

/// Reads a whole input and hands its samples to a sink. Input in gzip or Zstandard is told by its
/// first bytes.
///
/// Memory is bounded by the longest row, at most 4 MiB, and by the number of series.
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
///         assert!(row.samples().eq([("latency_ms", 842.0)]));
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
/// I/O errors, errors of the sink, and the first bad row where asked to stop there. A reader that
/// has nothing for now may say [`io::ErrorKind::WouldBlock`]: the sink is told, and it is asked
/// again.
pub fn ingest<R: Read>(
    input: Input<R>,
    options: IngestOptions<'_>,
    sink: &mut dyn Sink,
) -> Result<IngestReport> {
    let Input { name, bytes } = input;
    let mut reader = plain(bytes, &|| options.is_stopped())
        .map_err(|error| Error::io("read", Path::new(&name), error))?;
    sink.input()?;
    let mut feed = Feed {
        groups: Groups::new(options.series_max),
        options,
        sink,
        report: IngestReport::default(),
        defined: HashSet::new(),
        line: 1,
        end: 0,
        lines: 1,
    };
    feed.read_all(&name, &mut reader)?;
    Ok(feed.report)
}

/// The way of good rows to the sink, and the count of all.
pub(crate) struct Feed<'o, 's> {
    pub(crate) options: IngestOptions<'o>,
    pub(crate) report: IngestReport,
    pub(crate) groups: Groups,
    sink: &'s mut dyn Sink,
    defined: HashSet<String>,
    /// The line that the row begins at, how many it has, and the byte that it ends before.
    line: u64,
    lines: u64,
    end: u64,
}

impl Feed<'_, '_> {
    fn read_all(&mut self, name: &str, reader: &mut dyn Read) -> Result<()> {
        let io_error = |error| Error::io("read", Path::new(name), error);
        let mut lines = Lines::new(reader);
        let start =
            lines.peek(PEEK_BYTES, &is_telling, &|| self.options.is_stopped()).map_err(io_error)?;
        let mut rows = self.rows_of(start);
        while self.options.rows_max.is_none_or(|max| self.report.rows_stored < max)
            && !self.options.is_stopped()
        {
            let leaves_open = |line: &[u8], is_open: bool| rows.leaves_open(line, is_open);
            let taken = lines.next_row(&leaves_open).map_err(io_error)?;
            match taken.end {
                RowEnd::Nothing => break,
                RowEnd::Idle => self.sink.idle()?,
                _ if self.is_left(&lines, taken) => {
                    self.report.left = Some(self.line);
                    break;
                }
                _ => self.take_from(name, &mut lines, &mut *rows, taken)?,
            }
        }
        Ok(())
    }

    /// True for a row that may still be written, where such a one is to be left.
    fn is_left(&self, lines: &Lines<'_>, taken: Taken) -> bool {
        let is_open = match taken.end {
            RowEnd::Open => true,
            RowEnd::Whole => !lines.row(taken.bytes).ends_with(b"\n"),
            RowEnd::TooLong | RowEnd::Idle | RowEnd::Nothing => false,
        };
        let end = lines.offset() + taken.bytes as u64;
        is_open && self.options.leaves_unfinished && end > self.options.skip_to
    }

    /// Reads the row that was found.
    fn take_from(
        &mut self,
        name: &str,
        lines: &mut Lines<'_>,
        rows: &mut dyn Rows,
        taken: Taken,
    ) -> Result<()> {
        self.lines = taken.lines.max(1);
        self.end = lines.offset() + taken.bytes as u64;
        let row = lines.row(taken.bytes);
        let (mut consumed, mut is_cut) = (taken.bytes, false);
        let (end, again) = (self.end, self.met_again(row, lines.offset()));
        let mut outcome = self.row(rows, content(row, self.line), taken);
        if let Some(again) = again.filter(|_| !matches!(outcome, Err(RowError::Fatal(_)))) {
            (self.end, outcome) = (end, Err(again));
        }
        if let Err(error) = outcome {
            if matches!(error, RowError::Torn(_)) {
                consumed = taken.first_line_bytes;
                self.lines = 1;
                self.end = lines.offset() + consumed as u64;
            }
            self.refuse(name, row.get(..consumed).unwrap_or(row), error)?;
            is_cut = taken.end == RowEnd::TooLong && taken.lines == 0;
        }
        lines.consume(consumed);
        if is_cut {
            self.pass_over(lines).map_err(|error| Error::io("read", Path::new(name), error))?;
        }
        self.line += self.lines;
        Ok(())
    }

    fn row(&mut self, rows: &mut dyn Rows, row: &[u8], taken: Taken) -> Result<(), RowError> {
        let bad = match taken.end {
            RowEnd::Whole | RowEnd::Nothing | RowEnd::Idle => {
                // Only what begins with white space can be nothing else.
                let is_blank =
                    row.first().is_none_or(u8::is_ascii_whitespace) && row.trim_ascii().is_empty();
                return if is_blank { Ok(()) } else { rows.row(row, self) };
            }
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

    /// Looks at a row of which a part was taken before. Where all that is new is its line end, it
    /// counts as passed; else this says what is wrong.
    fn met_again(&mut self, row: &[u8], start: u64) -> Option<RowError> {
        let skip_to = self.options.skip_to;
        if !(start + 1..self.end).contains(&skip_to) {
            return None;
        }
        self.end = skip_to;
        let seen = usize::try_from(skip_to - start).unwrap_or(usize::MAX);
        let (before, behind) = row.split_at_checked(seen)?;
        if before.ends_with(b"\n") {
            // Its first line was refused, so that those behind it are rows of their own.
            return Some(RowError::Torn(BadRow::new(0, "a quote is opened and never closed")));
        }
        let reason = "the line was stored as it stood before it had an end, and went on";
        (!matches!(behind, b"\n" | b"\r\n")).then(|| BadRow::new(0, reason).into())
    }

    /// True where the row was taken when this input was read before.
    fn is_passed(&self) -> bool {
        self.end <= self.options.skip_to
    }

    /// Reads the rest of a line that is too long for memory, and keeps it with the refused ones.
    fn pass_over(&mut self, lines: &mut Lines<'_>) -> io::Result<()> {
        let is_passed = self.is_passed();
        lines.consume_line(&mut |piece| match &mut self.options.rejects {
            Some(rejects) if !is_passed => rejects.write_all(piece),
            _ => Ok(()),
        })
    }

    /// Counts a bad row and keeps it, or ends.
    #[cold]
    fn refuse(&mut self, name: &str, row: &[u8], error: RowError) -> Result<()> {
        let (bad, is_header, ends) = match error {
            RowError::Fatal(error) => return Err(error),
            RowError::Unusable(bad) => (bad, true, true),
            RowError::Bad(bad) | RowError::Torn(bad) => (bad, false, self.options.stop_on_error),
        };
        // What was refused once is not refused again; a header is read each time.
        if !is_header && self.is_passed() {
            return Ok(());
        }
        let (line, column, reason) = (self.line, bad.column, bad.told());
        if let Some(rejects) = &mut self.options.rejects
            && !is_header
        {
            let written = rejects.write_all(row);
            written.map_err(|error| Error::io("write", Path::new("rejects"), error))?;
        }
        if ends {
            let reason = format!("{reason} (in {name})");
            return Err(ErrorKind::Input { line, column, reason }.into());
        }
        self.report.rows += 1;
        let rejected = Rejected { input: name.to_owned(), line, column, reason };
        self.report.reject(&rejected);
        self.sink.refused(&rejected, row.ends_with(b"\n").then_some(self.end))
    }

    fn rows_of(&self, start: &[u8]) -> Box<dyn Rows> {
        let format = match self.options.format {
            InputFormat::Auto => detect(start),
            format => format,
        };
        match format {
            InputFormat::Ndjson => Box::new(JsonRows::default()),
            InputFormat::Influx => Box::new(InfluxRows::default()),
            InputFormat::Prometheus | InputFormat::OpenMetrics => {
                Box::new(ExpositionRows::new(format == InputFormat::OpenMetrics))
            }
            InputFormat::Statsd => Box::new(StatsdRows::default()),
            InputFormat::AccessLog => Box::new(AccessRows::default()),
            InputFormat::Csv | InputFormat::Auto => Box::new(CsvRows::default()),
        }
    }

    /// Tells the sink of a metric, once. One that is refused costs the row that names it.
    pub(crate) fn define(&mut self, def: &MetricDef) -> Result<(), RowError> {
        if self.defined.contains(&def.name) {
            return Ok(());
        }
        self.sink.metric(def).map_err(|error| match error.kind() {
            ErrorKind::Limit { .. } => BadRow::new(0, error.to_string()).into(),
            _ => refused(error),
        })?;
        self.defined.insert(def.name.clone());
        Ok(())
    }

    /// Adds a group with the labels of every row, and returns its number.
    pub(crate) fn add_group(&mut self, key: &[u8], mut group: Group) -> Result<u32, BadRow> {
        group.labels.extend(self.options.labels.iter().cloned());
        self.groups.add(key, group)
    }

    /// Reads a time in the unit and zone of the options.
    #[inline]
    pub(crate) fn time(&self, text: &[u8], column: usize) -> Result<Timestamp, BadRow> {
        let IngestOptions { time_unit, time_origin, zone, .. } = &self.options;
        time::parse(text, *time_unit, *time_origin, zone)
            .map_err(|reason| BadRow::new(column, reason))
    }

    /// Returns the time of a row that has none.
    pub(crate) fn now(&self) -> Result<Timestamp, BadRow> {
        let clock = self.options.clock.ok_or_else(|| BadRow::new(0, "the row has no time"))?;
        Ok(clock.now())
    }

    /// Returns the number of the row that is read, counted from 1.
    pub(crate) fn row_number(&self) -> u64 {
        self.report.rows + 1
    }

    /// Hands on a row: values by the places of their metrics in its group. They are checked here.
    #[inline]
    pub(crate) fn take(
        &mut self,
        timestamp: Timestamp,
        group: u32,
        samples: &mut Vec<(u32, f64)>,
    ) -> Result<(), RowError> {
        if samples.is_empty() || !samples.iter().all(|(_, value)| value.is_finite()) {
            self.leave_out(samples)?;
        }
        if self.is_passed() {
            return Ok(());
        }
        let Some(known) = self.groups.get(group) else { return Ok(()) };
        let row = Row {
            timestamp,
            group,
            labels: &known.labels,
            metrics: &known.metrics,
            values: samples,
            line: self.line + self.lines - 1,
            end: self.end,
        };
        self.sink.row(&row).map_err(refused)?;
        self.report.rows += 1;
        self.report.rows_stored += 1;
        self.report.samples += samples.len() as u64;
        Ok(())
    }

    /// Hands on many samples of one row, which have times of their own.
    pub(crate) fn take_many(
        &mut self,
        group: u32,
        timestamps: &[Timestamp],
        samples: &mut Vec<(u32, f64)>,
    ) -> Result<(), RowError> {
        if samples.is_empty() || !samples.iter().all(|(_, value)| value.is_finite()) {
            return Err(BadRow::new(0, "a value is NaN or infinite, or there is none").into());
        }
        let before = (self.report.rows, self.report.rows_stored);
        let (mut one, mut outcome) = (Vec::with_capacity(1), Ok(()));
        for (timestamp, sample) in timestamps.iter().zip(samples) {
            one.clear();
            one.push(*sample);
            outcome = self.take(*timestamp, group, &mut one);
            if outcome.is_err() {
                break;
            }
        }
        let stored = u64::from(outcome.is_ok() && !self.is_passed());
        (self.report.rows, self.report.rows_stored) = (before.0 + stored, before.1 + stored);
        outcome
    }

    /// Leaves out values that are no numbers, where that is asked for.
    #[cold]
    fn leave_out(&mut self, samples: &mut Vec<(u32, f64)>) -> Result<(), BadRow> {
        let before = samples.len();
        samples.retain(|(_, value)| value.is_finite());
        let dropped = (before - samples.len()) as u64;
        if dropped > 0 && !self.options.skip_nan {
            let reason = "a value is NaN or infinite; --nan skip leaves it out";
            return Err(BadRow::new(0, reason));
        }
        if dropped == 0 {
            return Err(BadRow::new(0, "the row has none of the mapped values"));
        }
        if !self.is_passed() {
            self.report.values_skipped += dropped;
        }
        Ok(())
    }
}

/// Tells what costs one row, which the data model refuses, from what ends everything.
#[cold]
fn refused(error: Error) -> RowError {
    match error.kind() {
        ErrorKind::Model(refused) => BadRow::new(0, refused.to_string()).into(),
        _ => RowError::Fatal(error),
    }
}

/// Returns a row without its line end, and without a byte order mark, which belongs to no row.
#[inline]
fn content(row: &[u8], line: u64) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    if line == 1 { row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row) } else { row }
}

/// Refuses a row that is no text, and returns it as one.
#[inline]
pub(crate) fn utf8(row: &[u8]) -> Result<&str, BadRow> {
    std::str::from_utf8(row)
        .map_err(|error| BadRow::new(error.valid_up_to() + 1, "the text is not UTF-8"))
}
