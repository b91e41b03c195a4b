//! The dashboard: pages over text, as an adapter asks for them.
#![cfg(all(feature = "dashboard", feature = "axum"))]

mod attention;
mod bulk;
mod contrast;
mod create;
mod dialogs;
mod filled;
mod guarded;
mod history;
mod kit;
mod list;
mod mounts;
mod settings;
mod sign_in;
mod token;
mod usage;
#[path = "../support/watched_usage.rs"]
#[allow(dead_code, reason = "each test uses a part of this")]
mod watched_usage;
