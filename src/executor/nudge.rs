//! Waking a thread that rests between two rounds.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a thread that rests between two rounds is woken.
#[derive(Default)]
pub(crate) struct Nudge {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    is_nudged: bool,
    is_stopped: bool,
}

/// Why a rest is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Woken {
    /// The time was up.
    Rested,
    /// Somebody has something to be done before that.
    Nudged,
    /// It is to end.
    Stopped,
}

impl Nudge {
    /// There is something to be done before the rest is over.
    pub(crate) fn nudge(&self) {
        self.state().is_nudged = true;
        self.woken.notify_all();
    }

    /// It is to end, now and for good.
    pub(crate) fn stop(&self) {
        self.state().is_stopped = true;
        self.woken.notify_all();
    }

    /// Rests until this moment, unless it is woken before.
    pub(crate) fn rest_until(&self, end: Instant) -> Woken {
        let mut state = self.state();
        loop {
            if state.is_stopped {
                return Woken::Stopped;
            }
            if std::mem::take(&mut state.is_nudged) {
                return Woken::Nudged;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Woken::Rested;
            }
            state = self.woken.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_ends_for_each_reason() {
        let nudge = Nudge::default();
        let later = Instant::now() + Duration::from_secs(3_600);
        assert_eq!(nudge.rest_until(Instant::now()), Woken::Rested);
        nudge.nudge();
        assert_eq!(nudge.rest_until(later), Woken::Nudged);
        std::thread::scope(|scope| {
            scope.spawn(|| nudge.nudge());
            assert_eq!(nudge.rest_until(later), Woken::Nudged);
        });
        nudge.stop();
        assert_eq!(nudge.rest_until(later), Woken::Stopped);
        assert_eq!(nudge.rest_until(later), Woken::Stopped);
    }
}
