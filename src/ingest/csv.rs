//! CSV: wide, a metric a column, or long, with columns for metric and value.

use crate::ingest::guess;
use crate::ingest::map::Mapping;
use crate::ingest::record::{Field, leaves_quote_open, split};
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows};
use crate::ingest::time;

/// A CSV input; its first row is the header.
#[derive(Debug, Default)]
pub(crate) struct CsvRows {
    header: Option<Vec<String>>,
    layout: Option<Layout>,
}

/// Which fields are what, by their place.
#[derive(Debug)]
struct Layout {
    time: usize,
    labels: Vec<(usize, String)>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// A metric a column.
    Wide(Vec<(usize, String)>),
    /// The columns of the metric's name and of the value.
    Long { metric: usize, value: usize },
}

impl Rows for CsvRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let Some(header) = &self.header else {
            self.header = Some(read_header(row).map_err(RowError::Unusable)?);
            return Ok(());
        };
        let fields = split(utf8(row)?).map_err(RowError::Torn)?;
        if fields.len() != header.len() {
            let reason = format!("{} fields, but the header has {}", fields.len(), header.len());
            return Err(BadRow::new(0, reason).into());
        }
        let layout = match &mut self.layout {
            Some(layout) => layout,
            empty => empty.insert(lay_out(header, &fields, feed)?),
        };
        take_row(layout, &fields, feed)
    }

    fn is_header_next(&self) -> bool {
        self.header.is_none()
    }

    fn leaves_open(&self, line: &[u8], is_open: bool) -> bool {
        leaves_quote_open(line, is_open)
    }
}

fn read_header(row: &[u8]) -> Result<Vec<String>, BadRow> {
    let text = utf8(row)?;
    let is_alone = |at: &usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    if let Some(at) = text.match_indices('\r').map(|(at, _)| at).find(is_alone) {
        return Err(BadRow::new(at + 1, "lines end with a carriage return alone"));
    }
    Ok(split(text)?.iter().map(|field| field.text.trim().to_owned()).collect())
}

pub(crate) fn utf8(row: &[u8]) -> Result<&str, BadRow> {
    std::str::from_utf8(row)
        .map_err(|error| BadRow::new(error.valid_up_to() + 1, "the text is not UTF-8"))
}

/// Decides on the layout with the header and the first row.
fn lay_out(
    header: &[String],
    fields: &[Field<'_>],
    feed: &mut Feed<'_, '_>,
) -> Result<Layout, RowError> {
    let place = |name: &str| place_of(header, name).map_err(RowError::Unusable);
    let columns: Vec<(&str, &str)> =
        header.iter().map(String::as_str).zip(fields.iter().map(|field| &*field.text)).collect();
    let time_field = feed.options.time_field.clone();
    let long = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
    if let (None, Some(metric), Some(value)) =
        (&feed.options.mapping, long("metric"), long("value"))
    {
        let time = time_field.or_else(|| guess::time_column(&columns)).ok_or_else(no_time)?;
        let time = place(&time)?;
        let is_label = |index: &usize| ![metric, value, time].contains(index);
        let labels = (0..header.len()).filter(is_label);
        let labels = labels.filter_map(|index| Some((index, header.get(index)?.clone()))).collect();
        return Ok(Layout { time, labels, values: Values::Long { metric, value } });
    }
    let mut mapping: Mapping = match &feed.options.mapping {
        Some(mapping) => mapping.clone(),
        None => guess::mapping(&columns, time_field.as_deref()),
    };
    if mapping.metrics.is_empty() {
        return Err(BadRow::new(0, guess::NO_METRIC).into());
    }
    let time = time_field.or(mapping.time).or_else(|| guess::time_column(&columns));
    let time = time.ok_or_else(no_time)?;
    let layout = Layout {
        time: place(&time)?,
        labels: mapping
            .labels
            .iter()
            .map(|name| Ok((place(name)?, name.clone())))
            .collect::<Result<_, RowError>>()?,
        values: Values::Wide(
            mapping
                .metrics
                .iter()
                .map(|metric| Ok((place(&metric.column)?, metric.def.name.clone())))
                .collect::<Result<_, RowError>>()?,
        ),
    };
    for metric in &mapping.metrics {
        feed.define(&metric.def)?;
    }
    mapping.time = Some(time);
    feed.report.mapping = Some(mapping);
    Ok(layout)
}

/// Returns the place of a column that the header must have, and only once: nobody can tell which of
/// two is meant.
fn place_of(header: &[String], name: &str) -> Result<usize, BadRow> {
    let mut places = header.iter().enumerate().filter(|(_, column)| *column == name);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some(_), Some(_)) => {
            let way_out = "rename one, or leave them out with --map";
            Err(BadRow::new(0, format!("the header has two columns {name:?}; {way_out}")))
        }
        (None, _) => {
            let known = header.join(", ");
            Err(BadRow::new(0, format!("there is no column {name:?}; the columns are {known}")))
        }
    }
}

fn no_time() -> RowError {
    let reason =
        "no column looks like a time; name it with --time-field or ts= in --map".to_owned();
    RowError::Unusable(BadRow::new(0, reason))
}

fn take_row(
    layout: &Layout,
    fields: &[Field<'_>],
    feed: &mut Feed<'_, '_>,
) -> Result<(), RowError> {
    let field = |index: usize| fields.get(index).map_or("", |field| &*field.text);
    let column = |index: usize| fields.get(index).map_or(0, |field| field.column);
    let timestamp = time::parse(field(layout.time), feed.options.time_unit, &feed.options.zone)
        .map_err(|reason| BadRow::new(column(layout.time), reason))?;
    let mut labels: Vec<(&str, &str)> =
        layout.labels.iter().map(|(index, name)| (name.as_str(), field(*index).trim())).collect();
    let mut samples = Vec::new();
    let mut number = |index: usize, name| {
        let value = field(index).trim();
        // An empty field means that there was no value.
        if value.is_empty() {
            return Ok(());
        }
        let parsed = value
            .parse()
            .map_err(|_| BadRow::new(column(index), format!("{value:?} is not a number")))?;
        samples.push((name, parsed));
        Ok::<(), BadRow>(())
    };
    match &layout.values {
        Values::Wide(metrics) => {
            for (index, name) in metrics {
                number(*index, name.as_str())?;
            }
        }
        Values::Long { metric, value } => number(*value, field(*metric).trim())?,
    }
    feed.take(timestamp, &mut labels, &mut samples)
}
