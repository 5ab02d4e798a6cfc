//! What other languages, and word processors, write for something of this one.

/// A symbol as written elsewhere, and what stands for it here.
const SYMBOLS: [(&str, &str); 12] = [
    ("<>", "!="),
    ("&&", "and"),
    ("||", "or"),
    ("!", "not "),
    (";", ""),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("−", "-"),
    ("–", "-"),
    ("×", "*"),
    ("÷", "/"),
];

/// The quotation marks of word processors.
const QUOTATION_MARKS: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '«', '»'];

/// A function as named in SQL, `PromQL` or a spreadsheet, and its name here.
const FUNCTIONS: [(&str, &str); 22] = [
    ("mean", "avg"),
    ("average", "avg"),
    ("avg_over_time", "avg"),
    ("sum_over_time", "sum"),
    ("min_over_time", "min"),
    ("max_over_time", "max"),
    ("count_over_time", "count"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("std", "stddev"),
    ("stdev", "stddev"),
    ("stddev_pop", "stddev"),
    ("percentile", "quantile"),
    ("percentile_cont", "quantile"),
    ("quantile_over_time", "quantile"),
    ("histogram_quantile", "quantile"),
    ("irate", "rate"),
    ("diff", "delta"),
    ("ratio", "share"),
    ("fraction", "share"),
    ("uniq", "distinct"),
    ("count_distinct", "distinct"),
];

/// Returns the foreign symbol that a text begins with, and what stands for it here.
pub(crate) fn symbol(text: &str) -> Option<(&'static str, &'static str)> {
    SYMBOLS.iter().copied().find(|(written, _)| text.starts_with(written))
}

/// Returns what stands between two quotation marks of a word processor, if a text begins with one,
/// and the bytes that all three take.
pub(crate) fn quotation(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix(QUOTATION_MARKS)?;
    let (inside, behind) = after.split_once(QUOTATION_MARKS)?;
    Some((inside, text.len() - behind.len()))
}

/// Returns the name here of a function as named elsewhere, in lower case.
pub(crate) fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(written, _)| *written == name).map(|(_, meant)| *meant)
}

#[cfg(test)]
mod tests {
    use crate::lang::foreign::{FUNCTIONS, quotation};
    use crate::lang::functions::arity;

    #[test]
    fn quotation_marks_of_a_word_processor_are_known_in_pairs() {
        assert_eq!(quotation("“a b” c"), Some(("a b", 9)));
        assert_eq!(quotation("„a“"), Some(("a", 7)));
        assert_eq!(quotation("“a"), None);
        assert_eq!(quotation("a“b”"), None);
    }

    #[test]
    fn foreign_functions_are_not_ours_and_stand_for_ours() {
        for (foreign, meant) in FUNCTIONS {
            assert_eq!(arity(foreign), None, "{foreign}");
            assert!(arity(meant).is_some(), "{meant}");
        }
    }
}
