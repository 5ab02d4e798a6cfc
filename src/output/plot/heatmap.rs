//! Heat maps: the greater a value, the denser or brighter its cell.

use std::io;

use crate::output::cell::{rounded, width};
use crate::output::plot::axis::time_ticks;
use crate::output::plot::matrix::{Matrix, greater, matrices};
use crate::output::scale::Scale;
use crate::output::style::{BOLD, Style};
use crate::query::Answer;

/// Shades without colours, from the least value to the greatest.
const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// Background colours of the palette of 256, dark to bright at an even pace.
const COLOURS: [u8; 10] = [17, 54, 55, 61, 67, 73, 78, 114, 185, 227];
/// A name is cut here, so that there is room for cells.
const NAME_COLUMNS_MAX: usize = 24;
const CELLS_MIN: usize = 10;

/// Writes a heat map an item, one below the other.
pub(crate) fn write(answer: &Answer, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for (index, matrix) in matrices(answer).unwrap_or_default().iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_matrix(matrix, style, out)?;
    }
    Ok(())
}

fn write_matrix(matrix: &Matrix, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let names: Vec<String> = matrix.rows.iter().map(|name| cut(name)).collect();
    let beside = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let room = style.columns.saturating_sub(beside + 1).max(CELLS_MIN);
    let cell_columns = cell_columns(matrix, room);
    let shown = matrix.columns.len().min(room);
    let cells: Vec<Vec<Option<f64>>> = matrix.cells.iter().map(|row| join(row, shown)).collect();
    let values = cells.iter().flatten().flatten().copied();
    let least = values.clone().reduce(f64::min).unwrap_or(0.0);
    let greatest = values.reduce(f64::max).unwrap_or(0.0);
    let scale = Scale::of(matrix.unit.as_deref(), greatest.abs().max(least.abs()));
    let unit = scale.unit.as_ref().map_or(String::new(), |unit| format!(" [{unit}]"));
    let title = format!("{}{unit}", matrix.name);
    write!(out, "{}", style.painted(&title, BOLD))?;
    if shown < matrix.columns.len() {
        let joined = matrix.columns.len().div_ceil(shown.max(1));
        write!(out, "  each cell is the greatest of up to {joined}")?;
    }
    writeln!(out)?;
    for (name, row) in names.iter().zip(&cells) {
        let space = " ".repeat(beside - width(name));
        let mut text = String::new();
        for value in row {
            let share = value.map(|value| share(value, least, greatest));
            text.push_str(&drawn(share, cell_columns, style));
        }
        writeln!(out, "{name}{space} {}", text.trim_end())?;
    }
    writeln!(out, "{} {}", " ".repeat(beside), column_texts(matrix, shown, cell_columns))?;
    write_legend(least * scale.factor, greatest * scale.factor, style, out)
}

/// Returns how wide a cell is: as wide as the name of its column where there is room, else about
/// square, else a character.
fn cell_columns(matrix: &Matrix, room: usize) -> usize {
    let names = matrix.columns.iter().filter(|_| matrix.times.is_none());
    let widest = names.map(|name| width(&cut(name))).max().unwrap_or(0);
    let fits = |columns: &usize| matrix.columns.len() * columns <= room;
    [widest + 1, 3].into_iter().find(|columns| *columns > 2 && fits(columns)).unwrap_or(1)
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_COLUMNS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_COLUMNS_MAX - 1).collect();
    format!("{kept}…")
}

/// Makes at most `count` cells of a row: the greatest of neighbours.
fn join(row: &[Option<f64>], count: usize) -> Vec<Option<f64>> {
    let mut joined = vec![None; count];
    for (index, value) in row.iter().enumerate() {
        if let Some(place) = joined.get_mut(index * count / row.len().max(1)) {
            *place = greater(*place, *value);
        }
    }
    joined
}

/// Returns where a value lies between the least and the greatest, 0 to 1.
fn share(value: f64, least: f64, greatest: f64) -> f64 {
    let span = greatest / 2.0 - least / 2.0;
    if span > 0.0 { (value / 2.0 - least / 2.0) / span } else { 1.0 }
}

/// Returns which of `count` equal steps a share falls into.
fn step(share: f64, count: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let step = (share * count as f64).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
    let step = step as usize;
    step.min(count - 1)
}

fn drawn(share: Option<f64>, columns: usize, style: Style) -> String {
    let Some(share) = share else { return " ".repeat(columns) };
    if style.has_colour {
        let colour = COLOURS.get(step(share, COLOURS.len())).copied().unwrap_or(0);
        let paint = format!("\u{1b}[48;5;{colour}m");
        return style.painted(&" ".repeat(columns), &paint).into_owned();
    }
    let character = SHADES.get(step(share, SHADES.len())).copied().unwrap_or(' ');
    character.to_string().repeat(columns)
}

/// Writes what the columns are: times at round steps, or as many names as there is room for.
fn column_texts(matrix: &Matrix, shown: usize, cell_columns: usize) -> String {
    let ticks: Vec<(usize, String)> = if let Some((first, last)) = matrix.times {
        time_ticks(first, last, shown * cell_columns)
    } else {
        let names = matrix.columns.iter().enumerate();
        names.map(|(index, name)| (index * cell_columns, cut(name))).collect()
    };
    let mut text = String::new();
    for (column, name) in ticks {
        let free = width(&text);
        if column > free || free == 0 {
            text.push_str(&" ".repeat(column.saturating_sub(free)));
            text.push_str(&name);
        }
    }
    text
}

/// Tells what the shades mean.
fn write_legend(
    least: f64,
    greatest: f64,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let shades = if style.has_colour { COLOURS.len() } else { SHADES.len() };
    let mut ramp = String::new();
    for index in 0..shades {
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let share = (index as f64 + 0.5) / shades as f64;
        ramp.push_str(&drawn(Some(share), 2, style));
    }
    writeln!(out, "{} {ramp} {}", rounded(least), rounded(greatest))
}
