//! Values to the text of one token: names, quoted texts, numbers.

use std::fmt::{self, Display, Formatter};

use crate::lang::functions::RESERVED;

/// A name of a label, column or alert; in backquotes where it needs them.
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_name(f, self.0, |c| c.is_ascii_alphanumeric() || c == '_')
    }
}

/// A name of a metric, which may have dots and colons.
pub(crate) struct MetricName<'a>(pub(crate) &'a str);

impl Display for MetricName<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_name(f, self.0, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':'))
    }
}

/// A word that stands as an option's value. Nothing is reserved there, and what is not quoted is
/// read in lower case.
pub(crate) struct OptionWord<'a>(pub(crate) &'a str);

impl Display for OptionWord<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if starts_like_a_name(self.0) && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        write_backquoted(f, self.0)
    }
}

fn write_name(f: &mut Formatter<'_>, name: &str, is_plain: impl Fn(char) -> bool) -> fmt::Result {
    let is_reserved = RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word));
    if starts_like_a_name(name) && name.chars().all(is_plain) && !is_reserved {
        return f.write_str(name);
    }
    write_backquoted(f, name)
}

fn starts_like_a_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn write_backquoted(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    write!(f, "`{}`", name.replace('`', "``"))
}

/// A text in quotes.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                _ => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A number in the fewest digits that read back to it; with an exponent where it is far from one.
pub(crate) struct Shortest(pub(crate) f64);

impl Display for Shortest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        /// From these on an exponent is shorter than the zeros.
        const PLAIN_RANGE: std::ops::Range<f64> = 1e-7..1e21;
        let Self(number) = *self;
        if number == 0.0 || PLAIN_RANGE.contains(&number.abs()) {
            write!(f, "{number}")
        } else {
            write!(f, "{number:e}")
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lang::lexeme::{MetricName, Name, OptionWord, Quoted, Shortest};

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(Name("bot").to_string(), "bot");
        assert_eq!(Name("a.b").to_string(), "`a.b`");
        assert_eq!(MetricName("a.b:c").to_string(), "a.b:c");
        assert_eq!(MetricName("9lives").to_string(), "`9lives`");
        assert_eq!(MetricName("odd`name").to_string(), "`odd``name`");
        // Reserved where a clause may stand, whatever the case; a noun is not.
        assert_eq!(Name("Last").to_string(), "`Last`");
        assert_eq!(Name("severity").to_string(), "severity");
        assert_eq!(OptionWord("last").to_string(), "last");
        assert_eq!(OptionWord("Linear").to_string(), "`Linear`");
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(Quoted("a\"b\\c\n\r\t'd").to_string(), r#""a\"b\\c\n\r\t'd""#);
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.1, "0.1"),
            (1e20, "100000000000000000000"),
            (1e21, "1e21"),
            (-2.5e-9, "-2.5e-9"),
            (0.0, "0"),
            (f64::MAX, "1.7976931348623157e308"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(Shortest(number).to_string(), text);
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()));
        }
    }
}
