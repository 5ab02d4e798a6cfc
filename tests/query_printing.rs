//! Every tree prints as text that reads back to it, without a superfluous parenthesis.

#![allow(clippy::unwrap_used, reason = "tests")]

mod trees;

use proptest::prelude::{ProptestConfig, prop_assert_eq, prop_assert_ne, proptest};
use silverback::Limits;
use silverback::lang::parse;

use trees::statement;

/// Returns the places of each parenthesis that closes, with the one that it closes.
fn parentheses(text: &str) -> Vec<(usize, usize)> {
    let (mut open, mut pairs) = (Vec::new(), Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open.push(at),
            b')' => pairs.extend(open.pop().map(|start| (start, at))),
            _ => {}
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_tree_reads_back_from_its_text(tree in statement()) {
        let text = tree.to_string();
        let again = parse(&text, &Limits::default());
        let again = again.map_err(|found| found.render());
        prop_assert_eq!(again.as_ref(), Ok(&tree), "{}", text);
        prop_assert_eq!(again.map(|again| again.to_string()), Ok(text));
    }

    #[test]
    fn no_parenthesis_is_superfluous(tree in statement()) {
        let text = tree.to_string();
        for (start, end) in parentheses(&text) {
            let (before, inside) = (&text[..start], &text[start + 1..end]);
            let without = format!("{before} {inside} {}", &text[end + 1..]);
            let again = parse(&without, &Limits::default());
            prop_assert_ne!(again.as_ref(), Ok(&tree), "{}", text);
        }
    }
}
