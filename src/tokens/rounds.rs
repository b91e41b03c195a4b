//! Waiting for the next flush: what streams of calls are woken by, without a timer of their own.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::Tokens;

/// Counts flushes, and wakes whoever waits for the next.
#[derive(Default)]
pub(super) struct Rounds {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    flushes: u64,
    ended: bool,
    /// By a number of each waiter, so that one that goes away leaves nothing behind.
    waiting: BTreeMap<u64, Waker>,
    last_waiter: u64,
}

/// Tells of a flush when it is dropped: at its end, whatever came of it.
pub(super) struct Flushing<'a>(&'a Rounds);

/// Somebody who waits.
struct Waiter<'a> {
    rounds: &'a Rounds,
    number: u64,
}

impl Rounds {
    /// A flush begins.
    pub(super) fn flushing(&self) -> Flushing<'_> {
        Flushing(self)
    }

    /// Nothing is flushed in the background any more.
    pub(super) fn end(&self) {
        self.tell(|state| state.ended = true);
    }

    fn tell(&self, change: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = self.state();
            change(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.tell(|state| state.flushes += 1);
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        // The last waker of a task may take the task with it, and another waiter in that: not under
        // the lock.
        let waker = {
            let mut state = self.rounds.state();
            state.waiting.remove(&self.number)
        };
        drop(waker);
    }
}

#[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "streams of calls are the admin API's"))]
impl Tokens {
    /// How many times what was counted was written, or was to be.
    pub(crate) fn flushes(&self) -> u64 {
        self.engine().rounds.state().flushes
    }

    /// Waits for a flush after so many, whatever came of it and whether or not there was anything
    /// to write: gives how many there were by then. None after [`Tokens::shutdown`].
    pub(crate) async fn flushed(&self, after: u64) -> Option<u64> {
        let rounds = &self.engine().rounds;
        let number = {
            let mut state = rounds.state();
            state.last_waiter += 1;
            state.last_waiter
        };
        let waiter = Waiter { rounds, number };
        poll_fn(|context| {
            let mut state = waiter.rounds.state();
            if state.ended {
                return Poll::Ready(None);
            }
            if state.flushes > after {
                return Poll::Ready(Some(state.flushes));
            }
            let before = state.waiting.insert(waiter.number, context.waker().clone());
            drop(state);
            drop(before);
            Poll::Pending
        })
        .await
    }
}

#[cfg(all(test, feature = "admin"))]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;
    use crate::block_on;

    #[test]
    fn whoever_waits_is_woken_by_the_next_flush_and_leaves_nothing_behind() {
        let (tokens, _clock) = Tokens::for_tests();
        let mut context = Context::from_waker(Waker::noop());
        let before = tokens.flushes();
        let waiting = || tokens.engine().rounds.state().waiting.len();
        {
            let mut gone = pin!(tokens.flushed(before));
            let mut stays = pin!(tokens.flushed(before));
            assert!(gone.as_mut().poll(&mut context).is_pending());
            assert!(gone.as_mut().poll(&mut context).is_pending());
            assert!(stays.as_mut().poll(&mut context).is_pending());
            assert_eq!(waiting(), 2);
            block_on(tokens.flush()).unwrap();
            assert_eq!(stays.as_mut().poll(&mut context), Poll::Ready(Some(before + 1)));
            assert_eq!(waiting(), 0);
        }
        {
            let mut gone = pin!(tokens.flushed(before + 1));
            assert!(gone.as_mut().poll(&mut context).is_pending());
            assert_eq!(waiting(), 1);
        }
        assert_eq!(waiting(), 0);
        assert_eq!(block_on(tokens.flushed(before)), Some(before + 1), "a flush that was is not waited for");
        block_on(tokens.shutdown()).unwrap();
        assert_eq!(block_on(tokens.flushed(u64::MAX)), None);
    }
}
