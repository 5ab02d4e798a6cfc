//! A dense block of values asked for some of them: its bins without decoding, and the values of
//! single bins.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::iter;

use crate::codec::ValueCodec;
use crate::codec::dense::column::take_sliced;
use crate::codec::dense::offsets::take_slice;
use crate::codec::dense::tree::Bin;
use crate::codec::dense::values::Lane;
use crate::codec::error::CodecError;
use crate::codec::exceptions::take_exceptions;
use crate::codec::scaled::Scale;

/// Values that lie near each other, of which only the bounds and the count are known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueBin {
    /// No value of the bin is less, by `f64::total_cmp`.
    pub least: f64,
    /// No value of the bin is greater, by `f64::total_cmp`.
    pub greatest: f64,
    /// How many values lie in the bin; at least one.
    pub count: u32,
}

/// The bins of a dense block, each of which can be decoded alone.
///
/// ```
/// use silverback::codec::{Tier, ValueCodec, ValueSlices, encode_values};
///
/// let values: Vec<f64> = (0..8_192).map(|i| f64::from(i * i % 997)).collect();
/// let mut bytes = Vec::new();
/// let codec = encode_values(&values, Tier::Dense, &mut bytes);
/// assert_eq!(codec, ValueCodec::Dense);
///
/// let slices = ValueSlices::of(codec, &bytes, values.len())?.expect("no order is predicted");
/// let above = values.iter().filter(|value| **value > 900.0).count();
/// assert_eq!(slices.count_above(900.0), above as u64);
/// # Ok::<(), silverback::codec::CodecError>(())
/// ```
#[derive(Debug)]
pub struct ValueSlices<'a> {
    lane: Lane,
    scale: Scale,
    /// At first those of the column, then those of one value: what most values are, exceptions.
    bins: Vec<ValueBin>,
    /// Those of the column, with the bits at which their slices begin.
    places: Vec<(Bin, usize)>,
    bytes: Cow<'a, [u8]>,
    /// Where the slices begin.
    slices_at: usize,
}

impl<'a> ValueSlices<'a> {
    /// Reads the bins of a block of `count` values; nothing where the codec has none, or the values
    /// are predicted from each other. O(bins).
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are no encoding of so many values. The part of a block that
    /// says in which order the values came is not read.
    pub fn of(
        codec: ValueCodec,
        bytes: impl Into<Cow<'a, [u8]>>,
        count: usize,
    ) -> Result<Option<Self>, CodecError> {
        let bytes = bytes.into();
        if codec != ValueCodec::Dense {
            return Ok(None);
        }
        let mut at = 0;
        let lane = Lane::take(&bytes, &mut at)?;
        let exceptions = take_exceptions(&bytes, &mut at, count)?;
        if matches!(lane, Lane::Near(_)) {
            return Ok(None);
        }
        let column = take_sliced(&bytes, at, count - exceptions.len())?;
        let Some(column) = column else { return Ok(None) };
        let mut first_bit = 0;
        let mut bins = Vec::with_capacity(column.bins.len() + exceptions.len());
        let mut places = Vec::with_capacity(column.bins.len());
        for bin in column.bins {
            let low = i128::from(bin.low);
            let value = |q| lane.value_of(column.scale.multiply_saturating(q));
            let greatest = value(low + ((1 << bin.width) - 1));
            bins.push(ValueBin { least: value(low), greatest, count: bin.count });
            places.push((bin, first_bit));
            first_bit += bin.count as usize * bin.width as usize;
        }
        if let Some((quotient, times)) = column.constant {
            let value = lane.value_of(column.scale.multiply_saturating(i128::from(quotient)));
            bins.push(ValueBin { least: value, greatest: value, count: times });
        }
        bins.extend(exceptions.iter().map(|exception| {
            let value = f64::from_bits(exception.bits);
            ValueBin { least: value, greatest: value, count: 1 }
        }));
        let (scale, slices_at) = (column.scale, column.slices_at);
        Ok(Some(Self { lane, scale, bins, places, bytes, slices_at }))
    }

    /// Returns the bins. Their counts add up to the count of the block's values; they are in no
    /// particular order.
    #[must_use]
    pub fn bins(&self) -> &[ValueBin] {
        &self.bins
    }

    /// Returns about how many bytes of memory bins and slices take.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.bins) + size_of_val(&*self.places)
    }

    /// Appends the values of the bin of this index, in order of time; none where there is no such
    /// bin. O(values of the bin).
    pub fn append_values(&self, index: usize, out: &mut Vec<f64>) {
        if let Some((bin, first_bit)) = self.places.get(index) {
            let mut integers = vec![0; bin.count as usize];
            let slices = self.bytes.get(self.slices_at..).unwrap_or(&[]);
            take_slice(slices, *first_bit, bin, &mut integers);
            self.scale.multiply(&mut integers);
            self.lane.put_values(&integers, out);
        } else if let Some(bin) = self.bins.get(index) {
            out.extend(iter::repeat_n(bin.least, bin.count as usize));
        }
    }

    /// Returns how many values are greater than a threshold, by `f64::total_cmp`. Decodes the bins
    /// that hold values on both sides: one of the column at most.
    #[must_use]
    pub fn count_above(&self, threshold: f64) -> u64 {
        let is_above = |value: f64| value.total_cmp(&threshold) == Ordering::Greater;
        let decide = |bin: &ValueBin| {
            let ends = (is_above(bin.least), is_above(bin.greatest));
            (ends.0 == ends.1).then_some(ends.0)
        };
        let count = |values: &[f64]| values.iter().filter(|value| is_above(**value)).count();
        self.count_passing(decide, |values| count(values) as u64)
    }

    /// Returns how many values pass a test: `decide` says it of all values of a bin where it can,
    /// and `count` of those of the other bins, which are decoded.
    pub(crate) fn count_passing(
        &self,
        decide: impl Fn(&ValueBin) -> Option<bool>,
        count: impl Fn(&[f64]) -> u64,
    ) -> u64 {
        let (mut passing, mut values) = (0, Vec::new());
        for (index, bin) in self.bins.iter().enumerate() {
            match decide(bin) {
                Some(true) => passing += u64::from(bin.count),
                Some(false) => {}
                None => {
                    values.clear();
                    self.append_values(index, &mut values);
                    passing += count(&values);
                }
            }
        }
        passing
    }
}
