//! Tokens and their use, as JSON shows them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use super::usage::UsageBody;
use crate::{AddressRange, RateLimit, Scope, Status, TokenId, TokenRecord, Usage};

/// A moment: RFC 3339, UTC, to the millisecond.
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

pub(crate) fn moment(time: Option<DateTime<Utc>>) -> Option<Moment> {
    time.map(Moment)
}

/// A token.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Token))]
pub(crate) struct TokenBody<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::Id))]
    id: TokenId,
    name: &'a str,
    description: &'a str,
    tenant: Option<&'a str>,
    owner: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::openapi::Id>))]
    parent: Option<TokenId>,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::StatusWord))]
    status: Status,
    start: &'a str,
    last4: &'a str,
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeSet<super::openapi::ScopeName>))]
    scopes: &'a BTreeSet<Scope>,
    rate_limit: Option<RateLimitBody>,
    not_before: Option<Moment>,
    expires_at: Option<Moment>,
    created_at: Moment,
    created_by: &'a str,
    /// Left out where use cannot be read: null says that there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Option<Moment>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<Option<Moment>>,
    paused_until: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    revoked_at: Option<Moment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    revoked_because: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<super::openapi::AddressText>))]
    ip_allow: &'a [AddressRange],
    env: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    usage: Option<UsageBody<'a>>,
}

impl<'a> TokenBody<'a> {
    pub(crate) fn new(record: &'a TokenRecord, now: DateTime<Utc>, usage: Option<&Usage>) -> TokenBody<'a> {
        let status = record.status(now);
        TokenBody {
            id: record.id,
            name: &record.name,
            description: &record.description,
            tenant: record.tenant.as_deref(),
            owner: record.owner.as_deref(),
            parent: record.parent,
            status,
            start: &record.secret.start,
            last4: &record.secret.last4,
            scopes: &record.scopes,
            rate_limit: RateLimitBody::of(&record.rate_limit),
            not_before: moment(record.not_before),
            expires_at: moment(record.expires_at),
            created_at: Moment(record.created_at),
            created_by: &record.created_by,
            last_used_at: usage.map(|usage| moment(usage.last_used_at)),
            last_seen_at: usage.map(|usage| moment(usage.last_seen_at)),
            // A pause that is over has no end to tell of.
            paused_until: moment(record.paused_until.filter(|until| now < *until)),
            revoked_at: moment(record.revoked_at),
            revoked_because: record.revoked_because.as_deref(),
            ip_allow: &record.addresses,
            env: record.environment.as_deref(),
            metadata: &record.metadata,
            version: record.version,
            usage: None,
        }
    }

    /// The same with its use told in full.
    pub(crate) fn with_usage(mut self, usage: &'a Usage, tells_addresses: bool) -> TokenBody<'a> {
        self.usage = Some(UsageBody::of(usage, tells_addresses));
        self
    }
}

/// A limit. A window that is none of minute, hour and day is shown as what it is.
#[derive(Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = RateLimit))]
pub(crate) struct RateLimitBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    per_day: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other: Vec<OtherWindow>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct OtherWindow {
    limit: u32,
    window_seconds: f64,
}

impl RateLimitBody {
    /// None for no limit at all.
    pub(crate) fn of(limit: &RateLimit) -> Option<RateLimitBody> {
        let mut body = RateLimitBody::default();
        for quota in limit.quotas() {
            match quota.window_ms() {
                60_000 => body.per_minute = Some(quota.limit()),
                3_600_000 => body.per_hour = Some(quota.limit()),
                86_400_000 => body.per_day = Some(quota.limit()),
                other => {
                    let window_seconds = f64::from(other) / 1_000.0;
                    body.other.push(OtherWindow { limit: quota.limit(), window_seconds });
                }
            }
        }
        (!limit.is_unlimited()).then_some(body)
    }
}
