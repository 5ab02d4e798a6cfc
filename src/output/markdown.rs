//! Answers as tables of Markdown, as GitHub and others read them.

use std::io;

use crate::output::table::grid;
use crate::query::Answer;

/// Writes a header, a line that aligns the columns, and a line a row.
pub(crate) fn write(answer: &Answer, null: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let grid = grid(answer, null);
    write_line(grid.columns.iter().map(|column| escaped(&column.title)), out)?;
    let rules = grid.columns.iter().map(|c| if c.is_number { "---:" } else { "---" });
    write_line(rules.map(str::to_owned), out)?;
    for row in &grid.rows {
        write_line(row.iter().map(|cell| escaped(cell)), out)?;
    }
    Ok(())
}

fn write_line(cells: impl Iterator<Item = String>, out: &mut dyn io::Write) -> io::Result<()> {
    let cells: Vec<String> = cells.collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

/// Puts a backslash before what Markdown would read as more than a character of a cell.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | '~') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::output::markdown::escaped;

    #[test]
    fn what_markdown_would_read_is_escaped() {
        assert_eq!(escaped("p95(latency) [ms]"), "p95(latency) \\[ms]");
        assert_eq!(escaped("a|b_c`d`*e*\\"), "a\\|b\\_c\\`d\\`\\*e\\*\\\\");
    }
}
