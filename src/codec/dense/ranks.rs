//! Exact order statistics of many blocks, of which only a few slices are decoded.
//!
//! Every value lies between the bounds of its bin. So the value of a rank lies between the lower
//! bound of that rank and the upper bound of that rank, whichever way the bins of several blocks
//! overlap. Bins below that interval are counted, those above are left alone, and the rest are
//! decoded.

use std::ops::RangeInclusive;

use crate::codec::dense::slices::{ValueBin, ValueSlices};

/// Bounds are first counted in so many cells, so that few of them are sorted.
const CELLS: usize = 4096;

/// Returns the values that have these ranks, counted from 0, among all values of the blocks and
/// those in `loose`, ordered by `f64::total_cmp`; nothing where a rank is as great as their number.
///
/// O(bins + `loose`) for each rank, and of the values those that lie near it.
///
/// ```
/// use silverback::codec::{Tier, ValueSlices, encode_values, values_of_ranks};
///
/// let values: Vec<f64> = (0..8_192).map(|i| f64::from(i * i % 997)).collect();
/// let mut bytes = Vec::new();
/// let codec = encode_values(&values, Tier::Dense, &mut bytes);
/// let slices = ValueSlices::of(codec, &bytes, values.len())?.expect("no order is predicted");
///
/// let mut sorted = values;
/// sorted.sort_by(f64::total_cmp);
/// let found = values_of_ranks(&[&slices], &[], &[4_096, 8_110]);
/// assert_eq!(found, Some(vec![sorted[4_096], sorted[8_110]]));
/// # Ok::<(), silverback::codec::CodecError>(())
/// ```
#[must_use]
pub fn values_of_ranks(
    blocks: &[&ValueSlices<'_>],
    loose: &[f64],
    ranks: &[u64],
) -> Option<Vec<f64>> {
    let bounds = Bounds::of(blocks, loose);
    ranks.iter().map(|rank| value_of_rank(blocks, loose, &bounds, *rank)).collect()
}

fn value_of_rank(
    blocks: &[&ValueSlices<'_>],
    loose: &[f64],
    bounds: &Bounds,
    rank: u64,
) -> Option<f64> {
    let near = bounds.of_rank(blocks, loose, rank)?;
    let mut below = 0;
    let mut values = Vec::new();
    for block in blocks {
        for (index, bin) in block.bins().iter().enumerate() {
            if key_of(bin.greatest) < *near.start() {
                below += u64::from(bin.count);
            } else if key_of(bin.least) <= *near.end() {
                block.append_values(index, &mut values);
            }
        }
    }
    for value in loose {
        if key_of(*value) < *near.start() {
            below += 1;
        } else if key_of(*value) <= *near.end() {
            values.push(*value);
        }
    }
    let index = usize::try_from(rank.checked_sub(below)?).ok()?;
    if index >= values.len() {
        return None;
    }
    Some(*values.select_nth_unstable_by(index, f64::total_cmp).1)
}

/// Returns an integer that grows with a value as `total_cmp` orders it.
#[inline]
fn key_of(value: f64) -> u64 {
    let bits = value.to_bits();
    bits ^ ((bits.cast_signed() >> 63).cast_unsigned() | 1 << 63)
}

/// How many values have their lower, and their upper, bound in which cell.
struct Bounds {
    least: u64,
    /// A cell holds 2^shift keys.
    shift: u32,
    lower: Vec<u64>,
    upper: Vec<u64>,
}

impl Bounds {
    fn of(blocks: &[&ValueSlices<'_>], loose: &[f64]) -> Self {
        let (mut least, mut greatest) = (u64::MAX, 0);
        for_each_bin(blocks, loose, |bin| {
            least = least.min(key_of(bin.least));
            greatest = greatest.max(key_of(bin.greatest));
        });
        let key_bits = u64::BITS - greatest.saturating_sub(least).leading_zeros();
        let shift = key_bits.saturating_sub(CELLS.ilog2());
        let mut bounds = Self { least, shift, lower: vec![0; CELLS], upper: vec![0; CELLS] };
        for_each_bin(blocks, loose, |bin| {
            let cells = [bounds.cell_of(key_of(bin.least)), bounds.cell_of(key_of(bin.greatest))];
            for (counts, cell) in [&mut bounds.lower, &mut bounds.upper].into_iter().zip(cells) {
                if let Some(count) = counts.get_mut(cell) {
                    *count += u64::from(bin.count);
                }
            }
        });
        bounds
    }

    fn cell_of(&self, key: u64) -> usize {
        usize::try_from(key.saturating_sub(self.least) >> self.shift).unwrap_or(usize::MAX)
    }

    /// Returns the lower bound of a rank, and its upper one.
    fn of_rank(
        &self,
        blocks: &[&ValueSlices<'_>],
        loose: &[f64],
        rank: u64,
    ) -> Option<RangeInclusive<u64>> {
        let (lower_cell, lower_rest) = cell_of_rank(&self.lower, rank)?;
        let (upper_cell, upper_rest) = cell_of_rank(&self.upper, rank)?;
        let (mut lower, mut upper) = (Vec::new(), Vec::new());
        for_each_bin(blocks, loose, |bin| {
            let (least, greatest) = (key_of(bin.least), key_of(bin.greatest));
            if self.cell_of(least) == lower_cell {
                lower.push((least, bin.count));
            }
            if self.cell_of(greatest) == upper_cell {
                upper.push((greatest, bin.count));
            }
        });
        Some(weighted(&mut lower, lower_rest)?..=weighted(&mut upper, upper_rest)?)
    }
}

/// Calls `each` with every bin, and with a bin for each loose value.
fn for_each_bin(blocks: &[&ValueSlices<'_>], loose: &[f64], mut each: impl FnMut(ValueBin)) {
    for block in blocks {
        block.bins().iter().for_each(|bin| each(*bin));
    }
    for value in loose {
        each(ValueBin { least: *value, greatest: *value, count: 1 });
    }
}

/// Returns the cell that holds a rank, and the rank inside of it.
fn cell_of_rank(counts: &[u64], rank: u64) -> Option<(usize, u64)> {
    let mut rest = rank;
    for (cell, count) in counts.iter().enumerate() {
        match rest.checked_sub(*count) {
            Some(behind) => rest = behind,
            None => return Some((cell, rest)),
        }
    }
    None
}

/// Returns the key of a rank where each key counts as often as is said.
fn weighted(keys: &mut [(u64, u32)], rank: u64) -> Option<u64> {
    keys.sort_unstable();
    let mut rest = rank;
    for (key, count) in keys {
        match rest.checked_sub(u64::from(*count)) {
            Some(behind) => rest = behind,
            None => return Some(*key),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use crate::codec::{ValueCodec, ValueSlices, values_of_ranks};

    /// Columns that are not predicted, or hold what is no decimal.
    fn column() -> impl Strategy<Value = Vec<f64>> {
        let latencies = prop::collection::vec((1..100_000_i32, 0..12_u32), 1..3000);
        let decimal =
            latencies.prop_map(|all| all.iter().map(|(x, s)| f64::from(x >> s) / 100.0).collect());
        let double = (any::<f64>(), 1.0..2.0_f64)
            .prop_map(|(any, near)| if near < 1.9 { near } else { any });
        let special = prop::sample::select(
            [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, -1.5, 5e-324, f64::MAX].as_slice(),
        );
        let mixed = (0..200_i32, special)
            .prop_map(|(x, special)| if x > 185 { special } else { f64::from(x) * 0.25 });
        // Most are the same, and stand in no slice.
        let mostly_one = prop::collection::vec(0..40_u16, 30..2000).prop_map(|all| {
            all.iter().map(|x| if *x < 30 { 99.5 } else { f64::from(*x) * 3.25 }).collect()
        });
        prop_oneof![
            decimal,
            mostly_one,
            prop::collection::vec(double, 1..2000),
            prop::collection::vec(mixed, 1..2000),
            any::<f64>().prop_map(|value| vec![value; 9]),
        ]
    }

    fn check(columns: &[Vec<f64>], loose: &[f64]) {
        let mut all = loose.to_vec();
        let mut blocks = Vec::new();
        for column in columns {
            let mut bytes = Vec::new();
            assert!(ValueCodec::Dense.encode(column, &mut bytes));
            blocks.push((bytes, column));
        }
        let mut in_slices = Vec::new();
        let mut loose = loose.to_vec();
        for (bytes, column) in &blocks {
            all.extend_from_slice(column);
            match ValueSlices::of(ValueCodec::Dense, bytes.as_slice(), column.len()).unwrap() {
                Some(slices) => {
                    check_bins(&slices, column);
                    in_slices.push(slices);
                }
                None => loose.extend_from_slice(column),
            }
        }
        all.sort_by(f64::total_cmp);
        let ranks: Vec<u64> =
            (0..=20).map(|part| (all.len() as u64 - 1) * part / 20).chain([0]).collect();
        let in_slices: Vec<&ValueSlices<'_>> = in_slices.iter().collect();
        let found = values_of_ranks(&in_slices, &loose, &ranks).unwrap();
        for (rank, value) in ranks.iter().zip(found) {
            let expected = all[usize::try_from(*rank).unwrap()];
            assert_eq!(value.to_bits(), expected.to_bits(), "rank {rank} of {}", all.len());
        }
        assert_eq!(values_of_ranks(&in_slices, &loose, &[all.len() as u64]), None);
    }

    fn check_bins(slices: &ValueSlices<'_>, column: &[f64]) {
        let mut found = Vec::new();
        for (index, bin) in slices.bins().iter().enumerate() {
            let mut values = Vec::new();
            slices.append_values(index, &mut values);
            assert_eq!(values.len(), bin.count as usize);
            for value in &values {
                assert!(bin.least.total_cmp(value).is_le(), "{bin:?} holds {value}");
                assert!(bin.greatest.total_cmp(value).is_ge(), "{bin:?} holds {value}");
            }
            found.append(&mut values);
        }
        for threshold in column.iter().step_by(column.len() / 7 + 1).chain(&[0.0, f64::INFINITY]) {
            let above = column.iter().filter(|value| value.total_cmp(threshold).is_gt()).count();
            assert_eq!(slices.count_above(*threshold), above as u64, "above {threshold}");
        }
        let mut sorted = column.to_vec();
        sorted.sort_by(f64::total_cmp);
        found.sort_by(f64::total_cmp);
        assert!(found.iter().zip(&sorted).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!(found.len(), sorted.len());
    }

    proptest! {
        #[test]
        fn ranks_equal_a_full_sort(
            columns in prop::collection::vec(column(), 1..5),
            loose in prop_oneof![Just(Vec::new()), column()],
        ) {
            check(&columns, &loose);
        }

        #[test]
        fn slices_of_damaged_blocks_are_refused_or_harmless(
            column in column(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = Vec::new();
            assert!(ValueCodec::Dense.encode(&column, &mut bytes));
            for (place, byte) in changes {
                let place = place.index(bytes.len().min(60));
                bytes[place] = byte;
                let slices = ValueSlices::of(ValueCodec::Dense, bytes.as_slice(), column.len());
                let Ok(Some(slices)) = slices else { continue };
                let count: u64 = slices.bins().iter().map(|bin| u64::from(bin.count)).sum();
                assert_eq!(count, column.len() as u64);
                assert!(slices.count_above(1.0) <= count);
                let ranks = [0, count / 2, count];
                assert_eq!(values_of_ranks(&[&slices], &[], &ranks), None, "rank {count}");
            }
        }
    }

    #[test]
    fn thin_slices_answer_for_large_blocks() {
        let mut state = 7_u64;
        let mut columns = Vec::new();
        for scale in [1.0, 10.0, 0.01] {
            let column = (0..8192).map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let product =
                    f64::from((state >> 40) as u32 % 1000 * ((state >> 50) as u32 % 1000));
                (product * scale).round() / 100.0
            });
            columns.push(column.collect());
        }
        check(&columns, &[]);
        assert_eq!(values_of_ranks(&[], &[], &[0]), None);
        assert_eq!(values_of_ranks(&[], &[2.0, -0.0, 0.0], &[0, 1, 2]), Some(vec![-0.0, 0.0, 2.0]));
    }
}
