//! Partitions: windows of UTC time, each with segments of its own.

use crate::model::{TimeRange, Timestamp};

/// The length of a partition: a day.
pub(crate) const PARTITION_NANOS: i64 = 86_400_000_000_000;

/// Returns the start of the partition that a time lies in.
pub(crate) fn partition_start(nanos: i64) -> i64 {
    // The first partition of all begins before the earliest time there is.
    nanos.div_euclid(PARTITION_NANOS).saturating_mul(PARTITION_NANOS)
}

/// Returns the times of a partition.
pub(crate) fn partition_range(start: i64) -> TimeRange {
    let next = start.div_euclid(PARTITION_NANOS).saturating_add(1);
    let end = next.saturating_mul(PARTITION_NANOS);
    TimeRange::new(Timestamp::from_nanos(start), Timestamp::from_nanos(end))
}

/// Returns the starts of all partitions that sorted times lie in, ascending.
pub(crate) fn partitions_of(sorted: &[i64], starts: &mut Vec<i64>) {
    let mut rest = sorted;
    while let Some(&first) = rest.first() {
        let start = partition_start(first);
        starts.push(start);
        let end = partition_range(start).end.as_nanos();
        let inside = rest.partition_point(|&time| time < end).max(1);
        rest = rest.get(inside..).unwrap_or(&[]);
    }
}

#[cfg(test)]
mod tests {
    use crate::store::partition::{PARTITION_NANOS, partition_start, partitions_of};

    #[test]
    fn times_before_the_epoch_lie_in_the_day_that_began_before_them() {
        assert_eq!(partition_start(-1), -PARTITION_NANOS);
        assert_eq!(partition_start(0), 0);
        assert_eq!(partition_start(PARTITION_NANOS - 1), 0);
    }

    #[test]
    fn every_touched_partition_is_named_once() {
        let mut starts = Vec::new();
        let times = [i64::MIN, -1, 0, 5, PARTITION_NANOS, i64::MAX];
        partitions_of(&times, &mut starts);
        let last = partition_start(i64::MAX);
        assert_eq!(starts, [i64::MIN, -PARTITION_NANOS, 0, PARTITION_NANOS, last]);
    }
}
