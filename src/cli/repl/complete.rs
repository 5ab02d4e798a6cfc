//! What may stand at the cursor: words of the language, and names that the store has.

use silverback::Snapshot;
use silverback::lang::{function_names, keywords};
use silverback::output::Format;

/// The commands that begin with a point.
pub(super) const COMMANDS: [&str; 7] =
    [".explain", ".help", ".labels", ".metrics", ".mode", ".quit", ".timer"];
const CALENDAR: [&str; 6] = ["day()", "hour()", "minute()", "month()", "week()", "weekday()"];
/// More are no help.
const CANDIDATES_MAX: usize = 200;

/// Candidates, and where the word begins that they stand for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) start: usize,
    pub(super) words: Vec<String>,
}

/// Returns what may stand at the end of a line; names come from the view.
pub(super) fn complete(line: &str, snapshot: Option<&Snapshot>) -> Candidates {
    if line.starts_with('.') {
        return complete_command(line, snapshot);
    }
    if let Some(quote) = open_quote(line) {
        let (before, prefix) = line.split_at(quote);
        let values = label_before(before)
            .zip(snapshot)
            .map(|(label, snapshot)| snapshot.label_values(label).unwrap_or_default());
        let quoted = values
            .unwrap_or_default()
            .into_iter()
            .map(|value| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
        return choose(quote, prefix, quoted);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
    let start = line.trim_end_matches(is_part).len();
    let (before, prefix) = line.split_at(start);
    let before = before.trim_end();
    let labels = || named(snapshot.and_then(|snapshot| snapshot.label_names().ok()));
    if is_in_matchers(before) {
        return choose(start, prefix, labels());
    }
    if is_in_keys(before) {
        return choose(start, prefix, labels().chain(CALENDAR.map(str::to_owned)));
    }
    let metrics = snapshot.and_then(|snapshot| snapshot.metrics().ok());
    let metrics = named(metrics.map(|all| all.into_iter().map(|def| def.name).collect()));
    let functions = function_names().map(|name| format!("{name}("));
    // Inside a call stands a metric, or another call.
    if before.ends_with('(') {
        return choose(start, prefix, metrics.chain(functions));
    }
    let percentiles = ["p50(", "p90(", "p95(", "p99("].map(str::to_owned);
    let keywords = keywords().map(str::to_owned);
    choose(start, prefix, functions.chain(percentiles).chain(keywords).chain(metrics))
}

fn complete_command(line: &str, snapshot: Option<&Snapshot>) -> Candidates {
    let Some((command, argument)) = line.split_once(' ') else {
        return choose(0, line, COMMANDS.map(str::to_owned).into_iter());
    };
    let start = line.len() - argument.len();
    let words: Vec<String> = match command {
        ".mode" => Format::ALL.map(|format| format.as_str().to_owned()).to_vec(),
        ".timer" | ".explain" => ["on", "off"].map(str::to_owned).to_vec(),
        ".labels" => snapshot.and_then(|snapshot| snapshot.label_names().ok()).unwrap_or_default(),
        _ => Vec::new(),
    };
    choose(start, argument, words.into_iter())
}

fn choose(start: usize, prefix: &str, words: impl Iterator<Item = String>) -> Candidates {
    let fits = |word: &String| {
        word.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix))
    };
    let mut words: Vec<String> = words.filter(fits).collect();
    words.sort();
    words.dedup();
    words.truncate(CANDIDATES_MAX);
    Candidates { start, words }
}

/// Writes names as a question does: those that are no words stand in backquotes.
fn named(names: Option<Vec<String>>) -> impl Iterator<Item = String> {
    let is_word = |name: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':');
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_part)
    };
    let quoted = move |name: String| if is_word(&name) { name } else { format!("`{name}`") };
    names.unwrap_or_default().into_iter().map(quoted)
}

/// Returns where a text begins that has no end.
fn open_quote(line: &str) -> Option<usize> {
    let (mut open, mut is_escaped) = (None, false);
    for (at, c) in line.char_indices() {
        match (open, c) {
            (Some(_), '\\') if !is_escaped => is_escaped = true,
            (Some(_), '"') if !is_escaped => open = None,
            (None, '"') => open = Some(at),
            _ => is_escaped = false,
        }
    }
    open
}

/// Returns the label that a value is compared with: `bot=`, `bot !~`, `bot in ("web", `.
fn label_before(text: &str) -> Option<&str> {
    let text = text.trim_end();
    let text = match text.rfind(" in (").filter(|at| !text.get(*at..).unwrap_or("").contains(')')) {
        Some(at) => text.get(..at)?,
        None => text.trim_end_matches(['=', '!', '~']),
    };
    let text = text.trim_end();
    let start = text.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    text.get(start..).filter(|label| !label.is_empty())
}

/// Returns true inside of `{…`, where a label is to come.
fn is_in_matchers(before: &str) -> bool {
    let inside = before.rfind('{').filter(|at| !before.get(*at..).unwrap_or("").contains('}'));
    inside.is_some() && before.ends_with(['{', ','])
}

/// Returns true behind `by`, `without` and `where`, and behind a comma in their list.
fn is_in_keys(before: &str) -> bool {
    let words = before.split([' ', '(', ')']).filter(|word| !word.is_empty());
    let mut words: Vec<&str> = words.collect();
    // Keys that stand before the cursor are passed over: `by bot, channel,`.
    while words.last().is_some_and(|word| word.ends_with(',')) {
        words.pop();
    }
    let opens = ["by", "without", "where"];
    words.last().is_some_and(|word| opens.iter().any(|open| word.eq_ignore_ascii_case(open)))
}

#[cfg(test)]
mod tests {
    use silverback::{Columns, MetricDef, SeriesKey, Snapshot, Timestamp};

    use crate::cli::repl::complete::complete;

    fn snapshot() -> Snapshot {
        let one = |metric: &str, bot: &str| {
            let mut columns = Columns::default();
            columns.push(0, 1.0);
            let key = SeriesKey::new(metric).label("bot", bot).label("channel", "web");
            (key, columns)
        };
        let series = vec![one("latency", "support"), one("latency", "say \"hi\""), one("a b", "x")];
        let metrics = vec![MetricDef::new("latency"), MetricDef::new("a b")];
        Snapshot::of_samples(Timestamp::from_nanos(9), metrics, series)
    }

    #[track_caller]
    fn check(line: &str, start: usize, expected: &[&str]) {
        let found = complete(line, Some(&snapshot()));
        assert_eq!(
            (found.start, found.words),
            (start, expected.iter().map(|w| (*w).into()).collect())
        );
    }

    #[test]
    fn names_come_from_the_store_and_words_from_the_language() {
        check("p99(lat", 4, &["latency"]);
        let inside = complete("p99(", Some(&snapshot())).words;
        for word in ["`a b`", "latency", "count(", "quantile("] {
            assert!(inside.iter().any(|found| found == word), "{word}: {inside:?}");
        }
        check("hist", 0, &["histogram("]);
        check("count(latency) ev", 15, &["every"]);
        check("count(latency) BY b", 18, &["bot"]);
        check("count(latency) by bot, ch", 23, &["channel"]);
        check("count(latency) by bot, ho", 23, &["hour()"]);
        check("latency{", 8, &["bot", "channel"]);
        check("latency{bot=\"x\", c", 17, &["channel"]);
        check("latency{bot=\"su", 12, &["\"support\""]);
        check("latency{bot=\"", 12, &["\"say \\\"hi\\\"\"", "\"support\"", "\"x\""]);
        check(
            "count(latency) where bot in (\"x\", \"s",
            34,
            &["\"say \\\"hi\\\"\"", "\"support\""],
        );
        check("count(latency) where bot != \"sup", 28, &["\"support\""]);
        check("count(latency) every 5m where ch", 30, &["channel"]);
        check("nothing like it", 13, &[]);
    }

    #[test]
    fn commands_and_their_words_are_completed_also_without_a_store() {
        check(".m", 0, &[".metrics", ".mode"]);
        check(".mode pl", 6, &["plot"]);
        check(".labels c", 8, &["channel"]);
        check(".timer o", 7, &["off", "on"]);
        assert_eq!(complete("p99(", None).start, 4);
        assert!(complete("latency{bot=\"", None).words.is_empty());
    }
}
