//! Making the log durable: one thread syncs for all who wait, and a failed sync stops the log.

use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::format::frame::{FrameTag, OpenFrame};
use crate::wal::tail::{NewLog, Preface, Sealed, Stop, Tail};
use crate::wal::writer::{Position, SHORT_FRAME_BYTES, Wal, hint_of};

/// How far the log is durable.
#[derive(Debug)]
pub(super) struct SyncState {
    /// A thread is syncing for all who wait.
    pub(super) is_led: bool,
    pub(super) durable: Position,
}

impl Wal {
    pub(super) fn sync_state(&self) -> MutexGuard<'_, SyncState> {
        self.sync.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if frames with samples were added since the last sync.
    pub(crate) fn is_dirty(&self) -> bool {
        let (generation, end) = {
            let tail = self.tail();
            (tail.header.generation, tail.samples_end)
        };
        self.sync_state().durable < Position { generation, end }
    }

    /// Returns once everything up to `position` is on disk; one thread syncs for all who wait.
    ///
    /// # Errors
    /// The failure of the sync, after which the log is poisoned.
    pub(crate) fn sync_to(&self, position: Position) -> Result<()> {
        let mut state = self.sync_state();
        while state.durable < position {
            if state.is_led {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            self.tail().check_unpoisoned()?;
            state.is_led = true;
            drop(state);
            let outcome = self.lead_sync();
            state = self.sync_state();
            state.is_led = false;
            self.synced.notify_all();
            state.durable = state.durable.max(outcome?);
        }
        Ok(())
    }

    fn lead_sync(&self) -> Result<Position> {
        let (file, position, seq) = {
            let tail = self.tail();
            let position = Position { generation: tail.header.generation, end: tail.end };
            (Arc::clone(&tail.file), position, tail.seq)
        };
        let outcome = file.sync();
        let mut tail = self.tail();
        if let Err(error) = outcome {
            // Once the log has moved on, its frames lie on disk in another file.
            let is_current = tail.header.generation == position.generation;
            return if is_current { Err(tail.fail_sync(error)) } else { Ok(position) };
        }
        let is_current = tail.header.generation == position.generation;
        // A MARK proves the prefix durable; it is worth nothing in a log that moved on. It is
        // never worth a failure: what it speaks of is durable with or without it.
        if is_current
            && tail.stop.is_none()
            && tail.seq == seq
            && tail.has_room_for(SHORT_FRAME_BYTES)
        {
            // A store that fails has poisoned the log, which the next append reports.
            drop(tail.store_short(FrameTag::Mark, seq, position.end));
        }
        Ok(position)
    }

    /// Makes everything committed so far durable.
    ///
    /// # Errors
    /// The failure of the sync, after which the log is poisoned.
    pub(crate) fn sync_all(&self) -> Result<()> {
        let position = {
            let tail = self.tail();
            Position { generation: tail.header.generation, end: tail.end }
        };
        self.sync_to(position)
    }

    /// Makes the OPEN frame of the current generation durable; returns the generation.
    ///
    /// # Errors
    /// The failure of the sync, after which the log is poisoned.
    pub(crate) fn sync_open(&self) -> Result<u64> {
        let (file, generation) = {
            let tail = self.tail();
            tail.check_unpoisoned()?;
            (Arc::clone(&tail.file), tail.header.generation)
        };
        if self.sync_state().durable > (Position { generation, end: 0 }) {
            return Ok(generation);
        }
        let outcome = file.sync();
        let mut tail = self.tail();
        match outcome {
            Err(error) if tail.header.generation == generation => Err(tail.fail_sync(error)),
            // A log that has moved on was synced before, or its frames lie in another file.
            _ => Ok(generation),
        }
    }

    /// Returns true if a sync has failed, and the frames can still be moved elsewhere.
    pub(crate) fn needs_rescue(&self) -> bool {
        matches!(self.tail().stop, Some(Stop::SyncFailed { .. }))
    }

    /// Returns the end of a log whose sync has failed.
    pub(crate) fn sealed_for_rescue(&self) -> Option<Sealed> {
        let tail = self.tail();
        matches!(tail.stop, Some(Stop::SyncFailed { .. })).then(|| tail.sealed())
    }

    /// Takes no more frames, since those of a failed sync could not be saved; returns the failure.
    pub(crate) fn give_up(&self, error: Error) -> Error {
        let mut tail = self.tail();
        tail.stop = None;
        let error = tail.poison(error);
        drop(tail);
        // Who waits for a sync must learn that none will come.
        self.synced.notify_all();
        error
    }

    /// Goes on with the next generation after a failed sync; all frames before it lie in segments.
    ///
    /// # Errors
    /// The failure of the first frames.
    pub(crate) fn restart(&self, log: NewLog, preface: Preface<'_>) -> Result<()> {
        let mut tail = self.tail();
        let open = OpenFrame {
            previous_generation: tail.header.generation,
            previous_end: 0,
            previous_seq: tail.seq,
        };
        let next = Position { generation: log.header.generation, end: 0 };
        let producers = tail.producers.clone();
        *tail = Tail::start(log, open, preface, producers)?;
        self.hint.store(hint_of(&tail), Ordering::Release);
        drop(tail);
        let mut state = self.sync_state();
        state.durable = state.durable.max(next);
        self.synced.notify_all();
        Ok(())
    }
}
