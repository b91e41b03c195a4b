//! Making figures of what was noted, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::DateTime;

use super::buffer::{Content, Named};
use super::client::{ClientNumbers, Telling};
use super::names::{NONE, Names};
use super::noted::{Noted, What};
use super::part::{Naming, Part};
use super::recent::{Recent, shares};
use super::recorder::GivenUp;
use crate::TokenId;
use crate::live::IdHash;
use crate::scope::CompiledCatalog;
use crate::usage::{Breakdown, Counts, Level, Outcome, RecordedCall, Share, Slice, Subject, UsageBatch};

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

/// What was counted for a token.
#[derive(Default)]
struct OfToken {
    tenant: u32,
    counts: Counts,
    /// By the minute, or by the hour where `true` stands with it; in order.
    parts: Vec<((i64, bool), Part)>,
    recent: Recent,
    /// The last finished call and its client.
    last_client: Option<(i64, u32)>,
}

/// What is to be known for folding.
pub(super) struct Folding<'a> {
    pub(super) telling: Telling<'a>,
    /// How many bytes figures may take until the store has taken them.
    pub(super) most_bytes: usize,
}

/// What is still kept, the nearer memory is to its bound: the most first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Keeping {
    Everything,
    /// No calls one by one.
    NoCalls,
    /// No new names: they count under "other".
    NoNames,
    /// No new minutes: they count by the hour.
    Hours,
    /// Totals alone.
    Totals,
}

/// How a route is called that nobody has named.
const UNNAMED: &str = "(unnamed)";
/// A batch holds at most so many calls one by one.
const MOST_CALLS: usize = 1_000;
/// Estimates, in bytes, of what is claimed.
const PART: usize = size_of::<Part>() + 200;
const NAME: usize = 300;
const CALL: usize = 160;
const BUCKET: usize = 16;

impl Fold {
    pub(super) fn new(hash: &IdHash) -> Fold {
        Fold {
            tokens: HashMap::with_hasher(hash.clone()),
            names: Names::new(hash.clone()),
            clients: ClientNumbers::new(),
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
        // Numbers of the stripe's names, as they are here.
        let mut numbers: HashMap<u32, Option<u32>> = HashMap::new();
        for Named { noted, route, agent } in &content.noted {
            let keeping = self.keeping(folding);
            let has_room = keeping < Keeping::NoNames;
            let mut number = |names: &mut Names, of_stripe: u32, otherwise: &str| {
                *numbers.entry(of_stripe).or_insert_with(|| {
                    let name = content.names.name(of_stripe).map_or(otherwise, |name| name);
                    if name.is_empty() {
                        Some(NONE)
                    } else {
                        names.number(name, if has_room { usize::MAX } else { 0 })
                    }
                })
            };
            let route = match *route {
                NONE => self.names.number(UNNAMED, usize::MAX),
                route => number(&mut self.names, route, UNNAMED),
            };
            let agent_number = number(&mut self.names, *agent, "");
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
        of_token.count(noted);
        let is_call = matches!(noted.what, What::Ended(_));
        if let (What::Ended(Outcome::Granted), Some(client)) =
            (noted.what, client.filter(|client| *client != NONE))
        {
            of_token.last_client = of_token.last_client.max(Some((noted.granted_ms, client)));
        }
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
        match self.bytes() as f64 / folding.most_bytes.max(1) as f64 {
            ..0.5 => Keeping::Everything,
            ..0.6 => Keeping::NoCalls,
            ..0.8 => Keeping::NoNames,
            ..1.0 => Keeping::Hours,
            _ => Keeping::Totals,
        }
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
        let mut all: BTreeMap<(i64, bool), Part> = BTreeMap::new();
        let mut tenants: BTreeMap<(u32, (i64, bool)), Part> = BTreeMap::new();
        let mut of_tokens = Vec::new();
        for ((id, mut of_token), share) in tokens.into_iter().zip(shares) {
            for (when, part) in of_token.parts {
                all.entry(when).or_default().add_token(id, &part, Subject::All.names());
                let of_tenant = tenants.entry((of_token.tenant, when)).or_default();
                of_tenant.add_token(id, &part, Subject::Tenant(None).names());
                of_tokens.push(part.into_slice(Subject::Token(id), when, &naming));
            }
            of_token.recent.cut(share);
            let tenant = tenant(of_token.tenant);
            of_token.recent.hand_over(id, tenant.as_deref(), &naming, carried, &mut batch.calls);
            let (_, client) = of_token.last_client.unzip();
            of_token.counts.last_client = client.and_then(|client| naming.clients.client(client)).cloned();
            batch.counts.push((id, of_token.counts));
        }
        let all = all.into_iter().map(|(when, part)| part.into_slice(Subject::All, when, &naming));
        batch.slices.extend(all);
        let of_tenant = |((number, when), part): ((u32, (i64, bool)), Part)| {
            let subject = Subject::Tenant(tenant(number).map(|name| name.to_string()));
            part.into_slice(subject, when, &naming)
        };
        let mut tenants: Vec<Slice> = tenants.into_iter().map(of_tenant).collect();
        tenants.sort_by(|one, other| (&one.subject, one.minute).cmp(&(&other.subject, other.minute)));
        batch.slices.extend(tenants);
        of_tokens.sort_by(|one, other| (&one.subject, one.minute).cmp(&(&other.subject, other.minute)));
        batch.slices.extend(of_tokens);
        batch.calls.sort_by_key(|call: &RecordedCall| call.at);
        batch
    }
}

impl OfToken {
    /// Counts in the totals.
    fn count(&mut self, noted: &Noted) {
        let counts = &mut self.counts;
        let (granted_at, at) =
            (DateTime::from_timestamp_millis(noted.granted_ms), DateTime::from_timestamp_millis(noted.at_ms));
        let (counter, number) = match noted.what {
            What::Grants(number) => {
                counts.last_used_at = counts.last_used_at.max(at);
                (&mut counts.granted, number.into())
            }
            What::WrongSecret(number) => (&mut counts.wrong_secret, number.into()),
            What::Ended(Outcome::Granted) => {
                counts.last_used_at = counts.last_used_at.max(granted_at);
                counts.duration_us = counts.duration_us.saturating_add(noted.duration_us);
                counts.succeeded += u64::from(noted.status < 400);
                (&mut counts.finished, 1)
            }
            What::Ended(Outcome::Limited) => (&mut counts.limited, 1),
            What::Ended(Outcome::MissingScope) => (&mut counts.missing_scope, 1),
            What::Ended(_) => (&mut counts.refused, 1),
        };
        *counter += number;
        if !matches!(noted.what, What::WrongSecret(_)) {
            counts.last_seen_at = counts.last_seen_at.max(granted_at);
        }
    }

    /// Where figures of this minute are counted; none where there is no room for any.
    fn part(
        &mut self,
        minute: i64,
        keeping: Keeping,
        bytes: &mut usize,
        given_up: &mut GivenUp,
    ) -> Option<&mut Part> {
        let find = |parts: &[((i64, bool), Part)], when: (i64, bool)| match parts.last() {
            Some((last, _)) if *last == when => Ok(parts.len() - 1),
            Some((last, _)) if *last < when => Err(parts.len()),
            _ => parts.binary_search_by_key(&when, |(is, _)| *is),
        };
        let of_minute = find(&self.parts, (minute, false));
        let of_hour = (Level::Hour.start_of(minute), true);
        let (when, found) = match of_minute {
            Err(_) if keeping >= Keeping::Hours => {
                given_up.minutes += 1;
                (of_hour, find(&self.parts, of_hour))
            }
            found => ((minute, false), found),
        };
        let place = match found {
            Ok(place) => place,
            Err(_) if keeping == Keeping::Totals => return None,
            Err(place) => {
                *bytes += PART;
                self.parts.insert(place, (when, Part::default()));
                place
            }
        };
        Some(&mut self.parts[place].1)
    }
}

/// Counts figures; gives the bytes that were claimed.
fn count_figures(part: &mut Part, noted: &Noted) -> usize {
    let tally = &mut part.tally;
    match noted.what {
        What::Grants(number) => tally.granted = tally.granted.saturating_add(number.into()),
        What::WrongSecret(number) => tally.wrong_secret = tally.wrong_secret.saturating_add(number.into()),
        What::Ended(Outcome::Granted) => {
            tally.finished = tally.finished.saturating_add(1);
            tally.statuses.count(noted.status);
            tally.duration_us = tally.duration_us.saturating_add(noted.duration_us);
            tally.bytes = tally.bytes.saturating_add(noted.bytes.unwrap_or(0));
            let before = tally.latency.width();
            tally.latency.record(noted.duration_us);
            return BUCKET * (tally.latency.width() - before);
        }
        What::Ended(outcome) => tally.refuse(outcome, 1),
    }
    0
}

/// Counts a call for its endpoint, its client, its scopes and its secret; gives the bytes that were
/// claimed, or given back.
fn count_names(
    part: &mut Part,
    noted: &Noted,
    route: Option<u32>,
    client: Option<u32>,
    has_room: bool,
) -> isize {
    let What::Ended(outcome) = noted.what else { return 0 };
    let at = DateTime::from_timestamp_millis(noted.at_ms);
    let before = part.endpoints.len() + part.clients.len() + part.scopes.len() + part.secrets.len();
    let mut buckets = 0;

    let is_failure = outcome != Outcome::Limited && (outcome != Outcome::Granted || noted.status >= 400);
    let is_named = count(&mut part.endpoints, route, has_room, |share| {
        share.calls += 1;
        share.limited += u64::from(outcome == Outcome::Limited);
        share.errors += u64::from(is_failure);
        if outcome == Outcome::Granted {
            let before = share.latency.width();
            share.duration_us = share.duration_us.saturating_add(noted.duration_us);
            share.latency.record(noted.duration_us);
            buckets = share.latency.width() - before;
        }
    });
    // What goes to "other" has its buckets already, but for a few.
    let buckets = if is_named { buckets } else { 0 };
    if client != Some(NONE) {
        count(&mut part.clients, client, has_room, |share| {
            share.calls += 1;
            share.first_seen_at = share.first_seen_at.into_iter().chain(at).min();
            share.last_seen_at = share.last_seen_at.max(at);
        });
    }
    if matches!(outcome, Outcome::Granted | Outcome::MissingScope) {
        for number in noted.scopes.numbers() {
            let share = part.scopes.count(&(number as u32), 1);
            if outcome == Outcome::Granted {
                share.used += 1;
                share.last_used_at = share.last_used_at.max(at);
            } else {
                share.missing += 1;
                share.last_missing_at = share.last_missing_at.max(at);
            }
        }
    }
    if noted.secret_version > 0 {
        let share = part.secrets.count(&noted.secret_version, 1);
        share.calls += 1;
        share.last = share.last.max(Some((noted.at_ms, client.unwrap_or(NONE))));
    }

    let after = part.endpoints.len() + part.clients.len() + part.scopes.len() + part.secrets.len();
    let most = 2 * Subject::Token(noted.token).names();
    let mut claimed = (BUCKET * buckets + NAME * after.saturating_sub(before)) as isize;
    if part.endpoints.len() > most || part.clients.len() > most || part.secrets.len() > most {
        let before = part.bytes_of_names(NAME, BUCKET);
        part.shrink(most / 2);
        claimed -= before.saturating_sub(part.bytes_of_names(NAME, BUCKET)) as isize;
    }
    claimed
}

/// Counts one call for a name; where it has none, or there is no room for it, under "other". Says
/// whether it has one.
fn count<V: Share>(
    breakdown: &mut Breakdown<u32, V>,
    name: Option<u32>,
    has_room: bool,
    add: impl FnOnce(&mut V),
) -> bool {
    match name.filter(|name| has_room || breakdown.get(name).is_some()) {
        Some(name) => {
            add(breakdown.count(&name, 1));
            true
        }
        None => {
            let mut share = V::default();
            add(&mut share);
            breakdown.add_other(&share);
            false
        }
    }
}
