//! What a bot measures through an adapter is in the store, however the bot ends.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

use metrics::{Unit, counter, describe_histogram, gauge, histogram, with_local_recorder};
use silverback::adapters::metrics::{Recorder, install};
use silverback::adapters::tower::RecordLayer;
use silverback::adapters::tracing::SpanLayer;
use silverback::{
    Cell, ErrorKind, Limits, MetricKind, ModelError, Reader, SeriesKey, Snapshot, Store,
};
use tower_layer::Layer;
use tower_service::Service;
use tracing::field::Empty;
use tracing::subscriber::with_default;
use tracing::{error, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// The rows of an answer as text, sorted.
fn rows(snapshot: &Snapshot, question: &str) -> Vec<String> {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.to_string(),
        Cell::Number(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let answer = snapshot.query(question).unwrap();
    let row = |row: &Vec<Cell>| row.iter().map(text).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<String> = answer.rows.iter().map(row).collect();
    rows.sort();
    rows
}

fn asked(store: &Store, question: &str) -> Vec<String> {
    rows(&store.snapshot().unwrap(), question)
}

#[test]
fn the_facade_keeps_every_value_of_a_histogram() {
    let store = Store::in_memory().unwrap();
    let recorder = Recorder::new(&store);
    with_local_recorder(&recorder, || {
        describe_histogram!("latency", Unit::Milliseconds, "time to the reply");
        for latency_ms in [180.0, 95.5, 95.5, 1240.0] {
            histogram!("latency", "bot" => "support").record(latency_ms);
        }
        histogram!("latency", "bot" => "shop").record_many(7.0, 3);
    });
    let found = asked(&store, "count(latency), min(latency), max(latency) by bot last 1h");
    assert_eq!(found, ["shop 3 7 7", "support 4 95.5 1240"]);
    let metric = store.snapshot().unwrap().metric("latency").unwrap().unwrap();
    assert_eq!((metric.kind, metric.unit.as_deref()), (MetricKind::Event, Some("ms")));
    assert_eq!(recorder.refusals().count(), 0);
}

#[test]
fn the_facade_counts_and_gauges() {
    let store = Store::in_memory().unwrap();
    let recorder = Recorder::new(&store);
    with_local_recorder(&recorder, || {
        let replies = counter!("replies", "bot" => "shop");
        replies.increment(2);
        counter!("replies", "bot" => "shop").increment(3);
        // Somebody else counts up to 9, and later says so again.
        replies.absolute(9);
        replies.absolute(7);
        let open = gauge!("open");
        open.set(4.0);
        open.increment(2.5);
        gauge!("open").decrement(1.0);
    });
    assert_eq!(asked(&store, "count(replies), sum(replies) by bot last 1h"), ["shop 3 9"]);
    assert_eq!(asked(&store, "count(open), max(open), last(open) last 1h"), ["3 6.5 5.5"]);
}

#[test]
fn what_the_store_refuses_is_counted_and_the_bot_goes_on() {
    let store = Store::in_memory().unwrap();
    let recorder = Recorder::new(&store);
    let refusals = recorder.refusals();
    with_local_recorder(&recorder, || {
        histogram!("latency").record(f64::NAN);
        histogram!("latency").record(1.0);
        assert_eq!(refusals.count(), 1);
        assert!(refusals.take_last().is_some());
        // A name is one kind of metric: the handle is refused, which is no sample yet.
        let conflicting = counter!("latency");
        assert_eq!(refusals.count(), 1);
        assert!(matches!(
            refusals.take_last().unwrap().kind(),
            ErrorKind::Model(ModelError::MetricConflict { .. })
        ));
        store.close().unwrap();
        histogram!("latency").record(2.0);
        assert_eq!(refusals.count(), 2);
        drop(conflicting);
    });
    assert!(matches!(refusals.take_last().unwrap().kind(), ErrorKind::Closed));
    assert!(refusals.take_last().is_none());
}

/// A handle that did nothing stood in for a series that the store refused, so that a bot beyond its
/// limits lost samples with a count of zero. Now each of them is counted, whatever the handle.
#[test]
fn samples_of_a_refused_series_are_counted_for_as_long_as_the_bot_records() {
    let mut limits = Limits::default();
    limits.series_max = 1;
    let store = Store::options().limits(limits).in_memory().unwrap();
    let recorder = Recorder::new(&store);
    let refusals = recorder.refusals();
    with_local_recorder(&recorder, || {
        histogram!("latency").record(1.0);
        let (late, replies, open) = (histogram!("late"), counter!("replies"), gauge!("open"));
        assert!(matches!(refusals.take_last().unwrap().kind(), ErrorKind::Limit { .. }));
        assert_eq!(refusals.count(), 0);
        late.record(1.0);
        late.record_many(1.0, 3);
        replies.increment(1);
        replies.absolute(9);
        open.set(1.0);
        open.increment(1.0);
        open.decrement(1.0);
        // One that asks for its handle each time is told each time.
        histogram!("late").record(1.0);
        assert!(refusals.take_last().is_some());
    });
    assert_eq!(refusals.count(), 10);
    assert_eq!(asked(&store, "count({}) by * last 1h").len(), 1);
}

/// A level that was no number stayed one through every later change.
#[test]
fn a_gauge_outlives_what_is_no_number() {
    let store = Store::in_memory().unwrap();
    let recorder = Recorder::new(&store);
    with_local_recorder(&recorder, || {
        let open = gauge!("open");
        open.set(f64::NAN);
        open.increment(2.0);
        open.decrement(f64::INFINITY);
        open.set(f64::NEG_INFINITY);
        open.increment(f64::NAN);
        open.increment(3.0);
    });
    assert_eq!(recorder.refusals().count(), 4);
    assert_eq!(asked(&store, "count(open), min(open), last(open) last 1h"), ["2 2 5"]);
}

/// Keys carry their hash; two of the same labels in another order are one, others are others.
#[test]
fn the_facade_finds_each_key_again() {
    let store = Store::in_memory().unwrap();
    let recorder = Recorder::new(&store);
    with_local_recorder(&recorder, || {
        for round in 0..3 {
            for user in 0..100 {
                let bot = format!("bot{user}");
                histogram!("latency", "bot" => bot.clone(), "channel" => "web").record(1.0);
                histogram!("latency", "channel" => "web", "bot" => bot).record(f64::from(round));
            }
        }
    });
    let found = asked(&store, "count(latency) by bot, channel last 1h");
    assert_eq!(found.len(), 100);
    assert!(found.iter().all(|row| row.ends_with(" web 6")), "{found:?}");
    assert_eq!(recorder.refusals().count(), 0);
}

#[test]
fn what_was_measured_before_a_panic_is_there_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let store = Store::open(&path).unwrap();
    let spans = SpanLayer::new(&store, "span_ms").unwrap();
    let subscriber = tracing_subscriber::registry().with(spans);
    let recorder = Recorder::new(&store);
    let bot = thread::spawn(move || {
        with_local_recorder(&recorder, || {
            with_default(subscriber, || {
                let _reply = info_span!("reply").entered();
                histogram!("latency").record(12.5);
                panic!("the bot fell over");
            });
        });
    });
    assert!(bot.join().is_err());
    let reader = Reader::open(&path).unwrap();
    let snapshot = reader.snapshot().unwrap();
    assert_eq!(rows(&snapshot, "max(latency) last 1h"), ["12.5"]);
    assert_eq!(rows(&snapshot, "count(span_ms) by span, status last 1h"), ["reply panic 1"]);
    // Neither does dropping the store without closing it lose anything.
    drop((store, snapshot));
    let store = Store::open(&path).unwrap();
    assert_eq!(asked(&store, "max(latency) last 1h"), ["12.5"]);
}

/// The recorder of a process lives for ever: one that kept the store open left the last samples
/// without a sync, and the directory locked, when the bot dropped its store.
#[test]
fn adapters_let_a_store_go_that_a_panicking_bot_drops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let store = Store::open(&path).unwrap();
    let refusals = install(&store).unwrap();
    assert!(install(&store).is_err());
    let spans = SpanLayer::new(&store, "span_ms").unwrap();
    let requests = RecordLayer::new(&store, "request_ms").unwrap();
    let span_refusals = spans.refusals();
    let bot = AssertUnwindSafe(move || {
        let _held = store;
        histogram!("latency").record(1.0);
        panic!("the bot fell over");
    });
    assert!(catch_unwind(bot).is_err());
    histogram!("latency").record(2.0);
    with_default(tracing_subscriber::registry().with(spans), || drop(info_span!("late")));
    assert!(poll_once(requests.layer(Bot).call(Asked::Reply(200))).is_ready());
    for refused in [refusals, span_refusals, requests.refusals()] {
        assert_eq!(refused.count(), 1);
        assert!(matches!(refused.take_last().unwrap().kind(), ErrorKind::Closed));
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(asked(&store, "count(latency), max(latency) last 1h"), ["1 1"]);
}

#[test]
fn several_layers_record_the_same_spans() {
    let store = Store::in_memory().unwrap();
    let all = SpanLayer::new(&store, "latency").unwrap().fields(["bot"]);
    let plain = SpanLayer::new(&store, "span_ms").unwrap();
    with_default(tracing_subscriber::registry().with(all).with(plain), || {
        let span = info_span!("reply", bot = "support");
        span.in_scope(|| error!("no answer"));
    });
    let found = asked(&store, "count(latency) by bot, status last 1h");
    assert_eq!(found, ["support error 1"]);
    assert_eq!(asked(&store, "count(span_ms) by bot, status last 1h"), [" error 1"]);
}

#[test]
fn spans_have_their_fields_and_their_status() {
    let store = Store::in_memory().unwrap();
    let layer = SpanLayer::new(&store, "latency").unwrap().fields(["bot", "intent", "retries"]);
    let refusals = layer.refusals();
    with_default(tracing_subscriber::registry().with(layer), || {
        let outer = info_span!("reply", bot = "support", intent = Empty, user = 7, retries = 2);
        outer.in_scope(|| {
            let inner = info_span!("model", bot = ?Some("x"), error = Empty);
            inner.in_scope(|| error!("no answer"));
            outer.record("intent", "refund");
        });
        let failed = info_span!("lookup", error = Empty);
        failed.record("error", "not found");
        // A failure that did not happen is none, and does not undo one that did.
        drop(info_span!("lookup", error = false));
        let denied = info_span!("denied", error = true);
        denied.record("error", false);
    });
    let found = asked(&store, "count(latency) by span, bot, intent, retries, status last 1h");
    let expected = [
        "denied    error 1",
        "lookup    error 1",
        "lookup    ok 1",
        "model Some(\"x\")   error 1",
        "reply support refund 2 ok 1",
    ];
    assert_eq!(found, expected);
    // What was not chosen is no label.
    assert_eq!(store.snapshot().unwrap().label_values("user").unwrap(), Vec::<String>::new());
    assert_eq!(refusals.count(), 0);
}

#[test]
fn a_span_may_name_its_status() {
    let store = Store::in_memory().unwrap();
    let layer = SpanLayer::new(&store, "latency").unwrap().fields(["status"]);
    with_default(tracing_subscriber::registry().with(layer), || {
        drop(info_span!("reply", status = 503));
    });
    assert_eq!(asked(&store, "count(latency) by status last 1h"), ["503 1"]);
}

/// What a request makes the service do.
#[derive(Clone, Copy)]
enum Asked {
    Reply(u16),
    Fail,
    Hang,
    Panic,
}

type Reply = Pin<Box<dyn Future<Output = Result<u16, String>>>>;

struct Bot;

impl Service<Asked> for Bot {
    type Response = u16;
    type Error = String;
    type Future = Reply;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, asked: Asked) -> Reply {
        match asked {
            Asked::Reply(code) => Box::pin(ready(Ok(code))),
            Asked::Fail => Box::pin(ready(Err("no".to_owned()))),
            Asked::Hang => Box::pin(pending()),
            Asked::Panic => Box::pin(async { panic!("the handler fell over") }),
        }
    }
}

fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn requests_are_recorded_however_they_end() {
    let store = Store::in_memory().unwrap();
    let layer = RecordLayer::new(&store, "latency").unwrap();
    let mut bot = layer.layer(Bot);
    assert!(poll_once(bot.call(Asked::Reply(200))).is_ready());
    assert!(poll_once(bot.call(Asked::Fail)).is_ready());
    assert!(poll_once(bot.call(Asked::Hang)).is_pending());
    let panics = AssertUnwindSafe(|| poll_once(bot.call(Asked::Panic)));
    assert!(catch_unwind(panics).is_err());
    let found = asked(&store, "count(latency) by status last 1h");
    assert_eq!(found, ["canceled 1", "error 1", "ok 1", "panic 1"]);
    assert_eq!(layer.refusals().count(), 0);
}

#[test]
fn requests_have_labels_and_a_status_of_their_result() {
    let store = Store::in_memory().unwrap();
    let layer = RecordLayer::new(&store, "latency")
        .unwrap()
        .labels(|asked: &Asked, key: SeriesKey| {
            key.label("route", if matches!(asked, Asked::Reply(_)) { "/ask" } else { "/chat" })
        })
        .status(|result: &Result<u16, String>| match result {
            Ok(code) if *code < 500 => "ok",
            _ => "failed",
        });
    let mut bot = layer.layer(Bot);
    for asked in [Asked::Reply(200), Asked::Reply(503), Asked::Fail, Asked::Reply(201)] {
        assert!(poll_once(bot.call(asked)).is_ready());
    }
    let found = asked(&store, "count(latency) by route, status last 1h");
    assert_eq!(found, ["/ask failed 1", "/ask ok 2", "/chat failed 1"]);
    let metric = store.snapshot().unwrap().metric("latency").unwrap().unwrap();
    assert_eq!(metric.unit.as_deref(), Some("ms"));
}
