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

/// Figures in order, each with a name that ends with its unit.
#[derive(Debug, Default)]
pub(crate) struct Figures(Vec<(&'static str, Value)>);

impl Figures {
    /// Adds a figure.
    pub(crate) fn add(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.push((name, value.into()));
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
                let fields = self.0.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
                writeln!(out, "{}", Value::Object(fields.collect::<Map<_, _>>()))
            }
            Form::Markdown => {
                writeln!(out, "| figure | value |\n|---|---|")?;
                self.0
                    .iter()
                    .try_for_each(|(name, value)| writeln!(out, "| {name} | {} |", shown(value)))
            }
            Form::Table => {
                let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                self.0
                    .iter()
                    .try_for_each(|(name, value)| writeln!(out, "{name:width$}  {}", shown(value)))
            }
        }
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
