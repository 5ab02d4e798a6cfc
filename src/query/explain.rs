//! `explain`: what a question reads and computes, and what that took.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::query::budget::Budget;
use crate::query::exec;
use crate::query::finding::Findings;
use crate::query::plan::{Body, Plan, Scan, SplitKey};
use crate::query::rows::{Answer, Cell, Column, Role, RunStats};
use crate::query::window::hull;
use crate::snapshot::Snapshot;

/// Runs a plan, and answers with its parts instead of its rows.
pub(crate) fn explain(
    plan: &Plan,
    snapshot: &Snapshot,
    canonical: String,
    findings: Findings<'_>,
    budget: &Budget,
) -> Result<Answer> {
    let planned = budget.elapsed();
    let output = exec::run(plan, snapshot, &findings, budget)?;
    let stats = budget.stats(planned);
    let range = plan.timeline.range;
    let mut lines = vec![
        ("range", format!("{} to {}", range.start, range.end)),
        ("windows", plan.timeline.steps.len().to_string()),
    ];
    let scans = match &plan.body {
        Body::Samples(scan) => std::slice::from_ref(scan),
        Body::Items(computed) => {
            for item in &computed.items {
                lines.push(("item", item.name.clone()));
            }
            computed.scans.as_slice()
        }
    };
    for scan in scans {
        lines.push(("scan", words_of(scan)));
        lines.push(("chunks", chunks_of(scan, plan, snapshot)?));
    }
    lines.extend(words_of_stats(&stats));
    lines.push(("rows", output.rows.len().to_string()));
    let column = |name: &str| Column { name: name.to_owned(), role: Role::Label, unit: None };
    let text = |text: &str| Cell::Text(Arc::from(text));
    let (warnings, notes) = findings.into_parts();
    Ok(Answer {
        query: canonical,
        range,
        columns: vec![column("part"), column("detail")],
        rows: lines.iter().map(|(part, detail)| vec![text(part), text(detail)]).collect(),
        warnings,
        notes,
        stats,
    })
}

/// Says what was read, and how long each stage took.
fn words_of_stats(stats: &RunStats) -> Vec<(&'static str, String)> {
    let ms = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    let of_chunks = [
        (stats.chunks_considered, "considered"),
        (stats.chunks_from_statistics, "from statistics"),
        (stats.chunks_from_slices, "from slices"),
        (stats.chunks_decoded, "decoded"),
    ];
    let of_chunks = of_chunks.map(|(count, how)| format!("{count} {how}"));
    vec![
        ("chunks read", of_chunks.join(", ")),
        ("bytes read", stats.bytes_read.to_string()),
        ("samples read", stats.samples_read.to_string()),
        ("planning took", ms(stats.plan_time)),
        ("reading took", ms(stats.total_time.saturating_sub(stats.plan_time))),
        ("took", ms(stats.total_time)),
    ]
}

fn words_of(scan: &Scan) -> String {
    let metrics: Vec<&str> = scan.selection.metrics.iter().map(|def| def.name.as_str()).collect();
    let keys: Vec<&str> = scan.keys.iter().map(SplitKey::name).collect();
    let functions: Vec<String> = scan.aggregates.iter().map(|f| format!("{f:?}")).collect();
    let split = if keys.is_empty() { String::new() } else { format!(" by {}", keys.join(", ")) };
    let of = if functions.is_empty() { "samples".to_owned() } else { functions.join(", ") };
    format!("{of} of {}: {} series{split}", metrics.join(", "), scan.selection.series.len())
}

fn chunks_of(scan: &Scan, plan: &Plan, snapshot: &Snapshot) -> Result<String> {
    let covers = plan.timeline.covers(scan.length, scan.offset);
    let range = hull(plan.timeline.moved(plan.timeline.range, scan.offset), &covers);
    let (mut all, mut met) = (0, 0);
    for series in &scan.selection.series {
        let (own, in_range) = snapshot.chunks_of(series, range)?;
        all += own;
        met += in_range;
    }
    Ok(format!("{all} of the series, {met} in the range"))
}
