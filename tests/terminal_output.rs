//! A terminal gets boxes, colours, drawings of its width and a line of progress; a pipe gets plain
//! text; both get the same content. Ctrl-C and a closed pipe end well.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod pty;
#[allow(dead_code, reason = "nothing is written down here to be compared")]
mod shell;

use std::fmt::Write as _;
use std::path::Path;

use crate::pty::Terminal;
use crate::shell::shell;

const QUESTION: &str = "silverback query 'max(v) by bot from 2023-11-14 to 2023-11-15 tz \"UTC\"'";
const DRAWN: &str = "silverback query 'max(v) by bot every 1m from 2023-11-14T22:00Z for 1h'";

/// Makes a store of one sample, and one of an hour.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("rows.csv"), "ts,bot,v\n1700000000,support,842.5\n").unwrap();
    let mut rows = "ts,bot,v\n".to_owned();
    for minute in 0..60 {
        let time = 1_699_999_200 + minute * 60;
        writeln!(rows, "{time},support,{}", minute * minute).unwrap();
        writeln!(rows, "{time},sales,{}", 60 - minute).unwrap();
    }
    std::fs::write(place.path().join("hour.csv"), rows).unwrap();
    piped("silverback ingest -q rows.csv; silverback --db hour ingest -q hour.csv", place.path());
    place
}

/// Runs a line whose output goes into a pipe, and returns what it writes to it.
fn piped(line: &str, place: &Path) -> String {
    let output = shell(line, place).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

/// Runs a line on a terminal without colours, and returns what it shows.
fn plain(line: &str, place: &Path, columns: u16) -> String {
    let (status, shown) = Terminal::run(line, place, columns, "1");
    assert_eq!(status, 0, "{line}: {shown}");
    shown
}

fn without_escapes(text: &str) -> String {
    ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"]
        .iter()
        .fold(text.to_owned(), |text, escape| text.replace(escape, ""))
}

/// The words and numbers of a table, without its box.
fn content(table: &str) -> Vec<String> {
    let cells = table.split(['│', '┌', '├', '└', '┬', '┼', '┴', '─', '┐', '┤', '┘', '\n', ' ']);
    cells.filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

const PLAIN: &str = "bot      max(v)\nsupport   842.5\n";
const BOXED: &str = "\
┌─────────┬────────┐
│ bot     │ max(v) │
├─────────┼────────┤
│ support │  842.5 │
└─────────┴────────┘
";

#[test]
fn a_pipe_gets_plain_text_unless_colours_are_asked_for() {
    let place = place();
    assert_eq!(piped(QUESTION, place.path()), PLAIN);
    let coloured = piped(&format!("NO_COLOR=1 {QUESTION} --color always"), place.path());
    assert_eq!(coloured, "\u{1b}[1mbot\u{1b}[0m      \u{1b}[1mmax(v)\u{1b}[0m\nsupport   842.5\n");
}

#[test]
fn a_terminal_gets_a_box_and_colours_that_can_be_declined() {
    let place = place();
    for columns in [80, 200] {
        let (_, coloured) = Terminal::run(QUESTION, place.path(), columns, "");
        assert!(coloured.contains("\u{1b}[1mmax(v)\u{1b}[0m"), "{coloured:?}");
        assert_eq!(without_escapes(&coloured), BOXED);
        assert_eq!(plain(QUESTION, place.path(), columns), BOXED);
        let never = format!("{QUESTION} --color never");
        assert_eq!(Terminal::run(&never, place.path(), columns, "").1, BOXED);
        // The pipe is between the command and the terminal.
        assert_eq!(plain(&format!("{QUESTION} | cat"), place.path(), columns), PLAIN);
    }
}

#[test]
fn a_table_says_the_same_on_terminals_of_all_widths_and_in_a_pipe() {
    let place = place();
    let table = format!("{DRAWN} --db hour");
    let wanted = content(&piped(&table, place.path()));
    assert!(wanted.len() > 120 * 3, "{wanted:?}");
    for columns in [80, 200] {
        let (_, coloured) = Terminal::run(&table, place.path(), columns, "");
        assert_eq!(content(&without_escapes(&coloured)), wanted, "{columns}");
        assert_eq!(content(&plain(&table, place.path(), columns)), wanted, "{columns}");
    }
}

#[test]
fn drawings_are_as_wide_as_the_terminal() {
    let place = place();
    for columns in [80, 200] {
        for form in ["plot", "heatmap"] {
            let drawing = format!("{DRAWN} --db hour -o {form}");
            let drawn = plain(&drawing, place.path(), columns);
            let widest = drawn.lines().map(|line| line.chars().count()).max().unwrap();
            let full = usize::from(columns);
            let is_full = if form == "plot" { widest == full } else { widest <= full };
            assert!(is_full, "{form}: {widest} of {columns}\n{drawn}");
            let (_, coloured) = Terminal::run(&drawing, place.path(), columns, "");
            assert!(coloured.contains('\u{1b}'), "{form} has colours: {coloured:?}");
            // A pipe has no width: the environment may give one.
            let piped = piped(&format!("COLUMNS={columns} {drawing}"), place.path());
            assert_eq!(piped, drawn);
        }
    }
}

#[test]
fn whoever_has_seen_enough_closes_the_pipe_without_a_word() {
    let place = place();
    let commands = ["query 'v from 2023-11-14 to 2023-11-15'", "export", "series", "help language"];
    for verb in commands {
        // The status is that of the verb, which a shell tells with `pipefail` alone.
        let line = format!("(silverback --db hour {verb}; echo $? > status) | head -n 1");
        let shown = plain(&line, place.path(), 80);
        assert_eq!(shown.lines().count(), 1, "{verb}: {shown}");
        let status = std::fs::read_to_string(place.path().join("status")).unwrap();
        assert_eq!(status.trim(), "0", "{verb}");
    }
}

/// So many rows that reading them takes a debug build a while.
const ROWS: u64 = 150_000;

fn write_rows(place: &Path) {
    let mut rows = "ts,bot,v\n".to_owned();
    for number in 0..ROWS {
        writeln!(rows, "{},shop,{number}", 1_770_000_000_000 + number).unwrap();
    }
    std::fs::write(place.join("many.csv"), rows).unwrap();
}

#[test]
fn ctrl_c_ends_an_ingestion_between_two_rows_and_resume_completes_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    write_rows(place);
    let mut terminal = Terminal::start("exec silverback ingest many.csv", place, 80, "1");
    // It is under way as soon as it says how far it is.
    terminal.wait_for(" % ");
    terminal.press("\u{3}");
    let (status, shown) = terminal.finish();
    assert_eq!(status, 130, "{shown:?}");
    let last = shown.lines().last().unwrap();
    let said = last.rsplit('\u{1b}').next().unwrap().trim_start_matches("[K");
    let (count, line) = said.split_once(" rows durable, up to line ").unwrap();
    let (count, line): (u64, u64) =
        (count.parse().unwrap(), line.strip_suffix(" of many.csv").unwrap().parse().unwrap());
    assert_eq!(count, line - 1, "the first line is the header");
    assert!(0 < count && count < ROWS, "{count}");
    let totals = "silverback query 'count(v), sum(v), min(v), max(v) last 2h' --now newest \
                  -o csv | tail -n 1";
    let sum = |count: u64| count * (count - 1) / 2;
    let wanted = |count: u64| format!("{count},{},0,{}\n", sum(count), count - 1);
    assert_eq!(piped(totals, place), wanted(count));
    let (status, shown) = Terminal::run("silverback ingest many.csv --resume", place, 80, "1");
    assert_eq!(status, 0, "{shown}");
    let left = ROWS - count;
    let said = format!("{left} rows, {left} samples stored, 0 rows refused\n");
    assert!(shown.ends_with(&said), "{shown}");
    assert_eq!(piped(totals, place), wanted(ROWS), "none is lost and none is there twice");
}

#[test]
fn long_work_says_how_far_it_is_on_a_terminal_only() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    write_rows(place);
    let line = "silverback ingest many.csv";
    let (_, shown) = Terminal::run(&format!("{line} --db shown"), place, 80, "1");
    let drawn = shown.split('\r').find(|part| part.contains(" % ")).unwrap();
    let words = [" of 3.6 MiB  ", "/s  ", " s left"];
    assert!(words.iter().all(|word| drawn.contains(word)), "{drawn:?}");
    let said = format!("\u{1b}[K{ROWS} rows, {ROWS} samples stored, 0 rows refused\n");
    assert!(shown.ends_with(&said), "the line is gone: {shown:?}");
    for quiet in ["--db quiet -q", "--db piped 2> said"] {
        let (status, shown) = Terminal::run(&format!("{line} {quiet}"), place, 80, "1");
        assert_eq!((status, shown.as_str()), (0, ""), "{quiet}");
    }
    let said = std::fs::read_to_string(place.join("said")).unwrap();
    assert_eq!(said, format!("{ROWS} rows, {ROWS} samples stored, 0 rows refused\n"));
}

#[test]
fn a_session_completes_names_and_puts_carets_under_what_was_typed() {
    let place = place();
    let line = "XDG_STATE_HOME=state silverback repl --color never";
    let mut terminal = Terminal::start(line, place.path(), 80, "");
    // Each line when the one before is done with: the editor drops what was typed ahead.
    terminal.wait_for("> ");
    terminal.press("max(v\t) by b\t from 2023-11-14 to 2023-11-15\r");
    terminal.wait_for("│ support │  842.5 │");
    terminal.press("max(v) bi bot\r");
    terminal.wait_for("\n           ^^ ");
    terminal.press(".quit\r");
    assert_eq!(terminal.finish().0, 0);
    let history = place.path().join("state/silverback/history");
    let history = std::fs::read_to_string(history).unwrap();
    assert!(history.contains("max(v) by bot from 2023-11-14 to 2023-11-15"), "{history}");
}
