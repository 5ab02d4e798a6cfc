//! Expositions, `StatsD` lines, access logs, structured logs and long rows become the samples,
//! kinds and units that their formats say, whether their form is named or told.

#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::LazyLock;

use silverback::ingest::{IngestOptions, IngestReport, Input, InputFormat, StoreSink, ingest};
use silverback::{Columns, ManualClock, MetricKind, Selector, Store, TimeRange, Timestamp};

const NOW: i64 = 1_770_631_200_000_000_000;
static CLOCK: LazyLock<ManualClock> =
    LazyLock::new(|| ManualClock::new(Timestamp::from_nanos(NOW)));

/// A store that has read one input.
struct Read {
    store: Store,
    report: IngestReport,
}

impl Read {
    /// All samples, as `series time-in-seconds-after-NOW value`.
    fn samples(&self) -> Vec<String> {
        let snapshot = self.store.snapshot().unwrap();
        let mut columns = Columns::default();
        let mut all = Vec::new();
        for series in snapshot.select(&Selector::default()).unwrap() {
            snapshot.read(&series, TimeRange::ALL, &mut columns).unwrap();
            for sample in columns.iter() {
                let millis = (sample.timestamp.as_nanos() - NOW) / 1_000_000;
                all.push(format!("{} {millis} {}", series.key(), sample.value));
            }
        }
        all
    }

    /// What is known of each metric.
    fn metrics(&self) -> Vec<(String, MetricKind, Option<String>)> {
        let metrics = self.store.snapshot().unwrap().metrics().unwrap();
        metrics.into_iter().map(|def| (def.name, def.kind, def.unit)).collect()
    }

    fn told(&self) -> Vec<String> {
        self.report.rejected.iter().map(ToString::to_string).collect()
    }
}

fn read(text: &str) -> Read {
    read_with(text, IngestOptions::default())
}

fn read_with(text: &str, options: IngestOptions<'static>) -> Read {
    read_into(Store::in_memory().unwrap(), text, options)
}

fn read_into(store: Store, text: &str, options: IngestOptions<'static>) -> Read {
    let mut sink = StoreSink::new(&store);
    let input = Input { name: "in".to_owned(), bytes: text.as_bytes() };
    let report = ingest(input, options.clock(&*CLOCK), &mut sink).unwrap();
    sink.finish().1.unwrap();
    Read { store, report }
}

#[test]
fn expositions_tell_kinds_and_units() {
    let read = read(
        "# HELP http_requests_total Requests.\n\
        # TYPE http_requests_total counter\n\
        http_requests_total{code=\"200\",path=\"a \\\"b\\\" \\\\ }\"} 1027 1770631201000\n\
        http_requests_total{code=\"200\",path=\"a \\\"b\\\" \\\\ }\"} 1030 1770631216000\n\
        # TYPE request_seconds histogram\n\
        request_seconds_bucket{le=\"0.1\"} 33\n\
        request_seconds_bucket{le=\"+Inf\"} 40 # {trace_id=\"x\"} 0.3 1770631200.5\n\
        request_seconds_sum 7.5\n\
        request_seconds_count 40\n\
        # TYPE memory_bytes gauge\n\
        memory_bytes 1.5e9\n\
        odd NaN\n\
        # EOF\n",
    );
    assert_eq!(read.told(), ["in:12: a value is NaN or infinite; --nan skip leaves it out"]);
    assert_eq!(
        read.samples(),
        [
            r#"http_requests_total{code="200",path="a \"b\" \\ }"} 1000 1027"#,
            r#"http_requests_total{code="200",path="a \"b\" \\ }"} 16000 1030"#,
            "memory_bytes 0 1500000000",
            r#"request_seconds_bucket{le="+Inf"} 0 40"#,
            r#"request_seconds_bucket{le="0.1"} 0 33"#,
            "request_seconds_count 0 40",
            "request_seconds_sum 0 7.5",
        ]
    );
    let unit = |unit: &str| Some(unit.to_owned());
    assert_eq!(
        read.metrics(),
        [
            ("http_requests_total".to_owned(), MetricKind::Counter, None),
            ("memory_bytes".to_owned(), MetricKind::Gauge, unit("bytes")),
            ("request_seconds_bucket".to_owned(), MetricKind::Counter, None),
            ("request_seconds_count".to_owned(), MetricKind::Counter, None),
            ("request_seconds_sum".to_owned(), MetricKind::Counter, unit("s")),
        ]
    );
}

/// What a counter counted before its first sample is told by the time it was made.
#[test]
fn creation_times_are_starts_of_counters() {
    let scrape = "jobs_total{q=\"a\"} 7 1770631230\njobs_created{q=\"a\"} 1770631200.5\n";
    let text = format!("# TYPE jobs counter\n# UNIT jobs runs\n{scrape}{scrape}# EOF\n");
    let options = IngestOptions::default().format("openmetrics".parse().unwrap());
    let read = read_with(&text, options);
    assert_eq!(read.told(), [""; 0]);
    let samples = read.samples();
    assert_eq!(samples[0], "jobs_total{q=\"a\"} 500 0");
    assert_eq!(samples.len(), 3, "the start is told once: {samples:?}");
    let increase = "increase(jobs_total) from 2026-02-09T10:00Z to 2026-02-09T11:00Z";
    let answer = read.store.snapshot().unwrap().query(increase).unwrap();
    assert_eq!(answer.rows[0][0], silverback::Cell::Number(7.0));
    assert_eq!(read.metrics()[0].2.as_deref(), Some("runs"));
}

#[test]
fn statsd_types_are_kinds() {
    let read = read(
        "requests:1|c|@0.1|#bot:support,canary\n\
        requests:2|c|#bot:support,canary\n\
        latency:320|ms|#bot:support|T1770631201\n\
        size:1:2:3|h\n\
        queue:+1|g\n\
        queue:10|g\n\
        queue:-3|g\n\
        queue:+0.5|g\n\
        users:alice|s\n\
        cpu,host=a:0.5|g\n\
        load;host=a:0.25|d|c:in-abc\n\
        odd:1|c|@2\n\
        odd:x|c\n\
        _e{5,4}:title|text\n\
        odd:1|zz\n",
    );
    assert_eq!(
        read.samples(),
        [
            "cpu{host=\"a\"} 0 0.5",
            "latency{bot=\"support\"} 1000 320",
            "load{host=\"a\"} 0 0.25",
            "queue 0 10",
            "queue 0 7",
            "queue 0 7.5",
            "requests{bot=\"support\",canary=\"true\"} 0 10",
            "requests{bot=\"support\",canary=\"true\"} 0 2",
            "size 0 1",
            "size 0 2",
            "size 0 3",
        ]
    );
    let told = read.told();
    for (refused, (line, reason)) in told.iter().zip([
        (5, "level was not told"),
        (9, "counts distinct texts"),
        (12, "a rate lies between"),
        (13, "\"x\" is not a number"),
        (14, "hold no sample"),
        (15, "unknown type \"zz\""),
    ]) {
        assert!(refused.starts_with(&format!("in:{line}:")), "{refused}");
        assert!(refused.contains(reason), "{refused}");
    }
    assert_eq!(told.len(), 6, "{told:?}");
    let kind = |name: &str| {
        let metrics = read.metrics();
        metrics.into_iter().find(|(known, ..)| known == name).map(|(_, kind, unit)| (kind, unit))
    };
    assert_eq!(kind("requests"), Some((MetricKind::Delta, None)));
    assert_eq!(kind("queue"), Some((MetricKind::Gauge, None)));
    assert_eq!(kind("latency"), Some((MetricKind::Event, Some("ms".to_owned()))));
}

#[test]
fn access_logs_have_patterns_of_paths_and_classes_of_status() {
    let read = read(include_str!("ingest/access.log"));
    let labels = |method: &str, path: &str, status: u32| {
        let class = status / 100;
        format!(
            "{{method=\"{method}\",path=\"{path}\",status=\"{status}\",status_class=\"{class}xx\"}}"
        )
    };
    let (get, post) = (labels("GET", "/u/:id", 200), labels("POST", "/u/:id", 503));
    let (root, none) = (labels("GET", "/", 200), labels("-", "-", 400));
    let mut wanted = vec![
        format!("response_bytes{get} 1000 2326"),
        format!("response_bytes{post} 2000 0"),
        format!("response_bytes{root} 3000 5"),
        format!("response_bytes{root} 4000 5"),
        format!("response_bytes{none} 5000 0"),
        format!("request_time{post} 2000 0.25"),
        format!("request_time{root} 3000 0.001"),
        format!("request_time{root} 4000 0.002"),
    ];
    let mut samples = read.samples();
    wanted.sort();
    samples.sort();
    assert_eq!(samples, wanted);
    let told = read.told();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("in:6:") && told[2].starts_with("in:8:"), "{told:?}");
}

/// A scanner asks for paths that are not there, each of them another one.
#[test]
fn paths_of_a_scanner_are_counted_together() {
    let row = |row: u32| {
        let path: String = format!("{row:04}").bytes().map(|b| char::from(b + 49)).collect();
        format!("h - - [09/Feb/2026:10:00:00 +0000] \"GET /{path}.php HTTP/1.1\" 404 1\n")
    };
    let rows = (0..1_500).map(row).collect::<Vec<_>>().concat();
    let read = read(&rows);
    assert_eq!(read.report.rows_stored, 1_500);
    let series = read.store.snapshot().unwrap().select(&Selector::default()).unwrap();
    assert_eq!(series.len(), 1_001);
    assert!(series.iter().any(|series| series.key().value_of("path") == ":other"));
}

/// One line of each structured logger, and what it becomes without a mapping.
#[test]
fn structured_logs_need_no_mapping() {
    // A name, a line, and the sample that it becomes.
    let blocks: Vec<&str> = include_str!("ingest/structured_logs.txt").split("\n\n").collect();
    assert_eq!(blocks.len(), 12);
    for block in blocks {
        let [name, line, wanted] = block.lines().collect::<Vec<_>>()[..] else {
            panic!("three lines: {block}");
        };
        let read = read(line);
        assert_eq!(read.told(), [""; 0], "{name}");
        assert_eq!(read.samples(), [wanted], "{name}");
    }
    let line = r#"{"time":"2026-02-09T10:00:01Z","level":"INFO","msg":"x","duration":1500000}"#;
    assert_eq!(read(line).metrics()[0].2.as_deref(), Some("ns"));
}

#[test]
fn long_rows_and_rows_of_many_samples_name_their_metric() {
    let wanted = ["a{bot=\"s\"} 1000 1.5", "a{bot=\"s\"} 2000 2", "b 1000 3"];
    let csv = "metric,value,timestamp,bot\na,1.5,1770631201,s\na,2,1770631202,s\nb,3,1770631201,\n";
    let json = "{\"metric\":\"a\",\"value\":1.5,\"time\":1770631201,\"labels\":{\"bot\":\"s\"}}\n\
        {\"metric\":\"a\",\"value\":2,\"time\":1770631202,\"bot\":\"s\"}\n\
        {\"metric\":\"b\",\"value\":3,\"time\":1770631201}\n";
    let many = "{\"metric\":{\"__name__\":\"a\",\"bot\":\"s\"},\"values\":[1.5,2],\
        \"timestamps\":[1770631201000,1770631202000]}\n\
        {\"metric\":{\"__name__\":\"b\"},\"values\":[3],\"timestamps\":[1770631201000]}\n";
    for (text, rows) in [(csv, 3), (json, 3), (many, 2)] {
        let read = read(text);
        assert_eq!(read.told(), [""; 0], "{text}");
        assert_eq!(read.samples(), wanted, "{text}");
        assert_eq!((read.report.rows_stored, read.report.samples), (rows, 3), "{text}");
    }
    for bad in [
        "{\"metric\":{\"__name__\":\"a\"},\"values\":[1,2],\"timestamps\":[1770631201000]}\n",
        "{\"metric\":{\"__name__\":\"a\"},\"values\":[null],\"timestamps\":[1770631201000]}\n",
        "{\"metric\":{\"bot\":\"s\"},\"values\":[1],\"timestamps\":[1770631201000]}\n",
    ] {
        let read = read(&[many, bad].concat());
        assert_eq!((read.report.rows_stored, read.report.rows_rejected), (2, 1), "{bad}");
    }
}

#[test]
fn rows_without_a_time_or_a_value_are_taken_where_that_is_asked_for() {
    let origin = Timestamp::from_nanos(NOW);
    let options =
        |map: &str| IngestOptions::default().mapping(map.parse().unwrap()).time_origin(origin);
    let read = read_with("idx,set,v\n0,a,1.5\n3,b,2\n", options("ts=idx, labels=set, v=v"));
    assert_eq!(read.samples(), ["v{set=\"a\"} 0 1.5", "v{set=\"b\"} 3000 2"]);
    let read = read_with("set,v\na,1.5\nb,2\n", options("ts=@row, labels=*, v=v:ms"));
    assert_eq!(read.samples(), ["v{set=\"a\"} 1000 1.5", "v{set=\"b\"} 2000 2"]);
    let sets = "{\"__name__\":\"up\",\"job\":\"a\"}\n{\"__name__\":\"up\",\"host\":\"b\\n\"}\n";
    let read = read_with(sets, options("ts=@row, labels=*, label_set=@one"));
    let wanted = [
        "label_set{__name__=\"up\",host=\"b\\n\"} 2000 1",
        "label_set{__name__=\"up\",job=\"a\"} 1000 1",
    ];
    assert_eq!(read.samples(), wanted);
}

#[test]
fn text_fields_of_line_protocol_are_labels_where_that_is_asked_for() {
    let text = "m,a=1 v=1,who=\"x \\\"y\\\", z\" 1770631201000000000\n\
                m,a=1 v=2 1770631202000000000\n\
                m,a=1 who=\"w\",v=3 1770631203000000000\n";
    let read = read_with(text, IngestOptions::default().string_fields_as_labels(true));
    assert_eq!(read.told(), [""; 0]);
    let wanted = [
        "m_v{a=\"1\"} 2000 2",
        "m_v{a=\"1\",who=\"w\"} 3000 3",
        "m_v{a=\"1\",who=\"x \\\"y\\\", z\"} 1000 1",
    ];
    assert_eq!(read.samples(), wanted);
}

/// A label that names each request makes a series a row: it is stopped, and the label is named.
#[test]
fn an_explosion_of_labels_is_stopped() {
    let row = |row| format!("m,bot=a,request=r{row} value={row} 1770631201000000{row:03}\n");
    let rows = (0..500).map(row).collect::<Vec<_>>().concat();
    let read = read_with(&rows, IngestOptions::default().series_max(100));
    assert_eq!((read.report.rows_stored, read.report.rows_rejected), (100, 400));
    assert!(read.told()[0].contains("label \"request\" has many values"), "{:?}", read.told());
}

/// Symptom: line protocol in seconds was stored in January 1970 without a word. Cause: its times
/// are nanoseconds, and every number is one. Fix: what another unit puts into our days is refused.
#[test]
fn times_in_the_wrong_unit_are_told() {
    for (text, unit) in [("m value=1 1770631201\n", "s"), ("m value=1 1770631201000\n", "ms")] {
        let read = read(text);
        assert!(read.told()[0].contains(&format!("is its unit {unit}?")), "{:?}", read.told());
        let unit = IngestOptions::default().time_unit(unit.parse().unwrap());
        assert_eq!(read_with(text, unit).samples(), ["m 1000 1"]);
    }
}

#[test]
fn members_that_are_given_twice_are_refused() {
    let good = "{\"time\":1770631201,\"bot\":\"a\",\"v\":1}\n";
    let text = [
        good,
        "{\"time\":1770631201,\"bot\":\"a\",\"v\":1,\"v\":2}\n",
        "{\"time\":1770631201,\"bot\":\"a\",\"bot\":\"b\",\"v\":1}\n",
        "{\"v\":3,\"extra\":[1],\"bot\":\"a\",\"time\":1770631202}\n",
    ];
    let read = read(&text.concat());
    assert_eq!(read.told(), ["in:2: \"v\" is given twice", "in:3: \"bot\" is given twice"]);
    assert_eq!(read.samples(), ["v{bot=\"a\"} 1000 1", "v{bot=\"a\"} 2000 3"]);
}

/// Symptom: one line that names a metric as no store takes it ended the whole run. Cause: a refused
/// definition counted as a failure of the sink. Fix: it costs its row, each time that it is named.
#[test]
fn a_metric_that_the_store_refuses_costs_its_rows() {
    let long = "n".repeat(5_000);
    let text = format!(
        "ok:1|c|T1770631200\n:2|c|T1770631200\na\tb:3|g|T1770631200\n{long}:4|ms|T1770631200\n\
         held:5|g|T1770631200\nheld:6|g|T1770631200\nheld:7|h|T1770631200\nok:8|c|T1770631201\n"
    );
    let store = Store::in_memory().unwrap();
    store.metric("held").kind(MetricKind::Event).define().unwrap();
    let options = IngestOptions::default().format(InputFormat::Statsd);
    let read = read_into(store, &text, options);
    assert_eq!(read.samples(), ["held 0 7", "ok 0 1", "ok 1000 8"]);
    let told = read.told();
    assert_eq!(told.len(), 5, "{told:#?}");
    for (line, reason) in [
        (2, "the name of a metric is empty"),
        (3, "holds a control character"),
        (4, "bytes of a name is 5000"),
        (5, "defined with kind event, not gauge"),
        (6, "defined with kind event, not gauge"),
    ] {
        let found = told
            .iter()
            .any(|told| told.starts_with(&format!("in:{line}: ")) && told.contains(reason));
        assert!(found, "{line} {reason}: {told:#?}");
    }

    let store = Store::in_memory().unwrap();
    store.metric("a").kind(MetricKind::Gauge).define().unwrap();
    let read = read_into(
        store,
        "# TYPE a counter\na 1 1770631200000\nb 2 1770631200000\n",
        IngestOptions::default(),
    );
    assert_eq!(read.samples(), ["b 0 2"]);
    assert_eq!(read.told().len(), 1, "{:?}", read.told());
}
