//! The most recent calls of a token, one by one: page by page, or all of them as lines (NDJSON).

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use super::accept::{self, LINES};
use super::context::Context;
use super::cursor::Cursors;
use super::figures::ClientBody;
use super::listing::links;
use super::parameters::Parameters;
use super::range::{Times, times};
use super::shape::Moment;
use crate::usage::{CallQuery, Client, Outcome, RecordedCall};
use crate::web::{BodyStream, BrokenOff, Reply};
use crate::{Subject, TokenId, Tokens};

/// A call.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Call))]
pub(crate) struct CallBody<'a> {
    id: u64,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::Id))]
    token: TokenId,
    tenant: Option<&'a str>,
    secret_version: u32,
    at: Moment,
    /// The method and the template of the route.
    endpoint: Option<&'a str>,
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::OutcomeWord))]
    outcome: Outcome,
    status: u16,
    /// None for a refusal: it took no time of the service's.
    duration_ms: Option<f64>,
    bytes: Option<u64>,
    scopes_used: Vec<&'a str>,
    scopes_missing: Vec<&'a str>,
    #[serde(flatten)]
    client: ClientBody<'a>,
    /// How many calls of the token before this one were counted, and are not told one by one.
    left_out: u64,
}

impl<'a> CallBody<'a> {
    /// `tells_address` says whether whoever looks may see the client's address.
    pub(crate) fn of(call: &'a RecordedCall, tells_address: bool) -> CallBody<'a> {
        let scopes: Vec<_> = call.scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
        let (used, missing) = match call.outcome {
            Outcome::MissingScope => (Vec::new(), scopes),
            _ => (scopes, Vec::new()),
        };
        static NOBODY: Client = Client { address: String::new(), agent: String::new() };
        CallBody {
            id: call.id,
            token: call.token,
            tenant: call.tenant.as_deref(),
            secret_version: call.secret_version,
            at: Moment(call.at),
            endpoint: (!call.route.is_empty()).then_some(&call.route),
            outcome: call.outcome,
            status: call.status,
            duration_ms: (call.outcome == Outcome::Granted).then(|| call.duration_us as f64 / 1_000.0),
            bytes: call.bytes,
            scopes_used: used,
            scopes_missing: missing,
            client: ClientBody::told(call.client.as_ref().unwrap_or(&NOBODY), tells_address),
            left_out: call.left_out,
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CallList))]
pub(super) struct Listed<'a> {
    data: Vec<CallBody<'a>>,
    page: Page,
    as_of: Moment,
}

/// Calls are read from the newest on, and are not counted.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = CallListPage))]
struct Page {
    next: Option<String>,
    limit: u32,
}

/// Where a page begins: behind the call with this id.
#[derive(Serialize, Deserialize)]
struct Place {
    before: u64,
}

/// How many calls are read at once where they are told as lines.
const AT_ONCE: u32 = 200;

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let id = context.token_id()?;
    let mut parameters = context.parameters()?;
    let cursors = Cursors::of(context, format!("calls of {id} {}", parameters.fingerprint())).await?;
    let as_lines = accept::prefers(&context.http, LINES);
    let wants_page = parameters.has("limit");
    let limit = parameters.limit()?;
    let cursor = parameters.one("cursor")?;
    let mut query = CallQuery::new(Subject::Token(id));
    filter(&mut parameters, context, &mut query)?;
    parameters.finish()?;
    let place: Option<Place> = cursor.as_deref().map(|cursor| cursors.read(cursor)).transpose()?;
    query.before = place.map(|place| place.before);
    context.record().await?;
    if as_lines {
        return lines(context, query, wants_page.then_some(limit)).await;
    }

    // One more than is shown tells whether there is another page.
    query.limit = limit + 1;
    let recent = context.tokens.recent_calls(&query).await.map_err(Fault::usage_unavailable)?;
    let shown = &recent.calls[..recent.calls.len().min(limit as usize)];
    let more = recent.calls.len() > shown.len();
    let next = shown.last().filter(|_| more).map(|call| cursors.write(&Place { before: call.id }));
    let links = links(context.http.query, &[("next", &next)]);
    let body = Listed {
        data: shown.iter().map(|call| CallBody::of(call, context.permissions.view_addresses)).collect(),
        page: Page { next, limit },
        as_of: Moment(recent.as_of),
    };
    let reply = Reply::json(200, &body);
    Ok(if links.is_empty() { reply } else { reply.header("link", links) })
}

/// Reads which calls are wanted: `from`, `to`, `status`, `method`, `endpoint`, `ip`, `min_ms`.
pub(crate) fn filter(
    parameters: &mut Parameters,
    context: &Context<'_>,
    query: &mut CallQuery,
) -> Result<(), Fault> {
    let Times { from, to } = times(parameters, context.now())?;
    (query.from, query.until) = (from, to);
    if let Some(text) = parameters.one("status")? {
        let wrong = || Fault::parameter("status", "status is a code such as 404, or a class such as 4xx.");
        query.status = Some(statuses(&text).ok_or_else(wrong)?);
    }
    if let Some(method) = parameters.one("method")? {
        if !is_method(&method) {
            return Err(Fault::parameter("method", "method is one such as GET, in capital letters."));
        }
        query.method = Some(method);
    }
    if let Some(endpoint) = parameters.one("endpoint")? {
        let is_whole = endpoint.split_once(' ').is_some_and(|(method, _)| is_method(method));
        query.route = Some(match &query.method {
            _ if is_whole => endpoint,
            Some(method) => format!("{method} {endpoint}"),
            None => {
                let detail = "endpoint reads GET /orders/{id}; without its method, send method as well.";
                return Err(Fault::parameter("endpoint", detail));
            }
        });
    }
    // However an address is written, it is recorded in one way.
    let as_recorded = |text: String| text.parse().map_or(text, |address: IpAddr| address.to_string());
    let address = parameters.one("ip")?;
    if address.is_some() && !context.permissions.view_addresses {
        // Whoever may not see addresses could else find them by asking.
        return Err(Fault::not_permitted());
    }
    query.address = address.map(as_recorded);
    if let Some(text) = parameters.one("min_ms")? {
        let ms = text.parse().ok().filter(|ms| *ms <= 86_400_000_u64 && is_number(&text));
        let wrong = || Fault::parameter("min_ms", "min_ms is a whole number of milliseconds, up to a day.");
        query.at_least = Some(Duration::from_millis(ms.ok_or_else(wrong)?));
    }
    Ok(())
}

/// The first and the last status that `404` or `4xx` stands for.
fn statuses(text: &str) -> Option<(u16, u16)> {
    let (first, rest) = (text.get(..1)?, text.get(1..)?);
    let class: u16 = first.parse().ok().filter(|class| (1..=5).contains(class))?;
    if rest.eq_ignore_ascii_case("xx") {
        return Some((class * 100, class * 100 + 99));
    }
    let status = text.parse().ok().filter(|_| text.len() == 3 && is_number(text))?;
    Some((status, status))
}

fn is_method(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// All calls that fit, or so many of them, one on each line, the newest first.
pub(crate) async fn lines(
    context: &Context<'_>,
    mut query: CallQuery,
    limit: Option<u32>,
) -> Result<Reply, Fault> {
    query.limit = limit.unwrap_or(AT_ONCE);
    // The first ones before anything is answered, so that a store that is away can be told.
    let first = context.tokens.recent_calls(&query).await.map_err(Fault::usage_unavailable)?.calls;
    let lines = Lines {
        tokens: context.tokens.clone(),
        query,
        whole: limit.is_some(),
        tells_addresses: context.permissions.view_addresses,
        read: Some(first),
    };
    Ok(Reply::streamed(200, LINES, BodyStream::unfold(lines, Lines::next)))
}

/// Calls on their way out as lines.
struct Lines {
    tokens: Tokens,
    query: CallQuery,
    /// Whether the first ones are all.
    whole: bool,
    tells_addresses: bool,
    /// What was read and not sent.
    read: Option<Vec<RecordedCall>>,
}

impl Lines {
    async fn next(mut self) -> Option<(Result<Vec<u8>, BrokenOff>, Lines)> {
        let calls = match self.read.take() {
            Some(calls) => calls,
            None if self.whole => return None,
            None => match self.tokens.recent_calls(&self.query).await {
                Ok(recent) => recent.calls,
                Err(error) => {
                    tracing::error!(%error, "recent calls cannot be read to their end");
                    return Some((Err(BrokenOff), self));
                }
            },
        };
        self.query.before = Some(calls.last()?.id);
        let mut text = Vec::new();
        for call in &calls {
            // A call is text and numbers: it can be written.
            serde_json::to_writer(&mut text, &CallBody::of(call, self.tells_addresses)).ok()?;
            text.push(b'\n');
        }
        Some((Ok(text), self))
    }
}
