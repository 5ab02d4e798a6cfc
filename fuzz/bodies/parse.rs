//! Parses a query, prints it, and parses what was printed.

use silverback::Limits;
use silverback::lang::parse;

/// Takes the bytes as the query's text, if they are UTF-8.
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = Limits::default();
    let Ok(statement) = parse(text, &limits) else { return };
    let printed = statement.to_string();
    // Canonical text spells units and operators out, and may outgrow the limit.
    if printed.len() as u64 > limits.query_bytes_max {
        return;
    }
    let again = parse(&printed, &limits);
    assert_eq!(again.as_ref(), Ok(&statement), "printed as {printed:?}");
}
