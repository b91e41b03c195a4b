//! The thread that flushes: one of ours, where a service has tokenward's, so that its time can be told.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokenward::{Error, Tokens, block_on};

use crate::cost::{Flushing, processor_time};
use crate::pace::Pace;
use crate::progress::{Counters, PAUSE, Progress};

/// This thread's name, and that of the one which SQLite is written by.
pub const NAME: &str = "replay-flush";
const WRITER: &str = "tokenward-write";

/// Flushes in each interval, and when it is woken, until all who can wake it are gone; then once more.
/// Meanwhile it draws how far it is.
pub struct Flusher<'a> {
    pub tokens: &'a Tokens,
    pub interval: Duration,
    pub counters: &'a Counters,
    pub progress: &'a Progress,
    pub pace: &'a Pace,
}

impl Flusher<'_> {
    pub fn run(self, woken: &Receiver<()>) -> Result<Flushing, Error> {
        let flushed = self.flush(woken);
        self.pace.end();
        flushed
    }

    fn flush(&self, woken: &Receiver<()>) -> Result<Flushing, Error> {
        let Flusher { tokens, interval, counters, progress, pace } = *self;
        let mut cost = Flushing { processor: Some(Duration::ZERO), ..Flushing::default() };
        let mut due = Instant::now() + interval;
        loop {
            let wait = due.saturating_duration_since(Instant::now()).min(PAUSE);
            let woken = woken.recv_timeout(wait);
            let stopped = woken == Err(RecvTimeoutError::Disconnected);
            progress.draw(counters);
            if woken == Err(RecvTimeoutError::Timeout) && Instant::now() < due {
                continue;
            }
            // Looked at before: what is pushed while it is written may not be in it.
            let pushed = counters.pushed();
            let (start, worked) = (Instant::now(), processor_time(&[NAME, WRITER]));
            block_on(tokens.flush())?;
            let time = start.elapsed();
            let worked = processor_time(&[NAME, WRITER]).zip(worked);
            cost.number += 1;
            cost.time += time;
            cost.longest = cost.longest.max(time);
            cost.processor =
                cost.processor.zip(worked).map(|(sum, (after, before))| sum + after.saturating_sub(before));
            counters.set_flushed(pushed);
            progress.flushed(counters);
            if stopped {
                return Ok(cost);
            }
            pace.flushed();
            due = Instant::now() + interval;
        }
    }
}
