//! Text to samples.
