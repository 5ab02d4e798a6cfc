//! What groups are split by, and whether two sides of an operator can be joined.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};
use crate::lang::Span;
use crate::lang::ast::{Grouping, Key, Keys};
use crate::query::finding::Findings;
use crate::query::plan::planner::Draft;
use crate::query::plan::selection::Catalogue;
use crate::query::plan::tree::{Node, Scan, SplitKey};

/// Gives every scan its keys. `by *` and `without` mean the labels of all series under that
/// grouping, so that items over several metrics share their columns.
pub(super) fn resolve(catalogue: &Catalogue<'_>, drafts: &mut [Draft]) -> Result<()> {
    let mut resolved: Vec<(Grouping, Vec<SplitKey>)> = Vec::new();
    for grouping in drafts.iter().filter_map(|draft| draft.grouping.as_ref()) {
        if !resolved.iter().any(|(known, _)| known == grouping) {
            resolved.push((grouping.clone(), keys_of(catalogue, grouping, drafts)?));
        }
    }
    for draft in drafts {
        let keys = resolved.iter().find(|(known, _)| Some(known) == draft.grouping.as_ref());
        draft.scan.keys = keys.map(|(_, keys)| keys.clone()).unwrap_or_default();
        if draft.scan.buckets.is_some() {
            draft.scan.keys.push(SplitKey::Bucket);
        }
    }
    Ok(())
}

fn keys_of(
    catalogue: &Catalogue<'_>,
    grouping: &Grouping,
    drafts: &[Draft],
) -> Result<Vec<SplitKey>> {
    let mut listed: Vec<SplitKey> = Vec::new();
    if let Keys::List(keys) = &grouping.keys {
        let (limit, got) = (catalogue.snapshot.limits().keys_max, keys.len() as u64);
        if got > limit {
            let what = "the number of keys of one grouping";
            return Err(ErrorKind::Limit { what, limit, got }.into());
        }
        for key in keys {
            match &key.node {
                Key::Calendar(_) if grouping.without => {
                    let message = "`without` leaves out labels".to_owned();
                    return Err(catalogue.findings.error("Q142", key.span, message).into());
                }
                Key::Calendar(part) => {
                    let key = SplitKey::Calendar(*part);
                    if !listed.contains(&key) {
                        listed.push(key);
                    }
                }
                Key::Label(label) => {
                    for draft in
                        drafts.iter().filter(|draft| draft.grouping.as_ref() == Some(grouping))
                    {
                        let chosen = &draft.scan.selection.series;
                        if catalogue.warn_of_label(label, key.span, chosen)? {
                            break;
                        }
                    }
                    let key = SplitKey::Label(label.clone());
                    if !listed.contains(&key) {
                        listed.push(key);
                    }
                }
            }
        }
    }
    match (&grouping.keys, grouping.without) {
        (Keys::All, true) => Ok(Vec::new()),
        (Keys::List(_), false) => Ok(listed),
        (Keys::All, false) | (Keys::List(_), true) => {
            let all = all_keys(grouping, drafts);
            Ok(all.into_iter().filter(|key| !listed.contains(key)).collect())
        }
    }
}

fn all_keys(grouping: &Grouping, drafts: &[Draft]) -> BTreeSet<SplitKey> {
    let ours = drafts.iter().filter(|draft| draft.grouping.as_ref() == Some(grouping));
    let mut keys = BTreeSet::new();
    for selection in ours.map(|draft| &draft.scan.selection) {
        if !selection.names_metric {
            keys.insert(SplitKey::Metric);
        }
        for (label, _) in selection.series.iter().flat_map(|series| series.key().labels()) {
            if !keys.contains(&SplitKey::Label(label.to_owned())) {
                keys.insert(SplitKey::Label(label.to_owned()));
            }
        }
    }
    keys
}

/// Returns the keys of an expression's groups: those of its widest scan.
pub(super) fn keys(node: &Node, scans: &[Scan]) -> Vec<SplitKey> {
    match node {
        Node::Constant(_) => Vec::new(),
        Node::Aggregate { scan, .. } => {
            scans.get(*scan).map(|scan| scan.keys.clone()).unwrap_or_default()
        }
        Node::Map(_, inner) | Node::Over(_, _, inner) => keys(inner, scans),
        Node::Binary { left, right, .. } => {
            let (left, right) = (keys(left, scans), keys(right, scans));
            if left.len() >= right.len() { left } else { right }
        }
    }
}

/// Checks that every operator of an expression joins sides whose keys are the same, or a part.
pub(super) fn check(node: &Node, scans: &[Scan], findings: &Findings<'_>) -> Result<()> {
    match node {
        Node::Constant(_) | Node::Aggregate { .. } => Ok(()),
        Node::Map(_, inner) | Node::Over(_, _, inner) => check(inner, scans, findings),
        Node::Binary { span, left, right, .. } => {
            check(left, scans, findings)?;
            check(right, scans, findings)?;
            join(keys(left, scans), keys(right, scans))
                .map(drop)
                .map_err(|(one, other)| join_error(findings, *span, &one, &other))
        }
    }
}

type KeySets = (Vec<SplitKey>, Vec<SplitKey>);

/// Returns the larger of two key sets if the smaller is a part of it, else both.
pub(super) fn join(
    left: Vec<SplitKey>,
    right: Vec<SplitKey>,
) -> std::result::Result<Vec<SplitKey>, KeySets> {
    let (wide, narrow) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    if narrow.iter().all(|key| wide.contains(key)) { Ok(wide) } else { Err((wide, narrow)) }
}

/// Words that two groupings cannot be joined.
pub(super) fn join_error(
    findings: &Findings<'_>,
    span: Span,
    one: &[SplitKey],
    other: &[SplitKey],
) -> Error {
    let list = |keys: &[SplitKey]| {
        let names: Vec<&str> = keys.iter().map(SplitKey::name).collect();
        format!("({})", names.join(", "))
    };
    let message = format!("groups by {} and by {} cannot be joined", list(one), list(other));
    let help = "let one grouping hold all keys of the other".to_owned();
    findings.error("Q137", span, message).help(help).into()
}
