//! Reading text: each form into a sink that drops its rows, and into a store. Names are
//! `ingest/form/sink/rows`; throughput is in samples, and the size of a row is in the group's name.
//!
//! The rows are response times of 200 series in order of time, a sample each but where the form's
//! name says more. A store lies in the system's temporary directory and is opened anew for each
//! measurement; what is flushed meanwhile is flushed by its thread.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![allow(clippy::unwrap_used, reason = "a bench that fails should stop")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use silverback::ingest::{IngestOptions, Input, InputFormat, Row, Sink, StoreSink, ingest};
use silverback::workload::Events;
use silverback::{Durability, ManualClock, MetricDef, Store, Timestamp};

const ROWS: u64 = 20_000;

/// Drops what it is given.
struct Dropped(u64);

impl Sink for Dropped {
    fn metric(&mut self, _: &MetricDef) -> silverback::Result<()> {
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> silverback::Result<()> {
        self.0 += black_box(row.values.len() as u64);
        Ok(())
    }
}

/// The rows of one form, and how many samples each has.
struct Form {
    name: &'static str,
    format: InputFormat,
    text: String,
    samples_a_row: u64,
}

/// Writes the same rows in every form.
fn forms() -> Vec<Form> {
    let events = Events::new(1, ROWS);
    let keys = events.series().to_vec();
    let mut forms = [
        ("influx", InputFormat::Influx, "", 1),
        ("influx-3-fields", InputFormat::Influx, "", 3),
        ("csv", InputFormat::Csv, "time,bot,channel,status,latency\n", 1),
        ("csv-rfc3339", InputFormat::Csv, "time,bot,channel,status,latency\n", 1),
        ("ndjson", InputFormat::Ndjson, "", 1),
        ("prom", InputFormat::Prometheus, "", 1),
        ("statsd", InputFormat::Statsd, "", 1),
        ("access-log", InputFormat::AccessLog, "", 2),
    ]
    .map(|(name, format, head, samples_a_row)| Form {
        name,
        format,
        text: head.to_owned(),
        samples_a_row,
    });
    for event in events {
        let key = keys.get(event.series).unwrap();
        let of = |name| key.value_of(name);
        let (bot, channel, status) = (of("bot"), of("channel"), of("status"));
        let (nanos, value) = (event.timestamp, event.value);
        let at = Timestamp::from_nanos(nanos);
        let labels = format!("bot={bot},channel={channel},status={status}");
        for Form { name, text, .. } in &mut forms {
            match *name {
                "influx" => writeln!(text, "latency,{labels} value={value} {nanos}"),
                "influx-3-fields" => {
                    writeln!(text, "http,{labels} ms={value},bytes=2326i,tokens=412i {nanos}")
                }
                "csv" => {
                    writeln!(text, "{},{bot},{channel},{status},{value}", nanos / 1_000_000)
                }
                "csv-rfc3339" => writeln!(text, "{at},{bot},{channel},{status},{value}"),
                "ndjson" => writeln!(
                    text,
                    "{{\"ts\":\"{at}\",\"bot\":\"{bot}\",\"channel\":\"{channel}\",\
                     \"status\":\"{status}\",\"latency_ms\":{value}}}"
                ),
                "prom" => writeln!(
                    text,
                    "latency{{bot=\"{bot}\",channel=\"{channel}\",status=\"{status}\"}} {value} {}",
                    nanos / 1_000_000
                ),
                "statsd" => writeln!(
                    text,
                    "latency:{value}|ms|#bot:{bot},channel:{channel},status:{status}"
                ),
                _ => writeln!(
                    text,
                    "10.0.0.1 - - [09/Feb/2026:10:00:00 +0000] \
                     \"GET /{bot}/{channel}/77 HTTP/1.1\" 200 2326 \"-\" \"agent/1.0\" {:.3}",
                    value / 1_000.0
                ),
            }
            .unwrap();
        }
    }
    forms.into()
}

fn read(form: &Form, sink: &mut dyn Sink) {
    let clock = ManualClock::new(Timestamp::from_nanos(1_770_631_200_000_000_000));
    let options = IngestOptions::default().format(form.format).clock(&clock);
    let input = Input { name: form.name.to_owned(), bytes: form.text.as_bytes() };
    let report = ingest(input, options, sink).unwrap();
    assert_eq!((report.rows_rejected, report.rows_stored), (0, ROWS), "{:?}", report.rejected);
}

fn ingest_forms(criterion: &mut Criterion) {
    for form in forms() {
        let bytes = form.text.len() as u64 / ROWS;
        let mut group = criterion.benchmark_group(format!("ingest/{} ({bytes} B)", form.name));
        group.throughput(Throughput::Elements(ROWS * form.samples_a_row));
        group.bench_function(BenchmarkId::new("dropped", ROWS), |bencher| {
            bencher.iter(|| read(black_box(&form), &mut Dropped(0)));
        });
        let folder = tempfile::tempdir().unwrap();
        let options = Store::options().durability(Durability::Os);
        let store = options.open(folder.path().join("store")).unwrap();
        group.bench_function(BenchmarkId::new("store", ROWS), |bencher| {
            bencher.iter(|| {
                let mut sink = StoreSink::new(&store);
                read(black_box(&form), &mut sink);
                sink.finish().1.unwrap();
            });
        });
        group.finish();
    }
}

criterion_group!(benches, ingest_forms);
criterion_main!(benches);
