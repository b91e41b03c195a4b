//! Where changes run to their end.

use std::fmt;
use std::pin::Pin;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Wake, Waker};
use std::thread;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where changes run to their end, whoever waits for them: a client that goes away drops the
/// future of its request, and a change that has begun must not stop half way.
///
/// The default is one thread of our own, which runs any number of changes side by side and needs
/// no runtime. A store whose futures need one is given it here:
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// use tokenward::Spawner;
/// let handle = runtime.handle().clone();
/// let spawner = Spawner::new(move |change| _ = handle.spawn(change));
/// ```
#[derive(Clone)]
pub struct Spawner(Arc<dyn Fn(Task) + Send + Sync>);

impl Spawner {
    /// Runs changes with `spawn`, which must poll each to its end.
    pub fn new(spawn: impl Fn(Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static) -> Spawner {
        Spawner(Arc::new(spawn))
    }

    pub(crate) fn spawn(&self, change: impl Future<Output = ()> + Send + 'static) {
        (self.0)(Box::pin(change));
    }
}

impl Default for Spawner {
    fn default() -> Self {
        let queue = OnceLock::new();
        Spawner::new(move |task| Running::start(task, queue.get_or_init(start_thread)))
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Spawner")
    }
}

type Queue = Sender<Arc<Running>>;

/// The thread ends when the spawner is dropped and the last change is done: each holds the queue.
fn start_thread() -> Queue {
    let (queue, ready) = channel::<Arc<Running>>();
    let run = move || ready.iter().for_each(|task| task.poll());
    if let Err(error) = thread::Builder::new().name("tokenward-changes".into()).spawn(run) {
        // Nothing will run: each change answers that it was interrupted.
        tracing::error!(%error, "no thread could be started for changes of tokens");
    }
    queue
}

/// A change on its way: polled by the thread whenever it is woken.
struct Running {
    task: Mutex<Option<Task>>,
    queue: Queue,
}

impl Running {
    fn start(task: Task, queue: &Queue) {
        let running = Arc::new(Running { task: Mutex::new(Some(task)), queue: queue.clone() });
        running.wake();
    }

    fn poll(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = task.as_mut() else { return };
        // A panic in a store's future must end its own change, and no other.
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            future.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        if polled.map_or(true, |poll| poll.is_ready()) {
            *task = None;
        }
    }
}

impl Wake for Running {
    fn wake(self: Arc<Self>) {
        let queue = self.queue.clone();
        // The thread is gone only when it could not be started: dropping the task tells its caller.
        _ = queue.send(self);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Announcement, block_on};
    use super::*;

    #[test]
    fn changes_run_side_by_side_and_one_panic_is_its_own() {
        let spawner = Spawner::default();
        let (first, second) = (Arc::new(Announcement::new()), Arc::new(Announcement::new()));
        let (wait, tell) = (first.clone(), second.clone());
        spawner.spawn(async move { tell.tell(wait.heard(|value: &mut i32| *value).await + 1) });
        spawner.spawn(async { panic!("a store's own fault") });
        let tell = first.clone();
        spawner.spawn(async move { tell.tell(1) });
        assert_eq!(block_on(second.heard(|value| *value)), 2);
    }
}
