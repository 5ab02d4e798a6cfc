//! A bot that keeps its response times in a store of its own, and asks it.
//!
//! `cargo run --release --example embedded_bot`; then, also while a bot runs,
//! `silverback --db bot-data query 'p99(latency) by bot last 1h'`

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::time::Instant;

use silverback::{Result, SeriesKey, Store};

/// Says something, unless it does not know how.
fn reply(question: usize) -> Option<String> {
    let thoughts: u64 = (0..question as u64 * 500).map(std::hint::black_box).sum();
    (!question.is_multiple_of(7)).then(|| format!("I thought of {thoughts}"))
}

fn main() -> Result<()> {
    let store = Store::open("bot-data")?;
    store.metric("latency").event().unit("ms").define()?;
    let latency = |status| SeriesKey::new("latency").label("bot", "shop").label("status", status);
    // A handle is made once: an append hashes nothing and allocates nothing.
    let (ok, error) = (store.series(&latency("ok"))?, store.series(&latency("error"))?);
    for question in 1..=1_000 {
        let (began, since) = (store.now(), Instant::now());
        let series = if reply(question).is_some() { &ok } else { &error };
        series.append(began, since.elapsed().as_secs_f64() * 1e3)?;
    }
    let question = "count(latency), p50(latency), p99(latency) by status last 1m";
    for row in store.snapshot()?.query(question)?.rows {
        println!("{row:?}");
    }
    // Flushes the log into a segment; whoever forgets it loses nothing.
    store.close()?;
    Ok(())
}
