//! What is recorded of each request, until the next flush.
//!
//! A request that is finished or refused leaves one [`Noted`] in a striped [`buffer`]: a few dozen
//! nanoseconds under a lock that two threads seldom share. The background thread [folds] what was
//! noted into figures, in memory that is bounded whatever comes, and hands them to the store as
//! one batch.
//!
//! [folds]: fold::Fold

mod buffer;
mod client;
mod counting;
mod fold;
mod keeping;
mod names;
mod noted;
mod of_token;
mod part;
mod privacy;
mod recent;
mod recorder;
mod settings;

pub(crate) use noted::{Noted, What};
pub use privacy::Privacy;
pub(crate) use recorder::Recorder;
pub use recorder::{GivenUp, RecordingHealth};
pub use settings::Recording;
