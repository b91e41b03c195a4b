//! What was counted for somebody within a minute, with names as numbers.

use chrono::DateTime;

use super::client::ClientNumbers;
use super::names::{NONE, Names};
use crate::TokenId;
use crate::scope::{CompiledCatalog, Scopes};
use crate::usage::{
    Breakdown, ClientUse, Detail, EndpointUse, ScopeUse, SecretUse, Share, Slice, Subject, Tally, TokenUse,
};

/// What was counted for somebody within a minute, with names as numbers.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) tally: Tally,
    pub(super) endpoints: Breakdown<u32, EndpointUse>,
    pub(super) clients: Breakdown<u32, ClientUse>,
    /// By the bits of the catalogue.
    pub(super) scopes: Breakdown<u32, ScopeUse>,
    pub(super) secrets: Breakdown<u32, SecretPart>,
    tokens: Breakdown<TokenId, TokenUse>,
}

/// The use of a secret, with its last client as a number.
#[derive(Clone, Default)]
pub(super) struct SecretPart {
    pub(super) calls: u64,
    pub(super) last: Option<(i64, u32)>,
}

impl Share for SecretPart {
    fn merge(&mut self, more: &SecretPart) {
        self.calls = self.calls.saturating_add(more.calls);
        self.last = self.last.max(more.last);
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

/// What the names stand for.
pub(super) struct Naming<'a> {
    pub(super) names: &'a Names,
    pub(super) clients: &'a ClientNumbers,
    pub(super) catalog: &'a CompiledCatalog,
}

impl Part {
    /// The sum of what was counted for several tokens, in the order of their ids.
    pub(super) fn sum(parts: &[(TokenId, &Part)]) -> Part {
        let of = || parts.iter().map(|(_, part)| *part);
        let mut sum = Part {
            endpoints: Breakdown::sum(of().map(|part| &part.endpoints)),
            clients: Breakdown::sum(of().map(|part| &part.clients)),
            scopes: Breakdown::sum(of().map(|part| &part.scopes)),
            ..Part::default()
        };
        for (token, part) in parts {
            sum.tally.merge(&part.tally);
            let calls = part.calls_of_token();
            if calls.calls > 0 {
                sum.tokens.add(token, &calls);
            }
        }
        sum
    }

    fn calls_of_token(&self) -> TokenUse {
        let (limited, denied) = (self.tally.limited, self.tally.denied());
        let statuses = &self.tally.statuses;
        let failed = statuses.client_error.saturating_add(statuses.server_error);
        TokenUse {
            calls: self.tally.finished.saturating_add(limited).saturating_add(denied),
            limited,
            errors: failed.saturating_add(denied),
        }
    }

    /// Keeps at most so many names of each kind.
    pub(super) fn shrink(&mut self, names: usize) {
        self.endpoints.shrink(names);
        self.clients.shrink(names);
        self.scopes.shrink(names);
        self.secrets.shrink(names);
        self.tokens.shrink(names);
    }

    /// What the names take, at so many bytes a name and a bucket of their times.
    pub(super) fn bytes_of_names(&self, name: usize, bucket: usize) -> usize {
        let names = self.endpoints.len() + self.clients.len() + self.scopes.len() + self.secrets.len();
        let buckets: usize = self.endpoints.iter().map(|(_, share)| share.latency.width()).sum();
        name * names + bucket * buckets
    }

    /// The same with names as texts, as the store is handed it.
    pub(super) fn into_slice(mut self, subject: Subject, when: (i64, bool), naming: &Naming<'_>) -> Slice {
        self.shrink(subject.names());
        let mut slice = Slice::new(subject, when.0);
        slice.coarse = when.1;
        slice.tally = self.tally;
        slice.detail = Detail {
            endpoints: self.endpoints.renamed(|number| naming.route(number), |share| share),
            scopes: self.scopes.renamed(|bit| naming.scope(bit), |share| share),
            secrets: self.secrets.renamed(|version| version, |share| naming.secret(share)),
            tokens: self.tokens,
        };
        let client = |number| naming.clients.client(number).cloned().unwrap_or_default();
        slice.clients = self.clients.renamed(client, |share| share);
        slice
    }
}

impl Naming<'_> {
    pub(super) fn route(&self, number: u32) -> String {
        self.names.name(number).map_or_else(String::new, |name| name.to_string())
    }

    /// Scopes, with a space between them.
    pub(super) fn scopes(&self, scopes: &Scopes) -> String {
        let names: Vec<_> = scopes.numbers().map(|number| self.scope(number as u32)).collect();
        names.join(" ")
    }

    fn scope(&self, bit: u32) -> String {
        self.catalog.name(bit as usize).map_or_else(String::new, |scope| scope.to_string())
    }

    fn secret(&self, part: SecretPart) -> SecretUse {
        let (at, client) = part.last.unzip();
        let client = client.filter(|client| *client != NONE);
        SecretUse {
            calls: part.calls,
            last_seen_at: at.and_then(DateTime::from_timestamp_millis),
            last_client: client.and_then(|client| self.clients.client(client)).cloned(),
        }
    }
}
