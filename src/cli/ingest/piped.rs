//! Standard input, read by a thread of its own, so that waiting for it stops nothing else.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

const PIECE_BYTES: usize = 64 << 10;
/// Pieces that are read ahead.
const PIECES: usize = 4;
/// How long rows wait in a batch that does not fill.
const PATIENCE: Duration = Duration::from_millis(200);

/// A reader that says [`io::ErrorKind::WouldBlock`] where there is nothing for a while, and now and
/// then where little comes, so that what came is stored.
#[derive(Debug)]
pub(crate) struct Piped {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
    paused: Instant,
}

impl Piped {
    /// Starts the thread. It ends with the input or the process.
    pub(crate) fn stdin() -> io::Result<Self> {
        let (sender, pieces) = sync_channel(PIECES);
        thread::Builder::new().name("silverback-stdin".to_owned()).spawn(move || pump(&sender))?;
        Ok(Self { pieces, piece: Vec::new(), at: 0, paused: Instant::now() })
    }

    fn pause(&mut self) -> io::Error {
        self.paused = Instant::now();
        io::ErrorKind::WouldBlock.into()
    }
}

fn pump(sender: &SyncSender<io::Result<Vec<u8>>>) {
    let mut stdin = io::stdin().lock();
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = match stdin.read(&mut piece) {
            Ok(0) => return,
            Ok(count) => {
                piece.truncate(count);
                Ok(piece)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_over = read.is_err();
        if sender.send(read).is_err() || is_over {
            return;
        }
    }
}

impl Read for Piped {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(RecvTimeoutError::Timeout) => return Err(self.pause()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if self.paused.elapsed() > PATIENCE {
                return Err(self.pause());
            }
        }
        let count = self.piece.get(self.at..).unwrap_or(&[]).read(out)?;
        self.at += count;
        Ok(count)
    }
}
