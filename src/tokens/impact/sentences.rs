//! What would break, in words for a tired person.

use chrono::{DateTime, Utc};

use super::{Impact, Intent, ScopeImpact};
use crate::RateLimit;
use crate::denied::speech::{ago, day, list, moment, number, percent, several, wait};
use crate::limit::Quota;
use crate::usage::Client;

/// So many clients are named.
const CLIENTS: usize = 5;
/// A token that was not used for so many days is called unused.
const UNUSED_DAYS: i64 = 30;

pub(super) fn of(impact: &Impact, intent: &Intent, now: DateTime<Utc>) -> Vec<String> {
    let within = match impact.heeded_within_ms {
        0 => "at once".to_owned(),
        ms => format!("within {}", wait(ms)),
    };
    match intent {
        Intent::Revoke => whole(impact, now, &format!("will start failing with 401 {within}")),
        Intent::Pause => {
            whole(impact, now, &format!("will be answered 403 while it is paused, {within} from then on"))
        }
        Intent::Rotate => {
            let mut sentences =
                whole(impact, now, &format!("will fail with 401 {within}, until they send the new secret"));
            sentences.extend(clients(impact));
            sentences
        }
        Intent::ExpireAt(_) if impact.would_fail_24h == 0 && impact.granted_24h > 0 => {
            vec!["It works for longer than before: no call will fail by this.".to_owned()]
        }
        Intent::ExpireAt(time) if *time > now => {
            let mut sentences = Vec::new();
            if let Some(last) = impact.last_used_at.filter(|_| impact.is_used_within(UNUSED_DAYS, now)) {
                sentences.push(format!("It is still in use ({}).", ago(last, now)));
            }
            let from = moment(*time);
            sentences.extend(calls(impact, now, &format!("will fail with 401 from {from} on")));
            sentences
        }
        Intent::ExpireAt(_) => whole(impact, now, &format!("will start failing with 401 {within}")),
        Intent::RateLimit(limit) => vec![lower(impact, limit)],
        Intent::RemoveScopes(_) => scopes(impact, now),
    }
}

/// For what every call fails by.
fn whole(impact: &Impact, now: DateTime<Utc>, becomes: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(last) = impact.last_used_at.filter(|_| impact.is_used_within(UNUSED_DAYS, now)) {
        let by = impact.last_call.as_ref().and_then(|call| called(call.client.as_ref()?));
        let by = by.map(|client| format!(" by {client}")).unwrap_or_default();
        let route = impact.last_call.as_ref().map(|call| &*call.route).filter(|route| !route.is_empty());
        let route = route.map(|route| format!(", {route}")).unwrap_or_default();
        sentences.push(format!("Last used {}{by}{route}.", ago(last, now)));
    }
    sentences.extend(calls(impact, now, becomes));
    sentences
}

/// How many calls there were, and what becomes of such.
fn calls(impact: &Impact, now: DateTime<Utc>, becomes: &str) -> Vec<String> {
    let sentence = match impact.last_used_at {
        None => {
            format!("Never used since it was created on {}: nothing should break.", day(impact.created_at))
        }
        Some(last) if !impact.is_used_within(UNUSED_DAYS, now) => {
            format!("Not used since {}: nothing should break.", day(last))
        }
        Some(_) if impact.would_fail_24h > 0 => {
            let from = match (counted(impact.clients_total, impact.more_clients, "client"), endpoints(impact))
            {
                (Some(clients), Some(endpoints)) => format!(", from {clients} on {endpoints},"),
                (Some(clients), None) => format!(", from {clients},"),
                (None, Some(endpoints)) => format!(", on {endpoints},"),
                (None, None) => String::new(),
            };
            format!("{} in the last 24 hours{from} {becomes}.", several(impact.would_fail_24h, "call"))
        }
        Some(_) if impact.calls_7d > impact.calls_24h => {
            let week = several(impact.calls_7d, "call");
            format!(
                "No call was let in during the last 24 hours. {week} in the last 7 days: such calls {becomes}."
            )
        }
        Some(last) => format!("Not used since {}. Calls that come again {becomes}.", day(last)),
    };
    vec![sentence]
}

fn endpoints(impact: &Impact) -> Option<String> {
    counted(impact.endpoints_total, impact.more_endpoints, "endpoint")
}

fn counted(total: usize, more: bool, what: &str) -> Option<String> {
    let more = if more { "more than " } else { "" };
    (total > 0).then(|| format!("{more}{}", several(total as u64, what)))
}

/// Who has to be given a new secret.
fn clients(impact: &Impact) -> Option<String> {
    let mut names: Vec<_> = impact.clients.iter().filter_map(|(client, _)| called(client)).collect();
    let total = counted(impact.clients_total, impact.more_clients, "client")?;
    let unnamed = impact.clients_total.saturating_sub(names.len().min(CLIENTS));
    names.truncate(CLIENTS);
    if names.is_empty() {
        return Some(format!("{total} used it in the last 24 hours: update all of them."));
    }
    if unnamed > 0 {
        names.push(format!("{} more", number(unnamed as u64)));
    }
    let update = match (impact.clients_total, impact.more_clients) {
        (1, false) => "Update it",
        (2, false) => "Update both",
        _ => "Update all of them",
    };
    Some(format!("{total} used it in the last 24 hours: {}. {update}.", list(&names)))
}

/// `wh-sync/2.3 (203.0.113.7)`, or what is known of it.
fn called(client: &Client) -> Option<String> {
    match (&*client.agent, &*client.address) {
        ("", "") => None,
        ("", address) => Some(address.to_owned()),
        (agent, "") => Some(agent.to_owned()),
        (agent, address) => Some(format!("{agent} ({address})")),
    }
}

fn lower(impact: &Impact, limit: &RateLimit) -> String {
    if limit.is_unlimited() {
        return "Without a limit, no call of the last 24 hours would have been cut.".to_owned();
    }
    let limit = list(&limit.quotas().map(short).collect::<Vec<_>>());
    if impact.granted_24h == 0 {
        return format!(
            "At {limit}, nothing would have been cut: no call was let in during the last 24 hours."
        );
    }
    let peak = impact.peak_24h.map_or(0, |peak| peak.granted);
    match (impact.minutes_over.unwrap_or(0), impact.would_fail_24h) {
        (0, _) => format!(
            "At {limit}, none of the last 1,440 minutes would have been cut. The busiest had {}.",
            several(peak, "call")
        ),
        (minutes, cut) => {
            let share = cut as f64 / impact.granted_24h as f64;
            format!(
                "At {limit}, {} of the last 1,440 minutes would have been cut: {} ({}).",
                number(minutes),
                several(cut, "call"),
                percent(share)
            )
        }
    }
}

/// `30/min`.
fn short(quota: Quota) -> String {
    let limit = number(quota.limit().into());
    match quota.window_ms() {
        60_000 => format!("{limit}/min"),
        3_600_000 => format!("{limit}/h"),
        86_400_000 => format!("{limit}/day"),
        _ => quota.to_string(),
    }
}

fn scopes(impact: &Impact, now: DateTime<Utc>) -> Vec<String> {
    if impact.scopes.is_empty() {
        return vec![
            "Nothing is lost: what is taken away had no effect, or is held in another way.".to_owned(),
        ];
    }
    let age = now - impact.created_at;
    let span = match age.num_days() < UNUSED_DAYS {
        true => format!("since the token was created on {}", day(impact.created_at)),
        false => "in the last 30 days".to_owned(),
    };
    let (used, unused): (Vec<_>, Vec<_>) =
        impact.scopes.iter().partition(|scope| scope.calls_30d > 0 || scope.error > 0);
    let mut sentences: Vec<_> = used.into_iter().map(|scope| of_scope(scope, &span, now)).collect();
    let unused: Vec<_> = unused.iter().map(|scope| &*scope.scope).collect();
    match unused.len() {
        0 => {}
        number => {
            let was = if number == 1 { "was" } else { "were" };
            sentences.push(format!("{} {was} not used {span}: nothing should break.", list(&unused)));
        }
    }
    sentences
}

fn of_scope(scope: &ScopeImpact, span: &str, now: DateTime<Utc>) -> String {
    let ScopeImpact { scope: name, calls_30d, error, last_used_at, endpoints } = scope;
    let times = match (*calls_30d, *error) {
        (calls, 0) => several(calls, "time"),
        (calls, error) => format!("up to {}", several(calls.saturating_add(error), "time")),
    };
    let last = last_used_at.map(|last| format!(", last {}", ago(last, now))).unwrap_or_default();
    let answers = match &**endpoints {
        [] => "Calls that need it will answer 403.".to_owned(),
        endpoints => format!("{} will answer 403.", list(endpoints)),
    };
    format!("{name} was used {times} {span}{last}. {answers}")
}
