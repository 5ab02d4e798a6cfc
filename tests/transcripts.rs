//! Every transcript in `tests/transcripts` happens again: commands, what they print, how they end.
//!
//! A transcript is what a person sees who works in an empty folder that holds the files beside the
//! transcripts. A line that begins with `$ ` is a command of the shell; below it stands what it
//! prints, what goes to stderr behind `! `, and last `[N]` where its exit status is not 0. `[..]`
//! stands for any text within a line. Run with `SILVERBACK_BLESS=1` to write anew those parts that
//! differ, and read the difference before it is committed.

#![cfg(all(feature = "cli", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod shell;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::shell::{agrees, masked, shell, shown};

const FOLDER: &str = "tests/transcripts";

/// A command, and what stands below it.
#[derive(Debug)]
struct Step {
    command: String,
    output: String,
}

/// Reads the text before the first command, and the commands.
fn parse(text: &str) -> (String, Vec<Step>) {
    let (mut head, mut steps): (String, Vec<Step>) = (String::new(), Vec::new());
    for line in text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => {
                steps.push(Step { command: command.to_owned(), output: String::new() });
            }
            (None, Some(step)) => writeln!(step.output, "{line}").unwrap(),
            (None, None) => writeln!(head, "{line}").unwrap(),
        }
    }
    (head, steps)
}

/// Runs a command and writes down what it does, as a transcript does.
fn happen(command: &str, place: &Path) -> String {
    let output = shell(command, place).output().unwrap();
    let shown = |bytes: &[u8]| shown(bytes, place);
    let mut text = shown(&output.stdout);
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in shown(&output.stderr).lines() {
        text.push_str(format!("! {line}").trim_end());
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        Some(code) => writeln!(text, "[{code}]").unwrap(),
        None => text.push_str("[ended by a signal]\n"),
    }
    text
}

/// Returns the files beside the transcripts, and the transcripts.
fn files() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let paths = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.collect();
    paths.sort();
    paths.into_iter().partition(|path| path.extension().is_none_or(|ending| ending != "txt"))
}

#[test]
fn every_transcript_happens_again() {
    let (inputs, transcripts) = files();
    assert!(!transcripts.is_empty(), "{transcripts:?}");
    let bless = std::env::var_os("SILVERBACK_BLESS").is_some();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let differences = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(path) = transcripts.get(at) else { break };
                    differences.lock().unwrap().extend(replay(path, &inputs, bless));
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Runs one transcript and returns where it differs.
fn replay(path: &Path, inputs: &[PathBuf], bless: bool) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let (head, steps) = parse(&text);
    let folder = tempfile::tempdir().unwrap();
    for input in inputs {
        fs::copy(input, folder.path().join(input.file_name().unwrap())).unwrap();
    }
    let place = folder.path().canonicalize().unwrap();
    let (mut anew, mut differences) = (head, Vec::new());
    for (number, step) in steps.iter().enumerate() {
        let got = happen(&step.command, &place);
        let is_same = agrees(&step.output, &got);
        if !is_same {
            let (name, Step { command, output }) = (path.display(), step);
            differences.push(format!("{name}: $ {command}\n--- expected\n{output}--- got\n{got}"));
        }
        let output = if is_same { step.output.clone() } else { masked(&got, &step.output) };
        let output = output.trim_end();
        writeln!(anew, "$ {}", step.command).unwrap();
        if !output.is_empty() {
            writeln!(anew, "{output}").unwrap();
        }
        if number + 1 < steps.len() {
            anew.push('\n');
        }
    }
    if bless && anew != text {
        fs::write(path, anew).unwrap();
        eprintln!("{} written anew", path.display());
        return Vec::new();
    }
    differences
}

/// Returns the verbs, and the verbs of verbs, in full, as their help texts list them.
fn verbs(path: &str, place: &Path) -> Vec<String> {
    let help = happen(&format!("silverback {path} --help"), place);
    let list = help.split("\nCommands:\n").nth(1).unwrap_or("");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty());
    let within = |name| {
        let path = format!("{path} {name}").trim().to_owned();
        [vec![path.clone()], verbs(&path, place)].concat()
    };
    names.flat_map(within).collect()
}

/// What a verb does is seen in some transcript: its help, how it ends well, how it fails. What
/// prints figures of the machine is run by `help_examples.rs` instead.
#[test]
fn every_verb_is_seen_helping_ending_well_and_failing() {
    const FIGURES: [&str; 6] =
        ["demo", "bench", "bench write", "bench recover", "bench size", "bench query"];
    const CONTAINERS: [&str; 3] = ["backup", "retention", "bench"];
    let place = tempfile::tempdir().unwrap();
    let verbs = verbs("", place.path());
    assert!(verbs.len() > 25, "{verbs:?}");
    let texts: Vec<String> =
        files().1.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let steps: Vec<Step> = texts.iter().flat_map(|text| parse(text).1).collect();
    // With the flags and values that stand before the verb left out.
    let about = |step: &Step, verb: &str| {
        step.command.split("silverback ").skip(1).any(|rest| {
            let mut words = rest.split_whitespace().peekable();
            while words.next_if(|word| word.starts_with("--db")).is_some() {
                words.next();
            }
            verb.split(' ').all(|part| words.next() == Some(part))
        })
    };
    let is_failure = |step: &Step| step.output.lines().any(|line| line.starts_with('['));
    for verb in verbs {
        let about_it: Vec<&Step> = steps.iter().filter(|step| about(step, &verb)).collect();
        let (flag, topic) =
            (format!("silverback {verb} --help"), format!("silverback help {verb}"));
        let is_help = |step: &Step| step.command.starts_with(&flag) || step.command == topic;
        assert!(steps.iter().any(is_help), "no help of {verb}");
        let is_container = CONTAINERS.contains(&verb.as_str());
        // The verbs of `bench` take the same arguments.
        let fails = about_it.iter().any(|step| is_failure(step));
        assert!(fails || verb.starts_with("bench "), "no failure of {verb}");
        let done = about_it.iter().any(|step| !is_failure(step) && !is_help(step));
        assert!(done || is_container || FIGURES.contains(&verb.as_str()), "{verb} never ends well");
    }
}

#[test]
fn a_difference_is_found() {
    assert!(agrees("a\nb [..] c\n\n", "a\nb 1.25 c\n"));
    assert!(agrees("took [..] ms of [..]s", "took 1 ms of 2 s"));
    for (expected, got) in
        [("a", "b"), ("a", "a\nb"), ("a\nb", "a"), ("b [..] c", "b 1 d"), ("x[..]", "y"), ("", "x")]
    {
        assert!(!agrees(expected, got), "{expected:?} {got:?}");
    }
    let place = tempfile::tempdir().unwrap();
    assert_eq!(happen("echo out; echo err >&2; exit 3", place.path()), "out\n! err\n[3]\n");
}
