//! Keeps the threads that push from outrunning the one that flushes.
//!
//! A log's days go by in seconds, so that far more minutes wait to be written at once than in a service,
//! where the recorder would rather tell less of them than take more memory. Here there is time to wait.

use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokenward::Tokens;

use crate::progress::Counters;

/// What recording may take, in bytes.
pub const MEMORY: usize = 256 << 20;
/// With so much waiting a flush does not wait for its interval.
const FLUSH_AT: usize = MEMORY / 8;
/// With so much waiting nobody pushes.
const STOP_AT: usize = MEMORY / 4;
/// How long a thread waits before it looks again.
const PAUSE: Duration = Duration::from_millis(20);

/// The pace of those who push.
#[derive(Default)]
pub struct Pace {
    /// Whether nobody flushes any more.
    ended: Mutex<bool>,
    flushed: Condvar,
}

impl Pace {
    /// Waits until there is room for more, and says how long that took.
    pub fn keep(&self, tokens: &Tokens, wake: &SyncSender<()>) -> Duration {
        let waiting = || tokens.recording_health().waiting_bytes;
        if waiting() < FLUSH_AT {
            return Duration::ZERO;
        }
        // Full where a flush is asked for already.
        _ = wake.try_send(());
        let start = Instant::now();
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended && waiting() >= STOP_AT {
            _ = wake.try_send(());
            ended = self.flushed.wait_timeout(ended, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
        start.elapsed()
    }

    /// Waits until so many calls are written.
    pub fn drain(&self, counters: &Counters, calls: u64, wake: &SyncSender<()>) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended && counters.flushed() < calls {
            _ = wake.try_send(());
            ended = self.flushed.wait_timeout(ended, PAUSE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// A flush has ended.
    pub fn flushed(&self) {
        self.flushed.notify_all();
    }

    /// Nobody flushes any more, or nobody pushes: nobody is to wait for it.
    pub fn end(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.flushed.notify_all();
    }
}
