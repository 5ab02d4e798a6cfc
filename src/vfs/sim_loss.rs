//! What survives a power cut: the patterns, and the choice of each unsynced effect's fate.

use std::ops::Range;

/// Which unsynced effects reach the device before the power is cut. What was synced always does.
///
/// A page may hold any prefix of the writes since it became dirty, a file may have any length it
/// had since its last sync, and a change of names may have happened or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossPattern {
    /// Nothing: the device is as the last syncs left it.
    Nothing,
    /// Everything, as if all had been synced just before.
    Everything,
    /// All names and lengths, and the pages of even index.
    EvenPages,
    /// All names and lengths, and the pages of odd index.
    OddPages,
    /// All names and lengths, but no bytes: files show zeros.
    MetadataOnly,
    /// All pages, but no names and lengths.
    DataOnly,
    /// All names and lengths, and each page as it was at some moment, chosen by the seed.
    EarlierStates(u64),
    /// Everything up to a moment chosen by the seed, and nothing after it.
    InOrder(u64),
    /// Each name, length and page by a throw of dice of its own, chosen by the seed.
    Random(u64),
}

/// Returns a choice of patterns that holds each kind: the plain ones once, the seeded ones with
/// several seeds.
pub fn loss_patterns() -> impl Iterator<Item = LossPattern> {
    let plain = [
        LossPattern::Nothing,
        LossPattern::Everything,
        LossPattern::EvenPages,
        LossPattern::OddPages,
        LossPattern::MetadataOnly,
        LossPattern::DataOnly,
    ];
    let seeded = (1..=2).flat_map(|seed| {
        [
            LossPattern::EarlierStates(seed),
            LossPattern::InOrder(seed),
            LossPattern::Random(seed),
            LossPattern::Random(seed + 2),
        ]
    });
    plain.into_iter().chain(seeded)
}

/// Decides the fate of one effect after the other; the same questions get the same answers.
#[derive(Debug)]
pub(super) struct Survival {
    pattern: LossPattern,
    random: Random,
    /// Operations from this one on are lost by `InOrder`.
    moment: u64,
}

impl Survival {
    /// `salt` makes the same seed differ between disks; `unsynced` spans the operations whose
    /// effects may be lost.
    pub(super) fn new(pattern: LossPattern, salt: u64, unsynced: Range<u64>) -> Self {
        let seed = match pattern {
            LossPattern::EarlierStates(seed)
            | LossPattern::InOrder(seed)
            | LossPattern::Random(seed) => seed,
            _ => 0,
        };
        let mut random = Random::new(seed.rotate_left(32) ^ salt);
        let moment = unsynced.start + random.below(unsynced.end.saturating_sub(unsynced.start) + 1);
        Self { pattern, random, moment }
    }

    /// Returns true if a change of names made by an operation survives.
    pub(super) fn name(&mut self, operation: u64) -> bool {
        match self.pattern {
            LossPattern::Nothing | LossPattern::DataOnly => false,
            LossPattern::InOrder(_) => operation < self.moment,
            LossPattern::Random(_) => self.random.below(2) == 0,
            _ => true,
        }
    }

    /// Returns the length that survives, of the durable one and those since, oldest first.
    pub(super) fn len(&mut self, durable: u64, lens: &[(u64, u64)]) -> u64 {
        let count = match self.pattern {
            LossPattern::Nothing | LossPattern::DataOnly => 0,
            LossPattern::InOrder(_) => lens.partition_point(|(by, _)| *by < self.moment),
            LossPattern::Random(_) => self.random.up_to(lens.len()),
            _ => lens.len(),
        };
        lens.iter().take(count).next_back().map_or(durable, |(_, len)| *len)
    }

    /// Returns how many of the writes to a page, oldest first, the device holds.
    pub(super) fn writes(
        &mut self,
        page_index: usize,
        operations: impl ExactSizeIterator<Item = u64>,
    ) -> usize {
        let all = operations.len();
        let is_kept = match self.pattern {
            LossPattern::Nothing | LossPattern::MetadataOnly => false,
            LossPattern::Everything | LossPattern::DataOnly => true,
            LossPattern::EvenPages => page_index.is_multiple_of(2),
            LossPattern::OddPages => !page_index.is_multiple_of(2),
            LossPattern::EarlierStates(_) => return self.random.up_to(all),
            LossPattern::InOrder(_) => {
                return operations.take_while(|operation| *operation < self.moment).count();
            }
            // A page wholly written, or not at all, is as likely as all states between.
            LossPattern::Random(_) => match self.random.below(3) {
                0 => false,
                1 => true,
                _ => return self.random.up_to(all),
            },
        };
        if is_kept { all } else { 0 }
    }
}

/// Pseudo-random numbers: `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `bound`, which must not be 0. Its bias is far below what a test of
    /// a few thousand cases could show.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ bits >> 31) % bound.max(1)
    }

    /// Returns a count from 0 to `most`, both included.
    pub(super) fn up_to(&mut self, most: usize) -> usize {
        usize::try_from(self.below((most as u64).saturating_add(1))).unwrap_or(most)
    }
}

#[cfg(test)]
mod tests {
    use super::{LossPattern, Random, Survival, loss_patterns};

    #[test]
    fn random_numbers_are_those_of_splitmix64() {
        // The first outputs for seed 1234567, as published with the reference implementation.
        let mut random = Random::new(1_234_567);
        let outputs = [(); 3].map(|()| random.below(u64::MAX));
        assert_eq!(
            outputs,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn every_count_comes_up() {
        let mut random = Random::new(3);
        let mut counts = [0; 4];
        for _ in 0..1000 {
            counts[random.up_to(3)] += 1;
        }
        assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
    }

    #[test]
    fn in_order_cuts_names_lengths_and_pages_at_one_moment() {
        for seed in 0..50 {
            let mut survival = Survival::new(LossPattern::InOrder(seed), 7, 0..10);
            let kept = survival.writes(0, (0..10_u64).collect::<Vec<_>>().into_iter()) as u64;
            let lens: Vec<(u64, u64)> = (0..10).map(|by| (by, by + 1)).collect();
            assert_eq!(survival.len(0, &lens), kept);
            for operation in 0..10 {
                assert_eq!(survival.name(operation), operation < kept);
            }
        }
    }

    #[test]
    fn the_list_has_no_pattern_twice() {
        let patterns: Vec<LossPattern> = loss_patterns().collect();
        let distinct: std::collections::HashSet<_> = patterns.iter().collect();
        assert_eq!(distinct.len(), patterns.len());
    }
}
