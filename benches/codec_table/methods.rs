//! The ways to encode a column that the table compares: the codecs of this crate, the tiers that
//! choose among them, and peers.

use std::fmt;

use alp::{Exponents, RDEncoder, Split};
use lz4_flex::block;
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress};
use silverback::codec::{
    Tier, TimeCodec, ValueCodec, decode_timestamps, decode_values, encode_timestamps, encode_values,
};
use zstd::bulk;

/// ALP packs vectors of so many values, each with a frame of reference of its own.
const ALP_VECTOR: usize = 1024;
/// What ALP keeps of a vector beside its fields: base, width, two exponents, count of exceptions.
const ALP_VECTOR_BYTES: usize = 8 + 1 + 2 + 2;
/// A value that is no integer: its bits and its place.
const ALP_EXCEPTION_BYTES: usize = 8 + 2;
/// A left part that is not in the dictionary: itself and its place.
const ALP_RD_EXCEPTION_BYTES: usize = 2 + 2;
const ZSTD_LEVEL: i32 = 3;

/// A way to encode a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Chosen(Tier),
    Values(ValueCodec),
    Timestamps(TimeCodec),
    Zstd,
    Lz4,
    Pco(usize),
    /// Its size with bit packing, its speed without.
    Alp,
}

impl Method {
    pub(crate) fn of_values() -> Vec<Self> {
        let own = ValueCodec::ALL.map(Self::Values);
        let peers = [Self::Zstd, Self::Lz4, Self::Alp];
        let all = own.into_iter().chain(peers);
        all.chain([4, 8, 12].map(Self::Pco)).chain(Self::tiers()).collect()
    }

    pub(crate) fn of_timestamps() -> Vec<Self> {
        let own = TimeCodec::ALL.map(Self::Timestamps);
        let all = own.into_iter().chain([Self::Zstd, Self::Lz4]);
        all.chain([4, 8, 12].map(Self::Pco)).chain(Self::tiers()).collect()
    }

    fn tiers() -> [Self; 2] {
        [Self::Chosen(Tier::Fast), Self::Chosen(Tier::Dense)]
    }

    /// Returns those that hold any column.
    pub(crate) fn compared(methods: &[Self]) -> Vec<Self> {
        let is_compared = |method: &&Self| match method {
            Self::Values(codec) => *codec == ValueCodec::Gorilla,
            Self::Timestamps(codec) => *codec == TimeCodec::Gorilla,
            _ => true,
        };
        methods.iter().filter(is_compared).copied().collect()
    }

    pub(crate) fn name(self) -> String {
        match self {
            Self::Chosen(Tier::Fast) => "**fast**".to_owned(),
            Self::Chosen(Tier::Dense) => "**dense**".to_owned(),
            Self::Values(codec) => format!("codec {}", codec.as_str()),
            Self::Timestamps(codec) => format!("codec {}", codec.as_str()),
            Self::Zstd => "zstd".to_owned(),
            Self::Lz4 => "lz4".to_owned(),
            Self::Pco(level) => format!("pco {level}"),
            Self::Alp => "alp".to_owned(),
        }
    }
}

/// An encoded chunk.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) len_bytes: usize,
    content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    Values(ValueCodec, Vec<u8>),
    Timestamps(TimeCodec, Vec<u8>),
    Alp(AlpVectors),
    AlpRd(Box<Rd>),
}

#[derive(Debug)]
pub(crate) struct AlpVectors {
    integers: Vec<i64>,
    exponents: Exponents,
    positions: Vec<u64>,
    exceptions: Vec<f64>,
}

pub(crate) struct Rd(Split<f64, u64>);

impl fmt::Debug for Rd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rd").field(&self.0.left_parts().len()).finish()
    }
}

impl Block {
    fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { len_bytes: bytes.len(), content: Content::Bytes(bytes) }
    }
}

/// What a column is made of.
pub(crate) trait Entry: Copy + Number {
    fn to_word(self) -> u64;
    fn from_word(word: u64) -> Self;
    /// Encodes in a codec of this crate, or a peer for this kind of entries alone.
    fn encode_own(method: Method, entries: &[Self]) -> Option<Block>;
    fn decode_own(content: &Content, count: usize) -> Vec<Self>;
}

impl Entry for f64 {
    fn to_word(self) -> u64 {
        self.to_bits()
    }

    fn from_word(word: u64) -> Self {
        Self::from_bits(word)
    }

    fn encode_own(method: Method, entries: &[Self]) -> Option<Block> {
        let mut bytes = Vec::new();
        let codec = match method {
            Method::Chosen(tier) => encode_values(entries, tier, &mut bytes),
            Method::Values(codec) => codec.encode(entries, &mut bytes).then_some(codec)?,
            _ => return Some(encode_alp(entries)),
        };
        Some(Block { len_bytes: bytes.len(), content: Content::Values(codec, bytes) })
    }

    fn decode_own(content: &Content, count: usize) -> Vec<Self> {
        let mut values = Vec::with_capacity(count);
        match content {
            Content::Values(codec, bytes) => {
                decode_values(*codec, bytes, count, &mut values).unwrap();
            }
            Content::Alp(vectors) => {
                values = alp::decode(&vectors.integers, vectors.exponents);
                for (position, value) in vectors.positions.iter().zip(&vectors.exceptions) {
                    values[usize::try_from(*position).unwrap()] = *value;
                }
            }
            Content::AlpRd(split) => values = split.0.decode(),
            Content::Bytes(_) | Content::Timestamps(..) => {}
        }
        values
    }
}

impl Entry for i64 {
    fn to_word(self) -> u64 {
        self.cast_unsigned()
    }

    fn from_word(word: u64) -> Self {
        word.cast_signed()
    }

    fn encode_own(method: Method, entries: &[Self]) -> Option<Block> {
        let mut bytes = Vec::new();
        let codec = match method {
            Method::Chosen(tier) => encode_timestamps(entries, tier, &mut bytes),
            Method::Timestamps(codec) if codec.encode(entries, &mut bytes) => codec,
            // Two timestamps have no change of their step.
            Method::Timestamps(TimeCodec::Gorilla) => {
                encode_timestamps(entries, Tier::Fast, &mut bytes)
            }
            _ => return None,
        };
        Some(Block { len_bytes: bytes.len(), content: Content::Timestamps(codec, bytes) })
    }

    fn decode_own(content: &Content, count: usize) -> Vec<Self> {
        let mut timestamps = Vec::with_capacity(count);
        if let Content::Timestamps(codec, bytes) = content {
            decode_timestamps(*codec, bytes, count, &mut timestamps).unwrap();
        }
        timestamps
    }
}

impl Method {
    /// Encodes a chunk; nothing where the codec does not hold it.
    pub(crate) fn encode<T: Entry>(self, entries: &[T]) -> Option<Block> {
        match self {
            Self::Zstd => {
                let bytes = bulk::compress(&to_bytes(entries), ZSTD_LEVEL).unwrap();
                Some(Block::of_bytes(bytes))
            }
            Self::Lz4 => Some(Block::of_bytes(block::compress(&to_bytes(entries)))),
            Self::Pco(level) => {
                let config = ChunkConfig::default().with_compression_level(level);
                Some(Block::of_bytes(simple_compress(entries, &config).unwrap()))
            }
            Self::Chosen(_) | Self::Values(_) | Self::Timestamps(_) | Self::Alp => {
                T::encode_own(self, entries)
            }
        }
    }

    pub(crate) fn decode<T: Entry>(self, encoded: &Block, count: usize) -> Vec<T> {
        let Content::Bytes(bytes) = &encoded.content else {
            return T::decode_own(&encoded.content, count);
        };
        match self {
            Self::Zstd => from_bytes(&bulk::decompress(bytes, count * 8).unwrap()),
            Self::Lz4 => from_bytes(&block::decompress(bytes, count * 8).unwrap()),
            _ => simple_decompress(bytes).unwrap(),
        }
    }
}

fn to_bytes<T: Entry>(entries: &[T]) -> Vec<u8> {
    entries.iter().flat_map(|entry| entry.to_word().to_le_bytes()).collect()
}

fn from_bytes<T: Entry>(bytes: &[u8]) -> Vec<T> {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|word| T::from_word(u64::from_le_bytes(*word))).collect()
}

/// Encodes decimals as ALP does, or splits true doubles, whichever takes less.
fn encode_alp(values: &[f64]) -> Block {
    let (exponents, integers, positions, exceptions, _) = alp::encode(values, None);
    let fields: usize = integers.chunks(ALP_VECTOR).map(alp_vector_bytes).sum();
    let len_bytes = fields + exceptions.len() * ALP_EXCEPTION_BYTES;
    // Three words of four bytes are the mark of true doubles: then the split is tried.
    if len_bytes < values.len() * 6 {
        let content = Content::Alp(AlpVectors { integers, exponents, positions, exceptions });
        return Block { len_bytes, content };
    }
    let split = RDEncoder::new(values).split(values);
    let bits = usize::from(split.left_parts_bit_width() + split.right_parts_bit_width());
    let rd_bytes = (bits * values.len()).div_ceil(8)
        + split.left_dict().len() * 2
        + split.left_exceptions().len() * ALP_RD_EXCEPTION_BYTES
        + values.len().div_ceil(ALP_VECTOR) * ALP_VECTOR_BYTES;
    if rd_bytes < len_bytes {
        return Block { len_bytes: rd_bytes, content: Content::AlpRd(Box::new(Rd(split))) };
    }
    let content = Content::Alp(AlpVectors { integers, exponents, positions, exceptions });
    Block { len_bytes, content }
}

/// Returns what a frame of reference takes.
fn alp_vector_bytes(integers: &[i64]) -> usize {
    let least = integers.iter().min().copied().unwrap_or(0);
    let greatest = integers.iter().max().copied().unwrap_or(0);
    let width = u64::BITS - greatest.abs_diff(least).leading_zeros();
    ALP_VECTOR_BYTES + (integers.len() * width as usize).div_ceil(8)
}
