//! Many short texts in one piece of memory, by number.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// Texts in the order in which they were added: a million of them take little more than their
/// bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<usize>,
}

impl Texts {
    /// Returns how many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a text, whose number is how many there were.
    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len());
    }

    /// Returns the text of a number.
    #[inline]
    pub(crate) fn get(&self, number: usize) -> Option<&str> {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        self.bytes.get(start?..*self.ends.get(number)?)
    }

    /// Returns all numbers in the order of their texts.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_unstable_by(|a, b| self.get(*a as usize).cmp(&self.get(*b as usize)));
        order
    }

    /// Returns of each number how many distinct texts are less than its text, given all numbers
    /// [`sorted`](Self::sorted): the order of ranks is that of texts.
    pub(crate) fn ranks(&self, sorted: &[u32]) -> Vec<u32> {
        let mut ranks = vec![0; self.len()];
        let (mut rank, mut before) = (0, None);
        for &number in sorted {
            let text = self.get(number as usize);
            rank += u32::from(before.is_some() && before != text);
            before = text;
            if let Some(slot) = ranks.get_mut(number as usize) {
                *slot = rank;
            }
        }
        ranks
    }
}

/// Distinct texts, which are found again.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextTable {
    texts: Texts,
    hasher: RandomState,
    /// The last text of each hash.
    by_hash: HashMap<u64, u32>,
    /// Of each text the one before it with the same hash; itself where there is none.
    same_hash: Vec<u32>,
}

impl TextTable {
    /// Keeps the texts only.
    pub(crate) fn into_texts(self) -> Texts {
        self.texts
    }

    /// Returns the number of a text if it is there, and its hash.
    fn find(&self, text: &str) -> (Option<u32>, u64) {
        let hash = self.hasher.hash_one(text);
        let mut at = self.by_hash.get(&hash).copied();
        while let Some(number) = at {
            if self.texts.get(number as usize) == Some(text) {
                return (Some(number), hash);
            }
            let before = self.same_hash.get(number as usize).copied();
            at = before.filter(|before| *before != number);
        }
        (None, hash)
    }

    /// Returns the number of a text, and whether it was added for it.
    pub(crate) fn intern(&mut self, text: &str) -> (u32, bool) {
        let (found, hash) = self.find(text);
        if let Some(number) = found {
            return (number, false);
        }
        // Fewer than 2^32 texts: what they are written to holds no more bytes.
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(text);
        let before = self.by_hash.insert(hash, number);
        self.same_hash.push(before.unwrap_or(number));
        (number, true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use crate::model::texts::TextTable;

    proptest! {
        #[test]
        fn texts_are_found_by_text_and_by_number(
            given in proptest::collection::vec("[a-cä]{0,2}", 0..40),
        ) {
            let mut table = TextTable::default();
            let mut known: Vec<&str> = Vec::new();
            for text in &given {
                let before = known.iter().position(|other| other == text);
                let (number, is_new) = table.intern(text);
                let wanted = (before.unwrap_or(known.len()), before.is_none());
                prop_assert_eq!((number as usize, is_new), wanted);
                if is_new {
                    known.push(text);
                }
            }
            let texts = table.into_texts();
            let all = (0..texts.len()).map(|number| texts.get(number).unwrap());
            let all: Vec<&str> = all.collect();
            prop_assert_eq!(&all, &known);
            prop_assert_eq!(texts.get(known.len()), None);
            let sorted: Vec<&str> =
                texts.sorted().iter().map(|number| known[*number as usize]).collect();
            known.sort_unstable();
            prop_assert_eq!(&sorted, &known);
            let ranks = texts.ranks(&texts.sorted());
            for (number, rank) in ranks.iter().enumerate() {
                prop_assert_eq!(known[*rank as usize], all[number]);
            }
        }
    }
}
