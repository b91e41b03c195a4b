//! The guide: chapters for whoever embeds this crate, keeps its tokens, or answers for both.
//!
//! - [`embedding`]: from an empty service to a guarded one.
//! - [`security`]: the threat model, and what is done about each threat.
//! - [`storing`]: the stores, and one of your own.
//! - [`fleet`]: many nodes over one database, and a revocation that can be proved.
//! - [`limiting`]: the exact window, and what it costs.
//! - [`watching`]: how tokens are used, how exact that is, and what it costs.
//! - [`dashboard`]: pages for people, and who may see what.
//! - [`events`]: what deserves attention, and how it is told.
//! - [`problems`]: each refusal that a token holder can read, and what helps.
//! - [`design`]: why things are as they are.

#[doc = include_str!("guide/embedding.md")]
pub mod embedding {}

#[doc = include_str!("guide/security.md")]
pub mod security {}

#[doc = include_str!("guide/storing.md")]
pub mod storing {}

#[doc = include_str!("guide/fleet.md")]
pub mod fleet {}

#[doc = include_str!("guide/limiting.md")]
pub mod limiting {}

#[doc = include_str!("guide/watching.md")]
pub mod watching {}

#[doc = include_str!("guide/dashboard.md")]
pub mod dashboard {}

#[doc = include_str!("guide/events.md")]
pub mod events {}

#[doc = include_str!("guide/problems.md")]
pub mod problems {}

#[doc = include_str!("guide/design.md")]
pub mod design {}
