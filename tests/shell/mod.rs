//! Lines of the shell that happen again: run in a folder, with the binary at hand, and compared
//! with what is written down, where `[..]` stands for any text within a line.

use std::path::Path;
use std::process::{Command, Stdio};

/// Makes a shell that runs lines in a folder which is its home, with nothing of the environment but
/// where programs are.
pub(crate) fn shell(lines: &str, place: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_silverback"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", lines]).current_dir(place).stdin(Stdio::null());
    command.env_clear().env("PATH", path).env("HOME", place);
    command
}

/// Returns output as it is written down: without the folder's name and what a terminal obeys.
pub(crate) fn shown(bytes: &[u8], place: &Path) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let text = text.replace(place.to_str().unwrap(), "[PLACE]");
    text.replace("\r\n", "\n").replace('\u{1b}', "␛")
}

/// Compares line by line; `[..]` stands for any text.
pub(crate) fn agrees(expected: &str, got: &str) -> bool {
    // Lines between commands may be empty, for the eye.
    let (expected, got) = (expected.trim_end(), got.trim_end());
    expected.lines().count() == got.lines().count()
        && expected.lines().zip(got.lines()).all(|(expected, got)| line_agrees(expected, got))
}

fn line_agrees(expected: &str, got: &str) -> bool {
    let mut parts = expected.split("[..]");
    let Some(mut rest) = got.strip_prefix(parts.next().unwrap()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, between)) = parts.split_last() else { return rest.is_empty() };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Puts `[..]` back where it stood in a line that still agrees.
pub(crate) fn masked(got: &str, expected: &str) -> String {
    let masks: Vec<&str> = expected.lines().filter(|line| line.contains("[..]")).collect();
    let mask = |line| masks.iter().find(|mask| line_agrees(mask, line)).copied().unwrap_or(line);
    got.lines().map(mask).fold(String::new(), |text, line| text + line + "\n")
}
