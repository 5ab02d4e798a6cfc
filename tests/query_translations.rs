//! Every line that docs/QUERY-FROM.md translates from another language is answered.

#![cfg(feature = "text")]
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "tests; the store is that of the examples in the documentation"
)]

include!("../docs/example_store.rs");

const TRANSLATIONS: &str = include_str!("../docs/QUERY-FROM.md");

#[test]
fn every_translation_is_answered_without_a_warning() {
    let snapshot = snapshot();
    let noon = Timestamp::from_secs(NOON).unwrap();
    let mut count = 0;
    for row in TRANSLATIONS.lines().filter(|line| line.starts_with("| ")) {
        let here = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let Some(line) = here.strip_prefix('`').and_then(|line| line.strip_suffix('`')) else {
            assert!(here == "here" || here == "–", "{row}");
            continue;
        };
        let query: silverback::Query =
            line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        let again: silverback::Query = query.to_string().parse().unwrap();
        assert_eq!(query, again, "{line}");
        let answer = snapshot.run(&query, &RunOptions::default().now(noon));
        let answer = answer.unwrap_or_else(|error| panic!("{line}: {:?}", error.kind()));
        assert_eq!(answer.warnings, [], "{line}");
        count += 1;
    }
    assert!(count >= 45, "only {count} translations");
}
