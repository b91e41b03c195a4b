//! One delivery that is under way, and its end if the hook does not answer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::delivery::ANSWERS_WITHIN_MS;
use super::hook::Delivering;

/// One delivery that is under way.
#[derive(Default)]
pub(super) struct Flight {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When the hook was called, by the monotonic hand; it may have waited for its turn before.
    begun_ms: Option<u64>,
    is_over: bool,
    waker: Option<Waker>,
}

impl Flight {
    /// Calls the hook and waits for its answer until [`Flight::end_if_overdue`] has ended it. What
    /// it has not done by then is dropped.
    pub(super) async fn run(&self, mut hook: Delivering, now_ms: u64) -> Result<(), String> {
        self.state().begun_ms = Some(now_ms);
        poll_fn(|context| {
            {
                let mut state = self.state();
                if state.is_over {
                    return Poll::Ready(Err("it did not answer in time".to_owned()));
                }
                state.waker = Some(context.waker().clone());
            }
            let polled = catch_unwind(AssertUnwindSafe(|| hook.as_mut().poll(context)));
            polled.unwrap_or_else(|_| Poll::Ready(Err("it panicked".to_owned())))
        })
        .await
    }

    /// Ends it if the hook was called too long ago.
    pub(super) fn end_if_overdue(&self, now_ms: u64) {
        let waker = {
            let mut state = self.state();
            let is_overdue = |begun_ms: u64| now_ms.saturating_sub(begun_ms) >= ANSWERS_WITHIN_MS;
            if state.is_over || !state.begun_ms.is_some_and(is_overdue) {
                return;
            }
            state.is_over = true;
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
