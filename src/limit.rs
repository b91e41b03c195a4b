//! How many requests a token may make, and the exact sliding window that counts them.
//!
//! A [`Quota`] is a number of requests in any interval of one length; a [`RateLimit`] is up to three of them,
//! all of which a request must pass. A [`Window`] is the state of one token. It is pure: it is given the limit
//! and the time ([`Tick`]) with every question, holds no lock, reads no clock, and answers with a [`Standing`]
//! or a refusal ([`Limited`]).
//!
//! ```
//! use tokenward::limit::{RateLimit, Tick, Window};
//!
//! let limit = RateLimit::per_minute(2)?;
//! let mut window = Window::default();
//! assert!(window.take(&limit, Tick::exact(0)).is_ok());
//! assert!(window.take(&limit, Tick::exact(10_000)).is_ok());
//!
//! let refused = window.take(&limit, Tick::exact(15_000)).unwrap_err();
//! assert_eq!(refused.retry_after_ms, 45_000);
//! assert!(window.take(&limit, Tick::exact(60_000)).is_ok());
//! # Ok::<(), tokenward::limit::InvalidLimit>(())
//! ```

mod buckets;
mod counted;
mod log;
mod quota;
mod standing;
mod tick;
mod window;

pub use quota::{InvalidLimit, Quota, RateLimit};
pub use standing::{Limited, QuotaStanding, Standing};
pub use tick::Tick;
pub use window::Window;
