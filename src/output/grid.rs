//! Texts in aligned columns, plain or with a box around them.

use std::borrow::Cow;
use std::io;

use crate::output::cell::width;
use crate::output::style::{BOLD, DIM, Style};

/// One column: its title, and how its cells are set.
#[derive(Debug)]
pub(crate) struct GridColumn {
    pub(crate) title: String,
    /// Numbers stand to the right.
    pub(crate) is_number: bool,
}

/// The texts of a table.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<GridColumn>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    /// Returns how wide each column is, in columns of a terminal.
    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| width(&c.title)).collect();
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(cell).max(*widest);
            }
        }
        widths
    }

    /// Returns how many columns of the terminal a further column can take: at least ten, since
    /// shorter drawings say little, so that the lines are rather too long.
    pub(crate) fn columns_left(&self, style: Style) -> usize {
        let between = if style.has_box { 3 } else { 2 };
        style.columns.saturating_sub(self.width(style) + between).max(10)
    }

    /// Returns how wide the whole is.
    fn width(&self, style: Style) -> usize {
        let widths = self.widths();
        let between = if style.has_box { 3 } else { 2 };
        let edges = if style.has_box { 4 } else { 0 };
        widths.iter().sum::<usize>() + widths.len().saturating_sub(1) * between + edges
    }

    /// Writes a header and a line a row.
    pub(crate) fn write(&self, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
        let widths = self.widths();
        write_rule(&widths, ["┌", "┬", "┐"], style, out)?;
        let titles: Vec<&str> = self.columns.iter().map(|column| column.title.as_str()).collect();
        self.write_row(&titles, &widths, Some(BOLD), style, out)?;
        write_rule(&widths, ["├", "┼", "┤"], style, out)?;
        for row in &self.rows {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            self.write_row(&cells, &widths, None, style, out)?;
        }
        write_rule(&widths, ["└", "┴", "┘"], style, out)
    }

    fn write_row(
        &self,
        row: &[&str],
        widths: &[usize],
        paint: Option<&str>,
        style: Style,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        let cell = |((text, column), widest): ((&&str, &GridColumn), &usize)| {
            let space = " ".repeat(widest.saturating_sub(width(text)));
            let text = paint.map_or(Cow::Borrowed(*text), |paint| style.painted(text, paint));
            if column.is_number { format!("{space}{text}") } else { format!("{text}{space}") }
        };
        let cells: Vec<String> = row.iter().zip(&self.columns).zip(widths).map(cell).collect();
        if style.has_box {
            let bar = style.painted("│", DIM);
            return writeln!(out, "{bar} {} {bar}", cells.join(&format!(" {bar} ")));
        }
        writeln!(out, "{}", cells.join("  ").trim_end())
    }
}

/// Draws a line between rows, where the style has lines.
fn write_rule(
    widths: &[usize],
    [left, middle, right]: [&str; 3],
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    if !style.has_box {
        return Ok(());
    }
    let lines: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
    let line = format!("{left}{}{right}", lines.join(middle));
    writeln!(out, "{}", style.painted(&line, DIM))
}
