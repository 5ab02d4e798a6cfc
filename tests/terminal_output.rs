//! A terminal gets boxes and colours, a pipe gets plain text, and both get the same content.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::path::Path;
use std::process::{Command, Stdio};

const QUESTION: &str = "max(v) by bot from 2023-11-14 to 2023-11-15 tz \"UTC\"";

/// Makes a store with one sample and returns the question as a command line.
fn store(folder: &Path) -> String {
    let rows = folder.join("rows.csv");
    std::fs::write(&rows, "ts,bot,v\n1700000000,support,842.5\n").unwrap();
    let db = folder.join("db");
    let binary = env!("CARGO_BIN_EXE_silverback");
    let ingest = Command::new(binary).arg("--db").arg(&db).arg("ingest").arg(&rows).output();
    assert!(ingest.unwrap().status.success());
    format!("{binary} --db {} query '{QUESTION}'", db.display())
}

fn shell(command: &str, no_color: &str) -> String {
    let output = Command::new("sh")
        .args(["-c", command])
        .env("NO_COLOR", no_color)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

/// Runs a command with a pseudo-terminal as its stdout, by util-linux's `script`.
fn on_a_terminal(command: &str, no_color: &str) -> Option<String> {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script` to make a terminal with");
        return None;
    }
    let quoted = command.replace('"', "\\\"");
    Some(shell(&format!("script -qec \"{quoted}\" /dev/null"), no_color))
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
    let folder = tempfile::tempdir().unwrap();
    let command = store(folder.path());
    assert_eq!(shell(&command, ""), PLAIN);
    let coloured = shell(&format!("{command} --color always"), "1");
    assert_eq!(coloured, "\u{1b}[1mbot\u{1b}[0m      \u{1b}[1mmax(v)\u{1b}[0m\nsupport   842.5\n");
}

#[test]
fn a_terminal_gets_a_box_and_colours_that_can_be_declined() {
    let folder = tempfile::tempdir().unwrap();
    let command = store(folder.path());
    let Some(coloured) = on_a_terminal(&command, "") else { return };
    assert!(coloured.contains("\u{1b}[1mmax(v)\u{1b}[0m"), "{coloured:?}");
    let bare = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"]
        .iter()
        .fold(coloured, |text, escape| text.replace(escape, ""));
    assert_eq!(bare, BOXED);
    assert_eq!(on_a_terminal(&command, "1").as_deref(), Some(BOXED));
    let never = format!("{command} --color never");
    assert_eq!(on_a_terminal(&never, "").as_deref(), Some(BOXED));
}

#[test]
fn drawings_are_as_wide_as_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let command = store(folder.path()).replace("tz ", "every 1h tz ");
    for columns in [80, 200] {
        let sized = format!("stty cols {columns} rows 30; {command} -o plot");
        let Some(drawn) = on_a_terminal(&sized, "1") else { return };
        let widest = drawn.lines().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(columns), "{drawn}");
        // A pipe has no width: the environment may give one.
        let piped = shell(&format!("COLUMNS={columns} {command} -o plot"), "1");
        assert_eq!(piped, drawn);
    }
}

#[test]
fn a_session_completes_names_and_puts_carets_under_what_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let question = store(folder.path());
    let repl = question.split(" query ").next().unwrap().to_owned() + " repl";
    let state = folder.path().join("state");
    let session = format!("XDG_STATE_HOME={} {repl} --color never", state.display());
    if on_a_terminal("true", "").is_none() {
        return;
    }
    // Each line when the one before is done with: the editor drops what was typed ahead.
    let lines = ["max(v\\t) by b\\t from 2023-11-14 to 2023-11-15", "max(v) bi bot", ".quit"];
    let typing: String = lines.iter().fold("sleep 0.5".to_owned(), |typing, line| {
        format!("{typing}; printf '{line}\\n'; sleep 0.5")
    });
    let typing = format!("({typing})");
    // `script` hands its own input on to the terminal.
    let seen = shell(&format!("{typing} | script -qec \"{session}\" /dev/null"), "");
    assert!(seen.contains("│ support │  842.5 │"), "{seen:?}");
    assert!(seen.contains("\n           ^^ "), "{seen:?}");
    let history = std::fs::read_to_string(state.join("silverback/history")).unwrap();
    assert!(history.contains("max(v) by bot from 2023-11-14 to 2023-11-15"), "{history}");
}
