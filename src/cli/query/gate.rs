//! `--fail-if`: a condition that decides how the process ends.

use silverback::{Answer, Query, Role, RunOptions, Snapshot};

use crate::cli::listing::in_one_line;
use crate::cli::{Context, Status};

/// How many rows are named where the condition holds.
const ROWS_TOLD: usize = 3;

/// Judges the condition with the range and groups of the question, and says where it holds.
pub(crate) fn judge(
    condition: &str,
    gate: &Query,
    snapshot: &Snapshot,
    options: &RunOptions,
    context: &Context,
) -> anyhow::Result<Status> {
    let answer = snapshot.run(gate, options)?;
    for warning in &answer.warnings {
        context.say(warning.render().trim_end());
    }
    let count = answer.rows_with_value().count();
    if count == 0 {
        return Ok(Status::Done);
    }
    let told: Vec<String> =
        answer.rows_with_value().take(ROWS_TOLD).map(|row| words(&answer, row)).collect();
    let more =
        if count > ROWS_TOLD { format!(", and {} more", count - ROWS_TOLD) } else { String::new() };
    context.say(&format!("fails: {condition} holds: {}{more}", told.join("; ")));
    Ok(Status::GateFails)
}

/// Names a row by its window and labels, with its value.
fn words(answer: &Answer, row: &[silverback::Cell]) -> String {
    use silverback::Cell;
    let mut words = Vec::new();
    for (column, cell) in answer.columns.iter().zip(row) {
        let name = &column.name;
        match (column.role, cell) {
            (Role::Time, Cell::Time(time)) => words.push(time.to_string()),
            (Role::Label, Cell::Text(text)) => words.push(format!("{name}={text:?}")),
            (Role::Value, Cell::Number(value)) => {
                let unit = column.unit.as_ref().map_or(String::new(), |unit| format!(" {unit}"));
                words.push(format!("{value}{unit}"));
            }
            _ => {}
        }
    }
    in_one_line(&words.join(" "))
}
