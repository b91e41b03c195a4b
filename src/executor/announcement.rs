//! Something that is told once, to everybody who waits for it.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// Something that is told once, to everybody who waits for it.
pub(crate) struct Announcement<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    told: Option<T>,
    waiting: Vec<Waker>,
}

impl<T> Announcement<T> {
    pub(crate) fn new() -> Announcement<T> {
        Announcement { state: Mutex::new(State { told: None, waiting: Vec::new() }) }
    }

    /// Tells it, unless something was told before.
    pub(crate) fn tell(&self, value: T) {
        let waiting = {
            let mut state = self.state();
            state.told.get_or_insert(value);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is told, and looks at it.
    pub(crate) async fn heard<R>(&self, mut look: impl FnMut(&mut T) -> R) -> R {
        poll_fn(|context| {
            let mut state = self.state();
            if let Some(told) = &mut state.told {
                return Poll::Ready(look(told));
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
