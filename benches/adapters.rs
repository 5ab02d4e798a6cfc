//! What a measurement costs the thread that makes it: the median, not the mean of a store that is
//! written as fast as it can be, which is a matter of flushing.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a bench")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "figures")]
#![allow(clippy::cast_sign_loss, reason = "figures")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use metrics::{counter, gauge, histogram, with_local_recorder};
use rustix::time::{ClockId, clock_gettime};
use silverback::adapters::metrics::Recorder;
use silverback::adapters::tower::RecordLayer;
use silverback::adapters::tracing::SpanLayer;
use silverback::{SeriesKey, Store};
use tower_layer::Layer;
use tower_service::Service;
use tracing::info_span;
use tracing::subscriber::with_default;
use tracing_subscriber::layer::SubscriberExt;

/// How many measurements are timed together: reading the clock twice costs as much as one.
const GROUP: usize = 100;
/// How many groups a case has.
const GROUPS: usize = 4_000;
/// What a bot does between two groups, so that the store's thread keeps up as it does in a bot.
const PAUSE: Duration = Duration::from_micros(20);

fn thread_cpu_nanos() -> i64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// Prints the median and the 99th percentile of the groups, a measurement, on the wall clock and of
/// the thread's own time on the processor.
fn case(name: &str, mut measure: impl FnMut()) {
    (0..GROUP * 10).for_each(|_| measure());
    let mut walls = Vec::with_capacity(GROUPS);
    let mut cpus = Vec::with_capacity(GROUPS);
    for _ in 0..GROUPS {
        let (cpu, started) = (thread_cpu_nanos(), Instant::now());
        (0..GROUP).for_each(|_| measure());
        let wall = started.elapsed();
        cpus.push((thread_cpu_nanos() - cpu) as f64 / GROUP as f64);
        walls.push(wall.as_nanos() as f64 / GROUP as f64);
        let paused = Instant::now();
        while paused.elapsed() < PAUSE {
            std::hint::spin_loop();
        }
    }
    walls.sort_by(f64::total_cmp);
    cpus.sort_by(f64::total_cmp);
    let at = |sorted: &[f64], share: f64| sorted[(sorted.len() as f64 * share) as usize];
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} |",
        at(&walls, 0.5),
        at(&cpus, 0.5),
        at(&walls, 0.99),
    );
}

fn facade() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let recorder = Recorder::new(&store);
    let series = store.series(&SeriesKey::new("plain").label("bot", "shop")).unwrap();
    case("the clock alone", || {
        black_box(store.now());
    });
    case("append, no adapter", || series.append(store.now(), black_box(842.5)).unwrap());
    with_local_recorder(&recorder, || {
        let latency = histogram!("latency", "bot" => "shop");
        case("metrics: histogram, handle kept", || latency.record(black_box(842.5)));
        case("metrics: histogram by macro", || {
            histogram!("latency", "bot" => "shop").record(black_box(842.5));
        });
        let replies = counter!("replies", "bot" => "shop");
        case("metrics: counter, handle kept", || replies.increment(black_box(3)));
        let open = gauge!("open", "bot" => "shop");
        case("metrics: gauge, handle kept", || open.set(black_box(3.0)));
    });
}

fn spans() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let layer = SpanLayer::new(&store, "latency").unwrap().fields(["bot"]);
    let one = || drop(info_span!("reply", bot = "shop").entered());
    with_default(tracing_subscriber::registry(), || case("tracing: span, no layer", one));
    with_default(tracing_subscriber::registry().with(layer), || case("tracing: span", one));
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

fn requests() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data")).unwrap();
    let layer = RecordLayer::new(&store, "latency").unwrap();
    let mut bot = layer.layer(Bot);
    case("tower: request", || {
        let reply = pin!(bot.call(black_box(7)));
        assert!(reply.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
}

fn main() {
    println!("| measurement | median, ns | of it CPU, ns | p99, ns |\n|---|---|---|---|");
    facade();
    spans();
    requests();
}
