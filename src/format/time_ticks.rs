//! Ticks of a timestamp block: how many of its timestamps lie before each full minute, say.
//!
//! ```text
//! size field   legal range
//! 1    unit    0..=4: 1 s, 10 s, 1 min, 5 min, 1 h
//! 1..  counts  a varint for each tick: how many timestamps lie before it, and not before the tick
//!              before. A tick is a multiple of the unit since the epoch that lies behind the first
//!              timestamp and not behind the last; there are at least 32 timestamps a tick
//! ```
//!
//! A block without ticks has no bytes. Questions in windows of full minutes then need no timestamp
//! to know which samples lie in which window.

use crate::codec::varint;
use crate::format::cursor::Cursor;
use crate::format::error::FormatError;

/// What ticks are multiples of, by their tags: nanoseconds, each a multiple of the one before.
const UNITS: [i64; 5] =
    [1_000_000_000, 10_000_000_000, 60_000_000_000, 300_000_000_000, 3_600_000_000_000];
/// A tick takes about a byte; with so many timestamps a tick that is a hundredth of what they and
/// their values take. (`bench write`: ticks of 10,000,000 events take 0.015 of 3.4 bytes each.)
const TIMESTAMPS_PER_TICK_MIN: i64 = 32;

/// How many timestamps of a block lie before each tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeTicks {
    unit: i64,
    /// The multiple before the first tick.
    base: i64,
    /// How many timestamps lie before each tick.
    before: Vec<u32>,
    first: i64,
    last: i64,
    count: u32,
}

/// What a block is known to be without its bytes: its timestamps' count, the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOutline {
    /// How many there are.
    pub count: u32,
    /// The first one.
    pub first: i64,
    /// The last one.
    pub last: i64,
}

impl TimeOutline {
    /// Returns how many ticks of a unit there would be.
    fn ticks(self, unit: i64) -> i64 {
        self.last.div_euclid(unit) - self.first.div_euclid(unit)
    }

    fn allows(self, ticks: i64) -> bool {
        ticks > 0 && ticks <= i64::from(self.count) / TIMESTAMPS_PER_TICK_MIN
    }
}

/// Appends the ticks of a block in the finest unit that leaves enough timestamps a tick; nothing
/// where there is none. The timestamps never fall.
pub fn encode_time_ticks(timestamps: &[i64], out: &mut Vec<u8>) {
    let (Some(&first), Some(&last)) = (timestamps.first(), timestamps.last()) else { return };
    let Ok(count) = u32::try_from(timestamps.len()) else { return };
    let outline = TimeOutline { count, first, last };
    let Some((tag, unit)) =
        (0_u8..).zip(UNITS).find(|(_, unit)| outline.allows(outline.ticks(*unit)))
    else {
        return;
    };
    out.push(tag);
    let mut rest = timestamps;
    for tick in first.div_euclid(unit) + 1..=last.div_euclid(unit) {
        let before = rest.partition_point(|time| *time < tick * unit);
        varint::put_u64(out, before as u64);
        rest = rest.get(before..).unwrap_or(&[]);
    }
}

impl TimeTicks {
    /// Decodes the ticks of a block; nothing where it has none. Allocates an eighth of a byte for
    /// each timestamp that there is said to be.
    ///
    /// # Errors
    /// [`FormatError`] where the bytes are no ticks of such a block.
    pub fn decode(bytes: &[u8], outline: TimeOutline) -> Result<Option<Self>, FormatError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut cursor = Cursor::new(bytes);
        let tag = cursor.u8()?;
        let unit = UNITS.get(usize::from(tag)).copied();
        let unit = unit.ok_or(FormatError::Tag { what: "unit of ticks", tag })?;
        let ticks = outline.ticks(unit);
        if !outline.allows(ticks) {
            let got = ticks.cast_unsigned();
            return Err(FormatError::OutOfRange { field: "count of ticks", got });
        }
        let TimeOutline { count, first, last } = outline;
        let mut before = Vec::with_capacity(usize::try_from(ticks).unwrap_or(0));
        let mut sum = 0_u32;
        for _ in 0..ticks {
            let got = cursor.varint()?;
            let next = u32::try_from(got).ok().and_then(|more| sum.checked_add(more));
            // The first timestamp lies before each tick, the last one before none.
            let next = next.filter(|next| (1..count).contains(next));
            sum = next.ok_or(FormatError::OutOfRange { field: "tick", got })?;
            before.push(sum);
        }
        cursor.finish()?;
        Ok(Some(Self { unit, base: first.div_euclid(unit), before, first, last, count }))
    }

    /// Returns how many timestamps lie before a time, where the ticks say so.
    #[must_use]
    pub fn before(&self, time: i64) -> Option<u32> {
        if time <= self.first {
            return Some(0);
        }
        if time > self.last {
            return Some(self.count);
        }
        let multiple = time.div_euclid(self.unit);
        if multiple * self.unit != time {
            return None;
        }
        let index = usize::try_from(multiple - self.base - 1).ok()?;
        self.before.get(index).copied()
    }

    /// Returns true if the timestamps have these ticks.
    #[must_use]
    pub fn are_of(&self, timestamps: &[i64]) -> bool {
        let mut ticks = (self.base + 1..).zip(&self.before);
        ticks.all(|(multiple, before)| {
            let time = multiple * self.unit;
            timestamps.partition_point(|known| *known < time) == *before as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    use crate::format::FormatError;
    use crate::format::time_ticks::{TimeOutline, TimeTicks, UNITS, encode_time_ticks};

    fn outline(timestamps: &[i64]) -> TimeOutline {
        TimeOutline {
            count: u32::try_from(timestamps.len()).unwrap(),
            first: *timestamps.first().unwrap(),
            last: *timestamps.last().unwrap(),
        }
    }

    proptest! {
        #[test]
        fn ticks_count_what_lies_before_them(
            start in any::<i32>(),
            steps in prop::collection::vec(0..1000_i64, 1..900),
            scale in prop::sample::select([1_i64, 100_000, 50_000_000, 999_999_999].as_slice()),
            asked in prop::collection::vec(-3..4000_i64, 0..40),
        ) {
            let start = i64::from(start) * 777_777_777;
            let timestamps: Vec<i64> = (steps.iter().scan(start, |time, step| {
                *time += step * scale / 10;
                Some(*time)
            }))
            .collect();
            let mut bytes = Vec::new();
            encode_time_ticks(&timestamps, &mut bytes);
            prop_assert!(bytes.len() <= 1 + 2 * timestamps.len() / 32);
            let ticks = TimeTicks::decode(&bytes, outline(&timestamps)).unwrap();
            prop_assert_eq!(ticks.is_some(), !bytes.is_empty());
            let Some(ticks) = ticks else { return Ok(()) };
            prop_assert!(ticks.are_of(&timestamps));
            for unit in UNITS {
                for multiple in &asked {
                    let time = (start.div_euclid(unit) + multiple) * unit;
                    let expected = timestamps.partition_point(|known| *known < time);
                    let got = ticks.before(time);
                    prop_assert!(got.is_none() || got == u32::try_from(expected).ok());
                    prop_assert!(got.is_some() || unit < ticks.unit);
                    let beside = ticks.before(time + 1);
                    let inside = ticks.first < time && time < ticks.last;
                    prop_assert!(beside.is_none() || !inside);
                }
            }
            for end in 0..bytes.len() {
                let cut = TimeTicks::decode(&bytes[..end], outline(&timestamps));
                prop_assert!(cut.is_err() || end == 0);
            }
        }

        #[test]
        fn hostile_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            tag in 0..6_u8,
            first in any::<i64>(),
            last in any::<i64>(),
            near in 0..4_000_000_000_000_i64,
            count in 0..9000_u32,
        ) {
            let headed: Vec<u8> = std::iter::once(tag).chain(bytes).collect();
            for last in [last, first.saturating_add(near)] {
                let outline = TimeOutline { count, first, last };
                if let Ok(Some(ticks)) = TimeTicks::decode(&headed, outline) {
                    prop_assert!(ticks.before.is_sorted());
                    for time in [first, last, i64::MIN, i64::MAX, 0] {
                        prop_assert!(ticks.before(time).is_none_or(|before| before <= count));
                    }
                }
            }
        }
    }

    #[test]
    fn the_finest_unit_that_is_worth_its_bytes_is_chosen() {
        let every = |nanos: i64| -> Vec<u8> {
            let timestamps: Vec<i64> = (0..8192).map(|number| number * nanos).collect();
            let mut bytes = Vec::new();
            encode_time_ticks(&timestamps, &mut bytes);
            bytes
        };
        let tags = [10, 31, 32, 312, 314, 1_800, 2_000, 9_000, 10_000, 110_000, 120_000]
            .map(|millis| every(millis * 1_000_000).first().copied());
        let [second, ten, minute, five, hour] = [0, 1, 2, 3, 4].map(Some);
        let expected = [second, second, ten, ten, minute, minute, five, five, hour, hour, None];
        assert_eq!(tags, expected);
        assert_eq!(
            every(1_000_000),
            [0, 0xe8, 7, 0xe8, 7, 0xe8, 7, 0xe8, 7, 0xe8, 7, 0xe8, 7, 0xe8, 7, 0xe8, 7]
        );
    }

    #[test]
    fn ticks_that_no_writer_writes_are_refused() {
        let outline = TimeOutline { count: 64, first: 1, last: 1_500_000_000 };
        let refused = |bytes: &[u8]| TimeTicks::decode(bytes, outline).unwrap_err();
        assert_eq!(refused(&[5, 1]), FormatError::Tag { what: "unit of ticks", tag: 5 });
        let out = |field, got| FormatError::OutOfRange { field, got };
        assert_eq!(refused(&[1, 1]), out("count of ticks", 0));
        assert_eq!(refused(&[0, 0]), out("tick", 0));
        assert_eq!(refused(&[0, 64]), out("tick", 64));
        assert_eq!(refused(&[0, 3, 3]), out("bytes left over", 1));
        let ticks = TimeTicks::decode(&[0, 63], outline).unwrap().unwrap();
        assert_eq!(ticks.before(1_000_000_000), Some(63));
    }
}
