//! What deserves attention about one token, and in which words.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, FindingKind};
use crate::denied::speech::{ago, day, list, moment, number, percent, several};
use crate::record::Status;
use crate::tokens::Attention;
use crate::tokens::attention::clients;
use crate::tokens::attention::shared::{expires_within, idle_from};
use crate::usage::StoredSlice;
use crate::{Scope, TokenRecord, Usage};

/// A token that was not used this long after it could first be is found.
const FIRST_USED_WITHIN: TimeDelta = TimeDelta::days(7);

/// One token that is looked at.
#[derive(Clone, Copy)]
pub(super) struct Judging<'a> {
    pub(super) attention: &'a Attention,
    pub(super) record: &'a TokenRecord,
    pub(super) now: DateTime<Utc>,
}

impl Judging<'_> {
    /// What its record tells, and its use where that is known. The most pressing first.
    pub(super) fn by_usage(&self, usage: Option<&Usage>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let status = self.record.status(self.now);
        match status {
            Status::Revoked => {}
            Status::Expired => findings.extend(self.expired(usage)),
            Status::Active | Status::Paused | Status::NotYetValid => {
                findings.extend(self.limited(usage));
                if status == Status::Active {
                    findings.extend(self.failing(usage));
                }
                findings.extend(self.expires_soon());
                findings.extend(self.old_secret());
                if status == Status::Active {
                    findings.extend(self.unused(usage));
                }
            }
        }
        findings
    }

    fn expired(&self, usage: Option<&Usage>) -> Option<Finding> {
        let failed = usage?.last_24_hours.refusals.expired;
        let end = self.record.expires_at.filter(|_| failed > 0)?;
        let text = format!(
            "It expired {}, and is still called: {} failed in the last 24 hours.",
            ago(end, self.now),
            several(failed, "call")
        );
        Some(self.finding(FindingKind::ExpiredInUse, text, "Extend it, or tell whoever still uses it"))
    }

    fn limited(&self, usage: Option<&Usage>) -> Option<Finding> {
        let refused = usage?.limited_5m;
        let text = format!("The limit refused {} in the last 5 minutes.", several(refused, "call"));
        (refused > 0).then(|| self.finding(FindingKind::Limited, text, "Raise the limit, or slow the caller"))
    }

    /// That calls of a paused or expired token fail is no wonder.
    fn failing(&self, usage: Option<&Usage>) -> Option<Finding> {
        let (share, calls) = self.attention.failing(&usage?.last_24_hours)?;
        let text =
            format!("Only {} of {} in the last 24 hours succeeded.", percent(share), several(calls, "call"));
        Some(self.finding(FindingKind::Failing, text, "Look at the calls that failed"))
    }

    fn expires_soon(&self) -> Option<Finding> {
        let (_, end) = expires_within(self.record, self.now)?;
        let left = end - self.now;
        let within = match (left.num_days(), left.num_hours()) {
            (0, 0) => "in less than an hour".to_owned(),
            (0, hours) => format!("in {}", several(hours.unsigned_abs(), "hour")),
            (days, _) => format!("in {}", several(days.unsigned_abs(), "day")),
        };
        let text = format!("It expires {within}, on {}.", moment(end));
        Some(self.finding(FindingKind::ExpiresSoon, text, "Extend it, or rotate it"))
    }

    fn old_secret(&self) -> Option<Finding> {
        let previous = self.record.previous_secret.as_ref().filter(|old| self.now < old.ends_at)?;
        let text =
            format!("The secret from before the rotation still works until {}.", moment(previous.ends_at));
        Some(self.finding(FindingKind::OldSecretLives, text, "See who still uses it, then end it"))
    }

    fn unused(&self, usage: Option<&Usage>) -> Option<Finding> {
        let last_used_at = usage?.counts.last_used_at;
        let idle = self.now - idle_from(self.record, last_used_at);
        match last_used_at {
            Some(last) => {
                let days = i64::from(self.attention.unused_days?);
                let text = format!(
                    "Not used for {}, since {}.",
                    several(idle.num_days().unsigned_abs(), "day"),
                    day(last)
                );
                (idle >= TimeDelta::days(days))
                    .then(|| self.finding(FindingKind::Unused, text, "Revoke it if nobody needs it"))
            }
            None => {
                let text = format!(
                    "Never used, {} after it was created.",
                    several((self.now - self.record.created_at).num_days().unsigned_abs(), "day")
                );
                (idle >= FIRST_USED_WITHIN)
                    .then(|| self.finding(FindingKind::NeverUsed, text, "Revoke it if nobody needs it"))
            }
        }
    }

    /// More than half of its scopes are among these.
    pub(super) fn scopes(&self, unused: &[&Scope]) -> Option<Finding> {
        let held = self.record.scopes.len();
        if unused.len() * 2 <= held || self.record.status(self.now) == Status::Expired {
            return None;
        }
        let mut names: Vec<_> = unused.iter().take(3).map(|scope| scope.as_str().to_owned()).collect();
        if unused.len() > names.len() {
            names.push(format!("{} more", number((unused.len() - names.len()) as u64)));
        }
        let text = format!(
            "{} of {} not used for 30 days: {}.",
            number(unused.len() as u64),
            several(held as u64, "scope"),
            list(&names)
        );
        Some(self.finding(FindingKind::ScopesUnused, text, "Take away what it does not need"))
    }

    /// Addresses that are new in the last 24 hours: the first of each day.
    pub(super) fn addresses(&self, slices: &[StoredSlice]) -> Option<Finding> {
        let sightings = clients::new_addresses(slices, self.now);
        let newest = sightings.last()?;
        let address = &newest.client.address;
        let text = format!("It was called from {address}, which is new in the last 24 hours.");
        Some(self.finding(FindingKind::NewAddress, text, "Rotate or revoke it if that was not you"))
    }

    fn finding(&self, kind: FindingKind, text: String, remedy: &str) -> Finding {
        Finding { token: self.record.id, kind, text, remedy: remedy.to_owned() }
    }
}
