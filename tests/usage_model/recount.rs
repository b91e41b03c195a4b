//! What happened, one by one, and what there is to be told of it: counted anew for each question.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokenward::usage::{
    Client, ClientUse, Clients, Detail, EndpointUse, Outcome, Peak, ScopeUse, SecretUse, Tally, TokenUse,
};
use tokenward::{Counts, Subject, TokenId};

/// Something that counts.
#[derive(Clone, Debug)]
pub struct Happened {
    pub token: TokenId,
    pub tenant: Option<String>,
    pub at: DateTime<Utc>,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    Granted,
    /// A granted request was finished, or one was refused.
    Ended(Ended),
    WrongSecret,
}

#[derive(Clone, Debug)]
pub struct Ended {
    pub outcome: Outcome,
    pub granted_at: DateTime<Utc>,
    pub version: u32,
    pub route: String,
    pub status: u16,
    pub duration_us: u64,
    pub bytes: Option<u64>,
    pub scope: Option<&'static str>,
    pub client: Option<Client>,
}

impl Happened {
    fn is_of(&self, subject: &Subject) -> bool {
        match subject {
            Subject::All => true,
            Subject::Tenant(tenant) => self.tenant == *tenant,
            Subject::Token(token) => self.token == *token,
        }
    }

    pub fn minute(&self) -> i64 {
        self.at.timestamp().div_euclid(60)
    }
}

/// What is of this subject and between these minutes.
pub fn between<'a>(happened: &'a [Happened], subject: &Subject, from: i64, until: i64) -> Vec<&'a Happened> {
    let is_it = |it: &&Happened| it.is_of(subject) && (from..until).contains(&it.minute());
    happened.iter().filter(is_it).collect()
}

/// The figures, without those of strangers.
pub fn tally(happened: &[&Happened]) -> Tally {
    let mut tally = Tally::default();
    let mut minutes: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for it in happened {
        let (granted, limited) = minutes.entry(it.minute()).or_default();
        match &it.what {
            What::Granted => {
                tally.granted += 1;
                *granted += 1;
            }
            What::WrongSecret => tally.wrong_secret += 1,
            What::Ended(ended) => match ended.outcome {
                Outcome::Granted => {
                    tally.finished += 1;
                    tally.duration_us += ended.duration_us;
                    tally.bytes += ended.bytes.unwrap_or(0);
                    tally.latency.record(ended.duration_us);
                    let of_class = &mut tally.statuses;
                    *match ended.status / 100 {
                        0 | 1 => &mut of_class.informational,
                        2 => &mut of_class.success,
                        3 => &mut of_class.redirection,
                        4 => &mut of_class.client_error,
                        _ => &mut of_class.server_error,
                    } += 1;
                }
                Outcome::Limited => {
                    tally.limited += 1;
                    *limited += 1;
                }
                Outcome::MissingScope => tally.missing_scope += 1,
                Outcome::Revoked => tally.refusals.revoked += 1,
                Outcome::Expired => tally.refusals.expired += 1,
                Outcome::NotYetValid => tally.refusals.not_yet_valid += 1,
                Outcome::Paused => tally.refusals.paused += 1,
                Outcome::Rotated => tally.refusals.rotated += 1,
                Outcome::Address => tally.refusals.address += 1,
                _ => tally.refusals.not_for_tokens += 1,
            },
        }
    }
    let busiest = minutes.iter().map(|(minute, (granted, _))| (*granted, -*minute)).max();
    tally.peak =
        busiest.filter(|(granted, _)| *granted > 0).map(|(granted, minute)| Peak::new(-minute, granted));
    tally.minutes_limited = minutes.values().filter(|(_, limited)| *limited > 0).count() as u64;
    tally
}

/// What stands behind the figures.
pub fn behind(happened: &[&Happened], subject: &Subject) -> (Detail, Clients) {
    let (mut detail, mut clients) = (Detail::default(), Clients::default());
    for it in happened {
        let What::Ended(ended) = &it.what else { continue };
        let at = Some(it.at);
        let (is_granted, is_limited) = (ended.outcome == Outcome::Granted, ended.outcome == Outcome::Limited);
        let (limited, errors) =
            (u64::from(is_limited), u64::from(!is_limited && (!is_granted || ended.status >= 400)));
        let mut endpoint = EndpointUse::default();
        (endpoint.calls, endpoint.limited, endpoint.errors) = (1, limited, errors);
        if is_granted {
            endpoint.duration_us = ended.duration_us;
            endpoint.latency.record(ended.duration_us);
        }
        let route = if ended.route.is_empty() { "(unnamed)" } else { &ended.route };
        detail.endpoints.add(&route.to_owned(), &endpoint);
        let mut scope = ScopeUse::default();
        match ended.outcome {
            Outcome::Granted => (scope.used, scope.last_used_at) = (1, at),
            _ => (scope.missing, scope.last_missing_at) = (1, at),
        }
        if let Some(name) = ended.scope {
            detail.scopes.add(&name.to_owned(), &scope);
        }
        let mut secret = SecretUse::default();
        (secret.calls, secret.last_seen_at) = (1, at);
        let mut token = TokenUse::default();
        (token.calls, token.limited, token.errors) = (1, limited, errors);
        match subject {
            Subject::Token(_) => detail.secrets.add(&ended.version, &secret),
            _ => detail.tokens.add(&it.token, &token),
        }
        if let Some(client) = &ended.client {
            let mut share = ClientUse::default();
            (share.calls, share.first_seen_at, share.last_seen_at) = (1, at, at);
            clients.add(client, &share);
        }
    }
    (detail, clients)
}

/// The totals of a token, but for the last client.
pub fn counts(happened: &[Happened], token: TokenId) -> Counts {
    let mut counts = Counts::default();
    for it in happened.iter().filter(|it| it.token == token) {
        match &it.what {
            What::Granted => {
                counts.granted += 1;
                counts.last_used_at = counts.last_used_at.max(Some(it.at));
                counts.last_seen_at = counts.last_seen_at.max(Some(it.at));
            }
            What::WrongSecret => counts.wrong_secret += 1,
            What::Ended(ended) => {
                counts.last_seen_at = counts.last_seen_at.max(Some(ended.granted_at));
                match ended.outcome {
                    Outcome::Granted => {
                        counts.last_used_at = counts.last_used_at.max(Some(ended.granted_at));
                        counts.finished += 1;
                        counts.succeeded += u64::from(ended.status < 400);
                        counts.duration_us += ended.duration_us;
                    }
                    Outcome::Limited => counts.limited += 1,
                    Outcome::MissingScope => counts.missing_scope += 1,
                    _ => counts.refused += 1,
                }
            }
        }
    }
    counts
}
