//! What deserves somebody's attention, and the seam of the outbox that keeps it until it is
//! delivered.

mod memory;

pub(crate) use memory::MemoryOutbox;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::usage::Client;
use crate::{StoreError, TokenId};

/// Something about a token that deserves somebody's attention.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// `evt_` and 24 hexadecimal digits: the same for the same occurrence, whoever finds it and
    /// however often. What a hook can recognise a repetition by.
    pub id: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: EventKind,
    /// The token.
    pub token: TokenId,
    /// The token's name when it was found.
    pub name: String,
    /// The token's tenant.
    pub tenant: Option<String>,
    /// When it was found.
    pub at: DateTime<Utc>,
}

impl Event {
    /// An event with this id, about a token without a tenant.
    pub fn new(
        id: impl Into<String>,
        kind: EventKind,
        token: TokenId,
        name: impl Into<String>,
        at: DateTime<Utc>,
    ) -> Event {
        Event { id: id.into(), kind, token, name: name.into(), tenant: None, at }
    }
}

/// What an [`Event`] is about.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The token expires in so many days or less: 14, 3 or 1.
    Expiring {
        /// 14, 3 or 1.
        days: u32,
        /// When it expires.
        expires_at: DateTime<Utc>,
    },
    /// The token has expired, and is still called.
    ExpiredInUse {
        /// When it has expired.
        expires_at: DateTime<Utc>,
    },
    /// The limit refuses calls of the token now. Once a day at most.
    Limited,
    /// The token was not used for so many days.
    Unused {
        /// For how many days.
        days: u32,
        /// The last granted request; none where there never was one.
        last_used_at: Option<DateTime<Utc>>,
    },
    /// The token is called from an address that it was not called from before. Once a day at most:
    /// of several on one day the first is named.
    NewAddress {
        /// The client, as far as the service's privacy setting lets it be told; empty where the
        /// token's clients were erased before it was delivered.
        client: Client,
    },
    /// Many calls of the token fail. Once a day at most.
    Failing {
        /// The share of successful calls in the last hour, between 0 and 1.
        success_rate: f64,
        /// How many calls that is of: those that the limit refused are not among them.
        calls: u64,
    },
}

impl EventKind {
    /// Its name in JSON: `expired_in_use`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            EventKind::Expiring { .. } => "expiring",
            EventKind::ExpiredInUse { .. } => "expired_in_use",
            EventKind::Limited => "limited",
            EventKind::Unused { .. } => "unused",
            EventKind::NewAddress { .. } => "new_address",
            EventKind::Failing { .. } => "failing",
        }
    }
}

/// Where events wait until they are delivered.
///
/// # Contract
/// - An event is kept once: one whose id is known is left out, also when it was delivered long ago
///   and is not outdated yet. One that is not delivered is never outdated.
/// - [`due`](Outbox::due) gives an event to one caller only until the moment that it names: two
///   nodes do not deliver it at the same time.
/// - What is not told to be [`delivered`](Outbox::delivered) comes again.
/// - Of a token's events only the first that is not delivered is given, so that the events of a
///   token are delivered in the order in which they were announced.
/// - Where a token is erased, its events that wait are dropped; where its clients are, those in its
///   events are.
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Keeps events to be delivered, except for those whose id is known.
    async fn announce(&self, events: &[Event]) -> Result<(), StoreError>;

    /// Up to so many events that are not delivered and that nobody else delivers at `now`, in the
    /// order in which they were announced and at most one of each token. They are given to nobody
    /// else before `until`.
    async fn due(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// This event could not be delivered: it is given to nobody before `until`. Nothing happens
    /// to one that was delivered, or that is not known.
    async fn postpone(&self, id: &str, until: DateTime<Utc>) -> Result<(), StoreError>;

    /// This event was delivered. From then on its id is all that is needed of it.
    async fn delivered(&self, id: &str, now: DateTime<Utc>) -> Result<(), StoreError>;
}
