//! The threads that hold the connections, and how a future waits for one of them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::StoreError;
use crate::executor::Announcement;

/// Work for a thread that owns a `W`, in two lines: what is urgent, and what can wait for it.
pub(super) struct Queue<W> {
    lines: Mutex<Lines<W>>,
    ready: Condvar,
}

type Job<W> = Box<dyn FnOnce(&mut W) + Send>;

struct Lines<W> {
    urgent: VecDeque<Job<W>>,
    patient: VecDeque<Job<W>>,
    closed: bool,
}

/// Which line to stand in.
#[derive(Clone, Copy)]
pub(super) enum Line {
    /// Changes of tokens, and reads.
    Urgent,
    /// Use: served when nobody is in the other line.
    Patient,
}

/// Threads that serve one queue. They end with this value, once what stands in line is done.
pub(super) struct Threads<W> {
    queue: Arc<Queue<W>>,
    handles: Vec<JoinHandle<()>>,
}

impl<W: 'static> Threads<W> {
    /// Starts a thread for each of `workers`.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub(super) fn start(name: &str, workers: Vec<W>) -> Result<Threads<W>, StoreError>
    where
        W: Send,
    {
        let lines = Lines { urgent: VecDeque::new(), patient: VecDeque::new(), closed: false };
        let queue = Arc::new(Queue { lines: Mutex::new(lines), ready: Condvar::new() });
        let mut threads = Threads { queue: queue.clone(), handles: Vec::new() };
        for worker in workers {
            let queue = queue.clone();
            let run = move || queue.serve(worker);
            let handle = thread::Builder::new().name(name.to_owned()).spawn(run);
            threads.handles.push(handle.map_err(StoreError::unavailable)?);
        }
        Ok(threads)
    }

    pub(super) fn queue(&self) -> Arc<Queue<W>> {
        self.queue.clone()
    }
}

impl<W> Drop for Threads<W> {
    fn drop(&mut self) {
        self.queue.lines().closed = true;
        self.queue.ready.notify_all();
        for handle in self.handles.drain(..) {
            // A waker that runs on the thread itself may hold the last clone of the store.
            if handle.thread().id() != thread::current().id() {
                _ = handle.join();
            }
        }
    }
}

impl<W: 'static> Queue<W> {
    /// Has `work` done and waits for what comes of it. It is done even if this future is dropped.
    /// `None` where it panicked, or the threads are gone.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        line: Line,
        work: impl FnOnce(&mut W) -> T + Send + 'static,
    ) -> Option<T> {
        let announcement = Arc::new(Announcement::new());
        let told = Told(announcement.clone());
        self.push(
            line,
            Box::new(move |worker| {
                let outcome = work(worker);
                told.0.tell(Some(outcome));
            }),
        );
        announcement.heard(Option::take).await
    }

    fn push(&self, line: Line, job: Job<W>) {
        let mut lines = self.lines();
        match line {
            Line::Urgent => lines.urgent.push_back(job),
            Line::Patient => lines.patient.push_back(job),
        }
        drop(lines);
        self.ready.notify_one();
    }

    fn serve(&self, mut worker: W) {
        while let Some(job) = self.next() {
            // A panic is the end of one job: its `Told` is dropped with it, which answers.
            _ = catch_unwind(AssertUnwindSafe(|| job(&mut worker)));
        }
    }

    fn next(&self) -> Option<Job<W>> {
        let mut lines = self.lines();
        loop {
            if let Some(job) = lines.urgent.pop_front() {
                return Some(job);
            }
            if let Some(job) = lines.patient.pop_front() {
                return Some(job);
            }
            if lines.closed {
                return None;
            }
            lines = self.ready.wait(lines).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<W> Queue<W> {
    fn lines(&self) -> MutexGuard<'_, Lines<W>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whoever waits that nothing will come, if the work is dropped before it is done.
struct Told<T>(Arc<Announcement<Option<T>>>);

impl<T> Drop for Told<T> {
    fn drop(&mut self) {
        self.0.tell(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::block_on;

    #[test]
    fn a_panic_is_answered_and_the_thread_lives_on() {
        let threads = Threads::start("tokenward-test", vec![1]).unwrap();
        let queue = threads.queue();
        let panicked = block_on(queue.ask(Line::Urgent, |_| -> i32 { panic!("a fault of ours") }));
        assert_eq!(panicked, None);
        assert_eq!(block_on(queue.ask(Line::Urgent, |number| *number + 1)), Some(2));
    }

    #[test]
    fn what_is_urgent_goes_first_and_all_is_done_before_the_end() {
        let (order, done) = channel();
        let (begin, wait) = channel::<()>();
        let threads = Threads::start("tokenward-test", vec![()]).unwrap();
        let queue = threads.queue();
        queue.push(Line::Patient, Box::new(move |()| _ = wait.recv()));
        for (line, name) in [(Line::Patient, "use"), (Line::Urgent, "change")] {
            let order = order.clone();
            queue.push(line, Box::new(move |()| order.send(name).unwrap()));
        }
        begin.send(()).unwrap();
        drop((threads, order));
        let order: Vec<_> = done.iter().collect();
        assert!(order == ["change", "use"], "{order:?}");
    }
}
