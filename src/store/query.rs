//! What a listing asks for.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Action, Scope, Status, TokenId, TokenRecord};

/// Which tokens a listing shows. Nothing said shows all.
///
/// [`Filter::matches`] is what it means; a store that filters by itself must come to the same.
///
/// ```
/// use tokenward::{Filter, Status};
/// let filter = Filter::new().status(Status::Active).scope("orders:read".parse().unwrap());
/// ```
#[derive(Clone, PartialEq, Default, Debug)]
#[non_exhaustive]
pub struct Filter {
    /// With one of these statuses; with any where none is named.
    pub statuses: Vec<Status>,
    /// Holding this scope by name. Implications do not count.
    pub scope: Option<Scope>,
    /// Of this owner.
    pub owner: Option<String>,
    /// Issued by this actor.
    pub created_by: Option<String>,
    /// For this environment.
    pub environment: Option<String>,
    /// With these attributes.
    pub metadata: BTreeMap<String, String>,
    /// With an expiry before this moment.
    pub expires_before: Option<DateTime<Utc>>,
    /// Issued before this moment.
    pub created_before: Option<DateTime<Utc>>,
    /// With this text in the name or the description, or at the start or end that a listing
    /// shows, or in a scope. ASCII letters match in either case.
    pub text: Option<String>,
}

impl Filter {
    /// Shows every token.
    pub fn new() -> Filter {
        Filter::default()
    }

    /// Shows tokens with this status; said several times, with one of these.
    pub fn status(mut self, status: Status) -> Filter {
        self.statuses.push(status);
        self
    }

    /// Shows tokens that hold this scope by name.
    pub fn scope(mut self, scope: Scope) -> Filter {
        self.scope = Some(scope);
        self
    }

    /// Shows tokens of this owner.
    pub fn owner(mut self, owner: impl Into<String>) -> Filter {
        self.owner = Some(owner.into());
        self
    }

    /// Shows tokens that this actor issued.
    pub fn created_by(mut self, actor: impl Into<String>) -> Filter {
        self.created_by = Some(actor.into());
        self
    }

    /// Shows tokens for this environment.
    pub fn environment(mut self, environment: impl Into<String>) -> Filter {
        self.environment = Some(environment.into());
        self
    }

    /// Shows tokens with this attribute.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Filter {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Shows tokens that expire before this moment.
    pub fn expires_before(mut self, time: DateTime<Utc>) -> Filter {
        self.expires_before = Some(time);
        self
    }

    /// Shows tokens that were issued before this moment.
    pub fn created_before(mut self, time: DateTime<Utc>) -> Filter {
        self.created_before = Some(time);
        self
    }

    /// Shows tokens with this text in what a listing shows of them.
    pub fn text(mut self, text: impl Into<String>) -> Filter {
        self.text = Some(text.into());
        self
    }

    /// Whether a listing shows this token at `now`.
    pub fn matches(&self, record: &TokenRecord, now: DateTime<Utc>) -> bool {
        let said = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        (self.statuses.is_empty() || self.statuses.contains(&record.status(now)))
            && self.scope.as_ref().is_none_or(|scope| record.scopes.contains(scope))
            && said(&self.owner, record.owner.as_deref())
            && said(&self.created_by, Some(&record.created_by))
            && said(&self.environment, record.environment.as_deref())
            && self.metadata.iter().all(|(key, value)| record.metadata.get(key) == Some(value))
            && self.expires_before.is_none_or(|time| record.expires_at.is_some_and(|end| end < time))
            && self.created_before.is_none_or(|time| record.created_at < time)
            && self.text.as_ref().is_none_or(|text| shows(record, text))
    }
}

fn shows(record: &TokenRecord, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let has = |place: &str| place.to_ascii_lowercase().contains(&text);
    has(&record.name)
        || has(&record.description)
        || has(&record.secret.start)
        || has(&record.secret.last4)
        || record.scopes.iter().any(|scope| has(scope.as_str()))
}

/// Which tenants' tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TenantFilter {
    /// Those of every tenant.
    Any,
    /// Those of this tenant; with none, those without a tenant.
    Only(Option<String>),
}

impl TenantFilter {
    /// Whether tokens of `tenant` are meant.
    pub fn matches(&self, tenant: Option<&str>) -> bool {
        match self {
            TenantFilter::Any => true,
            TenantFilter::Only(only) => only.as_deref() == tenant,
        }
    }
}

/// What tokens are sorted by. The id decides between equals.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum SortKey {
    /// When they were issued.
    CreatedAt,
    /// The name, byte by byte.
    Name,
    /// When they expire; those that never do come last.
    ExpiresAt,
}

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Sorted by this, and then by the id.
    pub by: SortKey,
    /// From the greatest to the smallest, ids as well.
    pub descending: bool,
}

impl Order {
    /// The newest first: the default of every listing.
    pub const NEWEST_FIRST: Order = Order { by: SortKey::CreatedAt, descending: true };

    /// Where a token stands in this order.
    pub fn position(&self, record: &TokenRecord) -> Position {
        let (number, text) = match self.by {
            SortKey::CreatedAt => (record.created_at.timestamp_millis(), String::new()),
            SortKey::ExpiresAt => {
                (record.expires_at.map_or(i64::MAX, |end| end.timestamp_millis()), String::new())
            }
            SortKey::Name => (0, record.name.clone()),
        };
        Position { number, text, id: record.id }
    }

    /// Compares two positions of this order.
    pub fn compare(&self, left: &Position, right: &Position) -> Ordering {
        if self.descending { right.cmp(left) } else { left.cmp(right) }
    }
}

/// A place in an [`Order`]: what is sorted by, and the id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Position {
    /// The time that is sorted by, in milliseconds since 1970 (`i64::MAX` for no expiry); 0 where
    /// text is sorted by.
    pub number: i64,
    /// The text that is sorted by; empty where a time is.
    pub text: String,
    /// The token's id.
    pub id: TokenId,
}

/// One page of a listing.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Query {
    /// Of which tenants.
    pub tenant: TenantFilter,
    /// Which of their tokens.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Behind this place in the order; from the start where there is none.
    pub after: Option<Position>,
    /// At most so many.
    pub limit: u32,
    /// The moment at which statuses are meant.
    pub now: DateTime<Utc>,
    /// How far to count all that match, whatever page they are on; 0 counts nothing.
    pub count_up_to: u32,
}

impl Query {
    /// The first 50 of this tenant's tokens, newest first, uncounted.
    pub fn new(tenant: TenantFilter, now: DateTime<Utc>) -> Query {
        Query {
            tenant,
            filter: Filter::new(),
            order: Order::NEWEST_FIRST,
            after: None,
            limit: 50,
            now,
            count_up_to: 0,
        }
    }

    /// Whether a token belongs to the listing, on whichever page.
    pub fn matches(&self, record: &TokenRecord) -> bool {
        self.tenant.matches(record.tenant.as_deref()) && self.filter.matches(record, self.now)
    }
}

/// What a store answers to a [`Query`].
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Listing {
    /// The page.
    pub records: Vec<TokenRecord>,
    /// Whether there are more behind it.
    pub more: bool,
    /// How many match in all, counted up to the query's `count_up_to`.
    pub counted: u32,
}

/// One page of history, newest first.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct HistoryQuery {
    /// Of which tenants.
    pub tenant: TenantFilter,
    /// Of which token.
    pub token: Option<TokenId>,
    /// Which actions; any where none is named.
    pub actions: Vec<Action>,
    /// By this actor.
    pub actor: Option<String>,
    /// Not before this moment.
    pub from: Option<DateTime<Utc>>,
    /// Before this moment.
    pub to: Option<DateTime<Utc>>,
    /// With a number below this one: where the page before ended.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
}

impl HistoryQuery {
    /// The newest 50 entries of this tenant.
    pub fn new(tenant: TenantFilter) -> HistoryQuery {
        HistoryQuery {
            tenant,
            token: None,
            actions: Vec::new(),
            actor: None,
            from: None,
            to: None,
            before: None,
            limit: 50,
        }
    }

    /// Only this token's.
    pub fn token(mut self, id: TokenId) -> HistoryQuery {
        self.token = Some(id);
        self
    }

    /// Whether an entry belongs to the answer, on whichever page.
    pub fn matches(&self, entry: &crate::HistoryEntry) -> bool {
        let draft = &entry.draft;
        self.tenant.matches(draft.tenant.as_deref())
            && self.token.is_none_or(|token| token == draft.token)
            && (self.actions.is_empty() || self.actions.contains(&draft.action))
            && self.actor.as_ref().is_none_or(|actor| draft.actor() == Some(actor))
            && self.from.is_none_or(|from| draft.at >= from)
            && self.to.is_none_or(|to| draft.at < to)
            && self.before.is_none_or(|before| entry.number < before)
    }
}
