//! API tokens for the customers of a web service.
#![forbid(unsafe_code)]

mod actor;
mod address;
mod clock;
mod denied;
mod error;
mod executor;
pub mod history;
pub mod limit;
mod live;
mod policy;
mod randomness;
mod record;
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
pub use clock::{Clock, ManualClock, Reading, SystemClock};
pub use denied::{Denied, PROBLEM_TYPES, Problem, ScopeShortage};
pub use error::{Error, NotGrantable};
pub use executor::{Spawner, block_on};
pub use history::{
    Action, BrokenChain, FieldChange, HistoryDraft, HistoryEntry, Personal, Seal, verify_chain,
};
pub use limit::{InvalidLimit, Limited, Quota, RateLimit};
pub use policy::Policy;
pub use randomness::{Randomness, RandomnessFailed, SystemRandomness};
pub use record::{
    FieldError, Invalid, Life, NewToken, PreviousSecret, SecretInfo, Status, StoredToken, TokenRecord,
    UnknownStatus, Update, UsedKey,
};
pub use scope::{
    Catalog, Declaration, Group, InvalidCatalog, InvalidScope, Preset, Scope, Scopes, TOKENS_MANAGE,
    TOKENS_READ,
};
pub use store::{
    Filter, HistoryQuery, Listing, MemoryStore, Order, Position, Query, SortKey, StoreError, TenantFilter,
    TokenStore,
};
pub use token::{Digest, InvalidPrefix, InvalidTokenId, Prefix, Presented, Token, TokenId, Unreadable};
pub use tokens::{
    Caller, ChangeToken, Expected, Grant, Issue, Issued, Need, Requirement, RevokeMany, Rotate, Rotated,
    Strangers, Tokens, TokensBuilder, UnusedListing, Verdict,
};
pub use usage::{Counts, Usage, UsageBatch, UsageStore};
