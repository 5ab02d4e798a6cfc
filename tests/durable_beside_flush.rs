//! What is appended beside a long flush becomes durable within the interval all the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scripted;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use scripted::{BASE, DIR, at, key, options, reader};
use silverback::vfs::{LossPattern, SimVfs};
use silverback::{Clock, Durability, Series, TimeRange, Timestamp};

/// A clock by which every look takes a second, and with every look a request comes in.
#[derive(Debug, Default)]
struct Busy {
    seconds: AtomicI64,
    is_flushing: AtomicBool,
    requests: Mutex<Option<Series>>,
}

impl Clock for Busy {
    fn now(&self) -> Timestamp {
        let seconds = self.seconds.fetch_add(1, Ordering::Relaxed);
        let now = Timestamp::from_nanos(BASE + seconds * 1_000_000_000);
        // The append looks at the clock itself, and finds nothing to append then.
        if self.is_flushing.load(Ordering::Relaxed)
            && let Some(series) = self.requests.try_lock().ok().and_then(|mut series| series.take())
        {
            series.append(now, 1.0).unwrap();
            *self.requests.lock().unwrap() = Some(series);
        }
        now
    }
}

/// Symptom: with an interval of 200 ms, what was acknowledged in the seconds of a flush was lost in
/// a power cut. Cause: one thread syncs and flushes, one after the other. Fix: work that takes long
/// looks after the log in between.
#[test]
fn samples_of_a_long_flush_survive_a_power_cut_at_its_end() {
    let sim = SimVfs::new(1);
    let clock = Arc::new(Busy::default());
    let interval = Durability::Interval(Duration::from_millis(200));
    let store = options(&sim, interval).clock(Arc::clone(&clock) as _).open(DIR).unwrap();
    for bot in 0..20 {
        store.series(&key(bot)).unwrap().append(at(0), 5.0).unwrap();
    }
    *clock.requests.lock().unwrap() = Some(store.series(&key(50)).unwrap());
    clock.is_flushing.store(true, Ordering::Relaxed);
    store.flush().unwrap();
    clock.is_flushing.store(false, Ordering::Relaxed);
    let count = |snapshot: silverback::Result<silverback::Snapshot>| {
        snapshot.unwrap().samples(&key(50), TimeRange::ALL).unwrap().len()
    };
    let appended = count(store.snapshot());
    let durable = count(reader(&sim.power_loss(LossPattern::Nothing)).unwrap().snapshot());
    assert!(appended > 20, "{appended} requests came in");
    // Those of the last second, when the flush ended, may still be on their way.
    assert!(durable + 4 >= appended, "{durable} of {appended} requests are durable");
}
