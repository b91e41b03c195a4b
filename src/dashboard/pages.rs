//! The pages. Each is one file here and one template.

pub(super) mod attention;
pub(super) mod bulk;
pub(super) mod calls;
mod consequences;
pub(super) mod create;
mod dialog;
pub(super) mod find;
pub(super) mod grace;
pub(super) mod history;
pub(super) mod keys;
pub(super) mod list;
pub(super) mod pause;
pub(super) mod preferences;
pub(super) mod purge;
pub(super) mod reveal;
pub(super) mod revoke;
mod revoked;
pub(super) mod rotate;
pub(super) mod settings;
pub(super) mod sign_in;
pub(super) mod token;
pub(super) mod usage;
