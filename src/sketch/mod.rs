//! Mergeable summaries of values.
