//! One session: what was set, and how lines are carried out.

use std::io::{self, Write};
use std::time::Instant;

use silverback::output::Format;
use silverback::{Diagnostic, ErrorKind, Query, Reader};

use crate::cli::Context;
use crate::cli::repl::editor::PROMPT;

/// What holds until the session ends.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) context: &'a Context,
    pub(super) reader: &'a Reader,
    pub(super) mode: Format,
    pub(super) has_timer: bool,
    pub(super) explains: bool,
    /// Questions are typed, so that a caret can stand under what was typed.
    is_typed: bool,
}

/// Whether another line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Line,
    End,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        context: &'a Context,
        reader: &'a Reader,
        mode: Format,
        is_typed: bool,
    ) -> Self {
        Self { context, reader, mode, has_timer: false, explains: false, is_typed }
    }

    /// Carries a line out.
    pub(super) fn run(&mut self, line: &str) -> anyhow::Result<Next> {
        let line = line.trim();
        if line == ".quit" {
            return Ok(Next::End);
        }
        match line.strip_prefix('.') {
            Some(_) => self.command(line)?,
            None if line.is_empty() || line.starts_with('#') => {}
            None => self.ask(&line.replace("\\\n", "\n"))?,
        }
        Ok(Next::Line)
    }

    fn ask(&self, text: &str) -> anyhow::Result<()> {
        let text = if self.explains { format!("explain {text}") } else { text.to_owned() };
        let started = Instant::now();
        let query: Query = text.parse()?;
        let answer = self.reader.snapshot()?.run(&query, &silverback::RunOptions::default())?;
        let took = started.elapsed();
        for warning in &answer.warnings {
            self.context.say(warning.render().trim_end());
        }
        for note in &answer.notes {
            self.context.say(&format!("note: {note}"));
        }
        let lack = self.mode.lack(&answer);
        if let Some(lack) = lack {
            self.context.say(&format!("note: {lack}"));
        }
        let mut out = io::BufWriter::new(io::stdout().lock());
        self.context.write_answer(&answer, self.mode, None, &mut out)?;
        out.flush()?;
        if self.has_timer {
            let (rows, took) = (answer.rows.len(), took.as_secs_f64() * 1e3);
            self.context.say(&format!("{rows} rows in {took:.3} ms"));
        }
        Ok(())
    }

    /// Tells what went wrong; under the line that was typed, where it has a place there.
    pub(super) fn tell(&self, error: &anyhow::Error) {
        let found = error.downcast_ref::<silverback::Error>().and_then(|e| match e.kind() {
            ErrorKind::Query(found) => Some(found),
            _ => None,
        });
        match found {
            Some(found) if self.is_typed && !self.explains => self.tell_in_place(found),
            Some(found) => self.context.say(found.render().trim_end()),
            None => self.context.say(&format!("error: {error:#}")),
        }
    }

    /// The line is there already: the caret comes first, then what is wrong.
    fn tell_in_place(&self, found: &Diagnostic) {
        let shown = found.render();
        let lines: Vec<&str> = shown.lines().collect();
        let [sentence, line, caret, rest @ ..] = lines.as_slice() else { return };
        let typed = line.trim_start_matches("  | ");
        if typed != found.text {
            // A line that was cut, or has line ends, does not stand there as it is shown.
            return self.context.say(shown.trim_end());
        }
        let below = caret.strip_prefix("  | ").unwrap_or(caret);
        let below = format!("{}{below}", " ".repeat(PROMPT.len()));
        let rest: String = rest.iter().flat_map(|line| ["\n", *line]).collect();
        self.context.say(&format!("{below}\n{sentence}{rest}"));
    }
}
