//! Fuzzes `decode_values`; the body is shared with the replay of the corpus.

#![no_main]

#[path = "../bodies/decode_values.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
