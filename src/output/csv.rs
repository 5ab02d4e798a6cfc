//! Answers as RFC 4180.

use std::io;

use crate::output::{names, number};
use crate::query::{Answer, Cell};

/// Writes a header and a line a row.
pub(crate) fn write(answer: &Answer, null: &str, out: &mut dyn io::Write) -> io::Result<()> {
    write_line(names(&answer.columns).iter().map(String::as_str), out)?;
    for row in &answer.rows {
        let fields: Vec<String> = row.iter().map(|cell| field(cell, null)).collect();
        write_line(fields.iter().map(String::as_str), out)?;
    }
    Ok(())
}

fn field(cell: &Cell, null: &str) -> String {
    match cell {
        Cell::Null => null.to_owned(),
        Cell::Time(time) => time.to_string(),
        Cell::Text(text) => text.to_string(),
        Cell::Number(number) => number::text(*number),
        Cell::Flag(flag) => flag.to_string(),
    }
}

fn write_line<'a>(
    fields: impl Iterator<Item = &'a str>,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if field.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", field.replace('"', "\"\""))?;
        } else {
            out.write_all(field.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}
