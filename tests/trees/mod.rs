//! Random trees of the query language, of every kind of node.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::mem::discriminant;

use jiff::civil::DateTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any, prop, prop_oneof};
use proptest::sample::select;
use silverback::Span;
use silverback::lang::ast::{
    Alert, AlertClause, Arg, BinaryOp, Body, CalendarPart, Call, Clause, CompareOp, Duration, Expr,
    ExprKind, Fill, Grouping, Ident, Item, Key, Keys, LabelMatcher, Literal, MatchOp, OptionValue,
    Predicate, Query, RangeEnd, Record, Sample, SampleSelector, SizeSuffix, Spanned, Statement,
    Time,
};

/// Each function with a number of arguments that it takes.
const CALLS: [(&str, usize); 16] = [
    ("count", 1),
    ("count", 2),
    ("p99", 1),
    ("p99.9", 1),
    ("last", 1),
    ("quantile", 2),
    ("share", 2),
    ("apdex", 3),
    ("burn", 3),
    ("rate", 1),
    ("topk", 2),
    ("total", 1),
    ("round", 2),
    ("clamp", 3),
    ("forecast", 2),
    ("anomaly", 1),
];

/// Words of the language, which are names as well.
const WORDS: [&str; 24] = [
    "last", "by", "where", "value", "not", "in", "and", "alert", "record", "explain", "select",
    "delete", "show", "if", "as", "from", "now", "mark", "severity", "p99", "count", "hour", "per",
    "Offset",
];

fn at<T>(node: T) -> Spanned<T> {
    Spanned::new(node, Span::default())
}

fn spanned<T: std::fmt::Debug + 'static>(
    strategy: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Spanned<T>> {
    strategy.prop_map(at).boxed()
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-zA-Z_][a-zA-Z0-9_]{0,6}",
        2 => select(WORDS.to_vec()).prop_map(str::to_owned),
        1 => "[a-z][a-z.:]{1,5}",
        1 => "[ -~]{1,6}",
        1 => "\\PC{1,4}",
    ]
    .boxed()
}

fn ident() -> BoxedStrategy<Ident> {
    spanned(name())
}

fn text() -> BoxedStrategy<String> {
    prop_oneof!["[a-z ]{0,6}", "[\"'\\\\\n\r\t#`(){}]{0,6}", any::<String>()].boxed()
}

/// A number that can be written without a sign.
fn unsigned() -> BoxedStrategy<f64> {
    prop_oneof![
        (0..1_000_u32).prop_map(f64::from),
        (0..100_000_u32).prop_map(|n| f64::from(n) / 1_000.0),
        prop::num::f64::POSITIVE | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ]
    .prop_map(f64::abs)
    .prop_filter("infinity is no literal", |number| number.is_finite())
    .boxed()
}

fn duration() -> BoxedStrategy<Duration> {
    let small = (0..3_u32, 0..9_u32, 0..100_u64).prop_map(|(months, days, minutes)| Duration {
        months,
        days,
        nanos: minutes * 60_000_000_000,
    });
    let any = (any::<u32>(), any::<u32>(), any::<u64>());
    let any = any.prop_map(|(months, days, nanos)| Duration { months, days, nanos });
    prop_oneof![3 => small, 1 => any].boxed()
}

fn literal() -> BoxedStrategy<Literal> {
    let suffixes = vec![
        SizeSuffix::K,
        SizeSuffix::M,
        SizeSuffix::G,
        SizeSuffix::T,
        SizeSuffix::Ki,
        SizeSuffix::Mi,
        SizeSuffix::Gi,
        SizeSuffix::Ti,
    ];
    prop_oneof![
        3 => unsigned().prop_map(Literal::Number),
        1 => unsigned().prop_map(Literal::Percent),
        1 => (unsigned(), select(suffixes)).prop_map(|(n, suffix)| Literal::Size(n, suffix)),
        2 => duration().prop_map(Literal::Duration),
        1 => text().prop_map(Literal::Text),
    ]
    .boxed()
}

/// A literal where a sign may stand: behind a comparison.
fn bound() -> BoxedStrategy<Spanned<Literal>> {
    let negative = unsigned().prop_map(|number| Literal::Number(-number));
    spanned(prop_oneof![4 => literal(), 1 => negative])
}

fn compare_op() -> BoxedStrategy<CompareOp> {
    select(vec![
        CompareOp::Greater,
        CompareOp::GreaterEqual,
        CompareOp::Less,
        CompareOp::LessEqual,
        CompareOp::Equal,
        CompareOp::NotEqual,
    ])
    .boxed()
}

fn matcher() -> BoxedStrategy<Spanned<LabelMatcher>> {
    let ops = vec![MatchOp::Equal, MatchOp::NotEqual, MatchOp::Matches, MatchOp::NotMatches];
    let one = (select(ops), text()).prop_map(|(op, value)| (op, vec![at(value)]));
    let many = vec(spanned(text()), 1..4).prop_map(|values| (MatchOp::In, values));
    let matcher = (ident(), prop_oneof![3 => one, 1 => many]);
    spanned(matcher.prop_map(|(label, (op, values))| LabelMatcher { label, op, values }))
}

fn sample() -> BoxedStrategy<Sample> {
    let selector = (
        option::of(ident()),
        vec(matcher(), 0..3),
        option::of(spanned(duration())),
        option::of(spanned(duration())),
    );
    let selector = selector.prop_map(|(metric, matchers, window, offset)| SampleSelector {
        metric,
        matchers,
        window,
        offset,
    });
    (selector, option::of((spanned(compare_op()), bound())))
        .prop_map(|(selector, filter)| Sample { selector, filter })
        .boxed()
}

fn predicate() -> BoxedStrategy<Predicate> {
    // `value != "x"` is a condition on a label of that name.
    let value = (compare_op(), bound()).prop_filter("a condition on a label", |(op, bound)| {
        *op != CompareOp::NotEqual || !matches!(bound.node, Literal::Text(_))
    });
    let leaf = prop_oneof![
        matcher().prop_map(Predicate::Label),
        value.prop_map(|(op, bound)| Predicate::Value(at(op), bound)),
    ];
    leaf.prop_recursive(3, 8, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        let pair = pair.prop_map(|(left, right)| (Box::new(left), Box::new(right)));
        prop_oneof![
            pair.clone().prop_map(|(left, right)| Predicate::Or(left, right)),
            pair.prop_map(|(left, right)| Predicate::And(left, right)),
            inner.prop_map(|inner| Predicate::Not(Box::new(inner))),
        ]
    })
    .boxed()
}

fn keys() -> BoxedStrategy<Keys> {
    let parts = vec![
        CalendarPart::Minute,
        CalendarPart::Hour,
        CalendarPart::Weekday,
        CalendarPart::Day,
        CalendarPart::Week,
        CalendarPart::Month,
    ];
    let key = prop_oneof![
        2 => name().prop_map(Key::Label),
        1 => select(parts).prop_map(Key::Calendar),
    ];
    vec(spanned(key), 0..3).prop_map(Keys::List).boxed()
}

fn grouping(keys: BoxedStrategy<Keys>) -> BoxedStrategy<Grouping> {
    (any::<bool>(), keys).prop_map(|(without, keys)| Grouping { without, keys }).boxed()
}

fn binary_op() -> BoxedStrategy<BinaryOp> {
    let ops = vec![
        BinaryOp::Or,
        BinaryOp::And,
        BinaryOp::Unless,
        BinaryOp::Add,
        BinaryOp::Subtract,
        BinaryOp::Multiply,
        BinaryOp::Divide,
        BinaryOp::Default,
    ];
    prop_oneof![3 => select(ops), 1 => compare_op().prop_map(BinaryOp::Compare)].boxed()
}

fn arg(expr: BoxedStrategy<Expr>) -> BoxedStrategy<Spanned<Arg>> {
    spanned(prop_oneof![
        3 => sample().prop_map(Arg::Sample),
        3 => expr.clone().prop_map(Arg::Expr),
        1 => (expr, spanned(duration())).prop_map(|(expr, step)| Arg::SubQuery(expr, step)),
        1 => predicate().prop_map(Arg::Where),
    ])
}

fn call(expr: BoxedStrategy<Expr>) -> BoxedStrategy<Call> {
    let value = prop_oneof![
        bound().prop_map(|literal| OptionValue::Literal(literal.node)),
        name().prop_map(OptionValue::Word),
    ];
    let named =
        spanned((ident(), spanned(value)).prop_map(|(name, value)| Arg::Option(name, value)));
    select(CALLS.to_vec())
        .prop_flat_map(move |(name, count)| {
            let args = (vec(arg(expr.clone()), count), vec(named.clone(), 0..2));
            (Just(name), option::weighted(0.2, grouping(keys())), args)
        })
        .prop_map(|(name, grouping, (mut args, named))| {
            args.extend(named);
            Call { name: at(name.to_owned()), grouping, args }
        })
        .boxed()
}

fn expr() -> BoxedStrategy<Expr> {
    let expr_of = |kind: ExprKind| at(Box::new(kind));
    let leaf = literal().prop_map(move |literal| expr_of(ExprKind::Literal(literal)));
    leaf.prop_recursive(4, 12, 3, move |inner| {
        let pair = (spanned(binary_op()), inner.clone(), inner.clone());
        let shifted = (inner.clone(), spanned(duration()));
        prop_oneof![
            3 => call(inner.clone().boxed()).prop_map(ExprKind::Call),
            1 => inner.prop_map(ExprKind::Negate),
            4 => pair.prop_map(|(op, left, right)| ExprKind::Binary { op, left, right }),
            1 => shifted.clone().prop_map(|(inner, length)| ExprKind::Per(inner, length)),
            1 => shifted.prop_map(|(inner, length)| ExprKind::Offset(inner, length)),
        ]
        .prop_map(expr_of)
    })
    .boxed()
}

fn time() -> BoxedStrategy<Spanned<Time>> {
    let civil = (1..=9999_i16, 1..=12_i8, 1..=28_i8, 0..86_400_i32, 0..1_000_000_000_i32);
    let civil = civil.prop_map(|(year, month, day, second, nanos)| {
        let part = |value: i32| i8::try_from(value).unwrap();
        let (hour, minute) = (part(second / 3600), part(second / 60 % 60));
        Time::Civil(
            DateTime::new(year, month, day, hour, minute, part(second % 60), nanos).unwrap(),
            false,
        )
    });
    let date = (1..=9999_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| {
        Time::Civil(DateTime::new(year, month, day, 0, 0, 0, 0).unwrap(), true)
    });
    let atom = prop_oneof![
        any::<i64>().prop_map(Time::Instant),
        civil,
        date,
        Just(Time::Now),
        Just(Time::Today),
        Just(Time::Yesterday),
        text().prop_map(Time::Mark),
    ];
    (spanned(atom), vec((any::<bool>(), duration()), 0..3))
        .prop_map(|(atom, steps)| {
            steps.into_iter().fold(atom, |time, (is_plus, length)| {
                let time = Box::new(time);
                at(if is_plus { Time::Plus(time, length) } else { Time::Minus(time, length) })
            })
        })
        .boxed()
}

/// Clauses that alerts and records have as well as questions.
fn shared_clause() -> BoxedStrategy<Clause> {
    prop_oneof![
        duration().prop_map(Clause::Every),
        duration().prop_map(Clause::Over),
        grouping(prop_oneof![3 => keys(), 1 => Just(Keys::All)].boxed()).prop_map(Clause::Group),
        predicate().prop_map(Clause::Where),
        text().prop_map(Clause::Tz),
    ]
    .boxed()
}

fn clause() -> BoxedStrategy<Clause> {
    let end =
        prop_oneof![time().prop_map(RangeEnd::To), spanned(duration()).prop_map(RangeEnd::For),];
    let fill = prop_oneof![
        unsigned().prop_map(Fill::Number),
        unsigned().prop_map(|number| Fill::Number(-number)),
        select(vec![Fill::Null, Fill::None, Fill::Previous, Fill::Linear]),
    ];
    // Counts are read as numbers, which are exact up to 2^53.
    let count = || 1..=(1_u64 << 53);
    prop_oneof![
        5 => shared_clause(),
        1 => duration().prop_map(Clause::Last),
        2 => (time(), option::of(end)).prop_map(|(start, end)| Clause::From(start, end)),
        1 => time().prop_map(Clause::Since),
        1 => time().prop_map(Clause::Until),
        1 => expr().prop_map(Clause::Having),
        1 => count().prop_map(Clause::Top),
        1 => count().prop_map(Clause::Bottom),
        1 => option::of(duration()).prop_map(Clause::Compare),
        1 => fill.prop_map(Clause::Fill),
        1 => count().prop_map(Clause::Limit),
    ]
    .boxed()
}

fn alert_clause() -> BoxedStrategy<AlertClause> {
    prop_oneof![
        duration().prop_map(AlertClause::For),
        duration().prop_map(AlertClause::Keep),
        ident().prop_map(AlertClause::Severity),
        vec(ident(), 1..3).prop_map(AlertClause::Notify),
        text().prop_map(AlertClause::Message),
        vec(matcher(), 0..3).prop_map(AlertClause::Labels),
        shared_clause().prop_map(AlertClause::Query),
    ]
    .boxed()
}

/// Keeps the first clause of each kind.
fn each_once<T>(clauses: Vec<T>, is_same: impl Fn(&T, &T) -> bool) -> Vec<Spanned<T>> {
    let mut kept: Vec<Spanned<T>> = Vec::new();
    for clause in clauses {
        if !kept.iter().any(|known| is_same(&known.node, &clause)) {
            kept.push(at(clause));
        }
    }
    kept
}

fn is_same_clause(left: &Clause, right: &Clause) -> bool {
    discriminant(left) == discriminant(right)
}

fn is_same_alert_clause(left: &AlertClause, right: &AlertClause) -> bool {
    match (left, right) {
        (AlertClause::Query(left), AlertClause::Query(right)) => is_same_clause(left, right),
        _ => discriminant(left) == discriminant(right),
    }
}

fn items() -> BoxedStrategy<Vec<Item>> {
    let item = (expr(), option::of(ident())).prop_map(|(expr, name)| Item { expr, name });
    vec(item, 1..3).boxed()
}

fn query() -> BoxedStrategy<Query> {
    let body = prop_oneof![
        3 => items().prop_map(Body::Items),
        1 => sample().prop_map(Body::Samples),
    ];
    (body, vec(clause(), 0..5))
        .prop_map(|(body, clauses)| Query { body, clauses: each_once(clauses, is_same_clause) })
        .boxed()
}

pub(crate) fn statement() -> BoxedStrategy<Statement> {
    let alert = (ident(), expr(), vec(alert_clause(), 0..5));
    let alert = alert.prop_map(|(name, condition, clauses)| {
        let clauses = each_once(clauses, is_same_alert_clause);
        Statement::Alert(Alert { name, condition, clauses })
    });
    let record = (ident(), items(), vec(shared_clause(), 0..4));
    let record = record.prop_map(|(name, items, clauses)| {
        let clauses = each_once(clauses, is_same_clause);
        Statement::Record(Record { name, items, clauses })
    });
    prop_oneof![
        4 => query().prop_map(Statement::Query),
        1 => query().prop_map(Statement::Explain),
        1 => alert,
        1 => record,
    ]
    .boxed()
}
