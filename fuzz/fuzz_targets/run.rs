//! Fuzzes planning and running; the body is shared with the replay of the corpus.

#![no_main]

#[path = "../bodies/run.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::run(bytes));
