//! Random questions over random stores are answered as a naive evaluator answers them: before and
//! after flushes and merges, equal to the bit, and sums within a unit in the last place. Two
//! threads answer with the bits of one.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::panic_in_result_fn,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::too_many_lines,
    reason = "tests"
)]

mod oracle;

use silverback::Snapshot;

use oracle::answers::judge;
use oracle::generate::question;
use oracle::naive::answer;
use oracle::random::Random;
use oracle::store::{LENGTH_SECONDS, Row, START, append, empty_store, in_memory, rows};

const STORES: u64 = 200;
const QUESTIONS_A_STORE: usize = 25;

/// Other stores and questions than those of every run: `SILVERBACK_SEED=7 cargo test …`.
fn seed() -> u64 {
    std::env::var("SILVERBACK_SEED").map_or(0, |seed| seed.parse().unwrap())
}

/// The same samples at three places: in the log and a segment, merged, and without a store.
fn snapshots(random: &mut Random, rows: &[Row], now: i64) -> [Snapshot; 3] {
    let store = empty_store();
    let (early, late) = rows.split_at(random.index(rows.len() + 1));
    let (flushed, logged) = late.split_at(random.index(late.len() + 1));
    append(&store, early);
    store.flush().unwrap();
    append(&store, flushed);
    store.flush().unwrap();
    append(&store, logged);
    let before = store.snapshot().unwrap();
    store.flush().unwrap();
    store.compact().unwrap();
    [before, store.snapshot().unwrap(), in_memory(rows, now)]
}

#[test]
fn answers_equal_the_naive_ones_wherever_the_samples_are() {
    let mut wrong: Vec<String> = Vec::new();
    let mut with_values = 0;
    for store in 0..STORES {
        let case = seed() * 1_000_003 + store;
        let mut random = Random::new(case);
        let rows = rows(&mut random);
        let now = START + random.number(0, LENGTH_SECONDS + 3600) * 1_000_000_000;
        let snapshots = snapshots(&mut random, &rows, now);
        // Of one time, the series that sorts first comes first, then what arrived first.
        let mut sorted: Vec<&Row> = rows.iter().collect();
        sorted.sort_by_key(|row| (row.time, row.metric, row.present()));
        for number in 0..QUESTIONS_A_STORE {
            let question = question(&mut random, rows.len() > 400);
            let expected = answer(&question, &sorted, now);
            let is_number = |value: &oracle::numbers::Expected| value.value.is_some();
            let has_number = expected
                .as_ref()
                .is_ok_and(|(_, rows)| rows.iter().any(|row| row.2.iter().any(is_number)));
            with_values += u64::from(has_number);
            // What has no store is read as a log is: a part of the questions is enough.
            let places = if random.percent(25) { 3 } else { 2 };
            for (place, snapshot) in snapshots.iter().take(places).enumerate() {
                // Each question is asked with two threads at one of both places.
                let with_two_threads = place == number % 2;
                let judged = judge(&question, &expected, snapshot, now, with_two_threads);
                if let Err(found) = judged {
                    wrong.push(format!("store {case}, place {place}: {found}"));
                    break;
                }
            }
        }
    }
    let count = STORES * QUESTIONS_A_STORE as u64;
    let shown = wrong.iter().take(5).map(|found| found.chars().take(3000).collect::<String>());
    let shown: Vec<String> = shown.collect();
    assert!(wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), shown.join("\n\n"));
    assert!(with_values > count / 3, "only {with_values} of {count} answers hold a number");
}
