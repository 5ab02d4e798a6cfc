//! Rows with times as lines: the values of one group and item, one after the other.

use std::collections::HashMap;

use crate::output::cell::{printable, text};
use crate::query::{Answer, Cell, Role};

/// All lines of one item: they share a unit, and so an axis.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) name: String,
    pub(crate) unit: Option<String>,
    pub(crate) lines: Vec<Line>,
}

/// The values of one group.
#[derive(Debug)]
pub(crate) struct Line {
    /// The values of its labels; none where there is one group.
    pub(crate) labels: Vec<String>,
    /// Nanoseconds and values, in order of time; no value breaks the line.
    pub(crate) points: Vec<(i64, Option<f64>)>,
}

impl Line {
    pub(crate) fn name(&self) -> String {
        self.labels.join(", ")
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + Clone {
        self.points.iter().filter_map(|(_, value)| *value)
    }
}

/// Returns the names of the labels that groups differ in.
pub(crate) fn label_names(answer: &Answer) -> Vec<String> {
    let labels = answer.columns.iter().filter(|column| column.role == Role::Label);
    labels.map(|column| printable(&column.name)).collect()
}

/// Returns a chart an item, with a line a group in the order of the rows; nothing where rows have
/// no times, or no values.
pub(crate) fn charts(answer: &Answer) -> Option<Vec<Chart>> {
    let role = |wanted| answer.columns.iter().position(move |column| column.role == wanted);
    let (time, first) = (role(Role::Time)?, role(Role::Value)?);
    let values = answer.columns.iter().enumerate().skip(first);
    let values: Vec<_> = values.filter(|(_, column)| column.role == Role::Value).collect();
    let mut charts: Vec<Chart> = values
        .iter()
        .map(|(_, column)| Chart {
            name: printable(&column.name),
            unit: column.unit.clone(),
            lines: Vec::new(),
        })
        .collect();
    let mut known: HashMap<Vec<String>, usize> = HashMap::new();
    for row in &answer.rows {
        let Some(Cell::Time(at)) = row.get(time) else { continue };
        let labels = labels_of(answer, row);
        let next = known.len();
        let group = *known.entry(labels).or_insert_with_key(|labels| {
            for chart in &mut charts {
                chart.lines.push(Line { labels: labels.clone(), points: Vec::new() });
            }
            next
        });
        for (chart, (index, _)) in charts.iter_mut().zip(&values) {
            let value = match row.get(*index) {
                Some(Cell::Number(value)) => Some(*value),
                _ => None,
            };
            if let Some(line) = chart.lines.get_mut(group) {
                line.points.push((at.as_nanos(), value));
            }
        }
    }
    Some(charts)
}

/// Returns the values of a row's labels; one that is absent is shown as nothing in quotes.
pub(crate) fn labels_of(answer: &Answer, row: &[Cell]) -> Vec<String> {
    let labels = answer.columns.iter().zip(row).filter(|(column, _)| column.role == Role::Label);
    let shown = |cell: &Cell| match text(cell, "-", 1.0) {
        empty if empty.is_empty() => "\"\"".to_owned(),
        text => text,
    };
    labels.map(|(_, cell)| shown(cell)).collect()
}
