//! What an ingestion did, and the rows that it refused.

use crate::ingest::map::Mapping;

/// How many refused rows are told with their reason.
const REASONS_MAX: usize = 10;
/// How much of a quoted text is told.
const QUOTED_MAX: usize = 80;

/// What an ingestion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IngestReport {
    /// Rows read, without the header and empty lines.
    pub rows: u64,
    /// Rows whose samples were taken.
    pub rows_stored: u64,
    /// Samples taken.
    pub samples: u64,
    /// Rows refused.
    pub rows_rejected: u64,
    /// Values that were NaN or infinite and left out.
    pub values_skipped: u64,
    /// The first refused rows.
    pub rejected: Vec<Rejected>,
    /// The line that was left for later, since it has no end yet.
    pub left: Option<u64>,
    /// Which columns were taken as what, where the format has columns.
    pub mapping: Option<Mapping>,
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The input's name.
    pub input: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The column in bytes, counted from 1; 0 where the whole row is meant.
    pub column: u64,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for Rejected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { input, line, column, reason } = self;
        match column {
            0 => write!(f, "{input}:{line}: {reason}"),
            _ => write!(f, "{input}:{line}:{column}: {reason}"),
        }
    }
}

impl IngestReport {
    pub(crate) fn reject(&mut self, rejected: &Rejected) {
        self.rows_rejected += 1;
        if self.rejected.len() < REASONS_MAX {
            self.rejected.push(rejected.clone());
        }
    }
}

/// Why a row cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub(crate) column: u64,
    pub(crate) reason: String,
}

impl BadRow {
    pub(crate) fn new(column: usize, reason: impl Into<String>) -> Self {
        Self { column: column as u64, reason: reason.into() }
    }

    /// Returns the reason with what it quotes of the input cut: a row may have megabytes.
    pub(crate) fn told(&self) -> String {
        let mut told = String::with_capacity(self.reason.len().min(4 * QUOTED_MAX));
        let (mut quoted, mut is_escaped) = (None::<usize>, false);
        for character in self.reason.chars() {
            let is_quote = character == '"' && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            match &mut quoted {
                Some(count) if !is_quote => {
                    *count += 1;
                    if *count == QUOTED_MAX + 1 {
                        told.push('…');
                    }
                    if *count > QUOTED_MAX {
                        continue;
                    }
                }
                _ if is_quote => quoted = if quoted.is_some() { None } else { Some(0) },
                _ => {}
            }
            told.push(character);
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use crate::ingest::report::BadRow;

    #[test]
    fn what_is_quoted_is_cut_and_nothing_else() {
        let long = "x\"y\\".repeat(1_000);
        let bad = BadRow::new(1, format!("field {long:?} is not a number, {:?} is", "1"));
        let told = bad.told();
        assert!(told.chars().count() < 130, "{told}");
        assert!(told.starts_with("field \"x\\\"y") && told.contains('…'), "{told}");
        assert!(told.ends_with("\" is not a number, \"1\" is"), "{told}");
        let plain = "there is no column \"a\"; ".repeat(20);
        assert_eq!(BadRow::new(1, plain.clone()).told(), plain);
    }
}
