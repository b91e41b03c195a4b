//! Where secrets come from.

use rand::TryRng;
use rand::rngs::SysRng;

/// Where secrets and ids come from.
///
/// Injected so that a failing generator can be tested. Whoever implements it for anything but a
/// test takes over the promise that no two tokens are alike: use a cryptographic generator, seed
/// it from the system, and reseed it after a fork.
pub trait Randomness: Send + Sync + 'static {
    /// Fills all of `bytes` with unpredictable bytes, or fails; there is no third way.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessFailed>;
}

/// No randomness could be had. Nothing is issued then: there is no weaker source to fall back to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the system gave no randomness")]
pub struct RandomnessFailed;

/// The operating system's generator, asked each time (so a fork repeats nothing).
#[derive(Clone, Copy, Default, Debug)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessFailed> {
        SysRng.try_fill_bytes(bytes).map_err(|_| RandomnessFailed)
    }
}
