//! Clients: who calls with a token, as far as the service's privacy setting lets it be told.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::figures::{ClientBody, agents, share};
use super::range::{DAY, range};
use super::ranked::{Ranked, listing};
use super::shape::{Moment, moment};
use crate::Subject;
use crate::usage::{Client, ClientUse};
use crate::web::Reply;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ClientUse))]
pub(super) struct Row<'a> {
    #[serde(flatten)]
    client: ClientBody<'a>,
    #[serde(flatten)]
    used: Used,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ClientFigures))]
pub(super) struct Used {
    calls: u64,
    share: Option<f64>,
    first_seen_at: Option<Moment>,
    last_seen_at: Option<Moment>,
}

impl<'a> Row<'a> {
    fn of(client: &'a Client, used: &ClientUse, all: u64) -> Row<'a> {
        Row { client: ClientBody::of(client), used: Used::of(used, all) }
    }
}

impl Used {
    fn of(used: &ClientUse, all: u64) -> Used {
        Used {
            calls: used.calls,
            share: share(used.calls, all),
            first_seen_at: moment(used.first_seen_at),
            last_seen_at: moment(used.last_seen_at),
        }
    }
}

pub(super) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let period = range(&mut parameters, context.now(), DAY)?;
    let limit = parameters.limit()?;
    parameters.finish()?;
    let id = context.record().await?.id;
    let mut told = context.statistics(Subject::Token(id), period).await?;
    if !context.permissions.view_addresses {
        told.clients = agents(told.clients);
    }
    let ranked = Ranked::of(&told.clients, limit);
    let data = ranked.shown.iter().map(|(client, used)| Row::of(client, used, ranked.calls)).collect();
    listing(&told, &ranked, data, Used::of(&ranked.other, ranked.calls))
}
