//! What stands behind the figures of a span: endpoints, clients, scopes, secrets, tokens.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Breakdown, Client, Histogram, Share};
use crate::TokenId;

/// What stands behind the figures of a span. Told by the hour and by the day, not by the minute.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Detail {
    /// By route: the method and the template.
    pub endpoints: Breakdown<String, EndpointUse>,
    /// By scope.
    pub scopes: Breakdown<String, ScopeUse>,
    /// By version of the secret that was shown: for a token.
    pub secrets: Breakdown<u32, SecretUse>,
    /// By token: for a tenant and for all.
    pub tokens: Breakdown<TokenId, TokenUse>,
}

/// Clients of a span, apart from the rest, since they can be erased before it.
pub type Clients = Breakdown<Client, ClientUse>;

/// The use of one endpoint.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EndpointUse {
    /// Finished and refused calls.
    pub calls: u64,
    /// Of those, the ones that were refused by the limit.
    pub limited: u64,
    /// Of those, the ones with a status of 400 or above, refusals for other reasons than the limit
    /// among them.
    pub errors: u64,
    /// How long the finished ones took in all, in microseconds.
    pub duration_us: u64,
    /// How long each of the finished ones took.
    pub latency: Histogram,
}

/// The use of one scope.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScopeUse {
    /// Finished calls that it has authorised.
    pub used: u64,
    /// Calls that were refused because it was missing.
    pub missing: u64,
    /// The last call that it has authorised.
    pub last_used_at: Option<DateTime<Utc>>,
    /// The last call that was refused because it was missing.
    pub last_missing_at: Option<DateTime<Utc>>,
}

/// The use of one of a token's secrets.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SecretUse {
    /// Finished and refused calls that have shown it.
    pub calls: u64,
    /// The last of them.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Who made that, as far as it is recorded.
    pub last_client: Option<Client>,
}

/// The use of one token among others.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenUse {
    /// Finished and refused calls.
    pub calls: u64,
    /// Of those, the ones that were refused by the limit.
    pub limited: u64,
    /// Of those, the ones with a status of 400 or above, refusals for other reasons than the limit
    /// among them.
    pub errors: u64,
}

/// What one client did.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClientUse {
    /// Finished and refused calls.
    pub calls: u64,
    /// The first of them in the span.
    pub first_seen_at: Option<DateTime<Utc>>,
    /// The last of them.
    pub last_seen_at: Option<DateTime<Utc>>,
}

impl Detail {
    /// Adds what was counted elsewhere, or at another time.
    pub fn merge(&mut self, more: &Detail) {
        self.endpoints.merge(&more.endpoints);
        self.scopes.merge(&more.scopes);
        self.secrets.merge(&more.secrets);
        self.tokens.merge(&more.tokens);
    }

    /// Whether it says who has made the last calls with a secret.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn tells_clients(&self) -> bool {
        let SecretUse { last_client: rest, .. } = self.secrets.other();
        rest.is_some() || self.secrets.iter().any(|(_, secret)| secret.last_client.is_some())
    }

    /// Leaves out who has made the last calls with each secret.
    pub fn forget_clients(&mut self) {
        self.secrets.shares_mut().for_each(|secret| secret.last_client = None);
    }

    /// Keeps at most so many names of each kind.
    pub fn shrink(&mut self, names: usize) {
        self.endpoints.shrink(names);
        self.scopes.shrink(names);
        self.secrets.shrink(names);
        self.tokens.shrink(names);
    }
}

impl Share for EndpointUse {
    fn merge(&mut self, more: &EndpointUse) {
        add(&mut self.calls, more.calls);
        add(&mut self.limited, more.limited);
        add(&mut self.errors, more.errors);
        add(&mut self.duration_us, more.duration_us);
        self.latency.merge(&more.latency);
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

impl Share for ScopeUse {
    fn merge(&mut self, more: &ScopeUse) {
        add(&mut self.used, more.used);
        add(&mut self.missing, more.missing);
        self.last_used_at = self.last_used_at.max(more.last_used_at);
        self.last_missing_at = self.last_missing_at.max(more.last_missing_at);
    }

    fn calls(&self) -> u64 {
        self.used.saturating_add(self.missing)
    }
}

impl Share for SecretUse {
    fn merge(&mut self, more: &SecretUse) {
        add(&mut self.calls, more.calls);
        // Of two at one moment either will do, but the same in whatever order they are added.
        if (more.last_seen_at, &more.last_client) > (self.last_seen_at, &self.last_client) {
            self.last_seen_at = more.last_seen_at;
            self.last_client.clone_from(&more.last_client);
        }
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

impl Share for TokenUse {
    fn merge(&mut self, more: &TokenUse) {
        add(&mut self.calls, more.calls);
        add(&mut self.limited, more.limited);
        add(&mut self.errors, more.errors);
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

impl Share for ClientUse {
    fn merge(&mut self, more: &ClientUse) {
        add(&mut self.calls, more.calls);
        // The earlier of two, where none is later than all.
        self.first_seen_at = self.first_seen_at.into_iter().chain(more.first_seen_at).min();
        self.last_seen_at = self.last_seen_at.max(more.last_seen_at);
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

fn add(counter: &mut u64, more: u64) {
    *counter = counter.saturating_add(more);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::usage::arbitrary::{clients, details};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn order_of_merging_does_not_matter(one in details(), other in details(), third in details()) {
            let merged = |one: &Detail, other: &Detail| {
                let mut sum = one.clone();
                sum.merge(other);
                sum
            };
            prop_assert_eq!(merged(&one, &other), merged(&other, &one));
            prop_assert_eq!(merged(&merged(&one, &other), &third), merged(&one, &merged(&other, &third)));
            prop_assert_eq!(merged(&Detail::default(), &one), one);
        }

        #[test]
        fn order_of_merging_clients_does_not_matter(one in clients(), other in clients(), third in clients()) {
            let merged = |one: &Clients, other: &Clients| {
                let mut sum = one.clone();
                sum.merge(other);
                sum
            };
            prop_assert_eq!(merged(&one, &other), merged(&other, &one));
            prop_assert_eq!(merged(&merged(&one, &other), &third), merged(&one, &merged(&other, &third)));
        }
    }

    #[test]
    fn no_client_is_left_once_they_are_forgotten() {
        let mut detail = Detail::default();
        let last_client = Some(Client::new("203.0.113.7", "curl/8"));
        let secret = SecretUse { calls: 1, last_seen_at: Some(DateTime::UNIX_EPOCH), last_client };
        (0..3).for_each(|version| detail.secrets.add(&version, &secret));
        detail.shrink(1);
        assert_eq!((detail.secrets.len(), detail.secrets.other().calls), (1, 2));
        detail.forget_clients();
        assert!(!serde_json::to_string(&detail).unwrap().contains("203.0.113.7"));
    }
}
