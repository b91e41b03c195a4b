//! Futures that move only when a test polls them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use tokenward::Spawner;

/// A future that moves only when it is polled, and can be dropped at any point.
pub struct ByHand<'a, T>(Pin<Box<dyn Future<Output = T> + 'a>>);

impl<'a, T> ByHand<'a, T> {
    pub fn new(future: impl Future<Output = T> + 'a) -> ByHand<'a, T> {
        ByHand(Box::pin(future))
    }

    pub fn poll(&mut self) -> Option<T> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Changes of tokens, which move only when a test polls them.
#[derive(Clone, Default)]
pub struct Changes(Arc<Mutex<Vec<Task>>>);

impl Changes {
    pub fn spawner(&self) -> Spawner {
        let tasks = self.0.clone();
        Spawner::new(move |task| tasks.lock().unwrap().push(task))
    }

    /// Polls each once. A panic ends the change that it is in.
    pub fn poll(&self) {
        let tasks = std::mem::take(&mut *self.0.lock().unwrap());
        for mut task in tasks {
            let polled = catch_unwind(AssertUnwindSafe(|| {
                task.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            }));
            if matches!(polled, Ok(Poll::Pending)) {
                self.0.lock().unwrap().push(task);
            }
        }
    }

    /// Polls until all are done.
    pub fn run(&self) {
        for _ in 0..10_000 {
            if self.is_empty() {
                return;
            }
            self.poll();
        }
        panic!("a change waits for something that never comes");
    }

    /// Drops them where they stand, as a runtime does that is shut down.
    pub fn abandon(&self) {
        drop(std::mem::take(&mut *self.0.lock().unwrap()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}
