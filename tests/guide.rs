//! Every block of docs/GUIDE.md and docs/INGEST.md happens again: what a reader would paste into a
//! shell, and what is printed below it.
//!
//! A document is read from top to bottom in one empty folder. A block of `sh` is run by a shell of
//! its own and ends well; the block of `text` that comes next, if any, is all that it prints to
//! stdout and stderr, where `[..]` stands for any text within a line. Blocks of `rust` are
//! doctests. Run with `SILVERBACK_BLESS=1` to write anew what differs, and read the difference.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

mod shell;

use std::fs;
use std::ops::Range;
use std::path::Path;

use crate::shell::{agrees, masked, shell, shown};

/// A block of code: its language, and the lines of the document that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    language: String,
    lines: Range<usize>,
}

/// Finds the blocks of a document.
fn blocks(lines: &[&str]) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, usize)> = None;
    for (number, line) in lines.iter().enumerate() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        open = match open {
            None => Some((fence.to_owned(), number + 1)),
            Some((language, start)) => {
                assert_eq!(fence, "", "line {}: a block within a block", number + 1);
                blocks.push(Block { language, lines: start..number });
                None
            }
        };
    }
    assert_eq!(open, None, "a block has no end");
    blocks
}

/// Pairs each block of the shell with the block of what it prints.
fn steps(blocks: &[Block]) -> Vec<(Block, Option<Block>)> {
    let mut steps: Vec<(Block, Option<Block>)> = Vec::new();
    let mut may_print = false;
    for block in blocks {
        let is_shell = block.language == "sh";
        match block.language.as_str() {
            "sh" => steps.push((block.clone(), None)),
            "text" if may_print => steps.last_mut().unwrap().1 = Some(block.clone()),
            // Run as doctests, and by `ingest_real_data.rs`.
            "rust" | "sh recorded" => {}
            _ => panic!("nothing runs this block: {block:?}"),
        }
        may_print = is_shell;
    }
    steps
}

/// Runs a document and returns where it differs from what happens.
fn replay(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let steps = steps(&blocks(&lines));
    assert!(!steps.is_empty(), "{name} has no block that runs");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let (mut differences, mut anew, mut taken) = (Vec::new(), String::new(), 0);
    let mut copy = |anew: &mut String, until: usize, next: usize| {
        for line in &lines[taken..until] {
            anew.push_str(line);
            anew.push('\n');
        }
        taken = next;
    };
    for (block, output) in steps {
        let script = lines[block.lines.clone()].join("\n");
        // A shell that ends badly is named with its status below what it printed.
        let status = "status=$?; [ $status = 0 ] || echo \"[$status]\"";
        let run = shell(&format!("exec 2>&1\n{script}\n{status}"), &place).output().unwrap();
        let got = shown(&run.stdout, &place);
        let expected = output
            .as_ref()
            .map_or(String::new(), |output| lines[output.lines.clone()].join("\n") + "\n");
        if !agrees(&expected, &got) {
            let line = block.lines.start + 1;
            differences
                .push(format!("{name}:{line}: {script}\n--- expected\n{expected}--- got\n{got}"));
            if let Some(output) = &output {
                copy(&mut anew, output.lines.start, output.lines.end);
                anew.push_str(&masked(got.trim_end(), &expected));
            }
        }
    }
    copy(&mut anew, lines.len(), lines.len());
    if std::env::var_os("SILVERBACK_BLESS").is_some() && anew != text {
        fs::write(&path, anew).unwrap();
        eprintln!("{name} written anew");
        return Vec::new();
    }
    differences
}

#[test]
fn the_guide_happens_as_it_is_written() {
    let differences = replay("GUIDE.md");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_ways_in_happen_as_they_are_written() {
    let differences = replay("INGEST.md");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_block_that_nothing_runs_is_found() {
    let steps_of = |text: &str| steps(&blocks(&text.lines().collect::<Vec<_>>()));
    let found = steps_of("a\n```sh\nls\n```\nb\n```text\nc\n```\n```rust\n```\n");
    let block = |language: &str, lines| Block { language: language.to_owned(), lines };
    assert_eq!(found, [(block("sh", 2..3), Some(block("text", 6..7)))]);
    for text in ["```text\nc\n```", "```sh\n```\n```text\n```\n```text\n```", "```toml\n```"] {
        assert!(std::panic::catch_unwind(|| steps_of(text)).is_err(), "{text}");
    }
}

/// A kind of error or a status that the guide has no line for is one that nobody was told about.
#[test]
fn every_kind_of_error_and_every_status_has_a_line_in_the_guide() {
    let guide = include_str!("../docs/GUIDE.md");
    let rows: Vec<&str> = guide.lines().filter(|line| line.starts_with("| ")).collect();
    let kinds = include_str!("../src/error.rs").split("pub enum ErrorKind {\n").nth(1).unwrap();
    let kinds = kinds.split("\n}\n").next().unwrap().lines();
    let is_kind = |line: &&str| {
        line.strip_prefix("    ").is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase()))
    };
    let kinds: Vec<String> = kinds
        .filter(is_kind)
        .map(|line| line.trim().chars().take_while(|c| c.is_alphanumeric()).collect())
        .collect();
    assert!(kinds.len() > 20, "{kinds:?}");
    for kind in kinds {
        let wanted = format!("`{kind}`");
        assert!(rows.iter().any(|row| row.contains(&wanted)), "{wanted}");
    }
    let statuses = include_str!("../src/cli/help/status.txt").lines();
    let statuses: Vec<&str> = statuses
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(statuses.len(), 11, "{statuses:?}");
    for status in statuses {
        let wanted = format!("| {status} | ");
        assert!(rows.iter().any(|row| row.starts_with(&wanted)), "{wanted}");
    }
}
