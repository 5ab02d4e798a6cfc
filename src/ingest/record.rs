//! One record of RFC 4180: where it ends, and its fields.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use crate::ingest::report::BadRow;
use crate::ingest::source::utf8;

/// A field of a record, its quotes taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// The text.
    pub(crate) text: Cow<'a, str>,
    /// The byte of the record that it begins at, counted from 1.
    pub(crate) column: usize,
}

/// Where a reader of bytes stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    FieldStart,
    Plain,
    Quoted,
    /// Behind a quote that closes the field, or is the first of a doubled one.
    QuoteInQuoted,
}

/// Returns true if a quoted field is open behind a line, given whether one was before it. A quote
/// opens a field only at its start; elsewhere it is a character like others.
pub(crate) fn leaves_quote_open(line: &[u8], is_open: bool) -> bool {
    if !is_open && memchr(b'"', line).is_none() {
        return false;
    }
    let start = if is_open { Inside::Quoted } else { Inside::FieldStart };
    let end = line.iter().fold(start, |place, byte| match (place, byte) {
        (Inside::Quoted, b'"') => Inside::QuoteInQuoted,
        (Inside::Quoted, _) | (Inside::FieldStart | Inside::QuoteInQuoted, b'"') => Inside::Quoted,
        (_, b',') => Inside::FieldStart,
        _ => Inside::Plain,
    });
    end == Inside::Quoted
}

/// Where a field of a record stands, with its quotes.
pub(crate) type Place = (u32, u32);

/// Finds the fields of a record, given without its line end, in memory that can be used again.
///
/// # Errors
/// As [`split`].
#[inline]
pub(crate) fn places(record: &[u8], places: &mut Vec<Place>) -> Result<(), BadRow> {
    let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    places.clear();
    if memchr(b'"', record).is_none() {
        let mut start = 0;
        for at in memchr_iter(b',', record) {
            places.push((short(start), short(at)));
            start = at + 1;
        }
        places.push((short(start), short(record.len())));
        return Ok(());
    }
    let fields = split(utf8(record)?)?;
    for (index, field) in fields.iter().enumerate() {
        let end = fields.get(index + 1).map_or(record.len(), |next| next.column - 2);
        places.push((short(field.column - 1), short(end)));
    }
    Ok(())
}

/// Returns the text of a field; white space around it counts in quotes alone.
pub(crate) fn text_of(field: &[u8], column: usize) -> Result<Cow<'_, str>, BadRow> {
    let text = utf8(field).map_err(|bad| BadRow { column: bad.column + column as u64, ..bad })?;
    match text.strip_prefix('"') {
        Some(quoted) => Ok(unquote(quoted, column)?.0),
        None => Ok(Cow::Borrowed(text.trim())),
    }
}

/// Splits a record, given without its line end.
///
/// # Errors
/// A quote that is never closed, or text behind one that is: more may be wrong than this record.
pub(crate) fn split(record: &str) -> Result<Vec<Field<'_>>, BadRow> {
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let rest = record.get(at..).unwrap_or("");
        let (text, used) = if let Some(quoted) = rest.strip_prefix('"') {
            unquote(quoted, at + 2)?
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (Cow::Borrowed(rest.get(..end).unwrap_or("")), end)
        };
        fields.push(Field { text, column: at + 1 });
        at += used + 1;
        if at > record.len() {
            return Ok(fields);
        }
    }
}

/// Reads a field behind its opening quote; returns it and the bytes it takes with both quotes.
fn unquote(quoted: &str, column: usize) -> Result<(Cow<'_, str>, usize), BadRow> {
    let mut text = Cow::Borrowed("");
    let mut at = 0;
    loop {
        let rest = quoted.get(at..).unwrap_or("");
        let Some(quote) = rest.find('"') else {
            return Err(BadRow::new(column - 1, "a quote is opened here and never closed"));
        };
        let part = rest.get(..quote).unwrap_or("");
        if text.is_empty() {
            text = Cow::Borrowed(part);
        } else {
            text.to_mut().push_str(part);
        }
        at += quote + 1;
        match quoted.as_bytes().get(at) {
            None | Some(b',') => return Ok((text, at + 1)),
            Some(b'"') => text.to_mut().push('"'),
            Some(_) => return Err(BadRow::new(column + at, "a closed quote is followed by text")),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use crate::ingest::record::{leaves_quote_open, split};

    fn texts(record: &str) -> Vec<String> {
        split(record).unwrap().into_iter().map(|field| field.text.into_owned()).collect()
    }

    #[test]
    fn records_are_split_as_the_standard_says() {
        for (record, fields) in [
            ("", &[""][..]),
            ("a", &["a"]),
            ("a,", &["a", ""]),
            (",", &["", ""]),
            (r#""a,b",c"#, &["a,b", "c"]),
            ("\"a\"\"b\",\"\"", &["a\"b", ""]),
            (r#""""""#, &["\""]),
            ("\"\",", &["", ""]),
            ("\",\",\"\"\"\"", &[",", "\""]),
            ("\"two\nlines\",x", &["two\nlines", "x"]),
            (r#"5" pipe,b"c"#, &["5\" pipe", "b\"c"]),
            (r#" "a",b"#, &[" \"a\"", "b"]),
            ("é,\"猩,猩\"", &["é", "猩,猩"]),
        ] {
            assert_eq!(texts(record), fields, "{record}");
        }
        let columns: Vec<usize> =
            split("é,\"a\"\"b\",c").unwrap().iter().map(|field| field.column).collect();
        assert_eq!(columns, [1, 4, 11]);
        assert_eq!(split("ab,\"cd").unwrap_err().column, 4);
        assert_eq!(split("ab,\"cd\"e").unwrap_err().column, 8);
    }

    proptest! {
        /// What another reader of the format takes without a doubt is taken alike.
        #[test]
        fn records_are_split_as_another_reader_does(record in "([a-c,]|\"|\"\"){0,20}") {
            let Ok(fields) = split(&record) else { return Ok(()) };
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).from_reader(record.as_bytes());
            let other = reader.records().next().transpose().unwrap().unwrap_or_default();
            let texts: Vec<&str> = fields.iter().map(|field| &*field.text).collect();
            let others: Vec<&str> = other.iter().collect();
            prop_assert_eq!(texts, if record.is_empty() { vec![""] } else { others });
        }
    }

    #[test]
    fn a_record_is_open_where_its_split_is_torn() {
        for (line, is_open) in [
            ("a,b", false),
            ("\"a", true),
            ("\"a\"\"", true),
            ("\"a\"\"\"", false),
            ("a\"b", false),
            ("a,\"b\nc", true),
            ("\"a\",\"", true),
        ] {
            assert_eq!(leaves_quote_open(line.as_bytes(), false), is_open, "{line}");
            let torn = split(line).is_err_and(|bad| bad.reason.contains("never closed"));
            assert_eq!(torn, is_open, "{line}");
        }
        assert!(leaves_quote_open(b"still", true));
        assert!(!leaves_quote_open(b"done\",x", true));
    }
}
