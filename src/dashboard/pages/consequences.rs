//! What would break if something were done to a token, as its dialog tells it: from recorded use.

use crate::TokenRecord;
use crate::dashboard::show::{self, Time, visible};
use crate::dashboard::visit::Visit;
use crate::tokens::{Impact, Intent};
use crate::usage::Client;

/// Whoever has used a token within so many days will miss it.
const USED_WITHIN_DAYS: i64 = 30;

/// What would break.
pub(super) struct Consequences {
    /// The weightiest first.
    pub(super) sentences: Vec<String>,
    /// Whether it was used lately enough for somebody to miss it.
    pub(super) is_used: bool,
    /// Of the last 24 hours, the busiest first.
    pub(super) clients: Vec<Caller>,
    pub(super) clients_total: String,
    pub(super) clients_left_out: String,
    pub(super) endpoints: Vec<(String, String)>,
    pub(super) endpoints_total: String,
    pub(super) endpoints_left_out: String,
    pub(super) as_of: Time,
}

/// A client as far as it is known, and as far as somebody may see it.
pub(super) struct Caller {
    /// Empty where it says nothing.
    pub(super) agent: String,
    /// Empty where it is not known, or not to be seen.
    pub(super) address: String,
    pub(super) calls: String,
}

impl Caller {
    fn of(client: &Client, calls: u64) -> Caller {
        let shown = |text: &str| visible(text).into_owned();
        Caller { agent: shown(&client.agent), address: shown(&client.address), calls: show::number(calls) }
    }

    pub(super) fn is_known(&self) -> bool {
        !self.agent.is_empty() || !self.address.is_empty()
    }
}

impl Consequences {
    /// None where use cannot be read: a token can be stopped all the same.
    pub(super) async fn of(visit: &Visit<'_>, record: &TokenRecord, intent: &Intent) -> Option<Consequences> {
        match visit.context.tokens.impact(record, intent).await {
            Ok(impact) => Some(Consequences::told(visit, impact, intent)),
            Err(error) => {
                tracing::warn!(%error, "the use of a token cannot be read");
                None
            }
        }
    }

    fn told(visit: &Visit<'_>, mut impact: Impact, intent: &Intent) -> Consequences {
        let now = visit.context.now();
        let permissions = visit.context.permissions;
        if !permissions.view_addresses {
            impact = impact.without_addresses();
        }
        if !permissions.view_calls {
            impact.last_call = None;
        }
        let sentences = impact.sentences(intent, now);
        let clients = impact.clients.iter().map(|(client, used)| Caller::of(client, used.calls));
        let endpoints = impact
            .endpoints
            .iter()
            .map(|(route, used)| (visible(route).into_owned(), show::number(used.calls)));
        Consequences {
            is_used: impact.is_used_within(USED_WITHIN_DAYS, now),
            clients: clients.collect(),
            clients_total: show::number(impact.clients_total as u64),
            clients_left_out: left_out(impact.clients_total, impact.clients.len(), impact.more_clients),
            endpoints: endpoints.collect(),
            endpoints_total: show::number(impact.endpoints_total as u64),
            endpoints_left_out: left_out(
                impact.endpoints_total,
                impact.endpoints.len(),
                impact.more_endpoints,
            ),
            as_of: Time::of(impact.as_of, now),
            sentences: sentences.iter().map(|text| visible(text).into_owned()).collect(),
        }
    }
}

/// How many are not named; empty where all are.
fn left_out(total: usize, named: usize, more: bool) -> String {
    match (total.saturating_sub(named), more) {
        (0, false) => String::new(),
        (0, true) => "others".to_owned(),
        (number, false) => format!("{} more", show::number(number as u64)),
        (number, true) => format!("more than {} others", show::number(number as u64)),
    }
}
