//! Binary logarithms in integers, so that every machine chooses the same bins.

/// One bit, as costs are counted.
pub(super) const BIT: u64 = 1 << FRACTION_BITS;
const FRACTION_BITS: u32 = 16;
const CELLS: usize = 256;
const CELL_BITS: u32 = 8;
/// `log2(1 + i / 256)` for each i.
const TABLE: [u32; CELLS + 1] = table();

/// Returns the binary logarithm of a number, at least 1, in units of [`BIT`]; off by less than
/// 2^-14.
#[inline]
pub(super) fn log2(number: u32) -> u64 {
    const REST_BITS: u32 = u32::BITS - 1 - CELL_BITS;
    let whole = number.max(1).ilog2();
    let mantissa = number << (u32::BITS - 1 - whole);
    let cell = (mantissa >> REST_BITS) as usize & (CELLS - 1);
    let rest = u64::from(mantissa & ((1 << REST_BITS) - 1));
    let at = |cell: usize| u64::from(TABLE.get(cell).copied().unwrap_or(0));
    let (low, high) = (at(cell), at(cell + 1));
    u64::from(whole) * BIT + low + (((high - low) * rest) >> REST_BITS)
}

/// Squares each number over and over: each time it passes 2 is a bit of its logarithm.
#[expect(clippy::indexing_slicing, reason = "constant evaluation fails on a bad index")]
const fn table() -> [u32; CELLS + 1] {
    const ONE_BITS: u32 = 31;
    let mut table = [0; CELLS + 1];
    let mut cell = 0;
    while cell < CELLS {
        let mut square = ((CELLS + cell) as u64) << (ONE_BITS - CELL_BITS);
        let mut bit = FRACTION_BITS;
        while bit > 0 {
            bit -= 1;
            square = (square * square) >> ONE_BITS;
            if square >> (ONE_BITS + 1) != 0 {
                square >>= 1;
                table[cell] |= 1 << bit;
            }
        }
        cell += 1;
    }
    table[CELLS] = 1 << FRACTION_BITS;
    table
}

#[cfg(test)]
mod tests {
    use crate::codec::dense::log2::{BIT, log2};

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "below 2^22")]
    fn logarithms_are_near_the_real_ones_and_grow() {
        let mut before = 0;
        for number in (1..=70_000).chain([1 << 20, u32::MAX]) {
            let (got, real) = (log2(number) as f64 / BIT as f64, f64::from(number).log2());
            assert!((got - real).abs() < 1.0 / f64::from(1 << 14), "{number}: {got}, not {real}");
            assert!(log2(number) >= before);
            before = log2(number);
        }
        assert_eq!(log2(1 << 10), 10 * BIT);
    }
}
