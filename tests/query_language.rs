//! The language as its contract has it: what parses, what is refused and how, and that canonical
//! text reads back to the same tree.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::{any, prop_assert_eq, proptest};
use silverback::Limits;
use silverback::lang::parse;

const VALID: &str = r#"
p99(latency) by channel every 1m last 1h
share(latency, {status="error"}) by bot every 5m last 6h
rate(latency) last 1h compare 7d
count(latency) by intent top 10 last 24h
p95(latency) by hour() last 30d tz "Europe/Berlin"
p95(latency) by bot from 2026-02-09T10:00Z for 1h compare previous
apdex(latency, 500ms) by bot last 1h
share(latency, where value > 1s) by channel last 1h
p95(latency) by bot having count(latency) >= 100 top 10 last 24h
rate(tokens) by model every 1m last 1h
burn(latency[1h], {status="error"}, 99.9%) > 14.4 \
and burn(latency[5m], {status="error"}, 99.9%) > 14.4
alert high_errors if share(latency, {status="error"}) > 5% for 10m by bot severity page notify slack
latency{bot="support", channel=~"sl.*"} > 1s last 5m limit 50
max(p95(latency) every 1m) by bot last 24h
p95(latency) > 1.5 * total(p95(latency)) by hour() last 30d tz "America/New_York"
sum by (model) (tokens) per 1m last 1h
rate(latency) / rate(latency) offset 7d last 1h
rate(latency) / rate(latency offset 7d) last 1h
topk(10, count(latency)) by intent last 24h
histogram(latency) by channel last 1h
count(latency) by hour(), weekday() last 30d tz "Europe/Berlin"
avg(latency) group by bot \
where channel = "slack" and (value > 10ms or status in ("ok", "retry")) last 2h
p99(latency) by * last 1h
forecast(rate(latency), 24h) every 1h last 30d
anomaly(p95(latency), baseline=7d, sigma=3) every 5m last 24h
count(latency) since mark("deploy v42") compare previous
record bot_p95 as p95(latency) every 1m by bot
alert silent_bot if count(latency) == 0 over 10m for 5m by bot severity ticket notify email
{"weird metric", bot="a"} last 1m
`weird metric`{bot="a"} last 1m
(p95(latency) - p95(latency) offset 1w) / p95(latency) offset 1w by bot last 1h
explain p99(latency) by channel every 1m last 1h
distinct(latency, user) last 1d
p99(latency[5m]) last 1h every 1m
stats(latency) by bot last 1h
avg(latency) from now - 2h to now - 1h
quantile(0.99, latency, interp=linear) by bot last 1h
p99(latency, exact=true) by bot last 30d
topk(10, p95(latency)) by bot having count(latency) >= 100 last 24h
rate(requests_total{job=~"bot.*"}[5m] offset 1d) by bot
P99(latency) BY bot LAST 1h
"#;

/// The lines; one that ends in a backslash goes on in the next.
fn valid() -> Vec<String> {
    let joined = VALID.replace("\\\n", "");
    joined.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn every_valid_line_reads_back_from_its_canonical_text() {
    for line in valid() {
        let tree = parse(&line, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render()));
        let text = tree.to_string();
        let again = parse(&text, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render()));
        assert_eq!(again, tree, "{line}\n{text}");
        assert_eq!(again.to_string(), text);
    }
}

#[test]
fn canonical_text_is_short_and_plain() {
    for (written, canonical) in [
        ("P99( latency )BY bot LAST 60m", "p99(latency) by bot last 1h"),
        ("count(latency > 1s)", "count(latency > 1s)"),
        ("(sum(a) + sum(b)) * 2", "(sum(a) + sum(b)) * 2"),
        ("sum(a) + (sum(b) * 2)", "sum(a) + sum(b) * 2"),
        ("sum(a) - (sum(b) - sum(c))", "sum(a) - (sum(b) - sum(c))"),
        ("-(-1) + 0x10 + 1_000 + 1.5e3", "--1 + 16 + 1000 + 1500"),
        ("sum(tokens) > 2.5M", "sum(tokens) > 2.5M"),
        ("latency last 1.5h # a comment", "latency last 1h30m"),
        (
            "count(x) from @1700000000ms to 2026-02-09",
            "count(x) from 1970-01-20T16:13:20Z to 2026-02-09",
        ),
        ("count(`by`) last 1y2w", "count(`by`) last 12mo14d"),
        (
            "sum(x) from 2026-02-09T10:00 tz 'Europe/Berlin'",
            "sum(x) from 2026-02-09T10:00:00 tz \"Europe/Berlin\"",
        ),
        ("count(last) last 1h", "count(`last`) last 1h"),
        ("explain last by (bot) (x)", "explain last by (bot) (x)"),
        ("explain last 1h", "`explain` last 1h"),
        ("count(severity) by message", "count(severity) by message"),
        ("count(x, `Odd`=5, last=`B`)", "count(x, Odd=5, `last`=`B`)"),
        ("sum(x) > 1e300", "sum(x) > 1e300"),
        ("delete from now", "delete from now"),
    ] {
        let tree = parse(written, &Limits::default()).unwrap_or_else(|e| panic!("{}", e.render()));
        assert_eq!(tree.to_string(), canonical);
        assert_eq!(parse(canonical, &Limits::default()).as_ref(), Ok(&tree), "{canonical}");
    }
}

#[test]
fn refused_lines_say_why_where_and_what_to_write() {
    for (line, code, under, suggestion) in [
        ("sum(x) by (bot) / sum(y) by (bot)", "Q011", "by (bot)", "sum(x) / sum(y) by bot"),
        (
            "sum(tokens) by (model) / count(tokens)",
            "Q011",
            "by (model)",
            "sum(tokens) / count(tokens) by model",
        ),
        // Neither the space before `by` nor what a comment or a text holds matters.
        ("sum(x)by(bot)/sum(y)", "Q011", "by(bot)", "sum(x)/sum(y) by bot"),
        ("sum(x)\nby (bot) / sum(y)", "Q011", "by (bot)", "sum(x)\n / sum(y) by bot"),
        ("sum(x) by (bot) / sum(y) # hi", "Q011", "by (bot)", "sum(x) / sum(y) by bot # hi"),
        ("sum(x) by (hour()) / sum(y)", "Q011", "by (hour())", "sum(x) / sum(y) by hour()"),
        ("max(p95(x) by bot) last 1h", "Q011", "by bot", "max(p95(x)) last 1h by bot"),
        ("sum(x) by bot, sum(y) by bot", "Q011", "by bot", "sum(x), sum(y) by bot"),
        (
            "alert a if sum(x) by (b) > 5 for 1m",
            "Q011",
            "by (b)",
            "alert a if sum(x) > 5 for 1m by b",
        ),
        // Several mistakes are put right together.
        ("avgg(latency) last 1hour", "Q003", "1hour", "avg(latency) last 1h"),
        ("count(x{a=b, c=d})", "Q012", "b", "count(x{a=\"b\", c=\"d\"})"),
        ("count(x", "Q001", "", "count(x)"),
        ("sum(x{a.b=\"c\"})", "Q001", "a.b", "sum(x{`a.b`=\"c\"})"),
        ("sum(rate(x last 1h", "Q001", "last", "sum(rate(x)) last 1h"),
        ("latency + 1", "Q008", "latency", "avg(latency) + 1"),
        ("p99 latency last 1h", "Q010", "p99", "p99(latency) last 1h"),
        ("rate(latency) top by bot", "Q001", "by", "rate(latency) top 10 by bot"),
        ("p99(latency) last 1hour", "Q003", "1hour", "p99(latency) last 1h"),
        ("p99(latency) every 1min", "Q003", "1min", "p99(latency) every 1m"),
        ("p99(latency) every 1m over", "Q001", "", "p99(latency) every 1m over 5m"),
        (
            "alert x if p99(latency) > 1s from now to now",
            "Q013",
            "from",
            "alert x if p99(latency) > 1s",
        ),
        ("select p99(latency) from x", "Q201", "select", "p99(latency) by bot every 1m last 1h"),
        ("count(latency{status=error})", "Q012", "error", "count(latency{status=\"error\"})"),
        ("avgg(latency) last 1h", "Q006", "avgg", "avg(latency) last 1h"),
        ("count(x) last 1h last 2h", "Q005", "last 2h", "count(x) last 1h"),
        ("count(x) lst 1h", "Q001", "lst", "count(x) last 1h"),
    ] {
        let found = parse(line, &Limits::default()).expect_err(line);
        assert_eq!(found.code, code, "{}", found.render());
        assert_eq!(&line[found.span.start..found.span.end], under, "{}", found.render());
        assert_eq!(found.suggestion.as_deref(), Some(suggestion), "{}", found.render());
        assert!(parse(suggestion, &Limits::default()).is_ok(), "{suggestion}");
    }
    for (line, code) in [
        ("sum(x) by (bot) / sum(y) by (channel)", "Q011"),
        ("alert a if count(x) > 1 labels {\"text\"}", "Q001"),
        ("avg(latency) lsat 1h foo bar", "Q001"),
        ("", "Q001"),
        ("1 < 2 < 3", "Q014"),
        ("count(\"x", "Q002"),
        ("count(x) ?", "Q002"),
        ("quantile(0.5)", "Q007"),
        ("count(x) from 2026-02-30", "Q016"),
        ("count(x) last 5", "Q001"),
    ] {
        let found = parse(line, &Limits::default()).expect_err(line);
        assert_eq!(found.code, code, "{}", found.render());
        // There is no sure way to a query that parses.
        assert_eq!(found.suggestion, None, "{}", found.render());
    }
}

#[test]
fn a_finding_shows_the_line_and_the_place() {
    let text = "# grüße\nsum(tokens) by (model) / count(tokens)";
    let found = parse(text, &Limits::default()).unwrap_err();
    assert_eq!(
        found.render(),
        "error[Q011]: `by` applies to the whole query\n  \
           | sum(tokens) by (model) / count(tokens)\n  \
           |             ^^^^^^^^^^ cannot be followed by `/`\n  \
           = help: put it last:  # grüße\n          sum(tokens) / count(tokens) by model\n"
    );
}

#[test]
fn hostile_text_ends_in_a_clear_error() {
    let limits = Limits::default();
    let deep = [
        "(".repeat(10_000),
        "-".repeat(10_000),
        "a(".repeat(10_000),
        "count(".repeat(10_000),
        "not ".repeat(10_000),
        format!("count(x) where {}", "(".repeat(10_000)),
        format!("1{}", "+1".repeat(20_000)),
        format!("count(x) from now{}", "+1h".repeat(10_000)),
        format!("count(x){}", " per 1m".repeat(5_000)),
        format!("{}x", "sum by (a) ".repeat(3_000)),
    ];
    for text in deep {
        assert!(parse(&text, &limits).is_err(), "{}", &text[..20]);
    }
    assert_eq!(parse(&"x".repeat(1 << 20), &limits).unwrap_err().code, "Q009");
    assert!(parse(&"x".repeat(1 << 16), &limits).is_ok());
}

#[test]
fn every_prefix_of_a_valid_line_is_read_or_refused() {
    for line in valid() {
        for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
            if let Err(found) = parse(&line[..end], &Limits::default()) {
                assert!(found.render().starts_with("error[Q"));
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text: String) {
        drop(parse(&text, &Limits::default()).map_err(|found| found.render()));
    }

    /// Pieces of the language in random order: what parses reads back from its canonical text.
    #[test]
    fn what_parses_reads_back(
        pieces in proptest::collection::vec(0..PIECES.len(), 1..14),
        spaces: u64,
    ) {
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            text.push_str(PIECES[*piece]);
            text.push_str(if spaces >> (index % 64) & 1 == 0 { " " } else { "" });
        }
        if let Ok(tree) = parse(&text, &Limits::default()) {
            let canonical = tree.to_string();
            prop_assert_eq!(parse(&canonical, &Limits::default()), Ok(tree), "{}", canonical);
        }
    }

    #[test]
    fn numbers_and_durations_read_back(number: f64, nanos: u64, days in any::<u32>()) {
        if number.is_finite() && number >= 0.0 {
            let text = format!("count(x) > {number}");
            let tree = parse(&text, &Limits::default()).unwrap();
            prop_assert_eq!(parse(&tree.to_string(), &Limits::default()), Ok(tree));
        }
        let text = format!("count(x) last {days}d{nanos}ns");
        let tree = parse(&text, &Limits::default()).unwrap();
        prop_assert_eq!(parse(&tree.to_string(), &Limits::default()), Ok(tree));
    }
}

const PIECES: [&str; 52] = [
    "count(",
    "p99(",
    "sum by (a) (",
    "latency",
    "`odd name`",
    "{",
    "}",
    "bot=\"x\"",
    "a!~\"y.*\"",
    "in (\"a\", \"b\")",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    ">",
    "<=",
    "==",
    "and",
    "or",
    "unless",
    "default 0",
    "per 1m",
    "offset 7d",
    "[5m]",
    "where",
    "value > 1s",
    "not",
    "every 1m",
    "over 5m",
    "last 1h",
    "from now - 1h",
    "to now",
    "for 1h",
    "since today",
    "by bot",
    "by *",
    "without (a)",
    "by hour()",
    "top 3",
    "having",
    "compare previous",
    "tz \"UTC\"",
    "fill 0",
    "limit 5",
    "1.5",
    "5%",
    "10k",
    "as x",
    "interp=linear",
];
