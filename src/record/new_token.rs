//! What a new token is asked for with.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::{InvalidLimit, Preset, RateLimit};

/// What a new token is asked for with. Only the name is required.
///
/// Everything is checked when it is issued, all of it at once: [`Error::Invalid`](crate::Error)
/// names each field that is wrong and says what would be right.
///
/// ```
/// use chrono::TimeDelta;
/// use tokenward::NewToken;
/// let asked = NewToken::named("Production mobile app")
///     .description("The shop's app on both platforms")
///     .tenant("acme")
///     .scopes(["products:read", "orders:read"])
///     .per_minute(120)
///     .expires_in(TimeDelta::days(90));
/// ```
#[derive(Clone, Debug)]
pub struct NewToken {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) tenant: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) rate_limit: Result<RateLimit, InvalidLimit>,
    pub(crate) addresses: Vec<String>,
    pub(crate) environment: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) not_before: Option<DateTime<Utc>>,
    pub(crate) expiry: Option<Expiry>,
}

/// When a token is to expire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Expiry {
    At(DateTime<Utc>),
    In(TimeDelta),
}

impl NewToken {
    /// A token with this name, without scopes, with the default limit of 60 requests per minute
    /// and no expiry.
    pub fn named(name: impl Into<String>) -> NewToken {
        NewToken {
            name: name.into(),
            description: String::new(),
            tenant: None,
            owner: None,
            scopes: Vec::new(),
            rate_limit: Ok(RateLimit::default()),
            addresses: Vec::new(),
            environment: None,
            metadata: BTreeMap::new(),
            not_before: None,
            expiry: None,
        }
    }

    /// What it is for, in up to 1,000 characters.
    pub fn description(mut self, text: impl Into<String>) -> NewToken {
        self.description = text.into();
        self
    }

    /// The tenant that it belongs to: the only one in which it works.
    pub fn tenant(mut self, tenant: impl Into<String>) -> NewToken {
        self.tenant = Some(tenant.into());
        self
    }

    /// Whose it is, in the service's own terms: a user's id, a number, an address.
    pub fn owner(mut self, owner: impl ToString) -> NewToken {
        self.owner = Some(owner.to_string());
        self
    }

    /// What it may do. Replaces what was said before.
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> NewToken {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The scopes, the limit and the lifetime of a preset; what is said afterwards replaces them.
    pub fn preset(mut self, preset: &Preset) -> NewToken {
        self.scopes = preset.scopes.clone();
        if let Some(requests) = preset.per_minute {
            self.rate_limit = RateLimit::per_minute(requests);
        }
        self.expiry = preset.expires_in.map(Expiry::In);
        self
    }

    /// How many requests it may make in any minute.
    pub fn per_minute(mut self, requests: u32) -> NewToken {
        self.rate_limit = RateLimit::per_minute(requests);
        self
    }

    /// How often it may be used, in several windows or none.
    pub fn rate_limit(mut self, limit: RateLimit) -> NewToken {
        self.rate_limit = Ok(limit);
        self
    }

    /// Where it may be used from: addresses, or blocks such as `203.0.113.0/24`. None means
    /// everywhere.
    pub fn addresses<S: Into<String>>(mut self, ranges: impl IntoIterator<Item = S>) -> NewToken {
        self.addresses = ranges.into_iter().map(Into::into).collect();
        self
    }

    /// The environment that it is for, in the service's own terms.
    pub fn environment(mut self, environment: impl Into<String>) -> NewToken {
        self.environment = Some(environment.into());
        self
    }

    /// An attribute of the service's own: at most 50, keys of up to 40 and values of up to 500
    /// characters.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> NewToken {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// From when on it is valid.
    pub fn not_before(mut self, time: DateTime<Utc>) -> NewToken {
        self.not_before = Some(time);
        self
    }

    /// How long it lives.
    pub fn expires_in(mut self, time: TimeDelta) -> NewToken {
        self.expiry = Some(Expiry::In(time));
        self
    }

    /// The first moment at which it no longer works.
    pub fn expires_at(mut self, time: DateTime<Utc>) -> NewToken {
        self.expiry = Some(Expiry::At(time));
        self
    }

    /// It does not expire by itself. The default, unless the service's policy asks for an expiry.
    pub fn without_expiry(mut self) -> NewToken {
        self.expiry = None;
        self
    }
}
