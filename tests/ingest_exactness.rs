//! What is read is what stands in the input: every double to the bit, every label under its name.

#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic_in_result_fn, reason = "tests")]

use std::fmt::Write as _;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert_eq, proptest};
use silverback::ingest::{IngestOptions, Input, Row, Sink, ingest};
use silverback::{MetricDef, Result};

const SECOND: i64 = 1_700_000_000;

/// Rows as they arrive.
#[derive(Default)]
struct Collected {
    labels: Vec<Vec<(String, String)>>,
    samples: Vec<(String, u64)>,
}

impl Sink for Collected {
    fn metric(&mut self, _: &MetricDef) -> Result<()> {
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<()> {
        self.labels.push(row.labels.to_vec());
        let bits = |(metric, value): (&str, f64)| (metric.to_owned(), value.to_bits());
        self.samples.extend(row.samples().map(bits));
        Ok(())
    }
}

fn read(text: &str) -> Result<Collected> {
    let mut sink = Collected::default();
    let input = Input { name: "in".to_owned(), bytes: text.as_bytes() };
    let report = ingest(input, IngestOptions::default(), &mut sink)?;
    assert_eq!(report.rows_rejected, 0, "{:?}", report.rejected);
    Ok(sink)
}

fn finite() -> impl Strategy<Value = f64> {
    any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Symptom: one double in five of a JSON input was off by its last bit. Cause: the JSON reader
    /// rounds quickly rather than rightly unless asked. Fix: it is asked.
    #[test]
    fn doubles_keep_every_bit_in_every_form(
        values in proptest::collection::vec(finite(), 1..100)
    ) {
        let (mut csv, mut json, mut line) = ("ts,v\n".to_owned(), String::new(), String::new());
        for value in &values {
            writeln!(csv, "{SECOND},{value:?}").unwrap();
            writeln!(json, "{{\"ts\":{SECOND},\"v\":{value:?}}}").unwrap();
            writeln!(line, "v value={value:?} {SECOND}000000000").unwrap();
        }
        let expected: Vec<_> =
            values.iter().map(|value| ("v".to_owned(), value.to_bits())).collect();
        prop_assert_eq!(&read(&csv).unwrap().samples, &expected);
        prop_assert_eq!(&read(&json).unwrap().samples, &expected);
        prop_assert_eq!(&read(&line).unwrap().samples, &expected);
    }
}

/// Symptom: of `user.name` and `bot.name` one label was left, so that the series of all bots ran
/// together. Cause: both were called by the last part of their path.
#[test]
fn nested_labels_of_one_name_are_kept_apart() {
    let parts = r#""user":{"name":"u"},"bot":{"name":"b","lang":"de"},"v":1"#;
    let text = format!("{{\"ts\":{SECOND},{parts}}}\n");
    let mut labels = read(&text).unwrap().labels.remove(0);
    labels.sort();
    let expected = [("bot.name", "b"), ("lang", "de"), ("user.name", "u")];
    assert_eq!(labels, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// Symptom: with `ms,ms` in the header, the values of the first column were stored twice and those
/// of the second not at all.
#[test]
fn columns_that_cannot_be_told_apart_are_refused_where_they_are_used() {
    let text = format!("ts,bot,ms,ms\n{SECOND},a,1,2\n");
    let reason = read(&text).err().unwrap().to_string();
    assert!(reason.contains("two columns \"ms\""), "{reason}");
    let input = Input { name: "in".to_owned(), bytes: text.as_bytes() };
    let options = IngestOptions::default().mapping("ts=ts, v=bot".parse().unwrap());
    let report = ingest(input, options, &mut Collected::default()).unwrap();
    assert_eq!(report.rejected.first().unwrap().reason, "\"a\" is not a number");
}
