//! Scopes: what a token may do, the catalogue that declares them, and the set that is checked.

mod catalog;
mod compiled;
mod name;
mod preset;
mod set;

pub use catalog::{Catalog, Declaration, Group, InvalidCatalog};
pub(crate) use compiled::CompiledCatalog;
pub use name::{InvalidScope, Scope};
pub use preset::Preset;
pub use set::Scopes;
pub(crate) use set::contains_all;

/// The scope that reads tokens, their usage and their history through the admin API. Built in.
pub const TOKENS_READ: &str = "tokens:read";
/// The scope that issues, changes, rotates and revokes tokens through the admin API. Built in;
/// implies [`TOKENS_READ`].
pub const TOKENS_MANAGE: &str = "tokens:manage";
