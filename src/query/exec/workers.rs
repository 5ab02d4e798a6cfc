//! Threads that share the work of a run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};

/// Does `work(state, index)` for every index below `count`, and returns what it yields in the order
/// of the indices. Each thread has a state of its own; the caller's thread is one of them.
///
/// # Errors
/// That of the lowest index that failed; work that was not begun by then is left.
pub(super) fn for_each<S, T: Send>(
    threads: usize,
    count: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    if threads <= 1 || count <= 1 {
        let mut state = state();
        return (0..count).map(|index| work(&mut state, index)).collect();
    }
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done: Mutex<Vec<(usize, Result<T, Error>)>> = Mutex::default();
    let run = || {
        let mut state = state();
        let mut own = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let yielded = work(&mut state, index);
            failed.fetch_or(yielded.is_err(), Ordering::Relaxed);
            own.push((index, yielded));
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            // The handle is not needed: the scope waits for its threads, and passes panics on.
            drop(scope.spawn(run));
        }
        run();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, yielded)| yielded).collect()
}

#[cfg(test)]
mod tests {
    use super::for_each;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [0, 1, 2, 7, 100] {
            for count in [0, 1, 2, 50] {
                let squares = for_each(
                    threads,
                    count,
                    || 0_usize,
                    |calls, index| {
                        *calls += 1;
                        assert!(*calls <= count);
                        Ok(index * index)
                    },
                );
                let expected: Vec<usize> = (0..count).map(|index| index * index).collect();
                assert_eq!(squares.unwrap(), expected);
            }
        }
    }

    #[test]
    fn an_error_ends_the_work() {
        for threads in [1, 3] {
            let work = |(): &mut (), index: usize| {
                if index < 10 { Ok(()) } else { Err(Error::from(ErrorKind::Canceled)) }
            };
            let error = for_each(threads, 1_000_000_000, || (), work).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Canceled));
        }
    }
}
