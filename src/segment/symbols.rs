//! Interning the texts of a segment that is being written.

use std::collections::HashMap;
use std::sync::Arc;

/// Texts in the order of their first use.
#[derive(Debug, Default)]
pub(crate) struct SymbolTable {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
}

impl SymbolTable {
    /// Returns the number of a text, which holds until [`SymbolTable::sort`].
    pub(crate) fn intern(&mut self, text: &Arc<str>) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        // Fewer than 2^32 texts: their bytes must fit 32 bits, which the writer checks.
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.numbers.insert(Arc::clone(text), number);
        self.texts.push(Arc::clone(text));
        number
    }

    /// Sorts the texts; returns them, and the final number of each earlier one.
    pub(crate) fn sort(self) -> (Vec<Arc<str>>, Vec<u32>) {
        let mut order: Vec<(Arc<str>, usize)> =
            self.texts.into_iter().enumerate().map(|(earlier, text)| (text, earlier)).collect();
        order.sort_unstable();
        let mut final_of = vec![0; order.len()];
        for (number, (_, earlier)) in (0_u32..).zip(&order) {
            if let Some(slot) = final_of.get_mut(*earlier) {
                *slot = number;
            }
        }
        (order.into_iter().map(|(text, _)| text).collect(), final_of)
    }
}
