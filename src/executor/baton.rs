//! A value that one at a time has, for as long as it needs, awaiting in between.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// A value that one at a time has, for as long as it needs, awaiting in between. It comes back when the
/// [`Carried`] is dropped, wherever that was.
pub(crate) struct Baton<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    value: Option<T>,
    waiting: VecDeque<Waker>,
}

pub(crate) struct Carried<'a, T> {
    baton: &'a Baton<T>,
    value: Option<T>,
}

impl<T> Baton<T> {
    pub(crate) fn new(value: T) -> Baton<T> {
        Baton { state: Mutex::new(State { value: Some(value), waiting: VecDeque::new() }) }
    }

    /// Waits until nobody else has it.
    pub(crate) async fn take(&self) -> Carried<'_, T> {
        poll_fn(|context| {
            let mut state = self.state();
            match state.value.take() {
                Some(value) => Poll::Ready(Carried { baton: self, value: Some(value) }),
                None => {
                    if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                        state.waiting.push_back(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Carried<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("there until it is dropped")
    }
}

impl<T> DerefMut for Carried<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("there until it is dropped")
    }
}

impl<T> Drop for Carried<'_, T> {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.baton.state();
            state.value = self.value.take();
            // All of them: whoever was woken first may have gone away.
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::Context;

    use super::*;
    use crate::block_on;

    #[test]
    fn one_has_it_at_a_time() {
        let baton = Baton::new(0_u32);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        block_on(async { *baton.take().await += 1 });
                    }
                });
            }
        });
        assert_eq!(*block_on(baton.take()), 4_000);
    }

    #[test]
    fn whoever_goes_away_while_waiting_keeps_it_from_nobody() {
        let baton = Baton::new(());
        let mut context = Context::from_waker(Waker::noop());
        let carried = block_on(baton.take());
        {
            let mut gone = pin!(baton.take());
            assert!(gone.as_mut().poll(&mut context).is_pending());
        }
        let mut stays = pin!(baton.take());
        assert!(stays.as_mut().poll(&mut context).is_pending());
        drop(carried);
        assert!(stays.as_mut().poll(&mut context).is_ready());
    }
}
