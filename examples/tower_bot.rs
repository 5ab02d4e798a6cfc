//! A bot behind `tower` services: a layer records each request.
//!
//! `cargo run --release --features tower --example tower_bot`

#![allow(clippy::print_stdout, reason = "an example shows what it finds")]

use std::error::Error;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use silverback::adapters::tower::RecordLayer;
use silverback::{SeriesKey, Store};
use tower_layer::Layer;
use tower_service::Service;

/// A question to the bot.
struct Request {
    route: &'static str,
    words: u64,
}

/// The bot, which answers with a status.
struct Bot;

impl Service<Request> for Bot {
    type Response = u16;
    type Error = String;
    type Future = Ready<Result<u16, String>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let thoughts: u64 = (0..request.words * 500).map(std::hint::black_box).sum();
        ready(match request.words {
            0 => Err("nothing was asked".to_owned()),
            _ if thoughts.is_multiple_of(5) => Ok(503),
            _ => Ok(200),
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let store = Store::open("bot-data")?;
    let layer = RecordLayer::new(&store, "latency")?
        .labels(|request: &Request, key: SeriesKey| key.label("route", request.route))
        .status(|result: &Result<u16, String>| match result {
            Ok(code) if *code < 500 => "ok",
            Ok(_) => "overloaded",
            Err(_) => "error",
        });
    let mut bot = layer.layer(Bot);

    for words in 0..2_000 {
        let route = if words % 3 == 0 { "/ask" } else { "/chat" };
        let mut reply = pin!(bot.call(Request { route, words }));
        // A runtime would do this.
        while reply.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
    }

    let question = "count(latency), p99(latency) by route, status last 1m";
    for row in store.snapshot()?.query(question)?.rows {
        println!("{row:?}");
    }
    store.close()?;
    Ok(())
}
