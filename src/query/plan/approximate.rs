//! Percentiles with `approx=true`: a value from logarithmic buckets, and the error it keeps.

use crate::error::Result;
use crate::lang::ast::{Arg, Call, OptionValue};
use crate::query::plan::planner::Planner;
use crate::query::plan::tree::{Function, Item};
use crate::query::quantile::Decimal;

/// Returns true for a percentile that may be approximate.
pub(super) fn is_approximate(call: &Call) -> bool {
    let name = call.name.node.as_str();
    let is_percentile = Decimal::of_name(name).is_some() || matches!(name, "median" | "quantile");
    is_percentile
        && call.args.iter().any(|arg| match &arg.node {
            Arg::Option(name, value) => says_so(name.node.as_str(), &value.node),
            _ => false,
        })
}

fn says_so(name: &str, value: &OptionValue) -> bool {
    let OptionValue::Word(word) = value else { return false };
    matches!((name, word.as_str()), ("approx", "true") | ("exact", "false"))
}

impl<'a> Planner<'a> {
    /// Plans the value and its error, as two columns.
    pub(super) fn approximate(&mut self, call: &'a Call, name: String) -> Result<Vec<Item>> {
        let arguments = self.arguments(call)?;
        if let Some((other, _)) =
            arguments.options.iter().find(|(name, value)| !says_so(&name.node, &value.node))
        {
            return Err(self.unknown_option(other));
        }
        let share = match call.name.node.as_str() {
            "quantile" => self.quantile_share(&arguments, call)?,
            name => Decimal::of_name(name).unwrap_or(Decimal::HALF),
        };
        let scan = self.only_scan(&arguments, call)?;
        let unit = self.unit_of(scan);
        let value = self.aggregate(scan, Function::Approximate(share));
        let error = self.aggregate(scan, Function::ApproximateError(share));
        let error_name = format!("{name} ±");
        Ok(vec![
            Item { name, unit, is_error: false, node: value },
            Item { name: error_name, unit: None, is_error: true, node: error },
        ])
    }
}
