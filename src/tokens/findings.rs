//! What deserves attention about tokens, each with its reason: for a page that lists it.

mod candidates;
mod judging;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::Tokens;
use super::attention::clients;
use crate::usage::{SliceQuery, Subject};
use crate::{Error, Period, Statistics, TenantFilter, TokenId, TokenRecord, Usage};
use judging::Judging;

/// Why a token deserves attention, the most pressing first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FindingKind {
    /// It has expired, and is still called: in the last 24 hours.
    ExpiredInUse,
    /// The limit refused something within the last 5 minutes.
    Limited,
    /// Too few of its calls in the last 24 hours succeeded.
    Failing,
    /// It was called from an address that is new in the last 24 hours.
    NewAddress,
    /// It expires within 14 days.
    ExpiresSoon,
    /// The secret before the rotation still works.
    OldSecretLives,
    /// Nothing was let in with it for a long time.
    Unused,
    /// Nothing was ever let in with it, a week after it could first be used.
    NeverUsed,
    /// Most of its scopes were not used for 30 days.
    ScopesUnused,
}

impl FindingKind {
    /// Every kind, the most pressing first.
    pub const ALL: [FindingKind; 9] = [
        FindingKind::ExpiredInUse,
        FindingKind::Limited,
        FindingKind::Failing,
        FindingKind::NewAddress,
        FindingKind::ExpiresSoon,
        FindingKind::OldSecretLives,
        FindingKind::Unused,
        FindingKind::NeverUsed,
        FindingKind::ScopesUnused,
    ];

    /// The word for it in JSON: `expires_soon`.
    pub const fn as_str(self) -> &'static str {
        match self {
            FindingKind::ExpiredInUse => "expired_in_use",
            FindingKind::Limited => "limited",
            FindingKind::Failing => "failing",
            FindingKind::NewAddress => "new_address",
            FindingKind::ExpiresSoon => "expires_soon",
            FindingKind::OldSecretLives => "old_secret_lives",
            FindingKind::Unused => "unused",
            FindingKind::NeverUsed => "never_used",
            FindingKind::ScopesUnused => "scopes_unused",
        }
    }
}

/// One thing that deserves attention.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Of which token.
    pub token: TokenId,
    /// Why.
    pub kind: FindingKind,
    /// In one plain sentence. That of [`FindingKind::NewAddress`] names the address: see
    /// [`Finding::without_address`].
    pub text: String,
    /// What to do about it, in a few words.
    pub remedy: String,
}

impl Finding {
    /// The same for somebody who is not to see the addresses of clients.
    pub fn without_address(mut self) -> Finding {
        if self.kind == FindingKind::NewAddress {
            self.text = "It was called from an address that is new in the last 24 hours.".to_owned();
        }
        self
    }
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

/// Tokens are looked up by so many at once.
const AT_ONCE: usize = 200;
/// Scopes are looked at over so many days.
const SCOPE_DAYS: i64 = 30;

impl Tokens {
    /// What deserves attention about these tokens, as far as their records and their use tell
    /// without asking a store: for a page of them. In the order of the tokens, and of each the most
    /// pressing first. A token whose use is not among `usage` is judged by its record alone; there
    /// is nothing about a revoked one. By the thresholds of [`Attention`](crate::Attention).
    pub fn findings_of(&self, records: &[TokenRecord], usage: &HashMap<TokenId, Usage>) -> Vec<Finding> {
        let now = self.clock().now().wall();
        records.iter().flat_map(|record| self.judging(record, now).by_usage(usage.get(&record.id))).collect()
    }

    /// What deserves attention about one token, looked into with all that is recorded of it: what
    /// [`Tokens::findings_of`] tells, scopes that it does not use, and addresses that are new. Costs
    /// five questions to the store of use.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn findings_of_one(&self, record: &TokenRecord) -> Result<Vec<Finding>, Error> {
        if record.revoked_at.is_some() {
            return Ok(Vec::new());
        }
        let now = self.clock().now().wall();
        let usage = self.usage_of(&[record.id]).await?;
        let is_old = record.created_at <= now - TimeDelta::days(SCOPE_DAYS);
        let month = Period::new(now - TimeDelta::days(SCOPE_DAYS), now + TimeDelta::milliseconds(1));
        let month = match is_old {
            true => Some(self.statistics(Subject::Token(record.id), month).await?),
            false => None,
        };
        self.findings_told(record, usage.get(&record.id), month.as_ref()).await
    }

    /// The same of what was read before: its use, and that of its last 30 days, without which
    /// nothing is said of scopes. Costs one question to the store of use.
    pub(crate) async fn findings_told(
        &self,
        record: &TokenRecord,
        usage: Option<&Usage>,
        month: Option<&Statistics>,
    ) -> Result<Vec<Finding>, Error> {
        if record.revoked_at.is_some() {
            return Ok(Vec::new());
        }
        let now = self.clock().now().wall();
        let judging = self.judging(record, now);
        let engine = self.engine();
        let mut findings = judging.by_usage(usage);
        let is_old = record.created_at <= now - TimeDelta::days(SCOPE_DAYS);
        if let Some(month) = month.filter(|_| is_old) {
            let unused = engine.unused_scopes(record, &month.detail.scopes);
            findings.extend(judging.scopes(&unused));
        }
        let span = clients::span(engine.recorder.settings().retention.clients, now);
        let query = SliceQuery::new(vec![Subject::Token(record.id)], vec![span]).detailed();
        let slices = engine.usage.slices(&query).await?;
        if !clients::is_crowd(&slices) {
            findings.extend(judging.addresses(&slices));
        }
        findings.sort_by_key(|finding| finding.kind);
        Ok(findings)
    }

    /// What deserves attention among the tokens of these tenants, of so many tokens at most, the most
    /// pressing first. Looked at are those that are likely to deserve it, not all: the next to
    /// expire, those that failed or reached their limit most in the last 24 hours, the oldest and the
    /// newest, and those that were changed last. So it costs at most twenty questions to the stores,
    /// however many tokens there are. What [`Tokens::findings_of_one`] tells beyond
    /// [`Tokens::findings_of`] is not looked for.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn findings(&self, tenant: &TenantFilter, most: usize) -> Result<Findings, Error> {
        let now = self.clock().now().wall();
        let candidates = self.candidates(tenant, now).await?;
        let (mut seen, mut records) = (HashSet::new(), Vec::new());
        for record in candidates.records {
            if record.revoked_at.is_none() && seen.insert(record.id) {
                records.push(record);
            }
        }
        let (mut usage, mut as_of) = (HashMap::new(), now);
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        for ids in ids.chunks(AT_ONCE) {
            usage.extend(self.usage_of(ids).await?);
        }
        if let Some(usage) = usage.values().next() {
            as_of = usage.as_of;
        }
        let mut found: Vec<_> = records
            .into_iter()
            .filter_map(|record| {
                let findings = self.judging(&record, now).by_usage(usage.get(&record.id));
                (!findings.is_empty()).then_some((record, findings))
            })
            .collect();
        let calls =
            |record: &TokenRecord| usage.get(&record.id).map_or(0, |usage| usage.last_24_hours.calls());
        found.sort_by_key(|(record, findings)| {
            let end = record.expires_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
            (findings[0].kind, std::cmp::Reverse(calls(record)), end, record.id)
        });
        let more = candidates.more || found.len() > most;
        found.truncate(most);
        Ok(Findings { tokens: found, more, as_of })
    }

    fn judging<'a>(&'a self, record: &'a TokenRecord, now: DateTime<Utc>) -> Judging<'a> {
        Judging { attention: &self.engine().attention, record, now }
    }
}
