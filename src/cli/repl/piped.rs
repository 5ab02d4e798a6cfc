//! Lines of a file or pipe: no prompt, no history; a question may go on as it may when typed.

use std::io::BufRead;

use crate::cli::repl::editor::goes_on;

/// Reads the next question or command; one that is open at the end is returned as it is.
pub(super) fn read(input: &mut dyn BufRead) -> anyhow::Result<Option<String>> {
    let mut text = String::new();
    loop {
        let before = text.len();
        if input.read_line(&mut text)? == 0 {
            return Ok((before > 0).then_some(text));
        }
        if !goes_on(text.trim_end_matches(['\r', '\n'])) {
            return Ok(Some(text));
        }
    }
}
