//! How all tokens within the actor's reach are used.

use std::collections::HashMap;

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::endpoints;
use super::figures::{FiguresBody, StrangersBody, share};
use super::parameters::Parameters;
use super::range::{DAY, range};
use super::ranked::Ranked;
use super::shape::Moment;
use crate::usage::{Level, StatusClasses, Tally, TokenUse};
use crate::web::Reply;
use crate::{Statistics, Subject, TokenId};

#[derive(Serialize)]
struct Told<Groups> {
    from: Moment,
    to: Moment,
    #[serde(flatten)]
    figures: FiguresBody,
    /// Only for whoever reaches every tenant: strangers are nobody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    strangers: Option<StrangersBody>,
    #[serde(flatten)]
    groups: Groups,
    as_of: Moment,
}

#[derive(Serialize)]
struct Ungrouped {}

#[derive(Serialize)]
struct Groups<Row, Other> {
    groups: Vec<Row>,
    other: Other,
    /// By how many calls a row may lie below the truth: those are then in `other`.
    error: u64,
    /// Names are told by the hour.
    groups_from: Moment,
    groups_to: Moment,
}

#[derive(Serialize)]
struct StatusGroups {
    groups: Vec<StatusBody>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = StatusGroup))]
pub(super) struct StatusBody {
    status: &'static str,
    calls: u64,
    share: Option<f64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = TokenGroup))]
pub(super) struct TokenBody<'a> {
    #[cfg_attr(feature = "openapi", schema(value_type = super::openapi::Id))]
    id: TokenId,
    /// None for a token that is gone.
    name: Option<&'a str>,
    #[serde(flatten)]
    used: TokenFigures,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct TokenFigures {
    calls: u64,
    share: Option<f64>,
    errors: u64,
    limited: u64,
}

impl TokenFigures {
    fn of(used: &TokenUse, all: u64) -> TokenFigures {
        let TokenUse { calls, limited, errors } = *used;
        TokenFigures { calls, share: share(calls, all), errors, limited }
    }
}

#[derive(Clone, Copy)]
enum GroupBy {
    Nothing,
    Token,
    Endpoint,
    Status,
}

pub(super) async fn usage(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let period = range(&mut parameters, context.now(), DAY)?;
    let by = group_by(&mut parameters)?;
    let limit = parameters.limit()?;
    parameters.finish()?;
    let told = context.statistics(context.subject(), period).await?;
    match by {
        GroupBy::Nothing => Ok(answer(&told, Ungrouped {})),
        GroupBy::Status => Ok(answer(&told, StatusGroups { groups: by_status(&told.tally) })),
        GroupBy::Endpoint => {
            let ranked = Ranked::of(&told.detail.endpoints, limit);
            let (groups, other) = endpoints::rows(&ranked);
            Ok(answer(&told, grouped(&told, groups, other, ranked.error)))
        }
        GroupBy::Token => {
            let ranked = Ranked::of(&told.detail.tokens, limit);
            let ids: Vec<_> = ranked.shown.iter().map(|(id, _)| **id).collect();
            let names = names(context, &ids).await?;
            let row = |(id, used): &(&TokenId, &TokenUse)| TokenBody {
                id: **id,
                name: names.get(*id).map(String::as_str),
                used: TokenFigures::of(used, ranked.calls),
            };
            let other = TokenFigures::of(&ranked.other, ranked.calls);
            let groups = ranked.shown.iter().map(row).collect();
            Ok(answer(&told, grouped(&told, groups, other, ranked.error)))
        }
    }
}

fn grouped<Row, Other>(told: &Statistics, groups: Vec<Row>, other: Other, error: u64) -> Groups<Row, Other> {
    let range = told.period.widened_to(Level::Hour);
    Groups { groups, other, error, groups_from: Moment(range.from()), groups_to: Moment(range.until()) }
}

fn group_by(parameters: &mut Parameters) -> Result<GroupBy, Fault> {
    match parameters.one("group_by")?.as_deref() {
        None => Ok(GroupBy::Nothing),
        Some("token") => Ok(GroupBy::Token),
        Some("endpoint") => Ok(GroupBy::Endpoint),
        Some("status") => Ok(GroupBy::Status),
        Some(_) => Err(Fault::parameter("group_by", "group_by is token, endpoint or status.")),
    }
}

/// The names of tokens within the actor's reach, in one query.
pub(crate) async fn names(context: &Context<'_>, ids: &[TokenId]) -> Result<HashMap<TokenId, String>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut records = context.tokens.find_all(ids).await?;
    records.retain(|record| context.actor.reaches(record).is_ok());
    Ok(records.into_iter().map(|record| (record.id, record.name)).collect())
}

fn answer<Groups: Serialize>(told: &Statistics, groups: Groups) -> Reply {
    let is_of_all = told.subject == Subject::All;
    let body = Told {
        from: Moment(told.period.from()),
        to: Moment(told.period.until()),
        figures: FiguresBody::of(&told.tally),
        strangers: is_of_all.then(|| StrangersBody::of(&told.tally.strangers)),
        groups,
        as_of: Moment(told.as_of),
    };
    Reply::json(200, &body)
}

/// What became of calls: the service's answers by class, and what was refused before it.
fn by_status(tally: &Tally) -> Vec<StatusBody> {
    let StatusClasses { informational, success, redirection, client_error, server_error } = tally.statuses;
    let groups = [
        ("1xx", informational),
        ("2xx", success),
        ("3xx", redirection),
        ("4xx", client_error),
        ("5xx", server_error),
        ("limited", tally.limited),
        ("denied", tally.denied()),
        ("unfinished", tally.granted.saturating_sub(tally.finished)),
    ];
    let body = |(status, calls)| StatusBody { status, calls, share: share(calls, tally.calls()) };
    groups.into_iter().map(body).collect()
}
