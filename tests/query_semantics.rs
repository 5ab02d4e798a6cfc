//! What the query language promises, question by question, on a store small enough to check by eye.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use silverback::{
    Answer, Cell, Columns, Diagnostic, ErrorKind, MetricDef, MetricKind, Query, Role, RunOptions,
    SeriesKey, Snapshot, Timestamp,
};

const MINUTE: i64 = 60_000_000_000;
/// 1970-01-02T00:00:00Z, in minutes.
const MIDNIGHT: i64 = 1440;

fn metric(name: &str, kind: MetricKind, unit: Option<&str>) -> MetricDef {
    let mut def = MetricDef::new(name);
    def.kind = kind;
    def.unit = unit.map(str::to_owned);
    def
}

/// Samples are (minute since the epoch, value); the snapshot is taken at `MIDNIGHT`.
fn store() -> Snapshot {
    let metrics = vec![
        metric("latency", MetricKind::Event, Some("ms")),
        metric("tokens", MetricKind::Delta, Some("tokens")),
        metric("requests", MetricKind::Counter, None),
        metric("queue", MetricKind::Gauge, None),
        metric("size", MetricKind::Event, None),
    ];
    let columns = |samples: &[(i64, f64)]| {
        let mut columns = Columns::default();
        for (minute, value) in samples {
            columns.push(minute * MINUTE, *value);
        }
        columns
    };
    let key = |metric: &str, bot: &str| SeriesKey::new(metric).label("bot", bot);
    let series = vec![
        (
            key("latency", "sales").label("status", "ok"),
            columns(&[(1385, 100.0), (1390, 200.0), (1395, 300.0), (1438, 400.0)]),
        ),
        (key("latency", "sales").label("status", "error"), columns(&[(1391, 2000.0)])),
        (key("latency", "support").label("status", "ok"), columns(&[(1390, 50.0), (1439, 70.0)])),
        (key("tokens", "sales"), columns(&[(1385, 10.0), (1390, 20.0), (1438, 60.0)])),
        (key("requests", "sales"), columns(&[(1378, 90.0), (1385, 100.0), (1430, 30.0)])),
        (key("queue", "sales"), columns(&[(1385, 7.0), (1430, 3.0)])),
        (key("size", "old"), columns(&[(10, 1.0)])),
    ];
    Snapshot::of_samples(Timestamp::from_nanos(MIDNIGHT * MINUTE), metrics, series)
}

fn ask(text: &str) -> Answer {
    store().query(text).unwrap_or_else(|error| panic!("{text}: {:?}", error.kind()))
}

/// Rows as text: labels and values, `-` for no value.
fn rows(text: &str) -> Vec<String> {
    lines(&ask(text))
}

fn lines(answer: &Answer) -> Vec<String> {
    let cell = |(column, cell): (&silverback::Column, &Cell)| match (column.role, cell) {
        (Role::Time, Cell::Time(time)) => Some((time.as_nanos() / MINUTE).to_string()),
        (Role::Partial, Cell::Flag(true)) => Some("partial".to_owned()),
        (Role::End | Role::Partial, _) => None,
        (_, Cell::Text(text)) => Some(text.to_string()),
        (_, Cell::Number(number)) => Some(number.to_string()),
        (_, Cell::Null) => Some("-".to_owned()),
        other => panic!("{other:?}"),
    };
    let line = |row: &Vec<Cell>| {
        answer.columns.iter().zip(row).filter_map(cell).collect::<Vec<_>>().join(" ")
    };
    answer.rows.iter().map(line).collect()
}

fn refused(text: &str) -> Diagnostic {
    match store().query(text).map_err(silverback::Error::into_kind) {
        Err(ErrorKind::Query(diagnostic)) => diagnostic,
        other => panic!("{text}: {other:?}"),
    }
}

fn refused_as(text: &str, code: &str, under_caret: &str) -> Diagnostic {
    let diagnostic = refused(text);
    assert_eq!(diagnostic.code, code, "{text}: {diagnostic}");
    let marked = &text[diagnostic.span.start..diagnostic.span.end];
    assert!(marked.starts_with(under_caret), "{text}: {marked}");
    diagnostic
}

#[test]
fn samples_of_all_series_are_pooled_and_by_splits_them() {
    assert_eq!(rows("p50(latency) last 1h"), ["200"]);
    assert_eq!(rows("p50(latency) by bot last 1h"), ["sales 300", "support 50"]);
    assert_eq!(
        rows("count(latency) by * last 1h"),
        ["sales ok 4", "support ok 2", "sales error 1"]
    );
    assert_eq!(rows("count(latency) without status last 1h"), ["sales 5", "support 2"]);
}

#[test]
fn last_snaps_down_and_marks_the_last_window() {
    // 1440 − 65 = 1375 snaps to 1360: windows of 20 minutes, the last one whole.
    assert_eq!(rows("count(latency) every 20m last 65m"), ["1360 0", "1380 5", "1400 0", "1420 2"]);
    let now = Timestamp::from_nanos((MIDNIGHT - 1) * MINUTE);
    let query: Query = "count(latency) every 20m last 10m".parse().unwrap();
    let answer = store().run(&query, &RunOptions::default().now(now)).unwrap();
    assert_eq!(lines(&answer), ["1420 partial 1"]);
}

#[test]
fn absolute_ranges_are_clipped_and_rates_divide_by_the_covered_time() {
    let text = "rate(latency) per 1m every 20m from @83100 to @84000";
    // Minutes 1385 to 1400: the window from 1380 is covered for 15 minutes and holds 5 samples.
    let answer = ask(text);
    assert_eq!(lines(&answer), [format!("1380 partial {}", 5.0 / 15.0)]);
    assert_eq!(answer.columns.last().unwrap().unit.as_deref(), Some("1/min"));
}

#[test]
fn counts_of_nothing_are_zero_and_other_values_are_null() {
    let items =
        "count(size), sum(size), rate(size), avg(size), p99(size), share(size, {bot=\"a\"})";
    assert_eq!(rows(&format!("{items} last 1h")), ["0 0 0 - - -"]);
    assert_eq!(rows("rate(requests) every 10m from @0 for 20m"), ["0 -", "10 -"]);
}

#[test]
fn rates_follow_the_kind_of_the_metric() {
    assert_eq!(rows("increase(latency) last 1h"), ["7"]);
    assert_eq!(rows("increase(tokens) last 1h"), ["90"]);
    // 100 − 90 from the sample two minutes before the range, then a restart at 30.
    assert_eq!(rows("increase(requests) last 1h"), ["40"]);
    assert_eq!(rows("delta(queue) last 1h"), ["-4"]);
    refused_as("rate(queue) last 1h", "Q110", "queue");
    refused_as("delta(latency) last 1h", "Q110", "latency");
    let mixed = refused_as("rate({bot=\"sales\"}) last 1h", "Q111", "{bot=\"sales\"}");
    assert!(mixed.message.contains("`latency` is an event"), "{mixed}");
}

#[test]
fn durations_are_read_in_the_unit_of_the_metric() {
    assert_eq!(rows("count(latency > 0.3s) last 1h"), ["2"]);
    assert_eq!(
        rows("share(latency, where value >= 300ms) by bot last 1h"),
        ["sales 0.6", "support 0"]
    );
    refused_as("count(size > 1s) last 1h", "Q107", "1s");
    refused_as("count(tokens > 1s) last 1h", "Q108", "1s");
}

#[test]
fn sides_join_on_their_groups_and_absent_counts_are_zero() {
    assert_eq!(
        rows("count(latency{status=\"error\"}) / count(latency) by bot last 1h"),
        ["sales 0.2", "support 0"]
    );
    assert_eq!(
        rows("max(latency{status=\"error\"}), max(latency) by bot last 1h"),
        ["sales 2000 2000", "support - 70"]
    );
    assert_eq!(
        rows("count by (bot) (latency) / count(latency) last 1h"),
        [format!("sales {}", 5.0 / 7.0), format!("support {}", 2.0 / 7.0)]
    );
    refused_as("count by (bot) (latency) / count by (status) (latency) last 1h", "Q137", "/");
}

#[test]
fn division_by_zero_is_null_with_one_warning() {
    let answer = ask("count(latency) / count(size), 1 / count(size) last 1h");
    assert_eq!(lines(&answer), ["- -"]);
    assert_eq!(answer.warnings.len(), 1);
    assert_eq!(answer.warnings[0].code, "Q304");
}

#[test]
fn top_ranks_groups_over_the_whole_range() {
    // In the last window both have one sample; over the range `sales` has more.
    assert_eq!(rows("count(latency) by bot every 30m last 30m top 1"), ["1410 sales 1"]);
    assert_eq!(rows("count(latency) by bot last 1h bottom 1"), ["support 2"]);
    assert_eq!(rows("topk(1, count(latency)) by bot last 1h"), ["sales 5"]);
    assert_eq!(rows("p50(latency) by bot having count(latency) >= 3 last 1h"), ["sales 300"]);
}

#[test]
fn raw_samples_are_listed_by_time() {
    let answer = ask("latency{bot=\"sales\"} > 0.25s last 1h limit 2");
    let expected = ["1391 latency sales error 2000", "1395 latency sales ok 300"];
    assert_eq!(lines(&answer), expected);
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["time", "metric", "bot", "status", "value"]);
    refused_as("latency last 1h every 5m", "Q130", "every");
}

#[test]
fn a_missing_range_is_said_and_an_empty_one_is_explained() {
    assert_eq!(ask("count(latency)").notes, ["no range is given: the answer is about the last 1h"]);
    let notes = ask("count(size) last 1h").notes;
    assert!(notes[0].contains("`size` has samples from 1970-01-01T00:10:00Z"), "{notes:?}");
    let query: Query = "count(size)".parse().unwrap();
    let whole = store().run(&query, &RunOptions::default().whole_range(true)).unwrap();
    assert_eq!((lines(&whole), whole.notes.len()), (vec!["1".to_owned()], 0));
    let query: Query = "count(size) last 1m".parse().unwrap();
    let newest = store().run(&query, &RunOptions::default().now_is_newest(true)).unwrap();
    assert_eq!(lines(&newest), ["1"]);
}

#[test]
fn names_that_are_unknown_get_a_suggestion() {
    let unknown = refused_as("p99(latncy) by bot", "Q104", "latncy");
    assert_eq!(unknown.label, "did you mean `latency`?");
    assert_eq!(unknown.suggestion.as_deref(), Some("p99(latency) by bot"));
    let warned = |text: &str| ask(text).warnings.into_iter().map(|w| (w.code, w.message)).collect();
    let warnings: Vec<(&str, String)> = warned("count(latency{bot=\"suport\"}) last 1h");
    let message = "`bot` has no value \"suport\"; did you mean \"support\"?".to_owned();
    assert_eq!(warnings, [("Q302", message)]);
    let warnings: Vec<(&str, String)> = warned("count(latency) by bott last 1h");
    assert_eq!(warnings[0].0, "Q303");
    for (asked, right) in [
        ("count(latency{bot=\"suport\"}) last 1h", "count(latency{bot=\"support\"}) last 1h"),
        ("count(latency) last 1h by bott", "count(latency) last 1h by bot"),
    ] {
        assert_eq!(ask(asked).warnings[0].suggestion.as_deref(), Some(right));
        assert_eq!(ask(right).warnings, []);
    }
    assert_eq!(ask("count(latency) by zzzzzz last 1h").warnings[0].suggestion, None);
}

#[test]
fn what_is_not_executed_yet_is_refused_by_name() {
    let diagnostic = refused_as("anomaly(latency) last 1h", "Q401", "anomaly");
    assert!(diagnostic.message.ends_with("is not available yet"), "{diagnostic}");
    refused_as("max(p95(latency)) last 1h", "Q113", "p95(latency)");
}

#[test]
fn limits_stop_an_answer_before_it_is_made() {
    let error = store().query("count(latency) every 1ms last 1d").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: 1_000_000, got: 86_400_000, .. }));
    let chain = |terms| vec!["count(latency)"; terms].join(" + ");
    assert_eq!(rows(&format!("{} as n last 1h", chain(200))), ["1400"]);
    let error = store().query(&format!("{} as n last 1h", chain(400))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Limit { limit: 256, .. }));
}

#[test]
fn windows_may_look_back_and_selectors_may_have_their_own() {
    assert_eq!(rows("count(latency) every 10m over 30m last 20m"), ["1420 0", "1430 2"]);
    assert_eq!(rows("count(latency[5m]), count(latency) last 1h"), ["2 7"]);
    assert_eq!(rows("count(latency offset 45m) last 10m"), ["4"]);
    refused_as("count(latency) last 1h over 5m", "Q124", "over");
}

#[test]
fn a_label_named_as_a_column_is_told_apart() {
    let mut columns = Columns::default();
    columns.push(0, 1.0);
    let series = vec![(SeriesKey::new("m").label("time", "x").label("count(m)", "y"), columns)];
    let store = Snapshot::of_samples(Timestamp::from_nanos(1), vec![MetricDef::new("m")], series);
    let answer = store.query("count(m) by * every 1m last 1m").unwrap();
    let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["time", "end", "partial", "label.count(m)", "label.time", "count(m)"]);
}

#[test]
fn fill_says_what_stands_in_empty_windows() {
    let ask = |fill: &str| rows(&format!("count(tokens), max(tokens) every 5m last 20m {fill}"));
    // Minutes 1420 to 1440; the one sample lies in the last window.
    assert_eq!(ask(""), ["1420 0 -", "1425 0 -", "1430 0 -", "1435 1 60"]);
    assert_eq!(ask("fill null"), ["1420 - -", "1425 - -", "1430 - -", "1435 1 60"]);
    assert_eq!(ask("fill 5"), ["1420 5 5", "1425 5 5", "1430 5 5", "1435 1 60"]);
    assert_eq!(ask("fill none"), ["1435 1 60"]);
    let between =
        |fill: &str| rows(&format!("max(tokens) every 1m from @83400 to @83700 {fill}")).join(", ");
    // Minutes 1390 to 1395 hold one sample at 1390: nothing is drawn past it.
    assert_eq!(between("fill previous"), "1390 20, 1391 -, 1392 -, 1393 -, 1394 -");
    let line = rows("max(tokens) every 5m from @83100 to @83700 fill linear");
    assert_eq!(line, ["1385 10", "1390 20"]);
    refused_as("count(tokens) last 1h fill 0", "Q124", "fill");
}

#[test]
fn days_of_a_named_zone_begin_at_its_midnight() {
    let times = |text: &str| -> Vec<String> {
        let time = |row: &Vec<Cell>| match row[0] {
            Cell::Time(time) => time.to_string(),
            ref other => panic!("{other:?}"),
        };
        ask(text).rows.iter().map(time).collect()
    };
    assert_eq!(times("count(latency) every 1d last 1h"), ["1970-01-01T00:00:00Z"]);
    assert_eq!(
        times("count(latency) every 1d last 2h tz \"Europe/Berlin\""),
        ["1969-12-31T23:00:00Z", "1970-01-01T23:00:00Z"]
    );
    refused_as("count(latency) last 1h tz \"Europe/Berlim\"", "Q132", "tz");
}

#[test]
fn percentiles_are_real_samples_unless_a_line_is_asked_for() {
    assert_eq!(rows("quantile(0.4, latency), quantile(40%, latency) as q last 1h"), ["100 100"]);
    assert_eq!(rows("quantile(0.25, latency, interp=linear) last 1h"), ["85"]);
    assert_eq!(rows("p0(latency), p100(latency), median(latency) last 1h"), ["50 2000 200"]);
    refused_as("quantile(1.5, latency) last 1h", "Q114", "1.5");
}

#[test]
fn columns_carry_units() {
    let answer = ask("rate(tokens), avg(latency), share(latency, {bot=\"sales\"}), \
                      sum(tokens) per 1m as per_minute, 2 * max(latency) as double last 1h");
    let units: Vec<Option<&str>> =
        answer.columns.iter().map(|column| column.unit.as_deref()).collect();
    let (ms, second, minute) = (Some("ms"), Some("tokens/s"), Some("tokens/min"));
    assert_eq!(units, [second, ms, None, minute, ms]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    refused_as("count(latency), count(latency) last 1h", "Q123", "count(latency)");
    refused_as("count(latency) every 5m over 1m last 1h", "Q134", "over");
    refused_as("count(latency) top 1 bottom 1 last 1h", "Q133", "bottom");
    refused_as("avg(latency) per 1m last 1h", "Q138", "avg(latency)");
    refused_as("rate(requests > 5) last 1h", "Q112", "requests");
    refused_as("share(latency) last 1h", "Q007", "share");
    refused_as("p99(latency) last 1h since now", "Q120", "since");
    refused_as("count(latency) from @100 to @100", "Q121", "from");
    refused_as("cuont(latency) last 1h", "Q006", "cuont");
}

#[test]
fn every_line_of_the_language_is_answered_or_refused_for_what_is_missing() {
    let answered = [
        "p99(latency) by channel every 1m last 1h",
        "share(latency, {status=\"error\"}) by bot every 5m last 6h",
        "count(latency) by intent top 10 last 24h",
        "share(latency, where value > 1s) by channel last 1h",
        "rate(latency) last 1h compare 7d",
        "apdex(latency, 500ms) by bot last 1h",
        "stats(latency) by bot last 1h",
        "record bot_p95 as p95(latency) every 1m by bot",
        "alert silent_bot if count(latency) == 0 over 10m for 5m by bot severity ticket",
        "explain p99(latency) by channel every 1m last 1h",
        "max(p95(latency) every 1m) by bot last 24h",
        "histogram(latency) by channel last 1h",
        "distinct(latency, bot) last 1d",
        "p95(latency) by hour() last 30d tz \"Europe/Berlin\"",
        "p95(latency) > 1.5 * total(p95(latency)) by hour() last 30d tz \"America/New_York\"",
        "count(latency) by hour(), weekday() last 30d tz \"Europe/Berlin\"",
        "p95(latency) by bot having count(latency) >= 100 top 10 last 24h",
        "rate(tokens) by model every 1m last 1h",
        "latency{bot=\"support\", channel=~\"sl.*\"} > 1s last 5m limit 50",
        "sum by (model) (tokens) per 1m last 1h",
        "rate(latency) / rate(latency) offset 7d last 1h",
        "rate(latency) / rate(latency offset 7d) last 1h",
        "topk(10, count(latency)) by intent last 24h",
        "avg(latency) group by bot where channel = \"slack\" and (value > 10ms or status in \
         (\"ok\", \"retry\")) last 2h",
        "p99(latency) by * last 1h",
        "(p95(latency) - p95(latency) offset 1w) / p95(latency) offset 1w by bot last 1h",
        "p99(latency[5m]) last 1h every 1m",
        "avg(latency) from now - 2h to now - 1h",
        "quantile(0.99, latency, interp=linear) by bot last 1h",
        "p99(latency, exact=true) by bot last 30d",
        "topk(10, p95(latency)) by bot having count(latency) >= 100 last 24h",
        "rate(requests{bot=~\"sa.*\"}[5m] offset 1d) by bot",
        "P99(latency) BY bot LAST 1h",
        "{\"latency\", bot=\"sales\"} last 1m",
        "`latency`{bot=\"sales\"} last 1m",
    ];
    for text in answered {
        ask(text);
    }
    let later = [
        "forecast(rate(latency), 24h) every 1h last 30d",
        "anomaly(p95(latency), baseline=7d, sigma=3) every 5m last 24h",
    ];
    for text in later {
        assert_eq!(refused(text).code, "Q401", "{text}");
    }
}

#[test]
fn columns_are_named_by_canonical_text() {
    let names = |text: &str| -> Vec<String> {
        ask(text).columns.into_iter().map(|column| column.name).collect()
    };
    assert_eq!(
        names("P99( latency ) ,count(latency{bot=\"sales\"})/2 last 1h"),
        ["p99(latency)", "count(latency{bot=\"sales\"}) / 2",]
    );
    assert_eq!(names("topk(2,count(latency)) by bot last 1h"), ["bot", "count(latency)"]);
}

/// Symptom: in the night when summer time ends, windows that look back by a civil day missed
/// samples, and with `offset` counted those of others. Cause: a day before 02:00 of the second
/// pass lies before a day before 02:45 of the first, and the search never went back.
#[test]
fn windows_that_look_back_by_days_are_right_when_summer_time_ends() {
    // 2026-10-25T01:00:00Z is 02:00 again in Berlin.
    let first: jiff::Timestamp = "2026-10-24T00:00:00Z".parse().unwrap();
    let first = i64::try_from(first.as_nanosecond()).unwrap();
    let mut columns = Columns::default();
    for minute in 0..3 * 1440 {
        columns.push(first + minute * MINUTE, 1.0);
    }
    let now = Timestamp::from_nanos(first + 3 * 1440 * MINUTE);
    let series = vec![(SeriesKey::new("latency"), columns)];
    let metrics = vec![metric("latency", MetricKind::Event, None)];
    let snapshot = Snapshot::of_samples(now, metrics, series);
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let day_before = |minute: i64| {
        let nanos = i128::from(first + minute * MINUTE);
        let zoned = jiff::Timestamp::from_nanosecond(nanos).unwrap().to_zoned(zone.clone());
        let moved = zoned.checked_sub(jiff::Span::new().days(1)).unwrap().timestamp();
        ((moved.as_nanosecond() - i128::from(first)) / i128::from(MINUTE)) as i64
    };
    let range = "from 2026-10-25T00:00Z to 2026-10-25T03:00Z tz \"Europe/Berlin\"";
    for (what, look_back) in [("over 1d", true), ("offset 1d", false)] {
        let (over, offset) = if look_back { (what, "") } else { ("", what) };
        let text = format!("count(latency {offset}) every 15m {over} {range}");
        let answer = snapshot.query(&text).unwrap();
        assert_eq!(answer.rows.len(), 12, "{text}");
        for (row, start) in answer.rows.iter().zip((1440..).step_by(15)) {
            let from = if look_back { day_before(start + 15) } else { day_before(start) };
            let to = if look_back { start + 15 } else { day_before(start + 15) };
            let counted = row.iter().find_map(|cell| match cell {
                Cell::Number(number) => Some(*number),
                _ => None,
            });
            assert_eq!(counted, Some((to - from).max(0) as f64), "{text}, window at {start}");
        }
    }
}
