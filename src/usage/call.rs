//! One call: as it is recorded, and as it is told afterwards.

use std::net::IpAddr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::TokenId;

/// How a request ended, to be recorded.
///
/// ```
/// use std::time::Duration;
/// use tokenward::usage::Call;
/// let call = Call::new("GET /orders/{id}", 200, Duration::from_millis(12)).bytes(5_120).agent("curl/8.5.0");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The method and the template of the route, never the raw path: `GET /orders/{id}`.
    pub route: &'a str,
    /// The status.
    pub status: u16,
    /// From the request's arrival to the end of the response.
    pub duration: Duration,
    /// How long the response's body was, if that is known.
    pub bytes: Option<u64>,
    /// The client's address, if it is known.
    pub address: Option<IpAddr>,
    /// What the client calls itself, in `User-Agent`.
    pub agent: Option<&'a str>,
}

impl<'a> Call<'a> {
    /// A finished call, of which neither the length nor the client is known.
    pub const fn new(route: &'a str, status: u16, duration: Duration) -> Call<'a> {
        Call { route, status, duration, bytes: None, address: None, agent: None }
    }

    /// How long the response's body was.
    pub const fn bytes(mut self, bytes: u64) -> Call<'a> {
        self.bytes = Some(bytes);
        self
    }

    /// The client's address.
    pub const fn address(mut self, address: IpAddr) -> Call<'a> {
        self.address = Some(address);
        self
    }

    /// What the client calls itself, in `User-Agent`.
    pub const fn agent(mut self, agent: &'a str) -> Call<'a> {
        self.agent = Some(agent);
        self
    }
}

/// A client, as far as the service's privacy setting lets it be told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Client {
    /// Its address: whole, cut (`203.0.113.0/24`), or a keyed hash of it and the agent; empty where
    /// it is not known.
    pub address: String,
    /// What it calls itself; empty where it says nothing or that is not kept.
    pub agent: String,
}

impl Client {
    /// A client with this address and agent.
    pub fn new(address: impl Into<String>, agent: impl Into<String>) -> Client {
        Client { address: address.into(), agent: agent.into() }
    }
}

/// What a verification said of a request by the holder of the right secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It was let in.
    Granted,
    /// It was refused by the limit.
    Limited,
    /// It was refused for a missing scope.
    MissingScope,
    /// The token is revoked.
    Revoked,
    /// The token has expired.
    Expired,
    /// The token is not valid yet.
    NotYetValid,
    /// The token is paused.
    Paused,
    /// The secret is the one from before a rotation.
    Rotated,
    /// The client's address is none of those that the token is bound to.
    Address,
    /// The route is not for tokens.
    NotForTokens,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 10] = [
        Outcome::Granted,
        Outcome::Limited,
        Outcome::MissingScope,
        Outcome::Revoked,
        Outcome::Expired,
        Outcome::NotYetValid,
        Outcome::Paused,
        Outcome::Rotated,
        Outcome::Address,
        Outcome::NotForTokens,
    ];

    /// Its name in JSON, in metrics and in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Granted => "granted",
            Outcome::Limited => "limited",
            Outcome::MissingScope => "missing_scope",
            Outcome::Revoked => "revoked",
            Outcome::Expired => "expired",
            Outcome::NotYetValid => "not_yet_valid",
            Outcome::Paused => "paused",
            Outcome::Rotated => "rotated",
            Outcome::Address => "address",
            Outcome::NotForTokens => "not_for_tokens",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// A call that was recorded, as a store keeps the most recent ones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedCall {
    /// Counts the calls in the store, in the order in which they were added; 0 before that.
    pub id: u64,
    /// The token.
    pub token: TokenId,
    /// The token's tenant.
    pub tenant: Option<String>,
    /// Which of the token's secrets was shown.
    pub secret_version: u32,
    /// When it was finished or refused.
    pub at: DateTime<Utc>,
    /// The method and the template of the route; empty where it is not known.
    pub route: String,
    /// What the verification said.
    pub outcome: Outcome,
    /// The status that was answered, by the service or by the refusal.
    pub status: u16,
    /// How long it took, in microseconds; 0 for a refusal.
    pub duration_us: u64,
    /// How long the response's body was, if that is known.
    pub bytes: Option<u64>,
    /// The scopes that authorised it, or those that were missing, with a space between them.
    pub scopes: String,
    /// Who made it, as far as that is recorded.
    pub client: Option<Client>,
    /// How many calls of the same token since the one kept before it were counted, and not kept
    /// one by one.
    pub left_out: u64,
}

impl RecordedCall {
    /// A call that came to this, by the first secret and without all else that may be known.
    pub fn new(token: TokenId, at: DateTime<Utc>, outcome: Outcome, status: u16) -> RecordedCall {
        RecordedCall {
            id: 0,
            token,
            tenant: None,
            secret_version: 1,
            at,
            route: String::new(),
            outcome,
            status,
            duration_us: 0,
            bytes: None,
            scopes: String::new(),
            client: None,
            left_out: 0,
        }
    }

    /// Of each token a store keeps at least so many of the newest calls until it is told to
    /// [`forget`](super::UsageStore::forget) more, and at most twice as many.
    pub const KEPT_UNTIL_FORGOTTEN: u32 = 1_000;
}
