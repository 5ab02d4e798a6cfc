//! Colours of a line that is typed, and whether it goes on.

use silverback::lang::{function_names, keywords, percentile_of};

const KEYWORD: &str = "\u{1b}[1m";
const FUNCTION: &str = "\u{1b}[36m";
const TEXT: &str = "\u{1b}[32m";
const NUMBER: &str = "\u{1b}[33m";
const COMMENT: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// What kind of characters stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Number,
    Text,
    Comment,
    Other,
}

/// Puts escape sequences around words of the language, texts, numbers and comments.
pub(super) fn painted(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    for (kind, part) in parts(line) {
        let paint = match kind {
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Comment => COMMENT,
            Kind::Word if keywords().any(|word| word.eq_ignore_ascii_case(part)) => KEYWORD,
            Kind::Word if is_function(part) => FUNCTION,
            Kind::Word | Kind::Other => "",
        };
        match paint {
            "" => out.push_str(part),
            paint => out.extend([paint, part, RESET]),
        }
    }
    out
}

/// Returns true where a text or a bracket is open, or the last line ends with a backslash: the
/// question goes on in the next line.
pub(super) fn is_open(text: &str) -> bool {
    let mut depth = 0_i64;
    for (kind, part) in parts(text) {
        match kind {
            Kind::Text if part.len() < 2 || !part.ends_with('"') => return true,
            Kind::Other => {
                let count = |set: [char; 3]| part.chars().filter(|c| set.contains(c)).count();
                depth += i64::try_from(count(['(', '[', '{'])).unwrap_or(0);
                depth -= i64::try_from(count([')', ']', '}'])).unwrap_or(0);
            }
            _ => {}
        }
    }
    depth > 0 || text.trim_end().ends_with('\\')
}

fn is_function(word: &str) -> bool {
    function_names().any(|name| name.eq_ignore_ascii_case(word))
        || percentile_of(&word.to_ascii_lowercase()).is_some()
}

/// Cuts a line where the kind of its characters changes.
fn parts(line: &str) -> Vec<(Kind, &str)> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (kind, len) = match first {
            '"' => (Kind::Text, text_len(rest)),
            '#' => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            c if c.is_ascii_digit() => (Kind::Number, word_len(rest)),
            c if c.is_alphabetic() || c == '_' => (Kind::Word, word_len(rest)),
            c => (Kind::Other, c.len_utf8()),
        };
        let (part, behind) = rest.split_at(len);
        parts.push((kind, part));
        rest = behind;
    }
    parts
}

fn word_len(text: &str) -> usize {
    text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len())
}

/// Returns the length of a text with its quotes; all that is left, where it has no end.
fn text_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !is_escaped => return at + 1,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use crate::cli::repl::paint::{is_open, painted};

    #[test]
    fn words_of_the_language_are_coloured_and_nothing_is_changed() {
        let line = "P99(latency{bot=\"a # b\"}) by bot last 1h # all";
        let coloured = painted(line);
        assert!(coloured.contains("\u{1b}[36mP99\u{1b}[0m("), "{coloured:?}");
        assert!(coloured.contains("\u{1b}[32m\"a # b\"\u{1b}[0m"), "{coloured:?}");
        assert!(coloured.contains("\u{1b}[33m1h\u{1b}[0m \u{1b}[2m# all"), "{coloured:?}");
        let escapes =
            ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[36m"];
        assert_eq!(escapes.iter().fold(coloured, |text, escape| text.replace(escape, "")), line);
    }

    #[test]
    fn open_brackets_and_texts_and_backslashes_go_on() {
        for open in ["count(", "latency{bot=\"a", "x[5m", "count(latency) \\", "f(\"(\\\"\"", "("] {
            assert!(is_open(open), "{open}");
        }
        for closed in ["", "count(latency)", "latency{bot=\"(\"}", "x) by", "x # ( \"", "é(ü)"] {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
