//! Every refusal names a code, the exact place, and where there is one a way out that parses.

#![allow(clippy::unwrap_used, reason = "tests")]

use silverback::Limits;
use silverback::lang::parse;

/// What is shown for a refused line; the line is the second of each block.
const REFUSALS: &str = include_str!("query_errors.txt");

/// The lines that the language's contract wants refused, whatever else is.
const CONTRACT: [&str; 9] = [
    "sum(x) by (bot) / sum(y) by (bot)",
    "latency + 1",
    "p99 latency last 1h",
    "rate(latency) top by bot",
    "p99(latency) last 1hour",
    "p99(latency) every 1m over",
    "alert x if p99(latency) > 1s from now to now",
    "select p99(latency) from x",
    "count(latency{status=error})",
];

fn refused_line(block: &str) -> &str {
    block.lines().nth(1).unwrap().strip_prefix("  | ").unwrap()
}

#[test]
fn refusals_are_shown_as_recorded() {
    for block in REFUSALS.trim_end().split("\n\n") {
        let line = refused_line(block);
        let found = parse(line, &Limits::default()).expect_err(line);
        assert_eq!(found.render().trim_end(), block);
        assert_eq!(found.text, line);
        if let Some(suggestion) = found.suggestion {
            assert!(parse(&suggestion, &Limits::default()).is_ok(), "{suggestion}");
            assert_ne!(suggestion, line);
        }
    }
}

#[test]
fn each_refusal_of_the_contract_has_a_way_out() {
    for line in CONTRACT {
        let is_recorded = REFUSALS.split("\n\n").any(|block| refused_line(block) == line);
        assert!(is_recorded, "{line}");
        assert!(parse(line, &Limits::default()).unwrap_err().suggestion.is_some(), "{line}");
    }
}

#[test]
fn every_code_of_the_grammar_is_recorded() {
    for code in [
        "Q001", "Q002", "Q003", "Q005", "Q006", "Q007", "Q008", "Q010", "Q011", "Q012", "Q013",
        "Q014", "Q016", "Q201",
    ] {
        assert!(REFUSALS.contains(&format!("error[{code}]: ")), "{code}");
    }
    // What is too long or too deep is not repeated.
    for text in ["x".repeat(1 << 20), "(".repeat(100)] {
        assert_eq!(parse(&text, &Limits::default()).unwrap_err().code, "Q009");
    }
    assert_eq!(parse(" # nothing", &Limits::default()).unwrap_err().code, "Q001");
}

#[test]
fn of_several_lines_the_one_with_the_place_is_shown() {
    let text = "# grüße\nsum(tokens) by (model) / count(tokens)";
    let found = parse(text, &Limits::default()).unwrap_err();
    assert_eq!(
        found.render(),
        "error[Q011]: `by` applies to the whole query\n  \
           | sum(tokens) by (model) / count(tokens)\n  \
           |             ^^^^^^^^^^ cannot be followed by `/`\n  \
           = help: put it last:  # grüße\n          sum(tokens) / count(tokens) by model\n"
    );
    let found = parse("count(x)\n  last 1h # first\n  last 2h by bot", &Limits::default());
    let found = found.unwrap_err();
    assert_eq!(
        found.message,
        "`last 2h` at line 3, column 3, stands twice: `last 1h` at line 2, column 3, came first"
    );
    assert_eq!(
        found.suggestion.as_deref(),
        Some("count(x)\n  last 1h # first\n by bot"),
        "the comment must not swallow what follows"
    );
}

/// A grouping without a space before it was once put right by the parser calling itself on its own
/// suggestion, which grew without end: the stack ran out and the process aborted. Suggestions are
/// now built from places in the text, and parsed once.
#[test]
fn a_correction_never_calls_for_itself() {
    for line in ["sum(x)by(bot)/sum(y)", "sum(x)\nby (bot) / sum(y)", "sum(x)\tby bot\n/2"] {
        let found = parse(line, &Limits::default()).unwrap_err();
        assert_eq!(found.code, "Q011");
        let suggestion = found.suggestion.unwrap();
        let again = parse(&suggestion, &Limits::default()).unwrap().to_string();
        assert!(again.ends_with(" by bot"), "{again}");
    }
}
