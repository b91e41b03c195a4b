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
    /// Adds what was counted for a token that belongs to whom this is counted for.
    pub(super) fn add_token(&mut self, token: TokenId, part: &Part, most_names: usize) {
        self.tally.merge(&part.tally);
        self.endpoints.merge(&part.endpoints);
        self.clients.merge(&part.clients);
        self.scopes.merge(&part.scopes);
        let denied = part.tally.denied();
        let calls = part.tally.finished.saturating_add(part.tally.limited).saturating_add(denied);
        if calls > 0 {
            let statuses = &part.tally.statuses;
            let failed = statuses.client_error.saturating_add(statuses.server_error);
            let (limited, errors) = (part.tally.limited, failed.saturating_add(denied));
            self.tokens.add(&token, &TokenUse { calls, limited, errors });
        }
        // Now and then, so that many names are looked through seldom.
        if self.widest() > 2 * most_names {
            self.shrink(most_names);
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

    fn widest(&self) -> usize {
        let widths = [self.endpoints.len(), self.clients.len(), self.scopes.len(), self.tokens.len()];
        widths.into_iter().fold(0, usize::max)
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
