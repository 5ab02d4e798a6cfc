//! The worked examples of the format's documentation are what the encoders write.
//!
//! An example is a line that names the column, the codec and the entries, then lines of bytes, each
//! with its meaning behind a bar, up to an empty line or the end of the block.

#![allow(clippy::unwrap_used, reason = "tests")]

use silverback::codec::{decode_timestamps, decode_values, encode_timestamps, encode_values};

const DOCS: &str = include_str!("../docs/FORMAT.md");

struct Example<'a> {
    codec: &'a str,
    entries: &'a str,
    bytes: Vec<u8>,
}

fn examples<'a>(column: &str) -> Vec<Example<'a>> {
    let mut lines = DOCS.lines();
    let mut examples = Vec::new();
    while let Some(line) = lines.next() {
        let title = line.strip_prefix(column).and_then(|rest| rest.split_once(": "));
        let Some((codec, entries)) = title else { continue };
        let rows = lines.by_ref().take_while(|line| line.contains('|'));
        let hex = rows.flat_map(|row| row.split('|').next().unwrap().split_whitespace());
        let bytes = hex.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        examples.push(Example { codec: codec.trim(), entries, bytes });
    }
    examples
}

#[test]
fn the_examples_of_values_are_true() {
    let examples = examples("values ");
    assert_eq!(examples.len(), 3);
    for Example { codec, entries, bytes } in examples {
        let values: Vec<f64> = entries.split(' ').map(|entry| entry.parse().unwrap()).collect();
        let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
        let chosen = encode_values(&values, &mut encoded);
        assert_eq!((chosen.as_str(), encoded), (codec, bytes.clone()), "{entries}");
        decode_values(chosen, &bytes, values.len(), &mut decoded).unwrap();
        assert!(decoded.iter().zip(&values).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}

#[test]
fn the_examples_of_timestamps_are_true() {
    let examples = examples("timestamps ");
    assert_eq!(examples.len(), 3);
    for Example { codec, entries, bytes } in examples {
        let timestamps: Vec<i64> = entries.split(' ').map(|entry| entry.parse().unwrap()).collect();
        let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
        let chosen = encode_timestamps(&timestamps, &mut encoded);
        assert_eq!((chosen.as_str(), encoded), (codec, bytes.clone()), "{entries}");
        decode_timestamps(chosen, &bytes, timestamps.len(), &mut decoded).unwrap();
        assert_eq!(decoded, timestamps);
    }
}
