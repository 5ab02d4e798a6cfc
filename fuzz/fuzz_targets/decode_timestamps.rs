//! Fuzzes `decode_timestamps`; the body is shared with the replay of the corpus.

#![no_main]

#[path = "../bodies/decode_timestamps.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
