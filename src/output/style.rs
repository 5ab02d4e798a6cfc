//! How output for people looks; its content is the same in every style.

use std::borrow::Cow;

pub(crate) const BOLD: &str = "\u{1b}[1m";
pub(crate) const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// How tables and drawings look. The forms for machines do not ask for it.
///
/// ```
/// use silverback::output::Style;
/// let plain = Style::default();
/// assert_eq!((plain.has_box, plain.has_colour, plain.bar_columns), (false, false, 0));
/// assert_eq!((plain.columns, plain.lines), (80, 24));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Lines are drawn around the cells of a table.
    pub has_box: bool,
    /// Headers are bold, lines are dim and drawings coloured, by escape sequences of ANSI X3.64.
    pub has_colour: bool,
    /// How long the bars are behind the rows of a table with windows or buckets, in characters;
    /// nothing draws none.
    pub bar_columns: usize,
    /// How wide drawings are, in characters; tables are as wide as their content.
    pub columns: usize,
    /// How high a drawing may be, in lines.
    pub lines: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { has_box: false, has_colour: false, bar_columns: 0, columns: 80, lines: 24 }
    }
}

impl Style {
    /// Puts escape sequences around a text, where the style has colours.
    pub(crate) fn painted<'a>(&self, text: &'a str, paint: &str) -> Cow<'a, str> {
        if self.has_colour && !text.is_empty() {
            Cow::Owned(format!("{paint}{text}{RESET}"))
        } else {
            Cow::Borrowed(text)
        }
    }
}
