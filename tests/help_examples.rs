//! The first line of every `--help` is an example, and it runs.

#![cfg(all(feature = "cli", unix))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use silverback::{Limits, lang};

const ROWS: &str = "\
time,bot,channel,status,dur_ms
2026-02-09T10:00:00Z,support,web,ok,842.5
2026-02-09T10:00:20Z,test,slack,error,120
";

fn silverback(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_silverback"));
    command.args(arguments).current_dir(place).env_remove("SILVERBACK_DB");
    command.stdin(Stdio::null()).output().unwrap()
}

fn good(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the names in the list of commands of a help text.
fn verbs(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or("");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

/// Returns each verb with its example, also verbs of verbs.
fn examples(place: &Path, path: &[&str], found: &mut Vec<(String, String)>) {
    let help = good(silverback(place, &[path, &["--help"]].concat()));
    let example = help.lines().next().unwrap().to_owned();
    assert!(example.starts_with("silverback "), "{path:?}: {help}");
    assert!(example.contains(&path.join(" ")), "{path:?}: {example}");
    found.push((path.join(" "), example));
    for verb in verbs(&help) {
        examples(place, &[path, &[&verb]].concat(), found);
    }
}

#[test]
fn every_verb_begins_its_help_with_an_example_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    std::fs::write(place.join("requests.csv"), ROWS).unwrap();
    let map = "ts=time, labels=bot,channel,status, latency=dur_ms:ms";
    let db = [&["--db", ".silverback", "ingest", "-q", "requests.csv", "--map", map][..]];
    good(silverback(place, &db.concat()));
    let mut found = Vec::new();
    examples(place, &[], &mut found);
    assert!(found.len() >= 25, "{found:?}");
    let binary = Path::new(env!("CARGO_BIN_EXE_silverback")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    for (verb, example) in found {
        let output = Command::new("sh")
            .args(["-c", &example])
            .current_dir(place)
            .env("PATH", &path)
            .env_remove("SILVERBACK_DB")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{verb}: {example}\n{output:?}");
    }
}

/// Every indented line of the page about the language is a question, or what follows one.
#[test]
fn the_page_about_the_language_parses() {
    let page = good(silverback(Path::new("."), &["help", "language"]));
    let questions = page.lines().filter_map(|line| line.strip_prefix("    "));
    let mut count = 0;
    for line in questions {
        // What stands behind two spaces explains.
        let question = line.split("   ").next().unwrap();
        lang::parse(question, &Limits::default()).unwrap_or_else(|found| {
            let shown = found.render();
            assert!(shown.is_empty(), "{shown}");
            unreachable!()
        });
        count += 1;
    }
    assert!(count >= 25, "{count} questions in {page}");
}
