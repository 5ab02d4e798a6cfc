//! Answers as aligned columns.

use std::borrow::Cow;
use std::io;

use crate::output::{names, number};
use crate::query::{Answer, Cell, Role};

/// Digits that a table shows of a fraction; the other forms have all of them.
const DIGITS: i32 = 6;
/// Smaller powers of ten are shown with an exponent.
const MAGNITUDE_MIN: i32 = -5;

/// How a table looks; its content is the same in every style.
///
/// ```
/// use silverback::output::TableStyle;
/// assert_eq!(TableStyle::default(), TableStyle { has_box: false, has_colour: false });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStyle {
    /// Lines are drawn around the cells.
    pub has_box: bool,
    /// The header is bold and lines are dim, by escape sequences of ANSI X3.64.
    pub has_colour: bool,
}

const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// Writes a header and a line a row: texts to the left, numbers to the right.
pub(crate) fn write(
    answer: &Answer,
    null: &str,
    style: TableStyle,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let grid = Grid::new(answer, null);
    grid.write_rule(["┌", "┬", "┐"], style, out)?;
    grid.write_row(&grid.header, style, true, out)?;
    grid.write_rule(["├", "┼", "┤"], style, out)?;
    for row in &grid.rows {
        grid.write_row(row, style, false, out)?;
    }
    grid.write_rule(["└", "┴", "┘"], style, out)
}

/// The texts of a table and the widths of its columns, in characters.
struct Grid {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    columns: Vec<Place>,
}

/// How a column is set.
struct Place {
    width: usize,
    is_number: bool,
}

impl Grid {
    fn new(answer: &Answer, null: &str) -> Self {
        let shown = shown_columns(answer);
        let names = names(&answer.columns);
        let title = |&index: &usize| {
            let (name, column) = (names.get(index)?, answer.columns.get(index)?);
            let unit = column.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
            Some(printable(&format!("{name}{unit}")))
        };
        let header: Vec<String> = shown.iter().filter_map(title).collect();
        let cells = |row: &Vec<Cell>| {
            let cells = shown.iter().filter_map(|&index| Some((index, row.get(index)?)));
            cells.map(|(index, cell)| with_error(text(cell, null), index, row, answer)).collect()
        };
        let rows: Vec<Vec<String>> = answer.rows.iter().map(cells).collect();
        let roles = shown.iter().filter_map(|&index| answer.columns.get(index));
        let mut columns: Vec<Place> = roles
            .zip(&header)
            .zip(&shown)
            .map(|((column, title), &index)| Place {
                width: title.chars().count(),
                // The bounds of buckets are numbers, though they name a group.
                is_number: column.role == Role::Value
                    || matches!(
                        answer.rows.first().and_then(|row| row.get(index)),
                        Some(Cell::Number(_))
                    ),
            })
            .collect();
        for row in &rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                column.width = column.width.max(cell.chars().count());
            }
        }
        Self { header, rows, columns }
    }

    /// Draws a line between rows, where the style has lines.
    fn write_rule(
        &self,
        [left, middle, right]: [&str; 3],
        style: TableStyle,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        if !style.has_box {
            return Ok(());
        }
        let lines: Vec<String> =
            self.columns.iter().map(|column| "─".repeat(column.width + 2)).collect();
        let line = format!("{left}{}{right}", lines.join(middle));
        writeln!(out, "{}", painted(&line, DIM, style))
    }

    fn write_row(
        &self,
        row: &[String],
        style: TableStyle,
        is_header: bool,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let cell = |(text, column): (&String, &Place)| {
            let space = " ".repeat(column.width.saturating_sub(text.chars().count()));
            let text =
                if is_header { painted(text, BOLD, style) } else { Cow::Borrowed(text.as_str()) };
            if column.is_number { format!("{space}{text}") } else { format!("{text}{space}") }
        };
        let cells: Vec<String> = row.iter().zip(&self.columns).map(cell).collect();
        if style.has_box {
            let bar = painted("│", DIM, style);
            return writeln!(out, "{bar} {} {bar}", cells.join(&format!(" {bar} ")));
        }
        writeln!(out, "{}", cells.join("  ").trim_end())
    }
}

fn painted<'a>(text: &'a str, paint: &str, style: TableStyle) -> Cow<'a, str> {
    if style.has_colour { Cow::Owned(format!("{paint}{text}{RESET}")) } else { Cow::Borrowed(text) }
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

fn text(cell: &Cell, null: &str) -> String {
    match cell {
        Cell::Null => null.to_owned(),
        Cell::Time(time) => time.to_string(),
        Cell::Text(text) => printable(text),
        Cell::Number(value) => rounded(*value),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => String::new(),
    }
}

/// Puts a mark in place of control characters, which must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Rounds to what a person reads, and never to something else where the number is short already.
fn rounded(value: f64) -> String {
    let exact = number::text(value);
    if exact.len() <= 9 || value.fract() == 0.0 {
        return exact;
    }
    #[expect(clippy::cast_possible_truncation, reason = "from -324 to 308 for finite numbers")]
    let magnitude = value.abs().log10().floor() as i32;
    let digits = usize::try_from(DIGITS - 1).unwrap_or(0);
    if magnitude < MAGNITUDE_MIN {
        // Many zeros behind the point are hard to count, and rounding must not make a zero of it.
        let text = format!("{value:.digits$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text.as_str(), "0"));
        return format!("{}e{exponent}", without_zeros(mantissa));
    }
    let decimals = usize::try_from(DIGITS - 1 - magnitude).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// Takes away the zeros at the end of a fraction.
fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::model::{TimeRange, Timestamp};
    use crate::output::table::{TableStyle, rounded, write};
    use crate::query::{Answer, Cell, Column, Role};

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
        }
    }

    fn shown(style: TableStyle) -> String {
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
        assert_eq!(shown(TableStyle::default()), expected);
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
        assert_eq!(shown(TableStyle { has_box: true, has_colour: false }), expected);
    }

    #[test]
    fn colours_change_nothing_but_the_colours() {
        for has_box in [false, true] {
            let plain = shown(TableStyle { has_box, has_colour: false });
            let coloured = shown(TableStyle { has_box, has_colour: true });
            assert!(coloured.contains("\u{1b}[1mp99 [ms]\u{1b}[0m"), "{coloured}");
            let mut stripped = coloured;
            for escape in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"] {
                stripped = stripped.replace(escape, "");
            }
            assert_eq!(stripped, plain);
        }
    }

    /// Symptom: a table showed `0` for 1.23e-20. Cause: at most 12 decimals were printed.
    #[test]
    fn numbers_are_rounded_to_six_digits_and_never_to_zero() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (842.5, "842.5"),
            (123_456_789.123_456, "123456789"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1_234.567_891_23, "1234.57"),
            (-0.123_456_789_012, "-0.123457"),
            (0.000_123_456_79, "0.000123457"),
            (1.234_567_890_123e-20, "1.23457e-20"),
            (-9.999_999_9e-9, "-1e-8"),
            (5e-324, "5e-324"),
            (1.234_567_890_123e300, "1.234567890123e300"),
        ] {
            assert_eq!(rounded(value), text);
        }
    }
}
