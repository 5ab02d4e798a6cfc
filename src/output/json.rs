//! Answers as JSON: one object for all, or one a row.

use std::io;

use crate::output::{names, number};
use crate::query::{Answer, Cell, Role};

/// Writes one object a row; its keys are the columns in order.
pub(crate) fn write_lines(answer: &Answer, out: &mut dyn io::Write) -> io::Result<()> {
    let names = names(&answer.columns);
    for row in &answer.rows {
        out.write_all(b"{")?;
        let mut is_first = true;
        for ((name, column), cell) in names.iter().zip(&answer.columns).zip(row) {
            // `partial` stands only where it is true.
            if column.role == Role::Partial && *cell != Cell::Flag(true) {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                out.write_all(b",")?;
            }
            write_text(name, out)?;
            out.write_all(b":")?;
            write_cell(cell, out)?;
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}

/// Writes one object with everything.
pub(crate) fn write(answer: &Answer, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(b"{\"query\":")?;
    write_text(&answer.query, out)?;
    let range = answer.range;
    write!(out, ",\"range\":{{\"start\":\"{}\",\"end\":\"{}\"}}", range.start, range.end)?;
    out.write_all(b",\"columns\":[")?;
    for (index, (name, column)) in names(&answer.columns).iter().zip(&answer.columns).enumerate() {
        out.write_all(if index == 0 { b"{\"name\":" } else { b",{\"name\":" })?;
        write_text(name, out)?;
        write!(out, ",\"role\":\"{}\",\"unit\":", role(column.role))?;
        match &column.unit {
            Some(unit) => write_text(unit, out)?,
            None => out.write_all(b"null")?,
        }
        out.write_all(b"}")?;
    }
    out.write_all(b"],\"rows\":[")?;
    for (index, row) in answer.rows.iter().enumerate() {
        out.write_all(if index == 0 { b"[" } else { b",[" })?;
        for (index, cell) in row.iter().enumerate() {
            out.write_all(if index == 0 { b"" } else { b"," })?;
            write_cell(cell, out)?;
        }
        out.write_all(b"]")?;
    }
    match greatest_error(answer) {
        None => out.write_all(b"],\"approximate\":false,\"relative_error\":null")?,
        Some(error) => {
            write!(out, "],\"approximate\":true,\"relative_error\":{}", number::text(error))?;
        }
    }
    out.write_all(b",\"warnings\":[")?;
    for (index, warning) in answer.warnings.iter().enumerate() {
        out.write_all(if index == 0 { b"{\"code\":" } else { b",{\"code\":" })?;
        write_text(warning.code, out)?;
        out.write_all(b",\"message\":")?;
        write_text(&warning.message, out)?;
        out.write_all(b"}")?;
    }
    let stats = &answer.stats;
    writeln!(
        out,
        "],\"stats\":{{\"rows\":{},\"chunks_considered\":{},\"chunks_from_statistics\":{},\
         \"chunks_from_slices\":{},\"chunks_decoded\":{},\"bytes_read\":{},\"samples_read\":{}}}}}",
        answer.rows.len(),
        stats.chunks_considered,
        stats.chunks_from_statistics,
        stats.chunks_from_slices,
        stats.chunks_decoded,
        stats.bytes_read,
        stats.samples_read
    )
}

/// Returns the greatest error of the answer's values; nothing where all are exact.
fn greatest_error(answer: &Answer) -> Option<f64> {
    let is_error: Vec<bool> = answer.columns.iter().map(|c| c.role == Role::Error).collect();
    if !is_error.contains(&true) {
        return None;
    }
    let cells = answer.rows.iter().flat_map(|row| row.iter().zip(&is_error));
    let errors = cells.filter_map(|(cell, is_error)| match cell {
        Cell::Number(error) if *is_error => Some(*error),
        _ => None,
    });
    Some(errors.fold(0.0, f64::max))
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Time => "time",
        Role::End => "end",
        Role::Partial => "partial",
        Role::Label => "label",
        Role::Value => "value",
        Role::Error => "error",
    }
}

fn write_cell(cell: &Cell, out: &mut dyn io::Write) -> io::Result<()> {
    match cell {
        Cell::Null => out.write_all(b"null"),
        Cell::Time(time) => write!(out, "\"{time}\""),
        Cell::Text(text) => write_text(text, out),
        Cell::Number(number) => out.write_all(number::text(*number).as_bytes()),
        Cell::Flag(flag) => write!(out, "{flag}"),
    }
}

fn write_text(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
