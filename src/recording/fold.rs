//! Making figures of what was noted, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::buffer::{Content, Named};
use super::client::{ClientNumbers, Telling};
use super::counting::{count_figures, count_names};
use super::keeping::{CALL, Keeping};
use super::names::{NONE, Names};
use super::noted::{Noted, What};
use super::of_token::OfToken;
use super::part::{Naming, Part};
use super::recent::shares;
use super::recorder::GivenUp;
use crate::TokenId;
use crate::id_hash::IdHash;
use crate::scope::CompiledCatalog;
use crate::usage::{RecordedCall, Slice, Subject, UsageBatch};

/// The figures since the last flush.
pub(super) struct Fold {
    tokens: HashMap<TokenId, OfToken, IdHash>,
    names: Names,
    clients: ClientNumbers,
    /// An estimate of what `tokens` takes, totals apart.
    bytes: usize,
    /// Of all tokens together, since it was last told to the `metrics` facade.
    #[cfg(feature = "metrics")]
    pub(super) service: Part,
}

/// What is to be known for folding.
pub(super) struct Folding<'a> {
    pub(super) telling: Telling<'a>,
    /// How many bytes figures may take until the store has taken them.
    pub(super) most_bytes: usize,
}

/// How a route is called that nobody has named.
const UNNAMED: &str = "(unnamed)";
/// A batch holds at most so many calls one by one.
const MOST_CALLS: usize = 1_000;

impl Fold {
    pub(super) fn new(hash: &IdHash) -> Fold {
        Fold {
            tokens: HashMap::with_hasher(hash.clone()),
            names: Names::new(hash.clone()),
            clients: ClientNumbers::new(hash),
            bytes: 0,
            #[cfg(feature = "metrics")]
            service: Part::default(),
        }
    }

    /// Takes all of it, and begins anew.
    pub(super) fn take(&mut self, hash: &IdHash) -> Fold {
        let fold = std::mem::replace(self, Fold::new(hash));
        #[cfg(feature = "metrics")]
        let fold = {
            let mut fold = fold;
            self.service = std::mem::take(&mut fold.service);
            fold
        };
        fold
    }

    /// What the figures take, totals apart.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.names.bytes() + self.clients.bytes()
    }

    /// Forgets a token.
    pub(super) fn forget(&mut self, token: &TokenId) {
        self.tokens.remove(token);
    }

    /// Counts what a stripe of the buffer holds.
    pub(super) fn add_all(&mut self, content: &Content, folding: &Folding<'_>, given_up: &mut GivenUp) {
        // Numbers of the stripe's names as they are here, each found when it is first met.
        let mut numbers: Vec<Option<Option<u32>>> = vec![None; content.names.len()];
        for Named { noted, route, agent } in &content.noted {
            let keeping = self.keeping(folding);
            let has_room = keeping < Keeping::NoNames;
            let mut number = |names: &mut Names, of_stripe: u32| {
                let Some(name) = content.names.name(of_stripe) else { return Some(NONE) };
                let most_bytes = if has_room { usize::MAX } else { 0 };
                *numbers[of_stripe as usize].get_or_insert_with(|| names.number(name, most_bytes))
            };
            let route = match *route {
                NONE => self.names.number(UNNAMED, usize::MAX),
                route => number(&mut self.names, route),
            };
            let agent_number = number(&mut self.names, *agent);
            let agent = content.names.name(*agent).map_or("", |name| name);
            let client = agent_number.and_then(|agent_number| {
                self.clients.number(noted.address, agent_number, agent, &folding.telling, has_room)
            });
            self.add(noted, route, client, keeping, given_up);
        }
    }

    /// Counts something that has neither a route nor a client.
    pub(super) fn add_plain(&mut self, noted: &Noted, folding: &Folding<'_>, given_up: &mut GivenUp) {
        let keeping = self.keeping(folding);
        self.add(noted, Some(NONE), Some(NONE), keeping, given_up);
    }

    /// `route` and `client` are none where there was no room for their names.
    fn add(
        &mut self,
        noted: &Noted,
        route: Option<u32>,
        client: Option<u32>,
        keeping: Keeping,
        given_up: &mut GivenUp,
    ) {
        #[cfg(feature = "metrics")]
        count_figures(&mut self.service, noted);
        let of_token = self.tokens.entry(noted.token).or_default();
        of_token.tenant = noted.tenant;
        of_token.count(noted, client);
        let is_call = matches!(noted.what, What::Ended(_));
        if let What::Ended(outcome) = noted.what {
            match (keeping, route, client) {
                (Keeping::Everything, Some(route), Some(client)) => {
                    self.bytes += CALL * usize::from(of_token.recent.keep(noted, outcome, route, client));
                }
                _ => {
                    of_token.recent.leave_out(1);
                    given_up.calls += 1;
                }
            }
        }
        let Some(part) = of_token.part(noted.at_ms.div_euclid(60_000), keeping, &mut self.bytes, given_up)
        else {
            given_up.figures += 1;
            return;
        };
        self.bytes += count_figures(part, noted);
        if is_call {
            let has_room = keeping < Keeping::NoNames;
            given_up.names += u64::from(route.is_none() || client.is_none());
            let claimed = count_names(part, noted, route, client, has_room);
            self.bytes = self.bytes.saturating_add_signed(claimed);
        }
    }

    fn keeping(&self, folding: &Folding<'_>) -> Keeping {
        Keeping::at(self.bytes(), folding.most_bytes)
    }

    /// All of it as a batch, in the store's order. `tenant` names the tenants.
    pub(super) fn into_batch(
        self,
        mut batch: UsageBatch,
        catalog: &CompiledCatalog,
        tenant: impl Fn(u32) -> Option<Arc<str>>,
        carried: &mut HashMap<TokenId, u64>,
    ) -> UsageBatch {
        let naming = Naming { names: &self.names, clients: &self.clients, catalog };
        let mut tokens: Vec<_> = self.tokens.into_iter().collect();
        tokens.sort_unstable_by_key(|(id, _)| *id);
        let lengths: Vec<_> = tokens.iter().map(|(_, of_token)| of_token.recent.len()).collect();
        let shares = shares(&lengths, MOST_CALLS);
        batch.slices.extend(
            summed(&tokens, |_| ())
                .into_iter()
                .map(|((when, ()), part)| part.into_slice(Subject::All, when, &naming)),
        );
        let of_tenants = summed(&tokens, |of_token| of_token.tenant).into_iter();
        let mut of_tenants: Vec<Slice> = of_tenants
            .map(|((when, number), part)| {
                let subject = Subject::Tenant(tenant(number).map(|name| name.to_string()));
                part.into_slice(subject, when, &naming)
            })
            .collect();
        of_tenants.sort_by(|one, other| (&one.subject, one.minute).cmp(&(&other.subject, other.minute)));
        batch.slices.extend(of_tenants);
        // In the order of the ids, and for each in that of time.
        for ((id, mut of_token), share) in tokens.into_iter().zip(shares) {
            batch.counts.push((id, of_token.counts(&naming)));
            let parts = std::mem::take(&mut of_token.parts).into_iter();
            batch.slices.extend(parts.map(|(when, part)| part.into_slice(Subject::Token(id), when, &naming)));
            of_token.recent.cut(share);
            let tenant = tenant(of_token.tenant);
            of_token.recent.hand_over(id, tenant.as_deref(), &naming, carried, &mut batch.calls);
        }
        batch.calls.sort_by_key(|call: &RecordedCall| call.at);
        batch
    }
}

/// Whose parts are summed: of a minute, or of an hour where `true` stands with it, and of a group.
type Key<G> = ((i64, bool), G);

/// The sums of all tokens that have the same `group`, by the minute or hour.
fn summed<G: Ord>(tokens: &[(TokenId, OfToken)], group: impl Fn(&OfToken) -> G) -> BTreeMap<Key<G>, Part> {
    let mut grouped: BTreeMap<Key<G>, Vec<(TokenId, &Part)>> = BTreeMap::new();
    for (id, of_token) in tokens {
        for (when, part) in &of_token.parts {
            grouped.entry((*when, group(of_token))).or_default().push((*id, part));
        }
    }
    grouped.into_iter().map(|(key, parts)| (key, Part::sum(&parts))).collect()
}
