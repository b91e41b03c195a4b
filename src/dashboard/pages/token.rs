//! One token: how it is used, by whom, for what.

pub(super) mod card;
mod clients;
mod details;
pub(super) mod endpoints;
mod facts;
pub(super) mod history;
mod limit;
mod rotation;
mod scopes;

use askama::Template;

use crate::admin::fault::Fault;
use crate::admin::series::per_minute;
use crate::dashboard::call_row::CallRow;
use crate::dashboard::chart::{self, figure::Figure};
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::pages::reveal::example_address;
use crate::dashboard::range::Range;
use crate::dashboard::reasons::Reason;
use crate::dashboard::show::{Time, count, visible};
use crate::dashboard::visit::Visit;
use crate::web::Reply;
use crate::{FindingKind, Status};
use card::Card;
use clients::ClientList;
use details::Details;
use endpoints::EndpointRow;
use facts::{Facts, Used};
use history::ChangeRow;
use limit::LimitPanel;
use rotation::Rotation;
use scopes::ScopeList;

#[derive(Template)]
#[template(path = "token.html")]
struct TokenPage<'a> {
    frame: Frame<'a>,
    id: String,
    status: Status,
    start: String,
    last4: String,
    created_by: String,
    last_used: Option<LastUse>,
    can: Can,
    reasons: Vec<Reason>,
    paused: Option<Paused>,
    revoked: Option<Revoked>,
    rotation: Option<Rotation>,
    /// Calls of the last 24 hours that were refused since they came with the secret before the
    /// rotation, which is dead.
    old_secret_tried: Option<String>,
    is_usage_known: bool,
    /// Whether nothing was ever called with it.
    is_unused: bool,
    example: String,
    cards: Vec<Card>,
    range: Range,
    as_of: Option<Time>,
    charts: Vec<Figure>,
    endpoints: Vec<EndpointRow>,
    clients: Option<ClientList>,
    scopes: ScopeList,
    limit: LimitPanel,
    calls: Vec<CallRow>,
    /// The id of the newest call, from which the live tail goes on.
    tail: Option<u64>,
    changes: Vec<ChangeRow>,
    more_changes: bool,
    details: Details,
}

/// What can be done to the token by whoever looks.
struct Can {
    edit: bool,
    rotate: bool,
    pause: bool,
    resume: bool,
    revoke: bool,
    delete: bool,
    copy: bool,
}

struct LastUse {
    at: Time,
    address: Option<String>,
    agent: Option<String>,
}

struct Paused {
    since: Option<Time>,
    until: Option<Time>,
    refused: Option<String>,
}

struct Revoked {
    at: Option<Time>,
    because: Option<String>,
}

pub(in crate::dashboard) async fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let context = &visit.context;
    let range = Range::of(&visit.query()?, context.now());
    let facts = Facts::of(visit, &range).await?;
    let Facts { record, now, status, used, .. } = &facts;
    let (now, status) = (*now, *status);
    let tells_addresses = context.permissions.view_addresses;
    let frame = visit.frame(visible(&record.name).into_owned(), Place::Tokens);
    let has_rotation = facts.old_secret().is_some();
    let reasons = facts
        .findings
        .iter()
        // The banner below tells more of it.
        .filter(|finding| !(has_rotation && finding.kind == FindingKind::OldSecretLives))
        .map(|finding| Reason::of(finding, &frame))
        .collect();
    let page = TokenPage {
        id: record.id.to_string(),
        status,
        start: record.secret.start.clone(),
        last4: record.secret.last4.clone(),
        created_by: visible(&record.created_by).into_owned(),
        last_used: used.as_ref().and_then(|used| last_use(used, tells_addresses, &facts)),
        can: can(visit, status),
        reasons,
        paused: (status == Status::Paused).then(|| Paused {
            since: record.paused_at.map(|time| Time::of(time, now)),
            until: record.paused_until.map(|time| Time::of(time, now)),
            refused: used
                .as_ref()
                .and_then(|used| used.refused_while_paused)
                .map(|calls| count(calls, "call")),
        }),
        revoked: (status == Status::Revoked).then(|| Revoked {
            at: record.revoked_at.map(|time| Time::of(time, now)),
            because: record.revoked_because.as_deref().map(|because| visible(because).into_owned()),
        }),
        rotation: rotation::of(&facts, tells_addresses),
        old_secret_tried: used
            .as_ref()
            .map(|used| used.usage.last_24_hours.refusals.rotated)
            .filter(|calls| *calls > 0)
            .map(|calls| count(calls, "call")),
        is_usage_known: used.is_some(),
        is_unused: used.as_ref().is_some_and(|used| used.usage.total() == 0),
        example: example_address(visit, record),
        cards: card::cards(used.as_ref()),
        as_of: used.as_ref().map(|used| Time::of(used.usage.as_of, now)),
        charts: used.as_ref().map(|used| charts(used, &facts, &range)).unwrap_or_default(),
        endpoints: used
            .as_ref()
            .map(|used| endpoints::rows(&used.range.detail.endpoints))
            .unwrap_or_default(),
        clients: used.as_ref().map(|used| clients::rows(&used.range.clients, tells_addresses, now)),
        scopes: scopes::list(visit, &facts),
        limit: limit::panel(&facts),
        calls: used
            .iter()
            .flat_map(|used| &used.calls)
            .map(|call| CallRow::of(call, tells_addresses, now))
            .collect(),
        tail: used.as_ref().map(|used| used.calls.first().map_or(0, |call| call.id)),
        changes: history::rows(&facts.history, now),
        more_changes: facts.history.len() > history::SHOWN,
        details: details::of(&facts, visit),
        range,
        frame,
    };
    Ok(visit.page(200, &page))
}

fn charts(used: &Used, facts: &Facts, range: &Range) -> Vec<Figure> {
    let frame = chart::figure::Frame {
        series: &used.series,
        is_trimmed: range.is_usual(),
        is_of_one_token: true,
        since: Some(facts.record.created_at),
        from: range.period.from(),
        now: facts.now,
        words: &range.words,
    };
    let marks = history::marks(&facts.history, facts.now);
    let limit = per_minute(&facts.record.rate_limit);
    vec![chart::calls::calls(frame, limit, &marks), chart::latency::latency(frame, &marks)]
}

fn last_use(used: &Used, tells_addresses: bool, facts: &Facts) -> Option<LastUse> {
    let client = used.usage.counts.last_client.as_ref();
    let shown = |text: &str| (!text.is_empty()).then(|| visible(text).into_owned());
    Some(LastUse {
        at: Time::of(used.usage.counts.last_used_at?, facts.now),
        address: client.filter(|_| tells_addresses).and_then(|client| shown(&client.address)),
        agent: client.and_then(|client| shown(&client.agent)),
    })
}

fn can(visit: &Visit<'_>, status: Status) -> Can {
    let may = &visit.context.permissions;
    let is_revoked = status == Status::Revoked;
    let is_over = is_revoked || status == Status::Expired;
    Can {
        edit: may.edit && !is_revoked,
        rotate: may.rotate && !is_revoked,
        pause: may.pause && !is_over && status != Status::Paused,
        resume: may.pause && status == Status::Paused,
        revoke: may.revoke && !is_revoked,
        delete: may.revoke && is_over,
        copy: may.create && is_revoked,
    }
}
