//! The runtime in which the drivers of databases do their work.

use std::future::poll_fn;
use std::pin::pin;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::StoreError;

/// A tokio runtime of our own, in which the drivers of databases do their work: their sockets and
/// timers are driven by its threads. So whoever polls a future of ours needs no runtime, and may be
/// of any kind.
pub(crate) struct IoRuntime(Option<Runtime>);

impl IoRuntime {
    /// Starts it, with so many threads of this name.
    pub(crate) fn start(name: &str, threads: usize) -> Result<IoRuntime, StoreError> {
        let runtime = Builder::new_multi_thread()
            .thread_name(name)
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(StoreError::unavailable)?;
        Ok(IoRuntime(Some(runtime)))
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("there until it is dropped").handle()
    }

    /// Polls a future where it is awaited, with this runtime as the one that it finds around it: no
    /// hop to another thread and back.
    pub(crate) async fn within<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            let _entered = self.handle().enter();
            future.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for IoRuntime {
    fn drop(&mut self) {
        // Waiting for its threads would panic where this is dropped within another runtime.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
