//! A service and the model of its use, side by side: what is done to the one is noted by the other.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokenward::usage::{Call, Client, Outcome, Strangers, UsageStore};
use tokenward::{
    Actor, Caller, Clock, ManualClock, MemoryStore, Need, NewToken, Recording, TokenId, TokenStore, Tokens,
    Update, Verdict, block_on,
};

use super::recount::{Ended, Happened, What};
use super::support::{Fate, WatchedUsage};
use super::support::{catalog, text_of, text_with};

pub const TENANTS: [Option<&str>; 3] = [None, Some("acme"), Some("globex")];
const ROUTES: [&str; 4] = ["GET /orders", "GET /orders/{id}", "POST /orders", ""];
const AGENTS: [&str; 3] = ["", "curl/8", "wh-sync/2.3"];
const STATUSES: [u16; 8] = [200, 204, 302, 399, 400, 404, 500, 101];

/// What can happen to a service.
#[derive(Clone, Debug)]
pub enum Step {
    Advance(i64),
    SetWall(i64),
    Ask { token: usize, how: usize, detail: u32 },
    Finish(usize, u32),
    Rotate(usize, i64),
    Pause(usize),
    Resume(usize),
    Revoke(usize),
    Limit(usize, u32),
    Expire(usize, i64),
    Flush(Vec<u8>),
    Restart(bool),
}

pub struct World {
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub flaky: Arc<WatchedUsage>,
    records: Arc<dyn TokenStore>,
    recording: Recording,
    pub holders: Vec<Holder>,
    open: Vec<Open>,
    /// What the store has.
    pub written: Vec<Happened>,
    /// What it was given, and has not confirmed; whether it has it all the same.
    waiting: Option<(Batch, bool)>,
    fresh: Batch,
    pub strangers: Vec<(i64, Strangers)>,
    pub as_of: DateTime<Utc>,
}

#[derive(Clone, Default)]
struct Batch {
    happened: Vec<Happened>,
    strangers: Strangers,
    taken_at: DateTime<Utc>,
}

pub struct Holder {
    pub id: TokenId,
    pub tenant: Option<&'static str>,
    /// All secrets that it ever had, the newest last.
    secrets: Vec<String>,
}

struct Open {
    caller: Caller,
    granted_at: DateTime<Utc>,
    holder: usize,
    version: u32,
    scope: Option<&'static str>,
}

impl World {
    pub fn new(store: Arc<dyn UsageStore>, recording: Recording) -> World {
        let (clock, records) = (ManualClock::new(), Arc::new(MemoryStore::new()));
        let flaky = Arc::new(WatchedUsage::over(store));
        let tokens = tokens(&clock, records.clone(), flaky.clone(), recording);
        let issue = |place: usize| {
            let asked = NewToken::named(format!("Holder {place}")).scopes(["orders:read"]).per_minute(3);
            let tenant = TENANTS[place % 3];
            let asked = tenant.into_iter().fold(asked, NewToken::tenant);
            let issued = block_on(tokens.issue(asked).by(actor())).unwrap();
            Holder { id: issued.record.id, tenant, secrets: vec![issued.secret.expose().to_owned()] }
        };
        let holders = (0..5).map(issue).collect();
        let as_of = clock.now().wall();
        World {
            tokens,
            clock,
            flaky,
            records,
            recording,
            holders,
            open: Vec::new(),
            written: Vec::new(),
            waiting: None,
            fresh: Batch::default(),
            strangers: Vec::new(),
            as_of,
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now().wall()
    }

    pub fn step(&mut self, step: &Step) {
        match step {
            Step::Advance(ms) => self.clock.advance(TimeDelta::milliseconds(*ms)),
            Step::SetWall(ms) => {
                // What is counted in the table has no time of its own but that of its last grant.
                self.flush(if *ms == 0 { &[] } else { &[Fate::Lost] });
                self.clock.set_wall(self.now() + TimeDelta::milliseconds(*ms));
            }
            Step::Ask { token, how, detail } => self.ask(token % self.holders.len(), *how, *detail),
            Step::Finish(place, detail) => {
                if !self.open.is_empty() {
                    let open = self.open.remove(place % self.open.len());
                    self.finish(open, *detail);
                }
            }
            Step::Rotate(token, grace) => {
                let holder = &mut self.holders[token % 5];
                let rotate = self.tokens.rotate(&holder.id).grace(TimeDelta::milliseconds(*grace));
                if let Ok(rotated) = block_on(rotate.by(actor())) {
                    holder.secrets.push(rotated.secret.expose().to_owned());
                }
            }
            Step::Pause(token) => _ = block_on(self.tokens.pause(&self.holders[token % 5].id).by(actor())),
            Step::Resume(token) => _ = block_on(self.tokens.resume(&self.holders[token % 5].id).by(actor())),
            Step::Revoke(token) => _ = block_on(self.tokens.revoke(&self.holders[token % 5].id).by(actor())),
            Step::Limit(token, limit) => self.update(*token, Update::new().per_minute(*limit)),
            Step::Expire(token, ms) => {
                let update = match ms {
                    0 => Update::new().without_expiry(),
                    ms => Update::new().expires_in(TimeDelta::milliseconds(*ms)),
                };
                self.update(*token, update);
            }
            Step::Flush(fates) => {
                let fates: Vec<_> = fates
                    .iter()
                    .map(|fate| [Fate::Taken, Fate::Lost, Fate::TakenInSecret][usize::from(*fate) % 3])
                    .collect();
                self.flush(&fates);
            }
            Step::Restart(in_order) => self.restart(*in_order),
        }
    }

    fn update(&self, token: usize, update: Update) {
        _ = block_on(self.tokens.update(&self.holders[token % 5].id, update).by(actor()));
    }

    fn ask(&mut self, place: usize, how: usize, detail: u32) {
        let holder = &self.holders[place];
        let newest = holder.secrets.len();
        let (route, agent) = (ROUTES[detail as usize % 4], AGENTS[(detail as usize / 4) % 3]);
        let address = match detail / 12 % 3 {
            0 => None,
            last => Some(std::net::IpAddr::from([203, 0, 113, last as u8])),
        };
        // A wrong secret behind an id that is known, and one that is not.
        let text = match how {
            0 => text_with(&holder.secrets[0][3..19], &"w".repeat(36)),
            1 => text_of(detail.into()),
            2 => format!("{}x", holder.secrets[0]),
            3 if newest > 1 => holder.secrets[newest - 2].clone(),
            4 if newest > 2 => holder.secrets[0].clone(),
            _ => holder.secrets[newest - 1].clone(),
        };
        let version = holder.secrets.iter().position(|secret| *secret == text).map_or(0, |place| place + 1);
        let (need, scope) = match how {
            6 => (Need::scopes(&["orders:read", "orders:write"]), Some("orders:write")),
            7 => (Need::closed(), None),
            8 => (Need::live(), None),
            _ => (Need::scope("orders:read"), Some("orders:read")),
        };
        let need = match (how, holder.tenant) {
            (5, Some(_)) => need.tenant("elsewhere"),
            (_, Some(tenant)) => need.tenant(tenant),
            (_, None) => need,
        };
        let need = need.on_route(route).from_agent(agent);
        let need = address.map_or(need, |address| need.from_address(address));
        let now = self.now();
        let id = holder.id;
        let verdict = block_on(self.tokens.verify(&text, &need)).unwrap();
        match verdict {
            Verdict::Granted(grant) => {
                assert_eq!((grant.token_id(), grant.secret_version() as usize), (id, version));
                let (caller, granted_at) = (grant.into_caller(), now);
                self.happened(place, now, What::Granted);
                let open = Open { caller, granted_at, holder: place, version: version as u32, scope };
                match detail % 5 {
                    0 if self.open.len() < 20 => self.open.push(open),
                    1 => {}
                    _ => self.finish(open, detail),
                }
            }
            Verdict::Denied(denied) => {
                let outcome = match denied.code() {
                    "token-invalid" => return self.stranger(place, how),
                    "rate-limited" => Outcome::Limited,
                    "insufficient-scope" => Outcome::MissingScope,
                    "token-revoked" => Outcome::Revoked,
                    "token-expired" => Outcome::Expired,
                    "token-paused" => Outcome::Paused,
                    "token-rotated" => Outcome::Rotated,
                    "not-for-tokens" => Outcome::NotForTokens,
                    other => panic!("{other}"),
                };
                let ended = Ended {
                    outcome,
                    granted_at: now,
                    version: version as u32,
                    route: route.to_owned(),
                    status: denied.status(),
                    duration_us: 0,
                    bytes: None,
                    scope: scope.filter(|_| outcome == Outcome::MissingScope),
                    client: client(address, agent),
                };
                self.happened(place, now, What::Ended(ended));
            }
        }
    }

    fn stranger(&mut self, place: usize, how: usize) {
        let strangers = &mut self.fresh.strangers;
        match how {
            1 => strangers.unknown += 1,
            2 => strangers.malformed += 1,
            5 if self.holders[place].tenant.is_some() => strangers.foreign_tenant += 1,
            _ => {
                strangers.wrong_secret += 1;
                // Dated by the flush.
                self.happened(place, DateTime::<Utc>::MIN_UTC, What::WrongSecret);
            }
        }
    }

    fn finish(&mut self, open: Open, detail: u32) {
        let (route, agent) = (ROUTES[detail as usize % 4], AGENTS[(detail as usize / 4) % 3]);
        let address = (detail % 7 > 2).then(|| std::net::IpAddr::from([198, 51, 100, (detail % 7) as u8]));
        let ended = Ended {
            outcome: Outcome::Granted,
            granted_at: open.granted_at,
            version: open.version,
            route: route.to_owned(),
            status: STATUSES[detail as usize % 8],
            duration_us: u64::from(detail) * 997,
            bytes: (!detail.is_multiple_of(3)).then_some(u64::from(detail) * 13),
            scope: open.scope,
            client: client(address, agent),
        };
        let call = Call::new(route, ended.status, Duration::from_micros(ended.duration_us)).agent(agent);
        let call = address.map_or(call, |address| call.address(address));
        open.caller.record_call(&ended.bytes.map_or(call, |bytes| call.bytes(bytes)));
        // Whatever comes second counts nothing.
        open.caller.record("GET /twice", 500, Duration::from_secs(1));
        self.happened(open.holder, self.now(), What::Ended(ended));
    }

    fn happened(&mut self, place: usize, at: DateTime<Utc>, what: What) {
        let Holder { id, tenant, .. } = &self.holders[place];
        self.fresh.happened.push(Happened { token: *id, tenant: tenant.map(str::to_owned), at, what });
    }

    /// As the engine hands batches over: what had to wait, and then what came since.
    pub fn flush(&mut self, fates: &[Fate]) {
        *self.flaky.fates.lock().unwrap() = fates.iter().copied().collect();
        let mut fates = fates.iter().copied();
        let now = self.now();
        for it in self.fresh.happened.iter_mut().filter(|it| matches!(it.what, What::WrongSecret)) {
            it.at = if it.at == DateTime::<Utc>::MIN_UTC { now } else { it.at };
        }
        let mut is_ok = true;
        for _ in 0..2 {
            let (batch, is_written, has_waited) = match self.waiting.take() {
                Some((batch, is_written)) => (batch, is_written, true),
                None => (Batch { taken_at: now, ..std::mem::take(&mut self.fresh) }, false, false),
            };
            if batch.happened.is_empty() && batch.strangers == Strangers::default() {
                self.as_of = now;
                break;
            }
            let fate = fates.next().unwrap_or(Fate::Taken);
            if fate != Fate::Lost && !is_written {
                self.written.extend(batch.happened.iter().cloned());
                self.strangers.push((batch.taken_at.timestamp().div_euclid(60), batch.strangers));
            }
            if fate != Fate::Taken {
                self.waiting = Some((batch, is_written || fate != Fate::Lost));
                is_ok = false;
                break;
            }
            self.as_of = batch.taken_at;
            if !has_waited {
                break;
            }
        }
        assert_eq!(block_on(self.tokens.flush()).is_ok(), is_ok);
        self.flaky.fates.lock().unwrap().clear();
    }

    fn restart(&mut self, in_order: bool) {
        if in_order {
            self.flush(&[]);
            block_on(self.tokens.shutdown()).unwrap();
        }
        (self.waiting, self.fresh) = (None, Batch::default());
        self.open.clear();
        self.tokens = tokens(&self.clock, self.records.clone(), self.flaky.clone(), self.recording);
        self.as_of = self.now();
    }
}

fn tokens(
    clock: &ManualClock,
    records: Arc<dyn TokenStore>,
    usage: Arc<WatchedUsage>,
    recording: Recording,
) -> Tokens {
    let builder = Tokens::builder(records).usage_store(usage).catalog(catalog()).recording(recording);
    builder.clock(clock.clone()).without_background().build().unwrap()
}

fn actor() -> Actor {
    Actor::new("maria").all_tenants()
}

fn client(address: Option<std::net::IpAddr>, agent: &str) -> Option<Client> {
    let address = address.map_or_else(String::new, |address| address.to_string());
    (!address.is_empty() || !agent.is_empty()).then(|| Client::new(address, agent))
}
