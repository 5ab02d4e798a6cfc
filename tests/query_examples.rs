//! docs/QUERY.md answers an example of every function and every word of the language; as doctests
//! they are run, and their answers compared.

#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use silverback::lang::{function_names, keywords, parse};
use silverback::{Limits, Query};

const DOCUMENT: &str = include_str!("../docs/QUERY.md");

/// Words that no question has: they are known so that SQL is told apart.
const OF_SQL: [&str; 2] = ["select", "update"];

/// What parses and is refused; the document shows how.
const NOT_AVAILABLE: [&str; 2] = ["anomaly", "forecast"];

/// Returns the texts that stand as the argument of a function in the document's examples.
fn arguments_of(function: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in DOCUMENT.match_indices(&format!("{function}(")) {
        let rest = DOCUMENT.get(at + function.len() + 1..).unwrap();
        let (rest, end) = match rest.strip_prefix("r#\"") {
            Some(rest) => (rest, "\"#"),
            None => match rest.strip_prefix('"') {
                Some(rest) => (rest, "\""),
                None => continue,
            },
        };
        found.push(rest.split(end).next().unwrap().to_owned());
    }
    found
}

/// Returns the words of a question outside of quotes, and for calls the name with `(` behind it.
fn words(question: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for unquoted in question.split('"').step_by(2) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut rest = unquoted;
        while let Some(start) = rest.find(is_name) {
            let after = rest.get(start..).unwrap();
            let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
            let (word, behind) = after.split_at(end);
            words.insert(if behind.starts_with('(') {
                format!("{word}(")
            } else {
                word.to_owned()
            });
            rest = behind;
        }
    }
    words
}

#[test]
fn every_function_and_every_word_has_an_example() {
    let asked = arguments_of("ask");
    assert!(asked.len() > 40, "{}", asked.len());
    let mut seen = BTreeSet::new();
    for question in &asked {
        parse(question, &Limits::default()).unwrap_or_else(|found| panic!("{}", found.render()));
        seen.extend(words(question));
    }
    let refused: BTreeSet<String> =
        arguments_of("refused").iter().flat_map(|question| words(question)).collect();
    let is_shown = |name: &str| {
        let call = format!("{name}(");
        if NOT_AVAILABLE.contains(&name) { refused.contains(&call) } else { seen.contains(&call) }
    };
    let missing: Vec<&str> = function_names().filter(|name| !is_shown(name)).collect();
    assert!(missing.is_empty(), "functions without an example: {missing:?}");
    // `mark("…")` is written as a call is.
    let has_word = |word: &str| seen.contains(word) || (word == "mark" && seen.contains("mark("));
    let missing: Vec<&str> =
        keywords().filter(|word| !OF_SQL.contains(word) && !has_word(word)).collect();
    assert!(missing.is_empty(), "words without an example: {missing:?}");
}

#[test]
fn every_example_prints_and_reads_back() {
    for question in arguments_of("ask") {
        let query: Query = question.parse().unwrap();
        assert_eq!(query.to_string().parse::<Query>().unwrap(), query, "{question}");
    }
}
