//! What a measurement costs the thread that makes it.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use metrics::{counter, gauge, histogram, with_local_recorder};
use silverback::adapters::metrics::Recorder;
use silverback::adapters::tower::RecordLayer;
use silverback::adapters::tracing::SpanLayer;
use silverback::{SeriesKey, Store};
use tower_layer::Layer;
use tower_service::Service;
use tracing::info_span;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

fn facade(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let recorder = Recorder::new(&store);
    let mut group = criterion.benchmark_group("metrics");
    group.throughput(Throughput::Elements(1));
    let series = store.series(&SeriesKey::new("plain").label("bot", "shop")).unwrap();
    group.bench_function("append_without_facade", |bencher| {
        bencher.iter(|| series.append(store.now(), black_box(842.5)).unwrap());
    });
    with_local_recorder(&recorder, || {
        let latency = histogram!("latency", "bot" => "shop");
        group.bench_function("histogram_handle", |bencher| {
            bencher.iter(|| latency.record(black_box(842.5)));
        });
        group.bench_function("histogram_macro", |bencher| {
            bencher.iter(|| histogram!("latency", "bot" => "shop").record(black_box(842.5)));
        });
        let replies = counter!("replies", "bot" => "shop");
        group.bench_function("counter_handle", |bencher| {
            bencher.iter(|| replies.increment(black_box(3)));
        });
        let open = gauge!("open", "bot" => "shop");
        group.bench_function("gauge_handle", |bencher| bencher.iter(|| open.set(black_box(3.0))));
    });
    group.finish();
}

fn spans(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let layer = SpanLayer::new(&store, "latency").unwrap().fields(["bot"]);
    let mut group = criterion.benchmark_group("tracing");
    group.throughput(Throughput::Elements(1));
    let one = || drop(info_span!("reply", bot = "shop").entered());
    with_default(tracing_subscriber::registry(), || {
        group.bench_function("span_without_layer", |bencher| bencher.iter(one));
    });
    with_default(tracing_subscriber::registry().with(layer), || {
        group.bench_function("span", |bencher| bencher.iter(one));
    });
    group.finish();
}

struct Bot;

impl Service<u64> for Bot {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<Result<u64, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, question: u64) -> Self::Future {
        ready(Ok(question))
    }
}

fn requests(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let layer = RecordLayer::new(&store, "latency").unwrap();
    let mut bot = layer.layer(Bot);
    let mut group = criterion.benchmark_group("tower");
    group.throughput(Throughput::Elements(1));
    group.bench_function("request", |bencher| {
        bencher.iter(|| {
            let reply = pin!(bot.call(black_box(7)));
            reply.poll(&mut Context::from_waker(Waker::noop()))
        });
    });
    group.finish();
}

criterion_group!(benches, facade, spans, requests);
criterion_main!(benches);
