//! Bars and marks of block characters: an eighth of a character is the least step.

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a bar of a fraction of `width` characters; a fraction above nothing is always seen.
pub(crate) fn bar(fraction: f64, width: usize) -> String {
    let eighths = steps(fraction, width * 8);
    let mut text = "█".repeat(eighths / 8);
    if let Some(part) = (eighths % 8).checked_sub(1) {
        text.extend(EIGHTHS.get(part));
    }
    text
}

/// Returns the mark of a fraction in a sparkline.
pub(crate) fn mark(fraction: f64) -> char {
    let level = steps(fraction, LEVELS.len()).saturating_sub(1);
    LEVELS.get(level).copied().unwrap_or('█')
}

/// Returns how many of `count` steps a fraction takes, rounded, but at least one for more than
/// nothing.
pub(crate) fn steps(fraction: f64, count: usize) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let taken = (fraction.clamp(0.0, 1.0) * count as f64).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to count")]
    let taken = taken as usize;
    if fraction > 0.0 { taken.max(1) } else { taken }
}

#[cfg(test)]
mod tests {
    use crate::output::bar::{bar, mark};

    #[test]
    fn bars_have_steps_of_an_eighth_and_show_the_least_value() {
        for (fraction, drawn) in
            [(0.0, ""), (1e-9, "▏"), (0.5, "██"), (0.53, "██▏"), (1.0, "████"), (7.0, "████")]
        {
            assert_eq!(bar(fraction, 4), drawn, "{fraction}");
        }
    }

    #[test]
    fn marks_rise_with_the_value() {
        let marks: String = (0..=8).map(|eighth| mark(f64::from(eighth) / 8.0)).collect();
        assert_eq!(marks, "▁▁▂▃▄▅▆▇█");
    }
}
