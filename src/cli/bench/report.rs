//! Figures with names, and how they are printed.

use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Map, Value};

/// How figures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Table,
    Json,
    Markdown,
}

/// Figures in order, each with a name that ends with its unit, and tables behind them.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    single: Vec<(&'static str, Value)>,
    tables: Vec<Table>,
}

/// Figures of several things, a line each.
#[derive(Debug)]
pub(crate) struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    lines: Vec<Vec<Value>>,
}

impl Table {
    /// Starts without lines.
    pub(crate) fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, columns, lines: Vec::new() }
    }

    /// Adds a line: a value a column.
    pub(crate) fn add(&mut self, line: Vec<Value>) {
        self.lines.push(line);
    }

    fn object(&self) -> Value {
        let fields = |line: &Vec<Value>| -> Value {
            let names = self.columns.iter().map(|name| (*name).to_owned());
            Value::Object(names.zip(line.iter().cloned()).collect())
        };
        self.lines.iter().map(fields).collect()
    }

    fn print(&self, form: Form, out: &mut impl Write) -> io::Result<()> {
        let header: Vec<String> = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let lines = self.lines.iter().map(|line| line.iter().map(shown).collect::<Vec<_>>());
        let lines: Vec<Vec<String>> = std::iter::once(header).chain(lines).collect();
        writeln!(out)?;
        for (index, line) in lines.iter().enumerate() {
            if form == Form::Markdown {
                writeln!(out, "| {} |", line.join(" | "))?;
                if index == 0 {
                    writeln!(out, "|{}", "---|".repeat(line.len()))?;
                }
                continue;
            }
            let widths = (0..line.len()).map(|column| {
                lines.iter().filter_map(|line| line.get(column)).map(String::len).max()
            });
            let cells = line.iter().zip(widths);
            let cells = cells.map(|(cell, width)| format!("{cell:w$}", w = width.unwrap_or(0)));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl Figures {
    /// Adds a figure.
    pub(crate) fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.single.push((name, value.into()));
    }

    /// Adds a table.
    pub(crate) fn add_table(&mut self, table: Table) {
        self.tables.push(table);
    }

    /// Adds how much of something there is a second or a sample, if that can be said.
    pub(crate) fn add_ratio(&mut self, name: &'static str, part: Option<f64>, whole: Option<f64>) {
        let ratio = part.zip(whole).map(|(part, whole)| part / whole);
        self.add(name, ratio.filter(|ratio| ratio.is_finite()));
    }

    /// Prints all of them.
    pub(crate) fn print(&self, form: Form) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match form {
            Form::Json => {
                let fields =
                    self.single.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                let tables =
                    self.tables.iter().map(|table| (table.name.to_owned(), table.object()));
                let object = Value::Object(fields.chain(tables).collect::<Map<_, _>>());
                return writeln!(out, "{object}");
            }
            Form::Markdown => {
                writeln!(out, "| figure | value |\n|---|---|")?;
                for (name, value) in &self.single {
                    writeln!(out, "| {name} | {} |", shown(value))?;
                }
            }
            Form::Table => {
                let width = self.single.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                for (name, value) in &self.single {
                    writeln!(out, "{name:width$}  {}", shown(value))?;
                }
            }
        }
        self.tables.iter().try_for_each(|table| table.print(form, &mut out))
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(real) if !number.is_u64() && real.abs() >= 1_000.0 => format!("{real:.0}"),
            Some(real) if !number.is_u64() => format!("{real:.4}"),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
