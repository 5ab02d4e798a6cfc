//! A bot that opens a span for each reply: the spans become samples.
//!
//! `cargo run --release --features tracing --example tracing_bot`

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;

use silverback::Store;
use silverback::adapters::tracing::SpanLayer;
use tracing::field::Empty;
use tracing::subscriber::set_global_default;
use tracing::{error, info_span};
use tracing_subscriber::layer::SubscriberExt;

fn serve(question: u64) {
    let span = info_span!(
        "reply",
        channel = if question.is_multiple_of(3) { "web" } else { "app" },
        intent = Empty
    );
    let _reply = span.enter();
    let _model = info_span!("model", channel = Empty).entered();
    let thoughts: u64 = (0..question % 1_000 * 100).map(std::hint::black_box).sum();
    // What is known later is a label as well.
    span.record("intent", if thoughts.is_multiple_of(2) { "refund" } else { "smalltalk" });
    if question.is_multiple_of(17) {
        error!("the model had nothing to say");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = Store::open("bot-data")?;
    let layer = SpanLayer::new(&store, "span_ms")?.fields(["channel", "intent"]);
    set_global_default(tracing_subscriber::registry().with(layer))?;

    (1..=5_000).for_each(serve);

    let question = "count(span_ms), p99(span_ms) by span, intent, status last 1m";
    for row in store.snapshot()?.query(question)?.rows {
        println!("{row:?}");
    }
    store.close()?;
    Ok(())
}
