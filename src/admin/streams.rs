//! How many streams are open at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The streams that are open, of so many at most.
pub(crate) struct Streams {
    open: AtomicUsize,
    most: usize,
}

/// A place for one stream, until it is dropped.
pub(crate) struct Place(Arc<Streams>);

impl Streams {
    pub(crate) fn up_to(most: usize) -> Streams {
        Streams { open: AtomicUsize::new(0), most }
    }

    /// A place, if there is one left.
    pub(crate) fn take(self: &Arc<Streams>) -> Option<Place> {
        let one_more = |open| (open < self.most).then(|| open + 1);
        let taken = self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
