//! What a store has to say about a line that parses: every code, its place, and its way out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod small_store;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use silverback::lang::ast::Literal;
use silverback::lang::build::{ask, count, value};
use silverback::{Diagnostic, ErrorKind, Limits, Query, Snapshot};
use small_store::{key, series, store};

/// What is shown, finding by finding; the line asked is the second of each block.
const FINDINGS: &str = include_str!("query_findings.txt");

/// Where findings are shown in full.
const SHOWN: [&str; 3] = ["query_errors.txt", "query_findings.txt", "query_findings.rs"];

/// Asked at minute 120.
fn bots() -> Snapshot {
    store(
        120,
        vec![
            series(key("latency", "sales").label("status", "ok"), &[(90, 100.0), (95, 300.0)]),
            series(key("latency", "support").label("status", "error"), &[(100, 1e308)]),
            series(key("tokens", "sales"), &[(90, 10.0), (91, 20.0)]),
            series(key("requests", "sales"), &[(90, 1.0), (91, 5.0)]),
            series(key("queue", "sales"), &[(90, 4.0)]),
            series(key("size", "sales"), &[(90, 4.0)]),
        ],
    )
}

/// Returns what is said about a line: the error that refuses it, or its warnings.
fn findings(store: &Snapshot, line: &str) -> Vec<Diagnostic> {
    match store.query(line) {
        Ok(answer) => answer.warnings,
        Err(error) => match error.into_kind() {
            ErrorKind::Query(found) => vec![found],
            other => panic!("{line}: {other:?}"),
        },
    }
}

#[test]
fn findings_are_shown_as_recorded_and_their_suggestions_run() {
    let store = bots();
    for block in FINDINGS.trim_end().split("\n\n") {
        let line = block.lines().nth(1).unwrap().strip_prefix("  | ").unwrap();
        let [found] = &findings(&store, line)[..] else { panic!("one finding: {line}") };
        assert_eq!(found.render().trim_end(), block);
        assert_eq!(found.text, line);
        if let Some(suggestion) = &found.suggestion {
            assert!(findings(&store, suggestion).is_empty(), "{suggestion}");
        }
        let candidates = block.matches("did you mean").count();
        assert!(candidates <= 1, "{block}");
    }
}

#[test]
fn what_has_no_line_to_show_is_said_all_the_same() {
    let parsed = Query::parse(&"x".repeat(1 << 20), &Limits::default()).unwrap_err();
    let ErrorKind::Query(found) = parsed.into_kind() else { panic!() };
    assert_eq!(found.render(), "error[Q009]: the query has 1048576 bytes, the limit is 65536\n");
    let gate = "alert slow if max(latency) > 1s".parse::<Query>().unwrap();
    let refused = gate.gate("max(latency) > 2s").unwrap_err();
    let ErrorKind::Query(found) = refused.into_kind() else { panic!() };
    assert_eq!(
        found.render(),
        "error[Q151]: only questions have conditions, not alerts and records\n  \
           | max(latency) > 2s\n  \
           | ^^^^^^^^^^^^^^^^^\n  \
           = help: a condition is like  p99(latency) > 800ms\n"
    );
}

#[test]
fn a_tree_that_has_no_text_is_refused() {
    let fast = Literal::Text("fast".to_owned());
    let refused = Query::of(ask(count("latency")).filter(value().differs(fast))).unwrap_err();
    let ErrorKind::Query(found) = refused.into_kind() else { panic!() };
    assert_eq!(
        found.render(),
        "error[Q152]: the tree cannot be written: its text means another one\n  \
           | count(latency) where value != \"fast\"\n  \
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
    );
}

#[test]
fn every_code_of_the_source_is_shown() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shown: String = SHOWN
        .iter()
        .map(|name| fs::read_to_string(root.join("tests").join(name)).unwrap())
        .collect();
    let mut codes = BTreeSet::new();
    for path in sources(&root.join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for quoted in code.split('"').skip(1).step_by(2) {
            let is_code = quoted.len() == 4 && quoted.starts_with('Q');
            if is_code && quoted[1..].bytes().all(|byte| byte.is_ascii_digit()) {
                codes.insert(quoted.to_owned());
            }
        }
    }
    assert!(codes.len() > 50, "{codes:?}");
    let is_shown = |code: &&String| shown.contains(&format!("[{code}]: "));
    let missing: Vec<&String> = codes.iter().filter(|code| !is_shown(code)).collect();
    assert!(missing.is_empty(), "no finding is shown with {missing:?}");
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
