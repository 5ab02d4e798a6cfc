//! Answers as tables: texts to the left, numbers to the right, bars behind.

use std::io;

use crate::output::bar::bar;
use crate::output::cell::{printable, text};
use crate::output::grid::{Grid, GridColumn};
use crate::output::names;
use crate::output::number;
use crate::output::scale::Scale;
use crate::output::style::Style;
use crate::query::{Answer, Cell, Role};

/// Writes a header and a line a row.
pub(crate) fn write(
    answer: &Answer,
    null: &str,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut grid = grid(answer, null);
    if has_windows_or_buckets(answer) {
        add_bars(answer, style.bar_columns, &mut grid);
    }
    grid.write(style, out)
}

/// Writes a table whose bars take what is left of the width.
pub(crate) fn write_bars(
    answer: &Answer,
    null: &str,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut grid = grid(answer, null);
    add_bars(answer, grid.columns_left(style), &mut grid);
    grid.write(style, out)
}

/// Lays an answer out as the texts of a table.
pub(crate) fn grid(answer: &Answer, null: &str) -> Grid {
    let shown = shown_columns(answer);
    let names = names(&answer.columns);
    let scales: Vec<Scale> = shown.iter().map(|&index| scale_of(answer, index)).collect();
    let title = |(&index, scale): (&usize, &Scale)| {
        let (name, column) = (names.get(index)?, answer.columns.get(index)?);
        let unit = scale.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
        Some(GridColumn {
            title: printable(&format!("{name}{unit}")),
            // The bounds of buckets are numbers, though they name a group.
            is_number: column.role == Role::Value || is_number(answer, index),
        })
    };
    let columns = shown.iter().zip(&scales).filter_map(title).collect();
    let cells = |row: &Vec<Cell>| {
        let cells =
            shown.iter().zip(&scales).filter_map(|(&i, scale)| Some((i, row.get(i)?, scale)));
        let shown = |(index, cell, scale): (usize, &Cell, &Scale)| {
            with_error(text(cell, null, scale.factor), index, row, answer)
        };
        cells.map(shown).collect()
    };
    Grid { columns, rows: answer.rows.iter().map(cells).collect() }
}

fn is_number(answer: &Answer, index: usize) -> bool {
    matches!(answer.rows.first().and_then(|row| row.get(index)), Some(Cell::Number(_)))
}

fn scale_of(answer: &Answer, index: usize) -> Scale {
    let unit = answer.columns.get(index).and_then(|column| column.unit.as_deref());
    Scale::of(unit, numbers(answer, index).fold(0.0, |most: f64, value| most.max(value.abs())))
}

fn numbers(answer: &Answer, index: usize) -> impl Iterator<Item = f64> {
    answer.rows.iter().filter_map(move |row| match row.get(index) {
        Some(Cell::Number(value)) => Some(*value),
        _ => None,
    })
}

fn has_windows_or_buckets(answer: &Answer) -> bool {
    let mut columns = answer.columns.iter().enumerate();
    columns.any(|(index, column)| match column.role {
        Role::End => true,
        Role::Label => is_number(answer, index),
        _ => false,
    })
}

/// Puts a bar behind each row: the first item's value, against the greatest of all rows.
fn add_bars(answer: &Answer, columns: usize, grid: &mut Grid) {
    let first = answer.columns.iter().position(|column| column.role == Role::Value);
    let Some(first) = first.filter(|_| columns > 0 && answer.rows.len() > 1) else { return };
    let most = numbers(answer, first).fold(0.0, f64::max);
    // Where some are negative, a length cannot show which is the greater.
    if most <= 0.0 || numbers(answer, first).any(|value| value < 0.0) {
        return;
    }
    grid.columns.push(GridColumn { title: String::new(), is_number: false });
    for (row, cells) in answer.rows.iter().zip(&mut grid.rows) {
        cells.push(match row.get(first) {
            Some(Cell::Number(value)) => bar(value / most, columns),
            _ => String::new(),
        });
    }
    // The box is as wide for every answer.
    if let Some(cell) = grid.rows.first_mut().and_then(|row| row.last_mut()) {
        let missing = columns.saturating_sub(cell.chars().count());
        cell.push_str(&" ".repeat(missing));
    }
}

/// Leaves out the ends of windows, which their starts tell, and "partial" where no window is.
fn shown_columns(answer: &Answer) -> Vec<usize> {
    let is_shown = |(index, role): &(usize, Role)| match role {
        Role::End | Role::Error => false,
        Role::Partial => answer.rows.iter().any(|row| row.get(*index) == Some(&Cell::Flag(true))),
        Role::Time | Role::Label | Role::Value => true,
    };
    let roles = answer.columns.iter().map(|column| column.role).enumerate();
    roles.filter(is_shown).map(|(index, _)| index).collect()
}

/// Marks a value that is about right, and says how far off it may be, rounded up.
fn with_error(text: String, index: usize, row: &[Cell], answer: &Answer) -> String {
    let next = answer.columns.get(index + 1).map(|column| column.role);
    match row.get(index + 1) {
        Some(Cell::Number(error)) if next == Some(Role::Error) => {
            let percent = number::text((error * 1e4).ceil() / 100.0);
            format!("~{text} ±{percent}%")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::model::{TimeRange, Timestamp};
    use crate::output::style::Style;
    use crate::output::table::write;
    use crate::query::{Answer, Cell, Column, Role, RunStats};

    fn answer() -> Answer {
        let column = |name: &str, role, unit: Option<&str>| Column {
            name: name.to_owned(),
            role,
            unit: unit.map(str::to_owned),
        };
        let time = |seconds| Cell::Time(Timestamp::from_secs(seconds).unwrap());
        let row = |second, is_partial, bot: &str, value| {
            let (start, end) = (time(second), time(second + 60));
            vec![start, end, Cell::Flag(is_partial), Cell::Text(Arc::from(bot)), value]
        };
        Answer {
            query: "p99(latency) by time every 1m".to_owned(),
            range: TimeRange::ALL,
            columns: vec![
                column("time", Role::Time, None),
                column("end", Role::End, None),
                column("partial", Role::Partial, None),
                column("time", Role::Label, None),
                column("p99", Role::Value, Some("ms")),
            ],
            rows: vec![
                row(0, true, "support", Cell::Number(842.5)),
                row(60, false, "b\u{1b}[2J\u{e9}", Cell::Null),
            ],
            warnings: Vec::new(),
            notes: Vec::new(),
            stats: RunStats::default(),
        }
    }

    fn shown(style: Style) -> String {
        let mut out = Vec::new();
        write(&answer(), "-", style, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_table_is_aligned_and_holds_no_control_character() {
        let expected = "\
time                  partial  label.time  p99 [ms]
1970-01-01T00:00:00Z  yes      support        842.5
1970-01-01T00:01:00Z           b\u{fffd}[2J\u{e9}             -
";
        assert_eq!(shown(Style::default()), expected);
    }

    #[test]
    fn a_box_is_drawn_around_the_cells() {
        let expected = "\
┌──────────────────────┬─────────┬────────────┬──────────┐
│ time                 │ partial │ label.time │ p99 [ms] │
├──────────────────────┼─────────┼────────────┼──────────┤
│ 1970-01-01T00:00:00Z │ yes     │ support    │    842.5 │
│ 1970-01-01T00:01:00Z │         │ b\u{fffd}[2J\u{e9}     │        - │
└──────────────────────┴─────────┴────────────┴──────────┘
";
        assert_eq!(shown(Style { has_box: true, ..Style::default() }), expected);
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        for has_box in [false, true] {
            let plain = shown(Style { has_box, ..Style::default() });
            let coloured = shown(Style { has_box, has_colour: true, ..Style::default() });
            assert!(coloured.contains("\u{1b}[1mp99 [ms]\u{1b}[0m"), "{coloured}");
            let mut stripped = coloured;
            for escape in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"] {
                stripped = stripped.replace(escape, "");
            }
            assert_eq!(stripped, plain);
        }
    }
}
