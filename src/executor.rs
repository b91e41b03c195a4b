//! Running futures without a runtime: changes that outlive their caller, and threads of our own.

mod announcement;
mod baton;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod io_runtime;
mod nudge;
mod spawner;
mod timer;

pub(crate) use announcement::Announcement;
pub(crate) use baton::Baton;
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) use io_runtime::IoRuntime;
pub(crate) use nudge::{Nudge, Woken};
pub use spawner::Spawner;
pub(crate) use timer::Timer;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Runs a future on this thread until it is done, for hosts without a runtime.
///
/// The stores of this crate need no runtime. A store of your own may: then run its futures where
/// that runtime is.
///
/// ```
/// assert_eq!(tokenward::block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
