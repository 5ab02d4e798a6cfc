//! CSV: wide, a metric a column, or long, with columns for metric and value.

use std::borrow::Cow;

use crate::ingest::groups::Group;
use crate::ingest::guess;
use crate::ingest::map::Mapping;
use crate::ingest::number;
use crate::ingest::record::{Field, Place, leaves_quote_open, places, split, text_of};
use crate::ingest::report::BadRow;
use crate::ingest::source::{Feed, RowError, Rows, utf8};
use crate::model::Timestamp;

/// A CSV input; its first row is the header.
#[derive(Debug, Default)]
pub(crate) struct CsvRows {
    header: Option<Vec<String>>,
    layout: Option<Layout>,
    places: Vec<Place>,
    key: Vec<u8>,
    samples: Vec<(u32, f64)>,
}

/// Which fields are what, by their place.
#[derive(Debug)]
struct Layout {
    time: usize,
    /// Places, and the labels' names.
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

/// The place of a column that no file has: the number of the row stands there.
const ROW_NUMBER: usize = usize::MAX;
/// The place of a column that holds 1.
const ONE: usize = usize::MAX - 1;

impl Rows for CsvRows {
    fn row(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let Some(header) = &self.header else {
            self.header = Some(read_header(row).map_err(RowError::Unusable)?);
            return Ok(());
        };
        places(row, &mut self.places).map_err(RowError::Torn)?;
        if self.places.len() != header.len() {
            let (found, wanted) = (self.places.len(), header.len());
            let reason = format!("{found} fields, but the header has {wanted}");
            return Err(BadRow::new(0, reason).into());
        }
        if self.layout.is_none() {
            let fields = split(utf8(row)?).map_err(RowError::Torn)?;
            self.layout = Some(lay_out(header, &fields, feed)?);
        }
        self.take(row, feed)
    }

    fn is_header_next(&self) -> bool {
        self.header.is_none()
    }

    fn leaves_open(&self, line: &[u8], is_open: bool) -> bool {
        leaves_quote_open(line, is_open)
    }
}

impl CsvRows {
    #[inline]
    fn take(&mut self, row: &[u8], feed: &mut Feed<'_, '_>) -> Result<(), RowError> {
        let Some(layout) = &self.layout else { return Ok(()) };
        let fields = Fields { row, places: &self.places, number: feed.row_number() };
        let timestamp = fields.time(layout.time, feed)?;
        self.key.clear();
        for (place, _) in &layout.labels {
            self.key.extend_from_slice(fields.raw(*place));
            // No field holds one outside of quotes, which are kept here.
            self.key.push(b'\n');
        }
        self.samples.clear();
        match &layout.values {
            Values::Wide(metrics) => {
                for (index, (place, _)) in (0..).zip(metrics) {
                    self.samples.extend(fields.value(*place)?.map(|value| (index, value)));
                }
            }
            Values::Long { metric, value } => {
                self.key.extend_from_slice(fields.raw(*metric));
                self.samples.extend(fields.value(*value)?.map(|value| (0, value)));
            }
        }
        let group = match feed.groups.find(&self.key) {
            Some(group) => group,
            None => feed.add_group(&self.key, layout.group(&fields)?)?,
        };
        feed.take(timestamp, group, &mut self.samples)
    }
}

impl Layout {
    /// Reads which labels and metrics a row has.
    fn group(&self, fields: &Fields<'_>) -> Result<Group, BadRow> {
        let label =
            |(place, name): &(usize, String)| Ok((name.clone(), fields.text(*place)?.into_owned()));
        let labels = self.labels.iter().map(label).collect::<Result<_, BadRow>>()?;
        let metrics = match &self.values {
            Values::Wide(metrics) => metrics.iter().map(|(_, name)| name.clone()).collect(),
            Values::Long { metric, .. } => vec![fields.text(*metric)?.into_owned()],
        };
        Ok(Group { labels, metrics, fields: Vec::new() })
    }
}

/// The fields of a row.
struct Fields<'a> {
    row: &'a [u8],
    places: &'a [Place],
    /// The row's number.
    number: u64,
}

impl<'a> Fields<'a> {
    /// Returns a field as it stands.
    #[inline]
    fn raw(&self, place: usize) -> &'a [u8] {
        let (start, end) = self.places.get(place).copied().unwrap_or((0, 0));
        self.row.get(start as usize..end as usize).unwrap_or(&[])
    }

    fn column(&self, place: usize) -> usize {
        self.places.get(place).map_or(0, |(start, _)| *start as usize + 1)
    }

    fn text(&self, place: usize) -> Result<Cow<'a, str>, BadRow> {
        text_of(self.raw(place), self.column(place) - 1)
    }

    #[inline]
    fn time(&self, place: usize, feed: &Feed<'_, '_>) -> Result<Timestamp, BadRow> {
        if place == ROW_NUMBER {
            return feed.time(self.number.to_string().as_bytes(), 0);
        }
        match self.raw(place) {
            quoted @ [b'"', ..] => {
                let column = self.column(place);
                feed.time(text_of(quoted, column - 1)?.as_bytes(), column)
            }
            raw => feed.time(raw, self.column(place)),
        }
    }

    /// Reads a value; an empty field means that there was none.
    #[inline]
    fn value(&self, place: usize) -> Result<Option<f64>, BadRow> {
        let raw = self.raw(place);
        if let Some(value) = number::double(raw) {
            return Ok(Some(value));
        }
        match place {
            ONE => return Ok(Some(1.0)),
            #[expect(clippy::cast_precision_loss, reason = "no file has 2^53 rows")]
            ROW_NUMBER => return Ok(Some(self.number as f64)),
            _ => {}
        }
        let text = self.text(place)?;
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let value = number::double(text.as_bytes());
        let not_one = || BadRow::new(self.column(place), format!("{text:?} is not a number"));
        value.map(Some).ok_or_else(not_one)
    }
}

fn read_header(row: &[u8]) -> Result<Vec<String>, BadRow> {
    let text = utf8(row)?;
    let is_alone = |at: &usize| text.as_bytes().get(at + 1) != Some(&b'\n');
    if let Some(at) = text.match_indices('\r').map(|(at, _)| at).find(is_alone) {
        return Err(BadRow::new(at + 1, "lines end with a carriage return alone"));
    }
    let name = |field: &Field<'_>| match text.as_bytes().get(field.column - 1) {
        Some(b'"') => field.text.to_string(),
        _ => field.text.trim().to_owned(),
    };
    Ok(split(text)?.iter().map(name).collect())
}

/// The columns of the long form: labels of these names stand behind `label.`.
const RESERVED: [&str; 3] = ["metric", "timestamp", "value"];

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
        // A label that is called as another column is, is called so in what is exported.
        let name = |index: usize| {
            let column = header.get(index)?;
            let inner = column.strip_prefix("label.");
            let is_own = |name: &&str| RESERVED.contains(&name.trim_start_matches("label."));
            Some((index, inner.filter(is_own).unwrap_or(column).to_owned()))
        };
        let labels = labels.filter_map(name).collect();
        return Ok(Layout { time, labels, values: Values::Long { metric, value } });
    }
    let mut mapping: Mapping = match &feed.options.mapping {
        Some(mapping) => mapping.clone(),
        None => guess::mapping(&columns, time_field.as_deref()),
    };
    if mapping.metrics.is_empty() {
        return Err(BadRow::new(0, guess::NO_METRIC).into());
    }
    let time = time_field.or(mapping.time.take()).or_else(|| guess::time_column(&columns));
    let time = time.ok_or_else(no_time)?;
    if mapping.labels.iter().any(|name| name == Mapping::ALL_LABELS) {
        mapping.labels = rest_of(header, &time, &mapping);
    }
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
        // What the header says of a metric every row says.
        feed.define(&metric.def).map_err(RowError::of_all_rows)?;
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
        (None, _) if name == Mapping::ROW_NUMBER => Ok(ROW_NUMBER),
        (None, _) if name == Mapping::ONE => Ok(ONE),
        (None, _) => {
            let known = header.join(", ");
            Err(BadRow::new(0, format!("there is no column {name:?}; the columns are {known}")))
        }
    }
}

/// Returns the columns that are neither the time nor a metric.
fn rest_of(header: &[String], time: &str, mapping: &Mapping) -> Vec<String> {
    let is_metric = |name: &str| mapping.metrics.iter().any(|metric| metric.column == name);
    let rest = header.iter().filter(|name| *name != time && !is_metric(name));
    rest.cloned().collect()
}

fn no_time() -> RowError {
    let reason =
        "no column looks like a time; name it with --time-field or ts= in --map".to_owned();
    RowError::Unusable(BadRow::new(0, reason))
}
