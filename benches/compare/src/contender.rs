//! What all contenders have in common.

use std::time::Duration;

use crate::sample::{Sample, Texts};

/// One way to verify tokens, over the same tokens as all the others.
pub trait Contender: Sync {
    fn name(&self) -> &'static str;

    /// How many of the texts may pass. Each contender says [`pass`] here, so that the call of one
    /// verification is compiled into the loop and only a whole batch goes through the trait.
    fn pass(&self, texts: Texts<'_>) -> usize;

    /// The batch that was just verified stands for so much time. Only for a contender whose work
    /// depends on how many requests lie within a window: a measurement asks a token thousands of
    /// times more often than any client would.
    fn let_time_pass(&self, _time: Duration) {}
}

/// How a contender is built from a sample. Memory is counted from the call to the return.
pub type Build = fn(&Sample) -> Box<dyn Contender>;

/// Verifies one text after the other.
pub fn pass(texts: Texts<'_>, verify: impl Fn(&[u8]) -> bool) -> usize {
    texts.iter().filter(|text| verify(text)).count()
}
