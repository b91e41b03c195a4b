//! What the host does with an event.

use std::fmt::Display;
use std::pin::Pin;
use std::sync::Arc;

use crate::{Event, Spawner};

/// A delivery on its way: done, or why it was not.
pub(super) type Delivering = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// What the host does with an event.
pub(in crate::tokens) struct Hook {
    call: Box<dyn Fn(Event) -> Delivering + Send + Sync>,
    /// Whether it blocks its thread, and is to have one of its own.
    blocks: bool,
}

impl Hook {
    pub(in crate::tokens) fn new<H, F, E>(hook: H) -> Hook
    where
        H: Fn(Event) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let hook = Arc::new(hook);
        let call = move |event| -> Delivering {
            let hook = hook.clone();
            // Called only when it is polled: a panic before its first await is caught as well.
            Box::pin(async move { hook(event).await.map_err(|error| error.to_string()) })
        };
        Hook { call: Box::new(call), blocks: false }
    }

    pub(in crate::tokens) fn blocking<H, E>(hook: H) -> Hook
    where
        H: Fn(Event) -> Result<(), E> + Send + Sync + 'static,
        E: Display,
    {
        let hook = Hook::new(move |event| std::future::ready(hook(event).map_err(|error| error.to_string())));
        Hook { blocks: true, ..hook }
    }

    /// Where it runs, if the host has said nothing else: never where changes of tokens run, since
    /// a hook that blocks would hold up a revocation.
    pub(super) fn spawner(&self, of_host: Option<Spawner>) -> Spawner {
        of_host.filter(|_| !self.blocks).unwrap_or_default()
    }

    pub(super) fn call(&self, event: Event) -> Delivering {
        (self.call)(event)
    }
}
