//! Answers as aligned columns.

use std::io;

use crate::output::{names, number};
use crate::query::{Answer, Cell, Role};

/// Decimals that a table shows at most; the other forms have all of them.
const DIGITS: i32 = 6;

/// Writes a header and a line a row: texts to the left, numbers to the right.
pub(crate) fn write(answer: &Answer, null: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let shown = shown_columns(answer);
    let names = names(&answer.columns);
    let header: Vec<String> = shown
        .iter()
        .filter_map(|&index| {
            let (name, column) = (names.get(index)?, answer.columns.get(index)?);
            Some(match &column.unit {
                Some(unit) => format!("{name} [{unit}]"),
                None => name.clone(),
            })
        })
        .collect();
    let rows: Vec<Vec<String>> = answer
        .rows
        .iter()
        .map(|row| {
            let cells = shown.iter().filter_map(|&index| row.get(index));
            cells.map(|cell| text(cell, null)).collect()
        })
        .collect();
    let is_number: Vec<bool> = shown
        .iter()
        .map(|&index| answer.columns.get(index).is_some_and(|c| c.role == Role::Value))
        .collect();
    let mut widths: Vec<usize> = header.iter().map(|name| name.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in std::iter::once(&header).chain(&rows) {
        write_row(row, &widths, &is_number, out)?;
    }
    Ok(())
}

/// Leaves out the ends of windows, which their starts tell, and "partial" where no window is.
fn shown_columns(answer: &Answer) -> Vec<usize> {
    let is_shown = |(index, role): &(usize, Role)| match role {
        Role::End => false,
        Role::Partial => answer.rows.iter().any(|row| row.get(*index) == Some(&Cell::Flag(true))),
        Role::Time | Role::Label | Role::Value => true,
    };
    let roles = answer.columns.iter().map(|column| column.role).enumerate();
    roles.filter(is_shown).map(|(index, _)| index).collect()
}

fn write_row(
    row: &[String],
    widths: &[usize],
    is_number: &[bool],
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let mut line = String::new();
    for (index, ((cell, width), is_number)) in row.iter().zip(widths).zip(is_number).enumerate() {
        line.push_str(if index == 0 { "" } else { "  " });
        let space = " ".repeat(width.saturating_sub(cell.chars().count()));
        let (left, right) = if *is_number { (space.as_str(), "") } else { ("", space.as_str()) };
        line.extend([left, cell, right]);
    }
    writeln!(out, "{}", line.trim_end())
}

fn text(cell: &Cell, null: &str) -> String {
    match cell {
        Cell::Null => null.to_owned(),
        Cell::Time(time) => time.to_string(),
        // A control character must not reach a terminal.
        Cell::Text(text) => {
            text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
        }
        Cell::Number(value) => rounded(*value),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => String::new(),
    }
}

/// Rounds to what a person reads, and never to something else where the number is short already.
fn rounded(value: f64) -> String {
    let exact = number::text(value);
    if exact.len() <= 9 || value.fract().abs() < f64::MIN_POSITIVE {
        return exact;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 309 for finite numbers")]
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(DIGITS - 1 - magnitude).unwrap_or(0).min(12);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
