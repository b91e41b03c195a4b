//! API tokens for the customers of a web service: issued, verified, limited, watched, rotated and
//! revoked inside the service's own process, on its own database.
//!
//! ```
//! # tokenward::block_on(async {
//! use tokenward::{Catalog, Need, NewToken, Tokens, Verdict};
//!
//! let catalog = Catalog::new().scope("orders:read", "Look at orders and the customers on them");
//! let tokens = Tokens::in_memory(catalog)?;          // or sqlite, or a store of your own
//!
//! let issued = tokens
//!     .issue(NewToken::named("Nightly export").scopes(["orders:read"]).per_minute(60))
//!     .by("maria@acme.example")
//!     .await?;
//! let text = issued.secret.expose();                  // to be shown now, once
//!
//! match tokens.verify(text, &Need::scope("orders:read")).await? {   // an error: answer 503
//!     Verdict::Granted(grant) => println!("{} may pass", grant.token_id()),
//!     Verdict::Denied(denied) => println!("{} {}", denied.status(), denied.detail()),
//! }
//!
//! tokens.revoke(&issued.record.id).by("maria@acme.example").await?;  // dead when this returns
//! # Ok::<(), tokenward::Error>(()) }).unwrap();
//! ```
//!
//! In a web service none of this is written by hand: [`Tokens::guard`](crate::Tokens) takes one
//! table of rules. The [`guide`] begins [there](guide::embedding).
//!
//! # What it does, and what it does not
//!
//! It answers one question for each request, *may this pass?*, in this order: shape and checksum,
//! known, secret, tenant, revoked, not yet valid, expired, paused, address, scope, limit. A hit in
//! memory awaits nothing and allocates nothing; a refusal takes nothing from the limit. What becomes
//! of each request is recorded in memory and written in batches, never per request.
//!
//! It is no login for people, no session, and no OAuth server.
//!
//! # Map of the house
//!
//! | floor | what stands there |
//! |---|---|
//! | values | [`Token`], [`TokenId`], [`Scope`], [`Catalog`], [`RateLimit`] and its exact [`limit::Window`], [`TokenRecord`], [`Denied`], [`Error`], [`Actor`], [`Policy`], [`Clock`], [`history`] |
//! | seams | [`TokenStore`], [`UsageStore`], [`Outbox`], [`ChangeFeed`], [`Limiter`] |
//! | engine | [`Tokens`], [`Need`], [`Verdict`], [`Recording`], [`Statistics`] |
//! | backends | [`MemoryStore`], `SqliteStore`, `PostgresStore`; `RedisLimiter` |
//! | web | `web`: rules, guard, replies; `web::tower`, `web::axum` |
//! | page | `admin`: the JSON API; `dashboard`: pages for people |
//!
//! # Features
//!
//! None is on by default, and each only adds.
//!
//! | feature | what it adds |
//! |---|---|
//! | `sqlite` | `SqliteStore`: tokens, history and use in one file |
//! | `postgres` | `PostgresStore`: the same for any number of nodes |
//! | `redis` | `RedisLimiter`: limits that are exact across nodes |
//! | `web` | `web`: the guard over text, for a framework that has no adapter here |
//! | `tower` | the guard as a layer for every service over `http` 1 |
//! | `axum` | the layer with axum's route templates, and `Caller` as an extractor |
//! | `admin` | the JSON admin API |
//! | `dashboard` | pages for people: tokens created, watched, changed, rotated and revoked in the browser |
//! | `openapi` | the admin API described as OpenAPI 3.1, by itself |
//! | `metrics` | figures for the `metrics` facade |
//! | `conformance` | test suites for stores that are not in this crate |
#![forbid(unsafe_code)]

mod actor;
mod address;
#[cfg(feature = "admin")]
pub mod admin;
pub mod changes;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "dashboard")]
pub mod dashboard;
mod denied;
mod error;
mod event;
mod executor;
mod fleet;
pub mod guide;
pub mod history;
mod id_hash;
mod keyed_hash;
pub mod limit;
pub mod limiter;
mod live;
mod policy;
mod randomness;
mod ready_made;
mod record;
mod recording;
mod scope;
pub mod store;
mod token;
mod tokens;
pub mod usage;
#[cfg(feature = "web")]
pub mod web;

pub use actor::{Actor, Via};
pub use address::{AddressRange, InvalidAddressRange};
pub use async_trait::async_trait;
pub use changes::{ChangeFeed, NodeId};
pub use clock::{Clock, ManualClock, Reading, SystemClock};
pub use denied::{Denied, PROBLEM_TYPES, Problem, ScopeShortage};
pub use error::{Error, LimiterError, NotGrantable, StoreError};
pub use event::{Event, EventKind, Outbox};
pub use executor::{Spawner, block_on};
pub use history::{
    Action, BrokenChain, FieldChange, HistoryDraft, HistoryEntry, Personal, Seal, verify_chain,
};
pub use limit::{InvalidLimit, Limited, Quota, RateLimit};
#[cfg(feature = "redis")]
pub use limiter::RedisLimiter;
pub use limiter::{Limiter, LimiterHealth, WhenLimiterFails};
pub use policy::Policy;
pub use randomness::{Randomness, RandomnessFailed, SystemRandomness};
pub use record::{
    FieldError, Invalid, Life, NewToken, PreviousSecret, SecretInfo, Status, StoredToken, TokenRecord,
    UnknownStatus, Update, UsedKey,
};
pub use recording::{GivenUp, Privacy, Recording, RecordingHealth};
pub use scope::{
    Catalog, Declaration, Group, InvalidCatalog, InvalidScope, Preset, Scope, Scopes, TOKENS_MANAGE,
    TOKENS_READ,
};
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
pub use store::{
    Filter, HistoryQuery, Listing, MemoryStore, Order, Position, Query, SortKey, TenantFilter, TokenStore,
};
pub use token::{Digest, InvalidPrefix, InvalidTokenId, Prefix, Presented, Token, TokenId, Unreadable};
pub use tokens::{
    Attention, Caller, ChangeToken, Expected, Finding, FindingKind, Findings, Grant, Health, HistoryCheck,
    Impact, Intent, Issue, Issued, LeaseHealth, Need, RecentCalls, Requirement, RevokeMany, Rotate, Rotated,
    ScopeImpact, Statistics, Step, TimeSeries, Tokens, TokensBuilder, UnusedListing, Usage, Verdict,
};
pub use usage::{Call, Counts, MemoryUsage, Period, Subject, UsageBatch, UsageStore};
