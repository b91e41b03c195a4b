//! What is recorded of each request, until the next flush.

mod privacy;
mod settings;

pub use privacy::Privacy;
pub use settings::Recording;
