//! One column's values as bytes and back, and the choice among the ways to do so.
//!
//! A block is the encoding of one column of one chunk. It carries neither its codec nor its count:
//! the chunk index that points to it does, under its own checksum. Encoders are deterministic and
//! cannot fail; decoders are total functions over untrusted bytes. `docs/FORMAT.md` gives each
//! layout field by field.
//!
//! ```
//! use silverback::codec::{Tier, ValueCodec, decode_values, encode_values};
//!
//! let mut bytes = Vec::new();
//! let codec = encode_values(&[21.5, 21.5, 21.75], Tier::Fast, &mut bytes);
//! assert_eq!(codec, ValueCodec::Decimal);
//!
//! let mut values = Vec::new();
//! decode_values(codec, &bytes, 3, &mut values)?;
//! assert_eq!(values, [21.5, 21.5, 21.75]);
//! # Ok::<(), silverback::codec::CodecError>(())
//! ```

mod bits;
mod decimal;
mod dense;
mod error;
mod exceptions;
mod gorilla_timestamps;
mod gorilla_values;
mod integers;
mod near;
mod ordered;
mod packing;
mod prefix;
mod quotients;
mod raw;
mod scale;
mod scaled;
mod simd;
mod timestamps;
mod unpacking;
mod values;
pub mod varint;

pub use crate::codec::dense::{DENSE_COUNT_MAX, ValueBin, ValueSlices, values_of_ranks};
pub use crate::codec::error::CodecError;
pub use crate::codec::timestamps::{TimeCodec, decode_timestamps, encode_timestamps};
pub use crate::codec::values::{ValueCodec, decode_values, encode_values};

/// The most entries that a block of a few bytes may stand for.
///
/// The size of most layouts bounds their count; constants and integers without bits would let a few
/// bytes ask for any amount of memory. Encoders choose another codec for longer columns.
pub const CONSTANT_COUNT_MAX: usize = 1 << 24;

/// How much work the choice among the codecs is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// What is written soon after it arrived, and will be merged.
    Fast,
    /// What is kept: dense codecs too, which take a few times as long to encode and to decode.
    Dense,
}
