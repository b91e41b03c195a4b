//! What is given up, the nearer memory is to its bound, and estimates of what takes it.

use super::part::Part;

/// What is still kept, the nearer memory is to its bound: the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeping {
    Everything,
    /// No calls one by one.
    NoCalls,
    /// No new names: they count under "other".
    NoNames,
    /// No new minutes: they count by the hour.
    Hours,
    /// Totals alone.
    Totals,
}

/// Estimates, in bytes, of what is claimed.
pub(super) const PART: usize = size_of::<((i64, bool), Part)>() + 100;
pub(super) const NAME: usize = 300;
pub(super) const CALL: usize = 160;
pub(super) const BUCKET: usize = 16;

impl Keeping {
    /// What is kept where so many bytes are claimed of so many.
    pub(super) fn at(bytes: usize, most: usize) -> Keeping {
        match bytes as f64 / most.max(1) as f64 {
            ..0.5 => Keeping::Everything,
            ..0.6 => Keeping::NoCalls,
            ..0.8 => Keeping::NoNames,
            ..1.0 => Keeping::Hours,
            _ => Keeping::Totals,
        }
    }
}
