//! Waiting for a time to go by, without a runtime.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Waiting for a time to go by, without a runtime: one thread of our own, which is started by whoever
/// waits first and ends with the timer.
#[derive(Default)]
pub(crate) struct Timer {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    has_thread: bool,
    has_ended: bool,
    last: u64,
    sleeping: BTreeMap<(Instant, u64), Waker>,
}

impl Timer {
    /// Waits until `time` has gone by; at once where no thread can be had, so that whoever waits for a
    /// condition asks again too soon and not never.
    pub(crate) async fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        let number = self.shared.next_number();
        let sleeper = Sleeper { shared: &self.shared, place: (end, number) };
        poll_fn(|context| {
            if Instant::now() >= end || !self.has_thread() {
                return Poll::Ready(());
            }
            let before = {
                let mut state = sleeper.shared.state();
                state.sleeping.insert(sleeper.place, context.waker().clone())
            };
            drop(before);
            sleeper.shared.changed.notify_one();
            Poll::Pending
        })
        .await;
    }

    fn has_thread(&self) -> bool {
        let mut state = self.shared.state();
        if !state.has_thread {
            let shared = self.shared.clone();
            let started = thread::Builder::new().name("tokenward-timer".into()).spawn(move || shared.run());
            state.has_thread = started.is_ok();
        }
        state.has_thread
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.state();
        while !state.has_ended {
            let now = Instant::now();
            let later = state.sleeping.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut state.sleeping, later);
            if !due.is_empty() {
                drop(state);
                due.into_values().for_each(Waker::wake);
                state = self.state();
                continue;
            }
            let next =
                state.sleeping.first_key_value().map(|((end, _), _)| end.saturating_duration_since(now));
            state = match next {
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn next_number(&self) -> u64 {
        let mut state = self.state();
        state.last += 1;
        state.last
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.state().has_ended = true;
        self.shared.changed.notify_one();
    }
}

/// Somebody who waits; one that goes away leaves nothing behind.
struct Sleeper<'a> {
    shared: &'a Shared,
    place: (Instant, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        // Not under the lock: the last waker of a task may take the task with it.
        let waker = self.shared.state().sleeping.remove(&self.place);
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;

    #[test]
    fn each_sleeps_its_time_and_leaves_nothing_behind() {
        let timer = Timer::default();
        let slept = |ms| {
            let begun = Instant::now();
            block_on(timer.sleep(Duration::from_millis(ms)));
            begun.elapsed()
        };
        std::thread::scope(|scope| {
            for ms in [1, 3, 2] {
                scope.spawn(move || assert!(slept(ms) >= Duration::from_millis(ms)));
            }
        });
        assert!(timer.shared.state().sleeping.is_empty());
    }
}
