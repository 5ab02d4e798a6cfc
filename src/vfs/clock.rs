//! The system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::{Clock, Timestamp};

/// The time of day as the operating system has it. It may jump, also backwards.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place where time enters")]
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => {
                i64::try_from(since.as_nanos()).map_or(Timestamp::MAX, Timestamp::from_nanos)
            }
            Err(before) => i64::try_from(before.duration().as_nanos())
                .map_or(Timestamp::MIN, |nanos| Timestamp::from_nanos(-nanos)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SystemClock;
    use crate::model::{Clock, Timestamp};

    #[test]
    fn shows_a_time_of_this_century() {
        let (now, y2024) = (SystemClock.now(), Timestamp::from_secs(1_704_067_200).unwrap());
        assert!(now > y2024, "{now:?}");
        assert!(now < Timestamp::MAX);
    }
}
