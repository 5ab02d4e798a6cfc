//! A command on a pseudo-terminal of a chosen size, which controls it: keys are typed, and what it
//! shows is read.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// How long a command may take to show what it should; machines may be busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running command and its terminal.
pub(crate) struct Terminal {
    keys: File,
    child: Child,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// Runs a line of the shell in a folder, with the binary first in its path. A line begins with
    /// `exec` where Ctrl-C is to end the command and not the shell around it.
    pub(crate) fn start(line: &str, place: &Path, columns: u16, no_color: &str) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let keys = openpt(flags).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let size = Winsize { ws_row: 30, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&keys, size).unwrap();
        let screen = ioctl_tiocgptpeer(&keys, flags).unwrap();
        let stream = |screen: &OwnedFd| Stdio::from(screen.try_clone().unwrap());
        let binary = Path::new(env!("CARGO_BIN_EXE_silverback")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        // In a session of its own, so that Ctrl-C is a signal to what runs there.
        let child = Command::new("setsid")
            .args(["--ctty", "--wait", "sh", "-c", line])
            .current_dir(place)
            .env_clear()
            .envs([("PATH", path.as_str()), ("TERM", "xterm"), ("NO_COLOR", no_color)])
            .env("HOME", place)
            .stdin(stream(&screen))
            .stdout(stream(&screen))
            .stderr(stream(&screen))
            .spawn()
            .unwrap();
        drop(screen);
        let keys = File::from(keys);
        let mut from = keys.try_clone().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&shown);
        // The end is an error: nobody has the other side any more.
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4_096];
            while let Ok(count) = from.read(&mut piece) {
                seen.lock().unwrap().extend_from_slice(&piece[..count]);
            }
        });
        Self { keys, child, shown, reader }
    }

    /// Runs a line to its end, and returns its status and all that it showed.
    pub(crate) fn run(line: &str, place: &Path, columns: u16, no_color: &str) -> (i32, String) {
        Self::start(line, place, columns, no_color).finish()
    }

    /// Types keys; `\u{3}` is Ctrl-C.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until a text was shown.
    pub(crate) fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.seen().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no {text:?} in {:?}", self.seen());
            sleep(Duration::from_millis(10));
        }
    }

    /// Returns what was shown up to now.
    pub(crate) fn seen(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).replace("\r\n", "\n")
    }

    /// Waits for the end, and returns the status and all that was shown.
    pub(crate) fn finish(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap().code().unwrap();
        self.reader.join().unwrap();
        let shown = self.shown.lock().unwrap();
        (status, String::from_utf8_lossy(&shown).replace("\r\n", "\n"))
    }
}
