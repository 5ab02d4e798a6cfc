//! Every limit of the store, with its default, in one place.

/// How much of anything a store accepts; exceeding one is an error that names both numbers.
///
/// ```
/// let limits = silverback::Limits::default();
/// assert_eq!(limits.labels_per_series_max, 64);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Series that one process may append to at a time (24 bits of a log frame name one): those it
    /// holds a handle of, and those with samples in the current log.
    pub series_max: u64,
    /// Bytes of a metric's or label's name.
    pub name_bytes_max: u64,
    /// Bytes of a label's value.
    pub value_bytes_max: u64,
    /// Labels of one series.
    pub labels_per_series_max: u64,
    /// Samples of one batch.
    pub batch_samples_max: u64,
    /// Bytes of one log frame, which a batch is. At most 128 MiB have a place in its head.
    pub frame_bytes_max: u64,
    /// Producers of batches that may be sent again.
    pub producers_max: u64,
    /// Deletions that are not carried out yet.
    pub tombstones_max: u64,
    /// Bytes of one deletion: its selector's text.
    pub tombstone_bytes_max: u64,
    /// How far ahead of the clock a sample may lie, in nanoseconds.
    pub future_nanos_max: u64,
    /// Segments that one flush may write; what lies in further partitions goes into a wide one.
    pub flush_segments_max: u64,
    /// Bytes of a query's text.
    pub query_bytes_max: u64,
    /// How deep parentheses and calls may nest in a query; more than 64 has no effect.
    pub query_depth_max: u64,
    /// Windows of one answer.
    pub windows_max: u64,
    /// Rows (groups × windows) of one answer.
    pub rows_max: u64,
    /// Bytes of memory that a query may hold of samples, and as many of its answer;
    /// [`RunOptions::memory`](crate::RunOptions::memory)
    /// sets another.
    pub query_memory_bytes_max: u64,
    /// Bytes that a regular expression may take once compiled.
    pub regex_bytes_max: u64,
    /// Different regular expressions of one query.
    pub regexes_max: u64,
    /// Keys that one `by` or `without` lists.
    pub keys_max: u64,
    /// Values that one list of a query holds, as in `bot in ("sales", "support")`.
    pub values_max: u64,
    /// Bytes of one row of text that is read in, as an input without line ends is one row.
    pub row_bytes_max: u64,
    /// Series of one input that is read in: more are most often a request's name among the labels.
    pub input_series_max: u64,
    /// Paths of one access log that are told apart; further ones are counted together.
    pub input_paths_max: u64,
}

impl Limits {
    /// The defaults, which `Default` gives as well.
    pub const DEFAULT: Self = Self {
        series_max: 1 << 24,
        name_bytes_max: 1 << 10,
        value_bytes_max: 64 << 10,
        labels_per_series_max: 64,
        batch_samples_max: 1 << 20,
        frame_bytes_max: 32 << 20,
        producers_max: 10_000,
        tombstones_max: 10_000,
        tombstone_bytes_max: 64 << 10,
        future_nanos_max: 86_400_000_000_000,
        flush_segments_max: 64,
        query_bytes_max: 64 << 10,
        query_depth_max: 64,
        windows_max: 1_000_000,
        rows_max: 10_000_000,
        query_memory_bytes_max: 512 << 20,
        regex_bytes_max: 1 << 20,
        regexes_max: 64,
        keys_max: 64,
        values_max: 1_000,
        row_bytes_max: 4 << 20,
        input_series_max: 1_000_000,
        input_paths_max: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
