//! Posting lists choose what a look at every series would.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};

use crate::model::{Limits, Matcher, MatcherOp, Selector, SeriesKey};
use crate::segment::tests::fixture::{Contents, columns, open, write};
use crate::segment::tests::round_trip::contents;

fn matchers() -> impl Strategy<Value = Matcher> {
    let label = prop_oneof![Just("bot"), Just("channel"), Just("ключ"), Just("absent"), Just("")];
    let value = || prop_oneof![Just(""), Just("support"), Just("sales"), Just("ä"), Just("none")];
    let pattern = prop_oneof![Just("s.*"), Just(".*"), Just(".+"), Just("|ä"), Just("x")];
    let regex = |negated| {
        move |pattern: &str| Matcher::regex("", pattern, negated, &Limits::DEFAULT).unwrap().op
    };
    let op = prop_oneof![
        value().prop_map(|value| MatcherOp::Equal(value.to_owned())),
        value().prop_map(|value| MatcherOp::NotEqual(value.to_owned())),
        btree_set(value().prop_map(str::to_owned), 0..4).prop_map(MatcherOp::In),
        pattern.clone().prop_map(regex(false)),
        pattern.prop_map(regex(true)),
    ];
    (label, op).prop_map(|(label, op)| Matcher { label: label.to_owned(), op })
}

fn naive(contents: &Contents, selector: &Selector) -> Vec<u32> {
    (0..).zip(contents.keys()).filter(|(_, key)| selector.matches(key)).map(|(n, _)| n).collect()
}

#[test]
fn lists_of_several_values_are_merged_in_order() {
    let mut contents = Contents::new();
    for (channel, bot) in [("a", "y"), ("b", "x"), ("c", "y"), ("d", "z"), ("e", "x"), ("f", "")] {
        let key = SeriesKey::new("latency").label("bot", bot).label("a", channel);
        contents.insert(key, columns([(1, 1.0)]));
    }
    let segment = open(&write(&contents)).unwrap();
    let chosen = |op| {
        let selector =
            Selector { metric: None, matchers: vec![Matcher { label: "bot".to_owned(), op }] };
        assert_eq!(segment.select(&selector).unwrap(), naive(&contents, &selector));
        segment.select(&selector).unwrap()
    };
    let values = |values: [&str; 2]| MatcherOp::In(values.map(str::to_owned).into());
    assert_eq!(chosen(values(["x", "y"])), [0, 1, 2, 4]);
    assert_eq!(chosen(values(["", "x"])), [1, 4, 5]);
    assert_eq!(chosen(MatcherOp::NotEqual("y".to_owned())), [1, 3, 4, 5]);
    assert_eq!(chosen(MatcherOp::NotEqual(String::new())), [0, 1, 2, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_selection_is_what_a_walk_finds(
        contents in contents(),
        metric in option::of(prop_oneof![Just("latency"), Just("µ"), Just("unused"), Just("bot")]),
        matchers in vec(matchers(), 0..3),
    ) {
        let segment = open(&write(&contents)).unwrap();
        let selector = Selector { metric: metric.map(str::to_owned), matchers };
        let chosen = segment.select(&selector).unwrap();
        assert_eq!(chosen, naive(&contents, &selector), "{selector:?}");
    }
}
