//! Line charts: time to the right, values up, a line a group.

use std::io;

use crate::model::Timestamp;
use crate::output::cell::width;
use crate::output::lines::{Chart, Line, charts};
use crate::output::plot::axis::{ValueAxis, time_ticks};
use crate::output::plot::canvas::Canvas;
use crate::output::scale::Scale;
use crate::output::style::{BOLD, DIM, Style};
use crate::query::Answer;

/// More lines cannot be told apart.
const LINES_MAX: usize = 8;
const COLOURS: [&str; LINES_MAX] = [
    "\u{1b}[36m",
    "\u{1b}[33m",
    "\u{1b}[35m",
    "\u{1b}[32m",
    "\u{1b}[31m",
    "\u{1b}[34m",
    "\u{1b}[96m",
    "\u{1b}[95m",
];
/// What several lines are drawn with where there are no colours.
const MARKS: [char; LINES_MAX] = ['*', 'o', '+', 'x', '#', '@', '%', '&'];
const ROWS: std::ops::RangeInclusive<usize> = 5..=16;
const COLUMNS_MIN: usize = 20;
/// Lines around the field: the title, the axis, its texts, the legend.
const LINES_AROUND: usize = 5;

/// Writes a chart an item, one below the other.
pub(crate) fn write(answer: &Answer, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let charts = charts(answer).unwrap_or_default();
    for (index, chart) in charts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        Field::new(chart, style).write(out)?;
    }
    Ok(())
}

/// A chart that is laid out.
struct Field<'a> {
    chart: &'a Chart,
    /// Those lines that are drawn.
    lines: &'a [Line],
    style: Style,
    scale: Scale,
    axis: ValueAxis,
    first: i64,
    last: i64,
    /// The texts beside the field, by row, all of one width.
    labels: Vec<String>,
    canvas: Canvas,
}

impl<'a> Field<'a> {
    fn new(chart: &'a Chart, style: Style) -> Self {
        let lines = chart.lines.get(..LINES_MAX).unwrap_or(&chart.lines);
        let values = lines.iter().flat_map(Line::values);
        let (low, high) = (values.clone().reduce(f64::min), values.reduce(f64::max));
        let (low, high) = (low.unwrap_or(0.0), high.unwrap_or(0.0));
        let scale = Scale::of(chart.unit.as_deref(), high.abs().max(low.abs()));
        let rows = style.lines.saturating_sub(LINES_AROUND).clamp(*ROWS.start(), *ROWS.end());
        let axis = ValueAxis::new(low * scale.factor, high * scale.factor, (rows / 4).max(2));
        let labels = labels_of(&axis, rows);
        let beside = labels.first().map_or(0, |label| width(label)) + 2;
        let columns = style.columns.saturating_sub(beside).max(COLUMNS_MIN);
        let times = lines.iter().flat_map(|line| &line.points).map(|point| point.0);
        let (start, end) = (times.clone().min(), times.max());
        let mut field = Self {
            chart,
            lines,
            style,
            scale,
            axis,
            first: start.unwrap_or(0),
            last: end.unwrap_or(0),
            labels,
            canvas: Canvas::new(columns, rows),
        };
        field.draw();
        field
    }

    fn draw(&mut self) {
        for (index, line) in self.lines.iter().enumerate() {
            let mut before = None;
            for (at, value) in &line.points {
                let dot = value.map(|value| self.place(*at, value));
                if let Some(dot) = dot {
                    self.canvas.line(before.unwrap_or(dot), dot, index);
                }
                before = dot;
            }
        }
    }

    /// Returns the dot of a value.
    fn place(&self, at: i64, value: f64) -> (i64, i64) {
        let dots = |count: usize| i128::try_from(count.saturating_sub(1)).unwrap_or(0);
        let span = (i128::from(self.last) - i128::from(self.first)).max(1);
        let passed = i128::from(at) - i128::from(self.first);
        let x = passed * dots(self.canvas.columns * 2) / span;
        let y = row_of(&self.axis, value * self.scale.factor, self.canvas.rows * 4);
        (i64::try_from(x).unwrap_or(0), y)
    }

    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let unit = self.scale.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
        let title = format!("{}{unit}", self.chart.name);
        let [first, last] = [self.first, self.last].map(Timestamp::from_nanos);
        writeln!(out, "{}  {first} to {last}", self.style.painted(&title, BOLD))?;
        if self.lines.iter().all(|line| line.values().next().is_none()) {
            return writeln!(out, "no values");
        }
        for (row, label) in self.labels.iter().enumerate() {
            let bar = if label.trim().is_empty() { "│" } else { "┤" };
            writeln!(out, "{label} {}{}", self.style.painted(bar, DIM), self.row(row))?;
        }
        self.write_time_axis(out)?;
        self.write_legend(out)
    }

    fn row(&self, row: usize) -> String {
        let mut text = String::new();
        // Characters of one line that stand together share their escape sequences.
        let (mut run, mut owner) = (String::new(), 0);
        for cell in self.canvas.row(row) {
            let (character, line) = match cell {
                None => (' ', owner),
                Some((braille, line)) if self.has_braille() => (braille, line),
                Some((_, line)) => (MARKS.get(line).copied().unwrap_or('*'), line),
            };
            if line != owner {
                text.push_str(&self.style.painted(&run, colour(owner)));
                run.clear();
                owner = line;
            }
            run.push(character);
        }
        text.push_str(&self.style.painted(run.trim_end(), colour(owner)));
        text.trim_end().to_owned()
    }

    /// Dots tell no line from another, so that several need colours.
    fn has_braille(&self) -> bool {
        self.style.has_colour || self.lines.len() == 1
    }

    fn write_time_axis(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let beside = " ".repeat(self.labels.first().map_or(0, |label| width(label)) + 1);
        let columns = self.canvas.columns;
        let mut line: Vec<&str> = vec!["─"; columns];
        let mut texts = String::new();
        for (column, text) in time_ticks(self.first, self.last, columns) {
            if let Some(place) = line.get_mut(column) {
                *place = "┬";
            }
            let free = texts.chars().count();
            // The last text may not stick out, and none may touch another.
            let start = column.min(columns.saturating_sub(text.chars().count()));
            if start > free || free == 0 {
                texts.push_str(&" ".repeat(start - free));
                texts.push_str(&text);
            }
        }
        let line = format!("└{}", line.concat());
        writeln!(out, "{beside}{}", self.style.painted(&line, DIM))?;
        writeln!(out, "{beside} {texts}")
    }

    /// Tells which line is which, where there are several.
    fn write_legend(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut entries: Vec<(String, usize)> = Vec::new();
        for (index, line) in self.lines.iter().enumerate().filter(|_| self.chart.lines.len() > 1) {
            let mark = MARKS.get(index).copied().unwrap_or('*').to_string();
            let mark = if self.style.has_colour { "━━".to_owned() } else { mark };
            let shown = self.style.painted(&mark, colour(index));
            let name = line.name();
            entries.push((format!("{shown} {name}"), width(&mark) + 1 + width(&name)));
        }
        let left_out = self.chart.lines.len() - self.lines.len();
        if left_out > 0 {
            let text = format!("and {left_out} more, not drawn: narrow it down, or add `top 8`");
            let columns = width(&text);
            entries.push((text, columns));
        }
        let mut used = 0;
        for (text, columns) in entries {
            if used > 0 && used + 3 + columns > self.style.columns {
                writeln!(out)?;
                used = 0;
            }
            write!(out, "{}{text}", if used > 0 { "   " } else { "" })?;
            used += columns + 3;
        }
        if used > 0 { writeln!(out) } else { Ok(()) }
    }
}

fn colour(line: usize) -> &'static str {
    COLOURS.get(line).copied().unwrap_or("")
}

/// Returns the dot of a value, from the bottom.
fn row_of(axis: &ValueAxis, value: f64, dots: usize) -> i64 {
    // Halves, because the span of the greatest doubles is no double.
    let share = (value / 2.0 - axis.bottom / 2.0) / (axis.top / 2.0 - axis.bottom / 2.0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let dot = (share * dots.saturating_sub(1) as f64).round();
    #[expect(clippy::cast_possible_truncation, reason = "a dot of the field, or outside of it")]
    let dot = dot as i64;
    dot
}

/// Returns what is written beside each row, from the top, all of one width.
fn labels_of(axis: &ValueAxis, rows: usize) -> Vec<String> {
    let mut labels = vec![String::new(); rows];
    for tick in &axis.ticks {
        let from_bottom = usize::try_from(row_of(axis, *tick, rows * 4) / 4).unwrap_or(0);
        let row = rows.saturating_sub(from_bottom + 1);
        if let Some(label) = labels.get_mut(row) {
            *label = axis.label(*tick);
        }
    }
    let widest = labels.iter().map(|label| width(label)).max().unwrap_or(0);
    labels.iter().map(|label| format!("{}{label}", " ".repeat(widest - width(label)))).collect()
}
