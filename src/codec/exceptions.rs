//! The few values of a column that its integers do not stand for: where they are, and their bits.
//!
//! ```text
//! size  field       legal range
//! 1..   exceptions  varint, at most as many as values
//! each  gap         varint: how many values lie between the exception and the one before
//!       bits        8 bytes, of the value
//! ```

use crate::codec::error::CodecError;
use crate::codec::varint;

/// A value that is stored whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ValueException {
    pub(super) position: usize,
    pub(super) bits: u64,
}

/// Returns how many bytes [`put_exceptions`] appends.
pub(super) fn exceptions_bytes(exceptions: &[ValueException]) -> u64 {
    let each = gaps_of(exceptions).map(|(gap, _)| varint::len_bytes(gap) as u64 + 8);
    varint::len_bytes(exceptions.len() as u64) as u64 + each.sum::<u64>()
}

/// Appends exceptions, in ascending order of position.
pub(super) fn put_exceptions(exceptions: &[ValueException], out: &mut Vec<u8>) {
    varint::put_u64(out, exceptions.len() as u64);
    for (gap, bits) in gaps_of(exceptions) {
        varint::put_u64(out, gap);
        out.extend_from_slice(&bits.to_le_bytes());
    }
}

/// Returns for each exception how many values lie between it and the one before, and its bits.
fn gaps_of(exceptions: &[ValueException]) -> impl Iterator<Item = (u64, u64)> {
    let mut next = 0;
    exceptions.iter().map(move |exception| {
        let gap = (exception.position - next) as u64;
        next = exception.position + 1;
        (gap, exception.bits)
    })
}

/// Reads the exceptions of `count` values at `*at`, which moves behind them; in ascending order of
/// position. Allocates no more than the bytes take.
///
/// # Errors
/// [`CodecError`] where the bytes are no such exceptions.
pub(super) fn take_exceptions(
    bytes: &[u8],
    at: &mut usize,
    count: usize,
) -> Result<Vec<ValueException>, CodecError> {
    let announced = varint::read_u64(bytes, at)?;
    if announced > count as u64 {
        return Err(CodecError::OutOfRange { field: "exceptions" });
    }
    let mut exceptions = Vec::new();
    let mut next = 0_usize;
    for _ in 0..announced {
        let gap = varint::read_u64(bytes, at)?;
        let bits = bytes.get(*at..).and_then(|rest| rest.first_chunk::<8>());
        let bits = u64::from_le_bytes(*bits.ok_or(CodecError::Truncated)?);
        *at += 8;
        let position = usize::try_from(gap).ok().and_then(|gap| next.checked_add(gap));
        let position = position.filter(|position| *position < count);
        let position = position.ok_or(CodecError::OutOfRange { field: "gap" })?;
        exceptions.push(ValueException { position, bits });
        next = position + 1;
    }
    Ok(exceptions)
}
