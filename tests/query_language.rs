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

/// Repeats a piece of text up to the limit on bytes.
fn filled(piece: &str) -> String {
    piece.repeat((64 << 10) / piece.len())
}

#[test]
fn hostile_text_ends_in_a_clear_error_soon() {
    let limits = Limits::default();
    let rest = |start: &str, piece: &str| format!("{start}{}", filled(piece));
    let mut roomy = limits.clone();
    roomy.query_bytes_max *= 2;
    for text in [
        filled("("),
        filled("-"),
        filled("a("),
        filled("a(a("),
        filled("count("),
        filled("not "),
        filled("sum by (a) "),
        filled("sum by (a "),
        filled("sum by "),
        filled("by(a)/"),
        filled("sum(x) by (a) / "),
        filled("avgg(x) + "),
        filled("{a=b,"),
        filled("x{\"a"),
        filled("“"),
        rest("`", "`"),
        filled("#\n?"),
        filled("1min"),
        filled("2026-02-09 10:00 "),
        rest("count(x) where ", "("),
        rest("count(x) where ", "not "),
        rest("1", "+1"),
        rest("count(x) from now", "+1h"),
        rest("count(x)", " per 1m"),
        rest("count(x)", " last 1h"),
        rest("count(x)", " lst"),
        rest("count(x)", ")"),
        rest("count(x) by a", ",a") + "/",
        rest("count(x{a in (", "b,"),
    ] {
        let start = std::time::Instant::now();
        let beginning: String = text.chars().take(20).collect();
        let Err(found) = parse(&text, &roomy) else { panic!("{beginning}") };
        assert!(found.render().len() < 4 * text.len(), "{}", found.message);
        // A debug build takes half a second at worst.
        assert!(start.elapsed().as_secs() < 5, "{:?} for {beginning}", start.elapsed());
    }
    assert_eq!(parse(&"x".repeat(1 << 20), &limits).unwrap_err().code, "Q009");
    assert!(parse(&"x".repeat(1 << 16), &limits).is_ok());
}

#[test]
fn nesting_is_bounded_as_the_limits_say() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    let forms = [
        ("", "(", "1", ")"),
        ("", "-", "1", ""),
        ("", "total(", "1", ")"),
        ("count(x) where ", "(", "a=\"b\"", ")"),
        ("count(x) where ", "not ", "a=\"b\"", ""),
    ];
    for (start, open, inner, close) in forms {
        let text = |depth| format!("{start}{}", nested(open, inner, close, depth));
        let limits = Limits::default();
        let depth_max = usize::try_from(limits.query_depth_max).unwrap();
        assert!(parse(&text(depth_max), &limits).is_ok(), "{open}");
        assert_eq!(parse(&text(depth_max + 1), &limits).unwrap_err().code, "Q009", "{open}");
        // No limit lets a query overflow the stack.
        let mut boundless = Limits::default();
        boundless.query_depth_max = u64::MAX;
        assert_eq!(parse(&text(1_000), &boundless).unwrap_err().code, "Q009", "{open}");
    }
    // A chain of operators is as deep a tree as it is long.
    let chain = |len| format!("1{}", " + 1".repeat(len));
    let tree = parse(&chain(1_000), &Limits::default()).unwrap();
    assert_eq!(tree.to_string(), chain(1_000));
    assert_eq!(parse(&chain(1_001), &Limits::default()).unwrap_err().code, "Q009");
    // The right sides of operators nest as well.
    let mixed = |depth| nested("1 or 1 and 1 > 1 + 1 * 1 default (", "1", ")", depth);
    let mut boundless = Limits::default();
    boundless.query_depth_max = u64::MAX;
    assert!(parse(&mixed(9), &Limits::default()).is_ok());
    assert_eq!(parse(&mixed(1_000), &boundless).unwrap_err().code, "Q009");
}

#[test]
fn every_prefix_of_a_valid_line_is_read_or_refused() {
    for line in valid() {
        for end in (0..line.len()).filter(|end| line.is_char_boundary(*end)) {
            if let Err(found) = parse(&line[..end], &Limits::default()) {
                assert!(found.render().starts_with("error[Q"));
                if let Some(suggestion) = found.suggestion {
                    assert!(parse(&suggestion, &Limits::default()).is_ok(), "{suggestion}");
                }
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
