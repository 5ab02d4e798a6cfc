//! Interning the texts of a segment that is being written.

use std::collections::HashMap;

/// Texts by the order of their first use.
#[derive(Debug, Default)]
pub(crate) struct SymbolTable {
    numbers: HashMap<Box<str>, u32>,
}

impl SymbolTable {
    /// Returns the number of a text, which holds until [`SymbolTable::sort`].
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        // Fewer than 2^32 texts: their bytes must fit 32 bits, which the writer checks.
        let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.into(), number);
        number
    }

    /// Sorts the texts; returns them, and the final number of each earlier one.
    pub(crate) fn sort(self) -> (Vec<Box<str>>, Vec<u32>) {
        let mut order: Vec<(Box<str>, u32)> = self.numbers.into_iter().collect();
        order.sort_unstable();
        let mut final_of = vec![0; order.len()];
        for (number, (_, earlier)) in (0_u32..).zip(&order) {
            if let Some(slot) = final_of.get_mut(*earlier as usize) {
                *slot = number;
            }
        }
        (order.into_iter().map(|(text, _)| text).collect(), final_of)
    }
}
