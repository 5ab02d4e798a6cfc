//! What is different where output goes to a terminal: boxes, colours and the width of drawings,
//! never content.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use silverback::Answer;
use silverback::output::{Format, Style, write_styled};

use crate::cli::Context;

/// How long the bars of a table are.
const BAR_COLUMNS: usize = 10;

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(clippy::doc_markdown, reason = "these comments are shown by --help as they are")]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Also in a file or pipe
    Always,
    /// Nowhere
    Never,
}

impl Color {
    /// Decides for an output. `no_color` and `term` are the variables of the environment.
    fn is_wanted(self, is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
        let is_refused = no_color.is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => is_terminal && !is_refused && term != Some(OsStr::new("dumb")),
        }
    }
}

impl Context {
    /// Writes an answer that goes to stdout, which a buffer may stand before.
    pub(crate) fn write_answer(
        &self,
        answer: &Answer,
        format: Format,
        null: Option<&str>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        write_styled(answer, format, null, self.style(), out)
    }

    fn style(&self) -> Style {
        let is_terminal = io::stdout().is_terminal();
        let (columns, lines) = size(is_terminal);
        Style {
            has_box: is_terminal,
            has_colour: self.has_colour(is_terminal),
            bar_columns: BAR_COLUMNS,
            columns,
            lines,
        }
    }

    /// Returns true if colours are wanted on an output.
    pub(crate) fn has_colour(&self, is_terminal: bool) -> bool {
        let (no_color, term) = (std::env::var_os("NO_COLOR"), std::env::var_os("TERM"));
        self.color.is_wanted(is_terminal, no_color.as_deref(), term.as_deref())
    }
}

/// Returns how many columns and lines stdout has: as the terminal says, else as the environment
/// does, else as a terminal usually has.
fn size(is_terminal: bool) -> (usize, usize) {
    let asked = |name: &str| std::env::var(name).ok()?.parse().ok().filter(|size| *size > 0);
    let terminal = is_terminal.then(terminal_size::terminal_size).flatten();
    let (columns, lines) = terminal
        .map(|(width, height)| (usize::from(width.0), usize::from(height.0)))
        .filter(|(columns, lines)| *columns > 0 && *lines > 0)
        .unzip();
    let usual = Style::default();
    (
        columns.or_else(|| asked("COLUMNS")).unwrap_or(usual.columns),
        lines.or_else(|| asked("LINES")).unwrap_or(usual.lines),
    )
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use crate::cli::terminal::Color;

    #[test]
    fn colours_follow_the_flag_then_the_terminal_and_its_wishes() {
        let set = Some(OsStr::new("1"));
        let (empty, dumb) = (Some(OsStr::new("")), Some(OsStr::new("dumb")));
        let xterm = Some(OsStr::new("xterm"));
        for (color, is_terminal, no_color, term, is_wanted) in [
            (Color::Auto, true, None, xterm, true),
            (Color::Auto, true, empty, xterm, true),
            (Color::Auto, true, set, xterm, false),
            (Color::Auto, true, None, dumb, false),
            (Color::Auto, false, None, xterm, false),
            (Color::Always, false, set, dumb, true),
            (Color::Never, true, None, xterm, false),
        ] {
            let got = color.is_wanted(is_terminal, no_color, term);
            assert_eq!(got, is_wanted, "{color:?} {is_terminal} {no_color:?} {term:?}");
        }
    }
}
