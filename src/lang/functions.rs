//! The names of the functions, and how many arguments each takes.

/// Name, the least and most arguments without named options, and the arguments of an example.
const FUNCTIONS: [(&str, usize, usize, &str); 27] = [
    ("count", 1, 3, "latency"),
    ("sum", 1, 2, "tokens"),
    ("avg", 1, 2, "latency"),
    ("min", 1, 2, "latency"),
    ("max", 1, 2, "latency"),
    ("stddev", 1, 2, "latency"),
    ("first", 1, 2, "latency"),
    ("last", 1, 2, "latency"),
    ("median", 1, 2, "latency"),
    ("quantile", 2, 3, "0.99, latency"),
    ("rate", 1, 2, "tokens"),
    ("increase", 1, 2, "requests"),
    ("delta", 1, 2, "queue_length"),
    ("share", 2, 2, "latency, {status=\"error\"}"),
    ("apdex", 2, 3, "latency, 500ms"),
    ("burn", 3, 3, "latency, {status=\"error\"}, 99.9%"),
    ("histogram", 1, 2, "latency"),
    ("distinct", 2, 3, "latency, user"),
    ("stats", 1, 2, "latency"),
    ("total", 1, 1, "count(latency)"),
    ("topk", 2, 2, "10, count(latency)"),
    ("bottomk", 2, 2, "10, count(latency)"),
    ("abs", 1, 1, "delta(queue_length)"),
    ("round", 1, 2, "avg(latency), 0.1"),
    ("clamp", 3, 3, "avg(latency), 0, 10s"),
    ("anomaly", 1, 2, "p95(latency)"),
    ("forecast", 1, 2, "rate(latency), 24h"),
];

/// The words that a name is put in backquotes for: some clause, operator or statement begins with
/// them.
pub(crate) const RESERVED: [&str; 35] = [
    "alert", "and", "as", "bottom", "by", "compare", "default", "every", "explain", "fill", "for",
    "from", "group", "having", "in", "last", "limit", "not", "offset", "or", "over", "per",
    "record", "select", "since", "to", "top", "tz", "unless", "until", "update", "value", "where",
    "without", "if",
];

/// The words that mean something at one place only, and are names everywhere else.
const NOUNS: [&str; 8] =
    ["keep", "labels", "mark", "message", "notify", "now", "previous", "severity"];

/// Returns the names of all functions but the percentiles, such as `p99`.
///
/// ```
/// assert!(silverback::lang::function_names().any(|name| name == "apdex"));
/// ```
pub fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name)
}

/// Returns the words of the language that are no functions, in lower case.
///
/// ```
/// assert!(silverback::lang::keywords().any(|word| word == "every"));
/// ```
pub fn keywords() -> impl Iterator<Item = &'static str> {
    RESERVED.iter().chain(&NOUNS).copied()
}

/// True for a word of the language, whatever its case.
pub(crate) fn is_keyword(word: &str) -> bool {
    RESERVED.iter().chain(&NOUNS).any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns the exact fraction that a percentile's name stands for, as digits and a power of ten:
/// `p99` is 99 / 10^2, `p999` is 999 / 10^3, `p7` is 7 / 10^2, `p99.9` is 999 / 10^3.
///
/// ```
/// use silverback::lang::percentile_of;
/// assert_eq!(percentile_of("p99"), Some((99, 2)));
/// assert_eq!(percentile_of("p100"), Some((100, 2)));
/// assert_eq!(percentile_of("p101"), Some((101, 3))); // the third digit is a decimal: p10.1
/// assert_eq!(percentile_of("price"), None);
/// ```
#[must_use]
pub fn percentile_of(name: &str) -> Option<(u64, u32)> {
    let digits = name.strip_prefix('p')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let has_dot = digits.contains('.');
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.len() > 16 {
        return None;
    }
    if has_dot && (fraction.is_empty() || whole.len() > 2) && whole != "100" {
        return None;
    }
    let value = format!("{whole}{fraction}").parse().ok()?;
    let decimals = match (has_dot, whole) {
        (false, "100") => 0,
        (false, _) => whole.len().saturating_sub(2),
        (true, _) => fraction.len(),
    };
    let scale = u32::try_from(decimals).ok()? + 2;
    (value <= 10_u64.checked_pow(scale)?).then_some((value, scale))
}

/// Returns the least and most arguments of a function, or nothing where there is none of the name.
pub(crate) fn arity(name: &str) -> Option<(usize, usize)> {
    if percentile_of(name).is_some() {
        return Some((1, 2));
    }
    find(name).map(|(least, most, _)| (least, most))
}

/// Returns a call of a function as an example of its arguments.
pub(crate) fn example(name: &str) -> String {
    let (_, _, args) = find(name).unwrap_or((1, 1, "latency"));
    format!("{name}({args})")
}

fn find(name: &str) -> Option<(usize, usize, &'static str)> {
    let known = FUNCTIONS.iter().find(|(known, ..)| *known == name);
    known.map(|(_, least, most, args)| (*least, *most, *args))
}

/// Returns the names of all functions but the percentiles, and some of these.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name).chain(["p50", "p90", "p95", "p99", "p999"])
}

#[cfg(test)]
mod tests {
    use crate::lang::functions::{FUNCTIONS, example, names, percentile_of};
    use crate::lang::parser::parse;
    use crate::model::Limits;

    #[test]
    fn each_example_parses() {
        for name in names().chain(["p7"]) {
            let example = example(name);
            let tree = parse(&example, &Limits::DEFAULT).unwrap();
            assert_eq!(tree.to_string(), example);
        }
    }

    #[test]
    fn arguments_are_counted() {
        for (name, least, most, _) in FUNCTIONS {
            for count in 0..5 {
                let args = vec!["x"; count].join(", ");
                let text = format!("{name}({args}, exact=true)").replace("(, ", "(");
                let code = parse(&text, &Limits::DEFAULT).err().map(|found| found.code);
                let expected = (count < least || count > most).then_some("Q007");
                assert_eq!(code, expected, "{text}");
            }
        }
    }

    #[test]
    fn percentiles_are_exact_decimals() {
        for (name, fraction) in [
            ("p0", Some((0, 2))),
            ("p7", Some((7, 2))),
            ("p50", Some((50, 2))),
            ("p99.9", Some((999, 3))),
            ("p999", Some((999, 3))),
            ("p9999", Some((9999, 4))),
            ("p100", Some((100, 2))),
            ("p100.0", Some((1000, 3))),
            ("p100.1", None),
            ("p", None),
            ("p.9", None),
            ("p9.", None),
            ("p999.9", None),
            ("p-1", None),
            ("p99999999999999999999", None),
        ] {
            assert_eq!(percentile_of(name), fraction, "{name}");
        }
    }
}
