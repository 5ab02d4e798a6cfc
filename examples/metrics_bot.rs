//! A bot that measures through the `metrics` facade: two lines make a store of it.
//!
//! `cargo run --release --features metrics --example metrics_bot`

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;
use std::time::Instant;

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram};
use silverback::Store;
use silverback::adapters::metrics::install;

/// What the bot did before anybody stored it.
fn serve(question: u64) {
    gauge!("open_requests", "bot" => "shop").increment(1.0);
    let since = Instant::now();
    let tokens = (0..question % 1_000 * 100).map(std::hint::black_box).count() as u64 / 500 + 1;
    let status = if question.is_multiple_of(13) { "error" } else { "ok" };
    histogram!("latency", "bot" => "shop", "status" => status)
        .record(since.elapsed().as_secs_f64() * 1e3);
    counter!("tokens", "bot" => "shop").increment(tokens);
    gauge!("open_requests", "bot" => "shop").decrement(1.0);
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = Store::open("bot-data")?;
    let refusals = install(&store)?;

    describe_histogram!("latency", Unit::Milliseconds, "time to the reply");
    describe_counter!("tokens", Unit::Count, "what models wrote");
    (1..=5_000).for_each(serve);

    let question = "count(latency), p50(latency), p99(latency) by status last 1m";
    for row in store.snapshot()?.query(question)?.rows {
        println!("{row:?}");
    }
    println!("{} samples were refused", refusals.count());
    store.close()?;
    Ok(())
}
