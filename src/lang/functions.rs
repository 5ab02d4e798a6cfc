//! The names of the functions, and how many arguments each takes.

/// Name, and the least and most arguments without named options.
const FUNCTIONS: [(&str, usize, usize); 27] = [
    ("count", 1, 3),
    ("sum", 1, 2),
    ("avg", 1, 2),
    ("min", 1, 2),
    ("max", 1, 2),
    ("stddev", 1, 2),
    ("first", 1, 2),
    ("last", 1, 2),
    ("median", 1, 2),
    ("quantile", 2, 3),
    ("rate", 1, 2),
    ("increase", 1, 2),
    ("delta", 1, 2),
    ("share", 2, 2),
    ("apdex", 2, 3),
    ("burn", 3, 3),
    ("histogram", 1, 2),
    ("distinct", 2, 3),
    ("stats", 1, 2),
    ("total", 1, 1),
    ("topk", 2, 2),
    ("bottomk", 2, 2),
    ("abs", 1, 1),
    ("round", 1, 2),
    ("clamp", 3, 3),
    ("anomaly", 1, 2),
    ("forecast", 1, 2),
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
    FUNCTIONS.iter().find(|(known, ..)| *known == name).map(|(_, least, most)| (*least, *most))
}

/// Returns the names of all functions but the percentiles, and some of these.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, ..)| *name).chain(["p50", "p90", "p95", "p99", "p999"])
}
