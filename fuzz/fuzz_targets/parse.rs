//! Fuzzes `parse`; the body is shared with the replay of the corpus.

#![no_main]

#[path = "../bodies/parse.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
