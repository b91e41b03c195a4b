//! The thread that does what is done at regular intervals.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::{Engine, Handle};
use crate::StoreError;
use crate::executor::{Announcement, Nudge, Woken, block_on};
use crate::recording::GivenUp;

/// The thread that does what is done at regular intervals.
pub(super) struct Background {
    nudge: Arc<Nudge>,
    /// Told when the thread holds nothing of the engine any more.
    pub(super) ended: Arc<Announcement<()>>,
}

/// Tells that the thread has ended, by whichever way.
struct Ending(Arc<Announcement<()>>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.tell(());
    }
}

impl Background {
    /// None where no thread can be had: flushing is then up to [`Tokens::flush`], and a line says so.
    ///
    /// [`Tokens::flush`]: super::Tokens::flush
    pub(super) fn start(engine: Arc<Engine>, interval: Duration) -> Option<Background> {
        let nudge = engine.recorder.nudge().clone();
        let ended = Arc::new(Announcement::new());
        let background = Background { nudge: nudge.clone(), ended: ended.clone() };
        let run = move || {
            // Dropped in the reverse of this order: the engine first.
            let _ending = Ending(ended);
            engine.tend_for_ever(&nudge, interval);
        };
        match thread::Builder::new().name("tokenward-flush".into()).spawn(run) {
            Ok(_) => Some(background),
            Err(error) => {
                tracing::error!(%error, "no thread could be started that writes the use of tokens");
                None
            }
        }
    }

    pub(super) fn stop(&self) {
        self.nudge.stop();
    }
}

impl Engine {
    fn tend_for_ever(self: Arc<Self>, nudge: &Nudge, interval: Duration) {
        let mut told = Told::default();
        let mut next = Instant::now() + interval;
        loop {
            match nudge.rest_until(next) {
                Woken::Nudged => self.fold(),
                Woken::Rested => {
                    self.report(block_on(self.tend(self.flush_in_pace())), &mut told);
                    next = Instant::now() + interval;
                }
                Woken::Stopped => break,
            }
        }
        self.report(block_on(self.tend(self.flush())), &mut told);
    }

    /// One line when something begins and one when it ends, whatever the interval.
    fn report(&self, outcome: Result<(), StoreError>, told: &mut Told) {
        let (_, given_up) = self.recorder.standing();
        match outcome {
            // A round in which nothing was tried, since the last try took long.
            Ok(()) if told.is_failing && self.flush.is_waiting() => {}
            Ok(()) => {
                if told.is_failing {
                    tracing::info!(?given_up, "the use of tokens is written again");
                }
                *told = Told { given_up, ..Told::default() };
            }
            Err(error) => {
                if !told.is_failing {
                    let error = Chain(&error);
                    tracing::warn!(%error, "the use of tokens cannot be written; it is kept in memory");
                }
                told.is_failing = true;
                if given_up != told.given_up && !told.is_giving_up {
                    told.is_giving_up = true;
                    tracing::warn!(
                        ?given_up,
                        "what was counted takes the memory that it may: detail is given up, totals are not"
                    );
                }
            }
        }
    }
}

/// What the log was told.
#[derive(Default)]
struct Told {
    is_failing: bool,
    is_giving_up: bool,
    /// What was given up before it began to fail.
    given_up: GivenUp,
}

/// An error with what it came from.
struct Chain<'a>(&'a StoreError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut source = std::error::Error::source(self.0);
        while let Some(error) = source {
            write!(formatter, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(background) = &self.background {
            background.stop();
        }
    }
}
