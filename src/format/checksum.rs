//! CRC-32 over a file's id, bytes and their offset, so that a swapped or stale block fails too.

/// Returns the CRC-32 (IEEE, as crc32fast computes it) of the file id, the bytes and the offset,
/// each number as eight little-endian bytes.
#[must_use]
pub fn block_crc(file_id: u64, bytes: &[u8], offset: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&file_id.to_le_bytes());
    hasher.update(bytes);
    hasher.update(&offset.to_le_bytes());
    hasher.finalize()
}

/// A CRC-32 that is fed one word at a time.
///
/// For the three words of a sample frame this is several times faster than calling crc32fast, whose
/// cost a call exceeds the frame's. The method is "slicing by 8" (Kounavis and Berry, 2005).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordCrc(u32);

impl WordCrc {
    /// Starts a checksum with a file id, which comes first in every checksum of that file.
    #[must_use]
    pub fn of_file(file_id: u64) -> Self {
        Self(!0).word(file_id)
    }

    /// Adds the eight little-endian bytes of a word.
    #[must_use]
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte indexes 256 entries of one of 8 tables")]
    pub fn word(self, word: u64) -> Self {
        let mixed = (word ^ u64::from(self.0)).to_le_bytes();
        let entry = |table: usize, byte: u8| TABLES[table][usize::from(byte)];
        let [b0, b1, b2, b3, b4, b5, b6, b7] = mixed;
        Self(
            entry(7, b0)
                ^ entry(6, b1)
                ^ entry(5, b2)
                ^ entry(4, b3)
                ^ entry(3, b4)
                ^ entry(2, b5)
                ^ entry(1, b6)
                ^ entry(0, b7),
        )
    }

    /// Adds many bytes, through crc32fast.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let mut hasher = crc32fast::Hasher::new_with_initial(!self.0);
        hasher.update(bytes);
        Self(!hasher.finalize())
    }

    /// Returns what [`WordCrc::of_state`] goes on from.
    #[must_use]
    pub fn state(self) -> u32 {
        self.0
    }

    /// Goes on from a state.
    #[must_use]
    pub fn of_state(state: u32) -> Self {
        Self(state)
    }

    /// Returns the checksum of all that was added.
    #[must_use]
    pub fn finish(self) -> u32 {
        !self.0
    }
}

static TABLES: [[u32; 256]; 8] = tables();

#[expect(clippy::cast_possible_truncation, reason = "the index is below 256")]
#[expect(clippy::indexing_slicing, reason = "constant evaluation fails on a bad index")]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0_u32; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut index = 0;
        while index < 256 {
            let before = tables[table - 1][index];
            tables[table][index] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            index += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use crate::format::checksum::{WordCrc, block_crc};

    proptest! {
        #[test]
        fn word_crc_equals_block_crc(
            id: u64,
            words in proptest::collection::vec(any::<u64>(), 0..9),
            offset: u64,
        ) {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let by_word = words.iter().fold(WordCrc::of_file(id), |crc, &word| crc.word(word));
            let by_bytes = WordCrc::of_file(id).bytes(&bytes);
            prop_assert_eq!(by_word, by_bytes);
            prop_assert_eq!(by_word.word(offset).finish(), block_crc(id, &bytes, offset));
        }
    }
}
