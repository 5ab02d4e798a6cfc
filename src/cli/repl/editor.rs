//! The line editor: completion, colours, lines that go on, history.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use silverback::Snapshot;

use crate::cli::repl::complete::complete;
use crate::cli::repl::paint::{is_open, painted};

/// As wide as what stands before the line of a finding, so that carets fall under what was typed.
pub(super) const PROMPT: &str = "sb> ";
const HISTORY_LINES: usize = 10_000;

/// An editor that knows the store.
#[derive(Debug)]
pub(super) struct Lines {
    editor: Editor<Words, FileHistory>,
    history: Option<PathBuf>,
}

/// What came of reading a line.
#[derive(Debug)]
pub(super) enum Read {
    Line(String),
    /// The line was given up.
    Interrupted,
    End,
}

#[derive(Debug)]
struct Words {
    snapshot: Option<Snapshot>,
    has_colour: bool,
}

impl Lines {
    pub(super) fn new(has_colour: bool) -> anyhow::Result<Self> {
        let config = Config::builder()
            .max_history_size(HISTORY_LINES)?
            .history_ignore_dups(true)?
            .completion_type(CompletionType::List)
            .auto_add_history(false)
            .build();
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Words { snapshot: None, has_colour }));
        let history = history();
        if let Some(path) = &history {
            // The first time there is none.
            drop(editor.load_history(path));
        }
        Ok(Self { editor, history })
    }

    /// Reads a question or command, whose names may come from a view.
    pub(super) fn read(&mut self, snapshot: Option<Snapshot>) -> anyhow::Result<Read> {
        if let Some(words) = self.editor.helper_mut() {
            words.snapshot = snapshot;
        }
        match self.editor.readline(PROMPT) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    self.editor.add_history_entry(line.as_str())?;
                }
                Ok(Read::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Read::Interrupted),
            Err(ReadlineError::Eof) => Ok(Read::End),
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps the history for the next time, where there is a place for it.
    pub(super) fn close(mut self) {
        if let Some(path) = &self.history {
            let kept = path.parent().map_or(Ok(()), std::fs::create_dir_all);
            drop(kept.map(|()| self.editor.save_history(path)));
        }
    }
}

/// Returns true where more lines belong to what is there.
pub(super) fn goes_on(text: &str) -> bool {
    !text.starts_with('.') && is_open(text)
}

/// Returns where the history is kept: with what programs remember.
fn history() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    let system = if cfg!(windows) { set("LOCALAPPDATA") } else { set("XDG_STATE_HOME") };
    let folder = system.map(PathBuf::from);
    let folder = folder.or_else(|| Some(Path::new(&set("HOME")?).join(".local/state")))?;
    Some(folder.join("silverback").join("history"))
}

impl Helper for Words {}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let found = complete(line.get(..at).unwrap_or(line), self.snapshot.as_ref());
        Ok((found.start, found.words))
    }
}

impl Highlighter for Words {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        if self.has_colour { Cow::Owned(painted(line)) } else { Cow::Borrowed(line) }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.has_colour
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let goes_on = goes_on(context.input());
        Ok(if goes_on { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Words {
    type Hint = String;
}
