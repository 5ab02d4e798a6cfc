//! A question put together from values is the same value as its text: every node of every tree has
//! a builder, what it builds is the tree, and the text of that reads back to it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod trees;

use std::collections::BTreeSet;

use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};
use silverback::lang::ast::{
    Alert, AlertClause, Arg, BinaryOp, Body, CalendarPart, Call, Clause, Duration, Expr, ExprKind,
    Fill, Item, Key, Keys, LabelMatcher, Literal, MatchOp, OptionValue, Predicate, Query as Tree,
    RangeEnd, Record, Sample, Spanned, Statement, Time,
};
use silverback::lang::build::{
    abs, alert, anomaly, any_samples, apdex, ask, avg, bottomk, burn, call, clamp, count, delta,
    distinct, first, forecast, histogram, increase, label, last, list, max, median, min,
    percentile, quantile, rate, record, round, samples, share, stats, stddev, sum, topk, total,
    value,
};
use silverback::lang::{function_names, parse};
use silverback::{ErrorKind, Limits, Query};

use trees::statement;

fn literal_again(literal: &Literal) -> Literal {
    match literal {
        Literal::Number(number) => Literal::from(*number),
        Literal::Duration(length) => Literal::from(*length),
        other => other.clone(),
    }
}

fn matcher_again(matcher: &LabelMatcher) -> LabelMatcher {
    let named = label(matcher.label.node.as_str());
    let values = matcher.values.iter().map(|value| value.node.clone());
    let one = || values.clone().next().unwrap();
    match matcher.op {
        MatchOp::Equal => named.is(one()),
        MatchOp::NotEqual => named.is_not(one()),
        MatchOp::Matches => named.matches(one()),
        MatchOp::NotMatches => named.does_not_match(one()),
        MatchOp::In => named.is_one_of(values),
    }
}

fn samples_again(sample: &Sample) -> Sample {
    let selector = &sample.selector;
    let mut built = match &selector.metric {
        Some(metric) => samples(metric.node.as_str()),
        None => any_samples(),
    };
    for matcher in &selector.matchers {
        built = built.with(matcher_again(&matcher.node));
    }
    if let Some(window) = &selector.window {
        built = built.window(window.node);
    }
    if let Some(offset) = &selector.offset {
        built = built.offset(offset.node);
    }
    match &sample.filter {
        Some((op, bound)) => built.compare(op.node, literal_again(&bound.node)),
        None => built,
    }
}

fn condition_again(condition: &Predicate) -> Predicate {
    match condition {
        Predicate::Or(left, right) => condition_again(left) | condition_again(right),
        Predicate::And(left, right) => condition_again(left) & condition_again(right),
        Predicate::Not(inner) => !condition_again(inner),
        Predicate::Label(matcher) => matcher_again(&matcher.node).into(),
        Predicate::Value(op, bound) => value().compare(op.node, literal_again(&bound.node)),
    }
}

fn keys_again(keys: &Keys) -> Keys {
    match keys {
        Keys::All => Keys::All,
        Keys::List(keys) => {
            let again = |key: &Spanned<Key>| match &key.node {
                Key::Label(name) => Key::from(name.as_str()),
                Key::Calendar(part) => Key::from(*part),
            };
            keys.iter().map(again).collect()
        }
    }
}

fn call_again(tree: &Call) -> Call {
    let mut built = call(tree.name.node.as_str());
    if let Some(grouping) = &tree.grouping {
        let keys = keys_again(&grouping.keys);
        built = if grouping.without { built.without(keys) } else { built.by(keys) };
    }
    for arg in &tree.args {
        built = match &arg.node {
            Arg::Sample(sample) => built.arg(samples_again(sample)),
            Arg::Expr(expr) => built.arg(expr_again(expr)),
            Arg::SubQuery(expr, step) => built.arg(expr_again(expr).every(step.node)),
            Arg::Where(condition) => built.arg(condition_again(condition)),
            Arg::Option(name, value) => {
                let value = match &value.node {
                    OptionValue::Literal(literal) => OptionValue::from(literal_again(literal)),
                    OptionValue::Word(word) => OptionValue::from(word.as_str()),
                };
                built.option(name.node.as_str(), value)
            }
        };
    }
    built
}

fn expr_again(expr: &Expr) -> Expr {
    match &*expr.node {
        ExprKind::Literal(literal) => literal_again(literal).into(),
        ExprKind::Call(call) => call_again(call).into(),
        ExprKind::Negate(inner) => -expr_again(inner),
        ExprKind::Per(inner, length) => expr_again(inner).per(length.node),
        ExprKind::Offset(inner, back) => expr_again(inner).offset(back.node),
        ExprKind::Binary { op, left, right } => {
            let (left, right) = (expr_again(left), expr_again(right));
            match op.node {
                BinaryOp::Or => left.or(right),
                BinaryOp::And => left.and(right),
                BinaryOp::Unless => left.unless(right),
                BinaryOp::Compare(op) => left.compare(op, right),
                BinaryOp::Add => left + right,
                BinaryOp::Subtract => left - right,
                BinaryOp::Multiply => left * right,
                BinaryOp::Divide => left / right,
                BinaryOp::Default => left.or_default(right),
            }
        }
    }
}

fn item_again(item: &Item) -> Item {
    let expr = expr_again(&item.expr);
    match &item.name {
        Some(name) => expr.named(name.node.as_str()),
        None => expr.into(),
    }
}

fn time_again(time: &Time) -> Time {
    match time {
        Time::Mark(name) => Time::mark(name.as_str()),
        Time::Plus(time, length) => time_again(&time.node).plus(*length),
        Time::Minus(time, length) => time_again(&time.node).minus(*length),
        Time::Instant(nanos) => silverback::Timestamp::from_nanos(*nanos).into(),
        other => other.clone(),
    }
}

fn question_again(tree: &Tree) -> Tree {
    let mut built = match &tree.body {
        Body::Samples(sample) => list(samples_again(sample)),
        Body::Items(items) => {
            let (first, more) = items.split_first().unwrap();
            let built = ask(item_again(first));
            more.iter().fold(built, |built, item| built.also(item_again(item)))
        }
    };
    for clause in &tree.clauses {
        built = match &clause.node {
            Clause::Last(length) => built.last(*length),
            Clause::From(start, None) => built.from_time(time_again(&start.node)),
            Clause::From(start, Some(RangeEnd::To(end))) => {
                built.from_to(time_again(&start.node), time_again(&end.node))
            }
            Clause::From(start, Some(RangeEnd::For(length))) => {
                built.from_for(time_again(&start.node), length.node)
            }
            Clause::Since(time) => built.since(time_again(&time.node)),
            Clause::Until(time) => built.until(time_again(&time.node)),
            Clause::Every(step) => built.every(*step),
            Clause::Over(length) => built.over(*length),
            Clause::Group(grouping) if grouping.without => {
                built.without(keys_again(&grouping.keys))
            }
            Clause::Group(grouping) => built.by(keys_again(&grouping.keys)),
            Clause::Where(condition) => built.filter(condition_again(condition)),
            Clause::Having(expr) => built.having(expr_again(expr)),
            Clause::Top(groups) => built.top(*groups),
            Clause::Bottom(groups) => built.bottom(*groups),
            Clause::Compare(Some(ago)) => built.compare(*ago),
            Clause::Compare(None) => built.compare_previous(),
            Clause::Tz(zone) => built.tz(zone.as_str()),
            Clause::Fill(Fill::Number(number)) => built.fill(*number),
            Clause::Fill(fill) => built.fill(*fill),
            Clause::Limit(rows) => built.limit(*rows),
        };
    }
    built
}

fn alert_again(tree: &Alert) -> Alert {
    let mut built = alert(tree.name.node.as_str(), expr_again(&tree.condition));
    for clause in &tree.clauses {
        built = match &clause.node {
            AlertClause::For(length) => built.holding(*length),
            AlertClause::Keep(length) => built.keep(*length),
            AlertClause::Severity(word) => built.severity(word.node.as_str()),
            AlertClause::Notify(words) => built.notify(words.iter().map(|word| word.node.as_str())),
            AlertClause::Message(text) => built.message(text.as_str()),
            AlertClause::Labels(labels) => {
                built.labels(labels.iter().map(|matcher| matcher_again(&matcher.node)))
            }
            AlertClause::Query(Clause::Every(step)) => built.every(*step),
            AlertClause::Query(Clause::Over(length)) => built.over(*length),
            AlertClause::Query(Clause::Tz(zone)) => built.tz(zone.as_str()),
            AlertClause::Query(Clause::Where(condition)) => {
                built.filter(condition_again(condition))
            }
            AlertClause::Query(Clause::Group(grouping)) if grouping.without => {
                built.without(keys_again(&grouping.keys))
            }
            AlertClause::Query(Clause::Group(grouping)) => built.by(keys_again(&grouping.keys)),
            AlertClause::Query(other) => panic!("{other} is no part of an alert"),
        };
    }
    built
}

fn record_again(tree: &Record) -> Record {
    let (first, more) = tree.items.split_first().unwrap();
    let mut built = record(tree.name.node.as_str(), item_again(first));
    built = more.iter().fold(built, |built, item| built.also(item_again(item)));
    for clause in &tree.clauses {
        built = match &clause.node {
            Clause::Every(step) => built.every(*step),
            Clause::Over(length) => built.over(*length),
            Clause::Tz(zone) => built.tz(zone.as_str()),
            Clause::Where(condition) => built.filter(condition_again(condition)),
            Clause::Group(grouping) if grouping.without => {
                built.without(keys_again(&grouping.keys))
            }
            Clause::Group(grouping) => built.by(keys_again(&grouping.keys)),
            other => panic!("{other} is no part of a record"),
        };
    }
    built
}

fn again(tree: &Statement) -> Statement {
    match tree {
        Statement::Query(query) => question_again(query).into(),
        Statement::Explain(query) => question_again(query).explain(),
        Statement::Alert(alert) => alert_again(alert).into(),
        Statement::Record(record) => record_again(record).into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_tree_can_be_built_and_is_its_text(tree in statement()) {
        let built = again(&tree);
        prop_assert_eq!(&built, &tree);
        let text = built.to_string();
        let query = Query::of(built).map_err(|error| format!("{error}: {text}"));
        prop_assert_eq!(query.as_ref().map(Query::text), Ok(text.as_str()));
        prop_assert_eq!(query, text.parse::<Query>().map_err(|error| error.to_string()));
    }
}

/// Lines beside what is built for them, of every function.
fn of_every_function() -> Vec<(&'static str, Expr)> {
    let errors = || any_samples().with(label("status").is("error"));
    let second = Duration::seconds(1);
    vec![
        ("count(latency)", count("latency").into()),
        ("sum by (model) (tokens)", sum("tokens").by("model").into()),
        ("avg without (bot, status) (latency)", avg("latency").without(["bot", "status"]).into()),
        ("min(latency offset 7d)", min(samples("latency").offset(Duration::weeks(1))).into()),
        ("max(p95(latency) every 1m)", {
            max(percentile(95.0, "latency").every(Duration::minutes(1))).into()
        }),
        ("stddev(latency > 1s)", stddev(samples("latency").above(second)).into()),
        ("first(latency >= 1.5)", first(samples("latency").at_least(1.5)).into()),
        ("last(latency < -1)", last(samples("latency").below(-1.0)).into()),
        ("median(latency <= 1)", median(samples("latency").at_most(1.0)).into()),
        ("quantile(0.99, latency, interp=linear)", {
            quantile(0.99, "latency").option("interp", "linear").into()
        }),
        ("rate(tokens == 1) per 1m", {
            rate(samples("tokens").equals(1.0)).per(std::time::Duration::from_mins(1))
        }),
        ("increase(requests[5m] != 1)", {
            let five = samples("requests").window(Duration::minutes(5));
            increase(five.differs(1.0)).into()
        }),
        ("delta(queue) offset 1h", delta("queue").offset(Duration::hours(1))),
        (r#"share(latency, {status="error"})"#, share("latency", errors()).into()),
        ("share(latency, where value > 1s)", share("latency", value().above(second)).into()),
        (r#"apdex(latency, 1s, {status="error"})"#, apdex("latency", second).arg(errors()).into()),
        (r#"burn(latency, {status="error"}, 99.9%)"#, {
            burn("latency", errors(), Literal::Percent(99.9)).into()
        }),
        ("histogram(latency, buckets=20)", histogram("latency").option("buckets", 20.0).into()),
        ("distinct(latency, user)", distinct("latency", "user").into()),
        ("stats(latency)", stats("latency").into()),
        ("2 * total(count(latency)) - -1", 2.0 * total(count("latency")) - -1.0),
        ("topk(10, count(latency))", topk(10, count("latency")).into()),
        ("bottomk(3, count(latency))", bottomk(3, count("latency")).into()),
        ("1 / abs(delta(queue)) default 0", 1.0 / abs(delta("queue")).or_default(0.0)),
        ("round(avg(latency), 0.1)", round(avg("latency"), 0.1).into()),
        ("clamp(avg(latency), -1, 10s)", {
            clamp(avg("latency"), -1.0, Duration::seconds(10)).into()
        }),
        ("anomaly(p95(latency), sigma=3)", {
            anomaly(percentile(95.0, "latency")).option("sigma", 3.0).into()
        }),
        ("forecast(rate(latency), 1d)", forecast(rate("latency"), Duration::days(1)).into()),
        ("p99.9(latency, approx=true)", percentile(99.9, "latency").option("approx", true).into()),
        ("1 - (2 - count(x)) + 3 > 4 and -sum(x) <= 5 unless count(x) == 6 or 7", {
            let left = (1.0 - (2.0 - count("x")) + 3.0).above(4.0);
            left.and((-sum("x")).at_most(5.0)).unless(count("x").equals(6.0)).or(7.0)
        }),
    ]
}

#[test]
fn every_function_has_its_own() {
    let mut called = BTreeSet::new();
    for (text, built) in of_every_function() {
        let query = Query::of(ask(built)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(query.text(), text);
        assert_eq!(query, text.parse().unwrap());
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        called.extend(words.map(str::to_owned));
    }
    for name in function_names() {
        assert!(called.contains(name), "{name}");
    }
}

#[test]
fn clauses_are_set_once_and_keep_their_place() {
    let question = ask(count("latency"))
        .last(Duration::days(1))
        .by([Key::from("bot"), Key::from(CalendarPart::Hour)])
        .last(Duration::hours(1))
        .without("status")
        .having(count("latency").at_least(100.0))
        .filter(label("bot").is_one_of(["a", "b"]) & !label("status").is("error"));
    let text = "count(latency) last 1h without status having count(latency) >= 100 \
                where bot in (\"a\", \"b\") and not status=\"error\"";
    assert_eq!(Query::of(question.clone()).unwrap().text(), text);
    assert_eq!(question.explain().to_string(), format!("explain {text}"));
    let listed = list("latency").limit(5).from_to(Time::Now.minus(Duration::months(1)), Time::Now);
    assert_eq!(listed.to_string(), "latency limit 5 from now - 1mo to now");
    assert_eq!(listed.also(count("latency")).to_string().split(' ').next(), Some("count(latency)"));
}

/// Values that no text means are refused, and none is taken for another.
#[test]
fn what_has_no_text_is_refused() {
    let code = |tree: Tree| match Query::of(tree).unwrap_err().into_kind() {
        ErrorKind::Query(found) => found.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(code(ask(count("latency") * f64::NAN)), "Q001");
    assert_eq!(code(ask(count("latency") * f64::NEG_INFINITY)), "Q001");
    assert_eq!(code(ask(percentile(100.5, "latency"))), "Q006");
    assert_eq!(code(ask(call("cuont").arg("latency"))), "Q006");
    assert_eq!(code(ask(call("count"))), "Q007");
    assert_eq!(code(ask(count("latency")).top(0)), "Q001");
    let deep = (0..100).fold(Expr::from(1.0), |inner, _| -inner);
    assert_eq!(code(ask(deep)), "Q009");
    // It would be read as a condition on a label of this name.
    let text = Literal::Text("fast".to_owned());
    assert_eq!(code(ask(count("x")).filter(value().differs(text))), "Q152");
    // Two clauses of a kind, which the builder never makes.
    let mut twice = ask(count("x")).last(Duration::hours(1));
    twice.clauses.extend(twice.clauses.clone());
    assert_eq!(code(twice), "Q005");
}

#[test]
fn a_tree_without_places_is_the_one_that_text_is_read_into() {
    let text = "p99(latency) by bot last 1h";
    let built = ask(percentile(99.0, "latency")).by("bot").last(Duration::hours(1));
    assert_eq!(parse(text, &Limits::default()), Ok(Statement::from(built)));
}
