//! Columns in which most entries are known beforehand: they hold what came before, or are all the
//! same. Only the others are given, with their places.
//!
//! ```text
//! size  field     legal range
//! 1..   constant  zigzag varint, where the rest are the same
//! 1..   given     varint, 1..= entries: how many are given
//!       entries   block of the given ones
//!       gaps      block: for each one how many known entries lie between it and the given one
//!                 before; where entries hold, the first one is given, and has no gap
//! ```

use crate::codec::dense::block::{put_block, take_block};
use crate::codec::error::CodecError;
use crate::codec::varint;

const CONSTANT: u8 = 4;
const HELD: u8 = 8;

/// Which entries are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// None: all are given.
    Nothing,
    /// Those that are not given are this.
    Constant(i64),
    /// Those that are not given are as the one before.
    Held,
}

impl Known {
    /// Returns the constant that half of the entries are or more, if there is one.
    pub(super) fn constant_of(entries: &[i64]) -> Option<Self> {
        // Whatever more than half of them are outvotes the rest (Boyer and Moore, 1981).
        let (mut candidate, mut votes) = (*entries.first()?, 0_usize);
        for entry in entries {
            if *entry == candidate {
                votes += 1;
            } else if votes == 0 {
                (candidate, votes) = (*entry, 1);
            } else {
                votes -= 1;
            }
        }
        let count = entries.iter().filter(|entry| **entry == candidate).count();
        (count >= entries.len().div_ceil(2)).then_some(Self::Constant(candidate))
    }

    /// Returns whether half of the entries or more are as the one before.
    pub(super) fn held_in(entries: &[i64]) -> Option<Self> {
        let pairs = entries.iter().zip(entries.iter().skip(1));
        let count = pairs.filter(|(before, entry)| before == entry).count();
        (count >= entries.len().div_ceil(2)).then_some(Self::Held)
    }

    /// Returns the bits that stand for it beside the order.
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Constant(_) => CONSTANT,
            Self::Held => HELD,
        }
    }

    /// Reads the constant of a tag at `*at`, which moves behind it.
    ///
    /// # Errors
    /// [`CodecError`] where there is none.
    pub(super) fn take(tag: u8, bytes: &[u8], at: &mut usize) -> Result<Self, CodecError> {
        match tag {
            0 => Ok(Self::Nothing),
            CONSTANT => Ok(Self::Constant(varint::unzigzag(varint::read_u64(bytes, at)?))),
            HELD => Ok(Self::Held),
            _ => Err(CodecError::OutOfRange { field: "order" }),
        }
    }

    /// Appends entries, at least one, behind the tag.
    pub(super) fn put(self, entries: &[i64], is_sliced: bool, out: &mut Vec<u8>) {
        if let Self::Constant(constant) = self {
            varint::put_u64(out, varint::zigzag(constant));
        }
        let (mut given, mut gaps) = (Vec::new(), Vec::new());
        let (mut known, mut gap) = (None, 0);
        for entry in entries {
            let is_known = match self {
                Self::Nothing => return put_block(entries, is_sliced, out),
                Self::Constant(constant) => *entry == constant,
                Self::Held => known == Some(*entry),
            };
            if is_known {
                gap += 1;
            } else {
                given.push(*entry);
                gaps.push(gap);
                (known, gap) = (Some(*entry), 0);
            }
        }
        let gaps = if self == Self::Held { gaps.get(1..) } else { gaps.get(..) };
        varint::put_u64(out, given.len() as u64);
        put_block(&given, is_sliced, out);
        put_block(gaps.unwrap_or_default(), false, out);
    }

    /// Reads how many of the entries are given.
    ///
    /// # Errors
    /// [`CodecError`] where it is none or more than all.
    pub(super) fn take_given(
        self,
        bytes: &[u8],
        at: &mut usize,
        entries: usize,
    ) -> Result<usize, CodecError> {
        if self == Self::Nothing {
            return Ok(entries);
        }
        let given = usize::try_from(varint::read_u64(bytes, at)?).ok();
        let given = given.filter(|given| (1..=entries).contains(given));
        given.ok_or(CodecError::OutOfRange { field: "given" })
    }

    /// Fills `entries`, at least one, from the bytes behind the tag at `*at`, which moves behind
    /// them. Allocates 16 bytes an entry.
    ///
    /// # Errors
    /// [`CodecError`] where the bytes are no such entries; `entries` hold anything then.
    pub(super) fn take_entries(
        self,
        bytes: &[u8],
        at: &mut usize,
        entries: &mut [i64],
    ) -> Result<(), CodecError> {
        if self == Self::Nothing {
            return take_block(bytes, at, entries);
        }
        let mut given = vec![0; self.take_given(bytes, at, entries.len())?];
        take_block(bytes, at, &mut given)?;
        let mut gaps = vec![0; given.len()];
        let first = usize::from(self == Self::Held);
        let stored = gaps.get_mut(first..).unwrap_or_default();
        if !stored.is_empty() {
            take_block(bytes, at, stored)?;
        }
        self.spread(&given, &gaps, entries)
    }

    /// Puts the given entries into their places, and what is known between them.
    fn spread(self, given: &[i64], gaps: &[i64], entries: &mut [i64]) -> Result<(), CodecError> {
        const ILLEGAL: CodecError = CodecError::OutOfRange { field: "gap" };
        let (mut rest, mut known) = (entries, 0);
        if let Self::Constant(constant) = self {
            known = constant;
        }
        for (entry, gap) in given.iter().zip(gaps) {
            let gap = usize::try_from(*gap).map_err(|_| ILLEGAL)?;
            let (between, behind) = rest.split_at_mut_checked(gap).ok_or(ILLEGAL)?;
            between.fill(known);
            let (place, behind) = behind.split_first_mut().ok_or(ILLEGAL)?;
            *place = *entry;
            if self == Self::Held {
                known = *entry;
            }
            rest = behind;
        }
        rest.fill(known);
        Ok(())
    }
}
