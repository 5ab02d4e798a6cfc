//! Answers with windows as sparklines: a row a group and item, with its least, greatest and last
//! value.

use std::io;

use crate::output::bar::mark;
use crate::output::cell::rounded;
use crate::output::grid::{Grid, GridColumn};
use crate::output::lines::{Chart, Line, charts, label_names};
use crate::output::scale::Scale;
use crate::output::style::Style;
use crate::query::Answer;

/// Writes a table with a sparkline in each row; each is scaled by itself, from its least value.
pub(crate) fn write(
    answer: &Answer,
    null: &str,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let charts = charts(answer).unwrap_or_default();
    let times = times(&charts);
    let mut grid = grid(answer, &charts, null);
    let place = label_names(answer).len() + usize::from(charts.len() > 1);
    let marks = times.len().min(grid.columns_left(style));
    let mut title = match charts.as_slice() {
        [only] => format!("{}{}", only.name, unit_of(&scale_of(only))),
        _ => String::new(),
    };
    if marks < times.len() {
        let joined = times.len().div_ceil(marks);
        title = format!("{title} (greatest of {joined})");
    }
    grid.columns.insert(place, GridColumn { title, is_number: false });
    let lines = charts.iter().flat_map(|chart| &chart.lines);
    for (row, line) in grid.rows.iter_mut().zip(lines) {
        row.insert(place, sparkline(line, &times, marks));
    }
    grid.write(style, out)
}

/// Returns all times at which there are rows, sorted.
fn times(charts: &[Chart]) -> Vec<i64> {
    let lines = charts.iter().flat_map(|chart| &chart.lines);
    let mut times: Vec<i64> =
        lines.flat_map(|line| line.points.iter().map(|point| point.0)).collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// Lays out all but the sparklines.
fn grid(answer: &Answer, charts: &[Chart], null: &str) -> Grid {
    let text = |title: String| GridColumn { title, is_number: false };
    let number = |title: &str| GridColumn { title: title.to_owned(), is_number: true };
    let mut columns: Vec<GridColumn> = label_names(answer).into_iter().map(text).collect();
    if charts.len() > 1 {
        columns.push(text(String::new()));
    }
    columns.extend(["min", "max", "last"].map(number));
    let mut rows = Vec::new();
    for chart in charts {
        let scale = scale_of(chart);
        for line in &chart.lines {
            let mut row = line.labels.clone();
            if charts.len() > 1 {
                row.push(format!("{}{}", chart.name, unit_of(&scale)));
            }
            let shown = |value: Option<f64>| {
                value.map_or_else(|| null.to_owned(), |value| rounded(value * scale.factor))
            };
            row.push(shown(line.values().reduce(f64::min)));
            row.push(shown(line.values().reduce(f64::max)));
            row.push(shown(line.points.last().and_then(|(_, value)| *value)));
            rows.push(row);
        }
    }
    Grid { columns, rows }
}

fn scale_of(chart: &Chart) -> Scale {
    let values = chart.lines.iter().flat_map(Line::values);
    let largest = values.fold(0.0, |most: f64, value| most.max(value.abs()));
    Scale::of(chart.unit.as_deref(), largest)
}

fn unit_of(scale: &Scale) -> String {
    scale.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"))
}

/// Draws the values of a line; where times are more than marks, the greatest of some.
fn sparkline(line: &Line, times: &[i64], marks: usize) -> String {
    let mut greatest: Vec<Option<f64>> = vec![None; marks];
    for (at, value) in &line.points {
        let index = times.partition_point(|time| time < at) * marks / times.len().max(1);
        if let (Some(place), Some(value)) = (greatest.get_mut(index), value) {
            *place = Some(place.map_or(*value, |most| most.max(*value)));
        }
    }
    let shown = greatest.iter().flatten().copied();
    let least = shown.clone().reduce(f64::min).unwrap_or(0.0);
    let span = shown.reduce(f64::max).unwrap_or(0.0) - least;
    let draw = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if span == 0.0 => mark(0.5),
        Some(value) => mark((value - least) / span),
    };
    greatest.iter().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use crate::output::lines::Line;
    use crate::output::spark::sparkline;

    fn drawn(values: &[Option<f64>], marks: usize) -> String {
        let points = (0_i64..).zip(values.iter().copied()).collect();
        let times: Vec<i64> = (0_i64..).take(values.len()).collect();
        sparkline(&Line { labels: Vec::new(), points }, &times, marks)
    }

    #[test]
    fn a_sparkline_spans_from_the_least_to_the_greatest_and_has_gaps() {
        let values = [10.0, 20.0, 45.0, 80.0].map(Some);
        assert_eq!(drawn(&values, 4), "▁▁▄█");
        assert_eq!(drawn(&[Some(1.0), None, Some(1.0)], 3), "▄ ▄");
        assert_eq!(drawn(&[None, None], 2), "  ");
        assert_eq!(drawn(&[], 0), "");
    }

    /// A spike must not vanish because there is no room for each window.
    #[test]
    fn where_room_is_short_a_mark_is_the_greatest_of_its_windows() {
        let mut values = vec![Some(1.0); 100];
        values[55] = Some(9.0);
        assert_eq!(drawn(&values, 10), "▁▁▁▁▁█▁▁▁▁");
    }
}
