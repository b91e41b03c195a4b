//! Calls as they come, as server-sent events.
//!
//! A stream waits for flushes, and reads what has come since when its reader asks for more: a
//! reader that is slow costs nothing, and is told how many calls it has missed.

use std::fmt::Write;

use serde::Serialize;

use super::Fault;
use super::calls::CallBody;
use super::context::Context;
use super::parameters::Parameters;
use super::shape::Moment;
use super::streams::Place;
use super::viewer::Viewer;
use crate::usage::CallQuery;
use crate::web::{BodyStream, Piece, Reply};
use crate::{Error, Subject, TokenId, Tokens};

/// Of the calls that wait, the newest are shown, so many at once.
const MOST_SHOWN: usize = 50;
/// So many are looked at, to say how many are not shown.
const MOST_COUNTED: u32 = 500;
/// A comment is sent where nothing else was for so long, so that nothing between takes the
/// connection for dead.
const PING_MS: u64 = 15_000;
/// How often it is asked whether the viewer may still look.
const RECHECK_MS: u64 = 60_000;

pub(crate) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let asked = begin(context)?;
    let id = context.record().await?.id;
    open(context, Subject::Token(id), asked).await
}

pub(crate) async fn of_all(context: &Context<'_>) -> Result<Reply, Fault> {
    let asked = begin(context)?;
    open(context, context.subject(), asked).await
}

/// The id of the last call that the client has seen: in the header that a browser sends when it
/// comes back, or in the parameter `after` of whoever has read a page of calls before.
fn begin(context: &Context<'_>) -> Result<Option<u64>, Fault> {
    let mut parameters: Parameters = context.parameters()?;
    let after = parameters.one("after")?;
    parameters.finish()?;
    let wrong = |name| Fault::parameter(name, format!("{name} is the id of a call: a number."));
    let header = context.http.only_header("last-event-id").map_err(|_| wrong("Last-Event-ID"))?;
    match (header, after) {
        (_, Some(id)) if number(id.as_bytes()).is_none() => Err(wrong("after")),
        (Some(id), _) => number(id).ok_or_else(|| wrong("Last-Event-ID")).map(Some),
        (None, Some(id)) => number(id.as_bytes()).ok_or_else(|| wrong("after")).map(Some),
        (None, None) => Ok(None),
    }
}

/// A number, however large: one that is too large lies in the future.
fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok()).map(|number| number.unwrap_or(u64::MAX))
}

async fn open(context: &Context<'_>, subject: Subject, after: Option<u64>) -> Result<Reply, Fault> {
    let place = context.streams.take().ok_or_else(Fault::too_many_streams)?;
    let mut newest = CallQuery::new(subject.clone());
    newest.limit = 1;
    let recent = context.tokens.recent_calls(&newest).await.map_err(Fault::usage_unavailable)?;
    let newest = recent.calls.first().map_or(0, |call| call.id);
    let now_ms = context.tokens.clock().now().monotonic_ms;
    let tail = Tail {
        tokens: context.tokens.clone(),
        subject,
        viewer: context.viewer.clone(),
        tells_addresses: context.permissions.view_addresses,
        // An id from the future begins now.
        last: after.map_or(newest, |after| after.min(newest)),
        read_at: None,
        opening: Some(format!("retry: 2000\n\n{}", state("opened", Some(Moment(recent.as_of))))),
        away: false,
        ended: false,
        sent_ms: now_ms,
        checked_ms: now_ms,
        _place: place,
    };
    let reply = Reply::streamed(200, "text/event-stream", BodyStream::unfold(tail, Tail::next));
    // nginx would else collect events before it passes them on.
    Ok(reply.header("x-accel-buffering", "no"))
}

/// A stream that is open.
struct Tail {
    tokens: Tokens,
    subject: Subject,
    viewer: Viewer,
    tells_addresses: bool,
    /// The id of the last call that was shown or passed over.
    last: u64,
    /// How many flushes there had been when the store was last read.
    read_at: Option<u64>,
    /// What is sent first.
    opening: Option<String>,
    /// Whether the store could not be read the last time.
    away: bool,
    ended: bool,
    sent_ms: u64,
    checked_ms: u64,
    _place: Place,
}

impl Tail {
    async fn next(mut self) -> Option<(Piece, Tail)> {
        if self.ended {
            return None;
        }
        let text = match self.opening.take() {
            Some(opening) => opening,
            None => self.wait().await,
        };
        self.sent_ms = self.now_ms();
        Some((Ok(text.into_bytes()), self))
    }

    /// Waits until there is something to send.
    async fn wait(&mut self) -> String {
        loop {
            // Looked at before the store is read: what is flushed meanwhile is not slept through.
            let flushes = match self.read_at {
                None => self.tokens.flushes(),
                Some(before) => match self.tokens.flushed(before).await {
                    Some(flushes) => flushes,
                    None => return self.end("closed"),
                },
            };
            self.read_at = Some(flushes);
            if self.now_ms().saturating_sub(self.checked_ms) >= RECHECK_MS {
                self.checked_ms = self.now_ms();
                match self.may_look().await {
                    Ok(true) => {}
                    Ok(false) => return self.end("gone"),
                    Err(error) => {
                        tracing::warn!(%error, "a stream of calls ends: whether it may go on is unknown");
                        return self.end("unavailable");
                    }
                }
            }
            let text = self.read().await;
            if !text.is_empty() {
                return text;
            }
            if self.now_ms().saturating_sub(self.sent_ms) >= PING_MS {
                return ": ping\n\n".to_owned();
            }
        }
    }

    /// What has come since: nothing, or the newest of it with how much is not shown.
    async fn read(&mut self) -> String {
        let mut query = CallQuery::new(self.subject.clone());
        query.after = Some(self.last);
        query.limit = MOST_COUNTED;
        let recent = match self.tokens.recent_calls(&query).await {
            Ok(recent) => recent,
            Err(error) => {
                if std::mem::replace(&mut self.away, true) {
                    return String::new();
                }
                tracing::warn!(%error, "a stream of calls cannot be read on");
                return state("unavailable", None);
            }
        };
        let mut text = String::new();
        if std::mem::take(&mut self.away) {
            text += &state("opened", Some(Moment(recent.as_of)));
        }
        let Some(newest) = recent.calls.first() else { return text };
        self.last = newest.id;
        let shown = &recent.calls[..recent.calls.len().min(MOST_SHOWN)];
        let passed_over = (recent.calls.len() - shown.len()) as u64;
        let left_out = recent.calls.iter().map(|call| call.left_out);
        let not_shown = left_out.fold(passed_over, u64::saturating_add);
        if not_shown > 0 {
            let at_least = recent.calls.len() == MOST_COUNTED as usize;
            text += &event(None, "lagged", &Lagged { not_shown, at_least });
        }
        for call in shown.iter().rev() {
            text += &event(Some(call.id), "call", &CallBody::of(call, self.tells_addresses));
        }
        text
    }

    /// Whether whoever has opened the stream may still look at what it shows.
    async fn may_look(&self) -> Result<bool, Error> {
        let Some(actor) = self.viewer.still(&self.tokens).await? else { return Ok(false) };
        match &self.subject {
            Subject::Token(id) => self.is_reached(&actor, id).await,
            subject => Ok(actor.subject() == *subject),
        }
    }

    async fn is_reached(&self, actor: &crate::Actor, id: &TokenId) -> Result<bool, Error> {
        let record = self.tokens.find(id).await?;
        Ok(record.is_some_and(|record| actor.reaches(&record).is_ok()))
    }

    /// The last event: why the stream ends.
    fn end(&mut self, why: &'static str) -> String {
        self.ended = true;
        state(why, None)
    }

    fn now_ms(&self) -> u64 {
        self.tokens.clock().now().monotonic_ms
    }
}

/// Calls that are not shown one by one.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = LaggedEvent))]
pub(super) struct Lagged {
    not_shown: u64,
    /// Whether there may be more of them.
    at_least: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StateEvent))]
pub(super) struct State {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    as_of: Option<Moment>,
}

fn state(state: &'static str, as_of: Option<Moment>) -> String {
    event(None, "state", &State { state, as_of })
}

/// An event. JSON has no line breaks of its own.
fn event(id: Option<u64>, name: &str, data: &impl Serialize) -> String {
    let mut text = String::new();
    if let Some(id) = id {
        _ = writeln!(text, "id: {id}");
    }
    let data = serde_json::to_string(data).unwrap_or_default();
    _ = write!(text, "event: {name}\ndata: {data}\n\n");
    text
}
