//! The web layer without a framework: header text in, [`Tokens`] asked, a [`Reply`] out.
//!
//! No `http` crate, no framework: an adapter turns its request into a [`Request`], asks a
//! [`Guard`], and turns a [`Reply`] into its response. The adapters of this crate are
//! [`tower`] and [`axum`].

#[cfg(feature = "axum")]
pub mod axum;
mod challenge;
mod credential;
mod guard;
mod host;
mod limit_headers;
mod path;
mod refusal;
mod reply;
mod request;
mod rules;
mod stream;
mod tenant;
#[cfg(feature = "tower")]
pub mod tower;

pub use credential::Source;
pub use guard::{Admission, Admitted, Guard};
pub use limit_headers::{EXPOSED_HEADERS, LimitHeaders};
pub use reply::Reply;
pub use request::{Headers, Request, SeveralValues};
pub use rules::{InvalidRules, Rules};
pub use stream::{BodyStream, BrokenOff, Piece};
pub use tenant::TenantSource;

#[cfg(feature = "admin")]
pub(crate) use credential::is_ours;
#[cfg(feature = "dashboard")]
pub(crate) use guard::{agent, of_tenant};
#[cfg(feature = "admin")]
pub(crate) use path::of_request as path_segments;
pub(crate) use refusal::{Refusals, unavailable};
#[cfg(feature = "admin")]
pub(crate) use tenant::Tenant;

#[cfg(doc)]
use crate::Tokens;
