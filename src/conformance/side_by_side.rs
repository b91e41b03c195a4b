//! Several futures at once, without a runtime.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Polls all of them side by side on whatever polls this, and gives what they gave, in their order.
pub(super) async fn side_by_side<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in waiting.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Lets others go on before what follows.
pub(super) async fn once_more() {
    let mut is_first = true;
    poll_fn(|context| {
        if std::mem::take(&mut is_first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Runs each on a thread of its own, all set off together.
pub(super) fn on_threads<T: Send>(number: u32, run: impl Fn(u32) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(number as usize);
    std::thread::scope(|scope| {
        let (start, run) = (&start, &run);
        let spawn = |place| {
            scope.spawn(move || {
                start.wait();
                run(place)
            })
        };
        let threads: Vec<_> = (0..number).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("no promise panics on its thread")).collect()
    })
}
