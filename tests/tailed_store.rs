//! `silverback tail` shows what lands while it runs, and nothing twice, across flushes.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use silverback::{SeriesKey, Store};

#[test]
fn each_new_sample_is_shown_once_also_late_ones_and_across_a_flush() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("db")).unwrap();
    let series = |bot: &str| store.series(&SeriesKey::new("latency").label("bot", bot)).unwrap();
    let (shop, other) = (series("shop"), series("other"));
    shop.append(store.now(), 1.0).unwrap();
    let mut tail = Command::new(env!("CARGO_BIN_EXE_silverback"))
        .args(["--db", store.path().to_str().unwrap(), "tail", "latency{bot=\"shop\"}"])
        .args(["--json", "--every", "10ms", "--count", "40", "--for", "30s"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut values = Vec::new();
    // It has looked once it shows something: until then samples may land before its first look.
    let mut value = 100.0;
    while value < 120.0 {
        shop.append(store.now(), value).unwrap();
        value += 1.0;
        std::thread::sleep(Duration::from_millis(20));
    }
    values.push(lines.next().unwrap().unwrap());
    for step in 0..40_i32 {
        // Late, by up to a minute.
        let late = store.now().saturating_sub(i64::from(step % 3) * 30_000_000_000);
        shop.append(late, f64::from(step)).unwrap();
        other.append(late, -1.0).unwrap();
        if step == 20 {
            store.flush().unwrap();
        }
    }
    values.extend(lines.map(Result::unwrap));
    assert!(tail.wait().unwrap().success());
    assert_eq!(values.len(), 40, "{values:?}");
    let shown = |line: &String| -> f64 {
        let sample: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(sample["metric"], "latency");
        assert_eq!(sample["labels"]["bot"], "shop");
        sample["value"].as_f64().unwrap()
    };
    let mut numbers: Vec<f64> = values.iter().map(shown).collect();
    assert!(numbers.iter().all(|value| *value >= 0.0), "{numbers:?}");
    numbers.sort_by(f64::total_cmp);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "shown twice: {numbers:?}");
}
