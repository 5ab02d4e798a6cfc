//! Ctrl-C: the first asks to end where nothing is half done, the second ends at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::cli::Status;

/// How long an interruption may go unseen: nobody notices.
const STEP: Duration = Duration::from_millis(20);

/// Returns a flag that an interruption sets.
pub(crate) fn stop_flag() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // What is registered first is asked first: at the first signal the flag is not set yet.
        let status = i32::from(Status::Interrupted as u8);
        flag::register_conditional_shutdown(signal, status, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Waits so long, or until the flag is set: a signal does not end a sleep of the thread.
pub(crate) fn sleep(length: Duration, stop: &AtomicBool) {
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = length.saturating_sub(started.elapsed());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(STEP));
    }
}
