//! The history of tokens: who did what, when, with the difference, in a chain that shows tampering.
//!
//! A change and its history entry are written in one transaction of the store. Entries of one
//! tenant form a chain: each holds the SHA-256 of the one before it, so that an entry that was
//! changed, removed or put in breaks every seal behind it. Personal values (who, and from where)
//! enter the chain as a salted commitment only: value and salt can be erased together, and the
//! chain still verifies.

mod chain;

pub(crate) use chain::Backwards;
pub use chain::{BrokenChain, Seal, verify_chain};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Actor, TokenId, TokenRecord, Via};

/// What was done to a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// It was issued.
    Issued,
    /// It was changed in place.
    Updated,
    /// It got a new secret.
    Rotated,
    /// It was paused.
    Paused,
    /// It was resumed before its pause was over.
    Resumed,
    /// It was revoked.
    Revoked,
    /// Its record was deleted. Its history stays.
    Purged,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 7] = [
        Action::Issued,
        Action::Updated,
        Action::Rotated,
        Action::Paused,
        Action::Resumed,
        Action::Revoked,
        Action::Purged,
    ];

    /// The word for it in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Issued => "issued",
            Action::Updated => "updated",
            Action::Rotated => "rotated",
            Action::Paused => "paused",
            Action::Resumed => "resumed",
            Action::Revoked => "revoked",
            Action::Purged => "purged",
        }
    }

    /// The action that a word stands for.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(crate) fn from_word(word: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

/// One field that a change touched, as people read it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// The field, as the admin API calls it.
    pub field: String,
    /// What it was; none where there was nothing.
    pub from: Option<String>,
    /// What it became; none where there is nothing.
    pub to: Option<String>,
}

/// The personal values of an entry, and the salt that hides them in the chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Personal {
    /// Who did it.
    pub actor: String,
    /// From which address.
    pub address: Option<String>,
    /// 16 random bytes, in base64.
    pub salt: String,
}

/// An entry before the store has given it its place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryDraft {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What was done.
    pub action: Action,
    /// To which token.
    pub token: TokenId,
    /// What it was called then.
    pub token_name: String,
    /// The token's tenant. Each tenant has a chain of its own.
    pub tenant: Option<String>,
    /// Who did it, unless that was erased.
    pub personal: Option<Personal>,
    /// The token that acted, if one did.
    pub actor_token: Option<TokenId>,
    /// Which way it came.
    pub via: Via,
    /// The id of the request.
    pub request_id: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The difference.
    pub changes: Vec<FieldChange>,
}

/// An entry with its place in the store's order and in its tenant's chain.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// Its number in the order of the store's commits, across tenants.
    pub number: u64,
    /// What it tells.
    #[serde(flatten)]
    pub draft: HistoryDraft,
    /// Its seal in its tenant's chain.
    #[serde(flatten)]
    pub seal: Seal,
}

impl FieldChange {
    pub(crate) fn new(field: &str, from: Option<String>, to: Option<String>) -> FieldChange {
        FieldChange { field: field.to_owned(), from, to }
    }
}

impl HistoryDraft {
    pub(crate) fn new(
        action: Action,
        record: &TokenRecord,
        actor: &Actor,
        salt: [u8; 16],
        at: DateTime<Utc>,
    ) -> HistoryDraft {
        use base64::Engine;
        let salt = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(salt);
        let address = actor.address.map(|address| address.to_string());
        HistoryDraft {
            at,
            action,
            token: record.id,
            token_name: record.name.clone(),
            tenant: record.tenant.clone(),
            personal: Some(Personal { actor: actor.name.clone(), address, salt }),
            actor_token: actor.token,
            via: actor.via,
            request_id: actor.request_id.clone(),
            reason: None,
            changes: Vec::new(),
        }
    }

    /// The same entry about another token: for a change that touches many.
    pub fn about(&self, record: &TokenRecord) -> HistoryDraft {
        HistoryDraft {
            token: record.id,
            token_name: record.name.clone(),
            tenant: record.tenant.clone(),
            ..self.clone()
        }
    }

    /// Who did it, as far as that was not erased.
    pub fn actor(&self) -> Option<&str> {
        self.personal.as_ref().map(|personal| personal.actor.as_str())
    }

    /// Takes its place behind `previous`, the seal of its tenant's last entry, with the number
    /// that the store drew. Called by stores, within the transaction of the change.
    pub fn seal(self, number: u64, previous: Option<&Seal>) -> HistoryEntry {
        let seal = Seal::of(number, &self, previous);
        HistoryEntry { number, draft: self, seal }
    }
}
