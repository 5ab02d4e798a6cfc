//! Approximate percentiles keep the error that they state.

#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod small_store;

use std::sync::Arc;

use proptest::prelude::{Strategy, prop, proptest};
use silverback::output::{Format, write_answer};
use silverback::vfs::MemVfs;
use silverback::{Background, Cell, ManualClock, Role, SeriesKey, Snapshot, Store, Timestamp};
use small_store::{ask, key, names, refused_as, series, store};

fn of(values: &[f64]) -> Snapshot {
    let samples: Vec<(i64, f64)> = (0..).zip(values.iter().copied()).collect();
    store(1000, vec![series(key("latency", "a"), &samples)])
}

fn numbers(cells: &[Cell]) -> Vec<f64> {
    let number = |cell: &Cell| match cell {
        Cell::Number(number) => *number,
        other => panic!("{other:?}"),
    };
    cells.iter().map(number).collect()
}

proptest! {
    #[test]
    fn the_exact_answer_lies_within_the_error(
        values in prop::collection::vec(
            (1..10_000_000_i32).prop_map(|value| f64::from(value) / 64.0), 1..200,
        ),
        percent in 0..=100_u32,
    ) {
        let text = format!(
            "p{percent}(latency, approx=true) as about, p{percent}(latency) as exact last 1000m"
        );
        let answer = ask(&of(&values), &text);
        let [about, error, exact] = numbers(&answer.rows[0])[..] else { panic!("{answer:?}") };
        assert!(error <= 0.0078, "{error}");
        assert!((about - exact).abs() <= error * exact * (1.0 + 1e-9), "{about} {error} {exact}");
    }
}

#[test]
fn the_error_is_a_column_and_marks_the_value() {
    let store = of(&[100.0, 200.0, 842.5, 900.0]);
    let answer = ask(&store, "p60(latency, approx=true) as about last 1000m");
    assert_eq!(names(&answer), ["about", "about ±"]);
    assert_eq!(answer.columns[0].unit.as_deref(), Some("ms"));
    assert_eq!(answer.columns[1].role, Role::Error);
    let text = |format| {
        let mut out = Vec::new();
        write_answer(&answer, format, None, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    // The bucket of 842.5 goes from 840 to just below 848.
    assert_eq!(text(Format::Table), "     about [ms]\n~843.981 ±0.48%\n");
    let json = text(Format::Json);
    assert!(json.contains("\"approximate\":true,\"relative_error\":0.0047"), "{json}");
    assert!(text(Format::Csv).starts_with("about,about ±\r\n843.98"));
    let exact = ask(&store, "p50(latency, approx=false) last 1000m");
    assert_eq!(exact.columns.len(), 1);
}

#[test]
fn the_ends_are_exact_and_errors_are_not_computed_with() {
    let store = of(&[0.0, 7.0, 7.0]);
    let answer = ask(
        &store,
        "p100(latency, exact=false) as most, p0(latency, approx=true) as least \
                              last 1000m",
    );
    assert_eq!(numbers(&answer.rows[0])[0].to_bits(), 7.0_f64.to_bits());
    let none = of(&[0.0, 0.0, 0.0, -3.0, 3.0]);
    let answer = ask(&none, "p60(latency, approx=true) as about last 1000m");
    assert_eq!(numbers(&answer.rows[0]), [0.0, 0.0]);
    let empty = ask(&store, "p50(size, approx=true) last 1000m");
    assert_eq!(empty.rows[0], [Cell::Null, Cell::Null]);
    refused_as(&store, "p50(latency, approx=true) / 2 last 1h", "Q144", "true");
    refused_as(&store, "p50(latency, approx=true) last 1h compare 1h", "Q144", "compare");
    refused_as(&store, "p50(latency, approx=true, interp=linear) last 1h", "Q139", "interp");
}

/// Merged chunks have sketches, which say what the buckets of their samples say.
#[test]
fn sketches_answer_as_samples_do_and_nothing_is_decoded() {
    let start = Timestamp::from_nanos(1_700_000_040_000_000_000);
    let at = |seconds: i64| start.saturating_add(seconds * 1_000_000_000);
    let clock = Arc::new(ManualClock::new(at(10_000)));
    let options = Store::options().vfs(Arc::new(MemVfs::default())).clock(clock);
    let store = options.background(Background::Manual).merges(false).open("/db").unwrap();
    let mut state = 7_u64;
    for seconds in 0..6000 {
        for bot in ["support", "sales"] {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from((state >> 40) as u32 % 100_000 + 1).powf(1.3).round() / 100.0;
            let series = SeriesKey::new("latency").label("bot", bot);
            store.series(&series).unwrap().append(at(seconds), value).unwrap();
        }
        if seconds % 2500 == 2499 {
            store.flush().unwrap();
        }
    }
    let questions = [
        "p50(latency, approx=true) as half, p99.9(latency, approx=true) as most last 10000s",
        "p90(latency, approx=true) as about by bot last 10000s",
        "p10(latency, approx=true) as about, count(latency) by bot every 1000s last 10000s",
    ];
    let answers = |snapshot: &Snapshot| questions.map(|text| ask(snapshot, text));
    let before = answers(&store.snapshot().unwrap());
    store.flush().unwrap();
    assert_eq!(answers(&store.snapshot().unwrap()), before);
    store.compact().unwrap();
    let merged = answers(&store.snapshot().unwrap());
    assert_eq!(merged, before);
    for answer in merged.iter().take(2) {
        let read = answer.stats;
        assert!(read.chunks_from_statistics > 0, "{read:?}");
        assert_eq!((read.chunks_decoded, read.samples_read), (0, 0), "{read:?}");
    }
}
