//! JSON text, passed over once, without a copy.
//!
//! It takes what RFC 8259 calls JSON and nothing else, and keeps numbers and texts as they stand.

use crate::ingest::report::BadRow;
use crate::ingest::source::utf8;

/// Objects and arrays nested deeper than this are refused.
const DEPTH_MAX: u32 = 128;

/// A value, as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    /// `true` or `false`.
    Flag(&'a [u8]),
    Number(&'a [u8]),
    /// What stands between the quotes, with its escapes, and whether there are any.
    Text(&'a [u8], bool),
    /// An object, with its braces.
    Object(&'a [u8]),
    /// An array, with its brackets.
    Array(&'a [u8]),
}

/// A reader of one text.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Says what is wrong with the byte that stands next.
    #[cold]
    pub(crate) fn bad(&self, reason: &str) -> BadRow {
        BadRow::new(self.at + 1, format!("not a JSON object: {reason}"))
    }

    #[inline]
    fn peek(&self) -> u8 {
        // No JSON text holds a zero byte outside of a value that it would make bad.
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Passes over a byte, if it stands next behind white space.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        if self.peek() != byte {
            self.skip_space();
        }
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over these bytes, if they stand next behind white space.
    #[inline]
    pub(crate) fn take_all(&mut self, bytes: &[u8]) -> bool {
        if self.peek() == b' ' {
            self.skip_space();
        }
        let is_next = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(bytes));
        self.at += if is_next { bytes.len() } else { 0 };
        is_next
    }

    /// Makes sure that nothing is left.
    pub(crate) fn end(&mut self) -> Result<(), BadRow> {
        self.skip_space();
        if self.at < self.text.len() { Err(self.bad("text behind its end")) } else { Ok(()) }
    }

    /// Begins an object; true where it has a member.
    #[inline]
    pub(crate) fn open_object(&mut self) -> Result<bool, BadRow> {
        if !self.take(b'{') {
            return Err(self.bad("an object begins with {"));
        }
        Ok(!self.take(b'}'))
    }

    /// Reads a member's name, as it stands, and whether it has escapes, up to its value.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<(&'a [u8], bool), BadRow> {
        if !self.take(b'"') {
            return Err(self.bad("a name in quotes is missing"));
        }
        let name = self.text_behind_quote()?;
        if self.take(b':') { Ok(name) } else { Err(self.bad("a colon is missing")) }
    }

    /// Goes on behind a member's value; true where another member follows.
    #[inline]
    pub(crate) fn more_members(&mut self) -> Result<bool, BadRow> {
        if self.take(b',') {
            return Ok(true);
        }
        if self.take(b'}') { Ok(false) } else { Err(self.bad("a comma or } is missing")) }
    }

    /// Reads a value.
    #[inline]
    pub(crate) fn value(&mut self) -> Result<Value<'a>, BadRow> {
        self.value_at(0)
    }

    #[inline]
    fn value_at(&mut self, depth: u32) -> Result<Value<'a>, BadRow> {
        if matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.skip_space();
        }
        let start = self.at;
        match self.peek() {
            b'"' => {
                self.at += 1;
                let (text, is_escaped) = self.text_behind_quote()?;
                Ok(Value::Text(text, is_escaped))
            }
            b'-' | b'0'..=b'9' => self.number().map(Value::Number),
            b'{' => {
                self.pass_object(depth + 1)?;
                Ok(Value::Object(self.text.get(start..self.at).unwrap_or(&[])))
            }
            b'[' => {
                self.pass_array(depth + 1)?;
                Ok(Value::Array(self.text.get(start..self.at).unwrap_or(&[])))
            }
            b't' => self.word(b"true").map(Value::Flag),
            b'f' => self.word(b"false").map(Value::Flag),
            b'n' => self.word(b"null").map(|_| Value::Null),
            _ => Err(self.bad("a value is missing")),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<&'a [u8], BadRow> {
        let found = self.text.get(self.at..self.at + word.len()).filter(|found| *found == word);
        let found = found.ok_or_else(|| self.bad("a value is missing"))?;
        self.at += word.len();
        Ok(found)
    }

    /// Reads `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`.
    #[inline]
    fn number(&mut self) -> Result<&'a [u8], BadRow> {
        let start = self.at;
        self.at += usize::from(self.peek() == b'-');
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), b'+' | b'-'));
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or(&[]))
    }

    #[inline]
    fn digits(&mut self) -> Result<(), BadRow> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(self.bad("a digit is missing")) } else { Ok(()) }
    }

    /// Reads to the closing quote; returns what stands before it, and whether it has escapes.
    #[inline]
    fn text_behind_quote(&mut self) -> Result<(&'a [u8], bool), BadRow> {
        let start = self.at;
        let mut is_escaped = false;
        loop {
            let rest = self.text.get(self.at..).unwrap_or(&[]);
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=31));
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                b'"' => {
                    let text = self.text.get(start..self.at).unwrap_or(&[]);
                    self.at += 1;
                    return Ok((text, is_escaped));
                }
                b'\\' => {
                    is_escaped = true;
                    self.pass_escape()?;
                }
                _ => return Err(self.bad("a text is not closed, or holds a control character")),
            }
        }
    }

    fn pass_escape(&mut self) -> Result<(), BadRow> {
        let rest = self.text.get(self.at + 1..).unwrap_or(&[]);
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|byte| byte.is_ascii_hexdigit()) => 6,
            _ => return Err(self.bad("an unknown escape")),
        };
        Ok(())
    }

    fn pass_object(&mut self, depth: u32) -> Result<(), BadRow> {
        self.check_depth(depth)?;
        let mut has_more = self.open_object()?;
        while has_more {
            self.name()?;
            self.value_at(depth)?;
            has_more = self.more_members()?;
        }
        Ok(())
    }

    fn pass_array(&mut self, depth: u32) -> Result<(), BadRow> {
        self.check_depth(depth)?;
        self.at += 1;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value_at(depth)?;
            if self.take(b']') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.bad("a comma or ] is missing"));
            }
        }
    }

    fn check_depth(&self, depth: u32) -> Result<(), BadRow> {
        if depth < DEPTH_MAX { Ok(()) } else { Err(self.bad("it is nested too deep")) }
    }
}

/// Returns the text of what stands between quotes.
pub(crate) fn unescaped(text: &[u8], is_escaped: bool) -> Result<String, BadRow> {
    let plain = utf8(text)?;
    if !is_escaped {
        return Ok(plain.to_owned());
    }
    serde_json::from_str(&format!("\"{plain}\""))
        .map_err(|error| BadRow::new(0, format!("{plain:?} is no text: {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, any, prop, prop_assert, prop_oneof, proptest};

    use crate::ingest::json::scan::Scanner;

    fn is_taken(text: &[u8]) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value().is_ok() && scanner.end().is_ok()
    }

    #[test]
    fn what_is_json_is_told_from_what_is_not() {
        for text in [
            "1",
            "-0.5e+3",
            "[]",
            "{}",
            " [1, 2] ",
            "{\"a\":{\"b\":[null,true,false]}}",
            "\"\\u00e9\\n\"",
        ] {
            assert!(is_taken(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "01",
            "+1",
            ".5",
            "1.",
            "1e",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "nul",
            "\"a",
            "\"\\x\"",
            "\"\n\"",
            "1 2",
            "[1",
            "-",
        ] {
            assert!(!is_taken(text.as_bytes()), "{text}");
        }
        assert!(!is_taken("[".repeat(100_000).as_bytes()));
    }

    proptest! {
        /// Another reader takes what this one takes, but for numbers that no double holds and
        /// halves of surrogates, which are found when a value is used.
        #[test]
        fn another_reader_agrees(parts in prop::collection::vec(prop_oneof![
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"a\"", "\"b\":", "1", "-0.5", "1e5", "true", " ",
                "null",
                "\"", "\\", "\\n", "\\u00e9", "0", "01", "\t",
            ]).prop_map(str::to_owned),
            any::<char>().prop_map(|c| c.to_string()),
        ], 0..20)) {
            let text = parts.concat();
            let other = serde_json::from_str::<serde_json::Value>(&text);
            let is_taken = is_taken(text.as_bytes());
            match other {
                Ok(_) => prop_assert!(is_taken, "{}", text),
                Err(error) if is_taken => {
                    let reason = error.to_string();
                    let known = ["out of range", "surrogate", "hex escape"];
                    prop_assert!(known.iter().any(|k| reason.contains(k)), "{text}: {reason}");
                }
                Err(_) => {}
            }
        }
    }
}
