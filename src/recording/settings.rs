//! What is recorded, and for how long.

use super::Privacy;
use crate::usage::Retention;

/// What is recorded of each request, how much memory it may take until it is written, and for how
/// long it is kept.
///
/// ```
/// use tokenward::{Privacy, Recording};
/// let recording = Recording { privacy: Privacy::Hashed, ..Recording::default() };
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recording {
    /// How much of a client is kept.
    pub privacy: Privacy,
    /// For how long use is kept.
    pub retention: Retention,
    /// How many bytes may wait to be written, at least 16 MiB; 64 MiB unless set. Beyond it detail
    /// is given up, and totals never: what was given up is said.
    pub memory: usize,
}

impl Default for Recording {
    fn default() -> Self {
        Recording { privacy: Privacy::default(), retention: Retention::default(), memory: 64 << 20 }
    }
}
