//! The data set: tokens of one large shop and of many small ones, and a week of their use.
//!
//! Few tokens are busy and most are not, as it is in life: the calls of the token in place n are in
//! proportion to 1 / (n + 20). What is recorded of calls is made, not the calls: a slice for each minute in
//! which a token was used.

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::usage::{
    Client, ClientUse, EndpointUse, Outcome, RecordedCall, ScopeUse, SecretUse, Slice, TokenUse, start_of,
};
use tokenward::{
    Actor, Catalog, Counts, ManualClock, NewToken, Subject, TokenId, Tokens, UsageBatch, UsageStore,
};

/// How much of it.
pub struct Size {
    pub tokens: u64,
    pub calls: u64,
}

/// The large shop, which has nine of ten tokens.
pub const SHOP: &str = "acme";
const SCOPES: [&str; 4] = ["orders:read", "orders:write", "products:read", "customers:read"];
const HOURS: i64 = 7 * 24;
/// 2026-11-24T14:00:00Z, in minutes: the end of the week.
const END: i64 = 29_924_640 + 14 * 60;
/// Of a token at most so many calls stand one by one.
const RECENT: u64 = 200;

pub fn catalog() -> Catalog {
    SCOPES.into_iter().fold(Catalog::new(), |catalog, scope| catalog.scope(scope, "Look at it or change it"))
}

/// When the first token is issued: 90 days before the end.
pub fn start() -> DateTime<Utc> {
    start_of(END) - TimeDelta::days(90)
}

pub fn stand_at_the_end(clock: &ManualClock) {
    clock.advance(start_of(END) - tokenward::Clock::now(clock).wall());
}

/// The same numbers in every run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound.max(1)
    }
}

pub struct IssuedToken {
    pub id: TokenId,
    pub tenant: String,
}

pub async fn issue(tokens: &Tokens, clock: &ManualClock, size: &Size) -> Vec<IssuedToken> {
    let mut issued = Vec::new();
    let step = TimeDelta::days(82) / i32::try_from(size.tokens).expect("not so many");
    for number in 0..size.tokens {
        let tenant = if number % 10 < 9 { SHOP.to_owned() } else { format!("shop-{}", number % 97) };
        let asked = NewToken::named(format!("Token {}", number * 7_919 % 1_000_003))
            .description("Made to be measured")
            .tenant(&tenant)
            .scopes(SCOPES.iter().take(1 + (number % 4) as usize).copied())
            .per_minute(600);
        let asked = if number % 5 == 0 { asked.expires_in(TimeDelta::days(92)) } else { asked };
        let actor = Actor::new(format!("person-{}@acme.example", number % 50)).tenant(&tenant);
        let record = tokens.issue(asked).by(&actor).await.expect("the store is there").record;
        match number % 1_000 {
            3 => drop(tokens.pause(&record.id).by(&actor).await.expect("the store is there")),
            5 => drop(tokens.revoke(&record.id).by(&actor).await.expect("the store is there")),
            _ => {}
        }
        issued.push(IssuedToken { id: record.id, tenant });
        clock.advance(step);
    }
    issued
}

/// Records a week of use; gives the number of calls.
pub async fn record(store: &impl UsageStore, tokens: &[IssuedToken], size: &Size) -> u64 {
    let mut draw = Draw(1);
    let weight: f64 = (0..tokens.len()).map(|place| 1.0 / (place as f64 + 20.0)).sum();
    let calls_of = |place: usize| (size.calls as f64 / weight / (place as f64 + 20.0)).round() as u64;
    // When each token is used: so many minutes of the week, by the hour that they are in.
    let mut used: Vec<Vec<(usize, i64, u64)>> = vec![Vec::new(); HOURS as usize];
    for (place, _) in tokens.iter().enumerate() {
        let calls = calls_of(place);
        let minutes = (calls / 60).clamp(1, 4_000).min(calls.max(1));
        for part in 0..minutes {
            let of_minute = calls / minutes + u64::from(part < calls % minutes);
            // Every third minute is of the last day.
            let back =
                if draw.below(3) == 0 { draw.below(1_440) } else { draw.below(HOURS as u64 * 60) } as i64;
            let minute = END - 1 - back;
            used[((minute - (END - HOURS * 60)) / 60) as usize].push((place, minute, of_minute));
        }
    }
    let mut all = 0;
    for (number, mut hour) in used.into_iter().enumerate() {
        hour.sort_unstable_by_key(|(_, minute, _)| *minute);
        // A minute at a time, in their order, as a process hands them over.
        let minutes: Vec<_> = hour.chunk_by(|one, other| one.1 == other.1).collect();
        for (part, minute) in minutes.into_iter().enumerate() {
            let batch = batch((number * 60 + part + 1) as u64, tokens, minute, &mut draw);
            all += minute.iter().map(|(_, _, calls)| calls).sum::<u64>();
            store.add(&batch).await.expect("the store is there");
        }
    }
    // A minute far behind: what lies before it is over and is rolled up.
    let mut last = UsageBatch::new(7, u64::MAX >> 1);
    last.slices = vec![Slice::new(Subject::All, END)];
    last.slices[0].tally.wrong_secret = 1;
    store.add(&last).await.expect("the store is there");
    all
}

/// What was counted within one minute.
fn batch(number: u64, tokens: &[IssuedToken], used: &[(usize, i64, u64)], draw: &mut Draw) -> UsageBatch {
    let mut slices: std::collections::BTreeMap<Subject, Slice> = Default::default();
    let mut batch = UsageBatch::new(7, number);
    let mut counts: std::collections::BTreeMap<TokenId, Counts> = Default::default();
    for (place, minute, calls) in used {
        let token = &tokens[*place];
        let of_token = slice(token.id, *minute, *calls, draw);
        let mut of_others = of_token.clone();
        of_others.detail.secrets = Default::default();
        let mut by_token = TokenUse::default();
        (by_token.calls, by_token.errors) = (*calls, of_token.tally.statuses.client_error);
        of_others.detail.tokens.add(&token.id, &by_token);
        for subject in [Subject::Tenant(Some(token.tenant.clone())), Subject::All] {
            let into = slices.entry(subject.clone()).or_insert_with(|| Slice::new(subject, *minute));
            into.tally.merge(&of_others.tally);
            into.detail.merge(&of_others.detail);
            into.clients.merge(&of_others.clients);
        }
        let at = start_of(*minute) + TimeDelta::seconds(30);
        let client = Client::new(format!("203.0.113.{}", place % 6), "acme-sync/2.1");
        let counted = counts.entry(token.id).or_default();
        counted.granted += calls;
        counted.finished += calls;
        counted.succeeded += calls - of_token.tally.statuses.client_error;
        counted.duration_us += of_token.tally.duration_us;
        (counted.last_used_at, counted.last_seen_at) = (Some(at), Some(at));
        counted.last_client = Some(client.clone());
        for _ in 0..(*calls).min(RECENT / 20) {
            let mut call = RecordedCall::new(token.id, at, Outcome::Granted, 200);
            call.tenant = Some(token.tenant.clone());
            call.route = route(draw, *place);
            call.duration_us = 12_000;
            call.scopes = "orders:read".to_owned();
            call.client = Some(client.clone());
            batch.calls.push(call);
        }
        slices.entry(Subject::Token(token.id)).or_insert(of_token);
    }
    batch.slices = slices.into_values().collect();
    for slice in &mut batch.slices {
        slice.detail.shrink(slice.subject.names());
        slice.clients.shrink(slice.subject.names());
    }
    batch.counts = counts.into_iter().collect();
    batch
}

fn route(draw: &mut Draw, place: usize) -> String {
    let route = (draw.below(10) * draw.below(10) / 10 + place as u64) % 40;
    format!("{} /v1/resources-{route}/{{id}}", ["GET", "POST"][route as usize % 2])
}

/// So many calls of a token within a minute.
fn slice(token: TokenId, minute: i64, calls: u64, draw: &mut Draw) -> Slice {
    let mut slice = Slice::new(Subject::Token(token), minute);
    let at = Some(start_of(minute));
    let failed = (0..calls).filter(|_| draw.below(50) == 0).count() as u64;
    let tally = &mut slice.tally;
    (tally.granted, tally.finished) = (calls, calls);
    (tally.statuses.success, tally.statuses.client_error) = (calls - failed, failed);
    for _ in 0..calls {
        let duration = (1_500 + draw.below(1_500)) << (draw.below(4) + draw.below(3));
        tally.duration_us += duration;
        tally.latency.record(duration);
    }
    // What stands behind the figures, in four parts rather than call by call.
    for part in 0..calls.min(4) {
        let number = calls / calls.min(4) + u64::from(part < calls % calls.min(4));
        let mut endpoint = EndpointUse::default();
        (endpoint.calls, endpoint.duration_us) = (number, number * 12_000);
        (0..number).for_each(|_| endpoint.latency.record(12_000));
        slice.detail.endpoints.add(&route(draw, token.to_string().len()), &endpoint);
        let mut scope = ScopeUse::default();
        (scope.used, scope.last_used_at) = (number, at);
        slice.detail.scopes.add(&SCOPES[draw.below(2) as usize].to_owned(), &scope);
        let client = Client::new(format!("203.0.113.{}", draw.below(6)), "acme-sync/2.1");
        let mut secret = SecretUse::default();
        (secret.calls, secret.last_seen_at, secret.last_client) = (number, at, Some(client.clone()));
        slice.detail.secrets.add(&1, &secret);
        let mut by_client = ClientUse::default();
        (by_client.calls, by_client.first_seen_at, by_client.last_seen_at) = (number, at, at);
        slice.clients.add(&client, &by_client);
    }
    slice
}
