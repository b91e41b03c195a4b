//! Endpoints: which are called, how often, how well.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::figures::share;
use super::range::{DAY, range};
use super::ranked::{Ranked, listing};
use crate::Subject;
use crate::usage::EndpointUse;
use crate::web::Reply;

/// What was counted for an endpoint, or for the other ones together.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct EndpointFigures {
    calls: u64,
    share: Option<f64>,
    errors: u64,
    limited: u64,
    mean_ms: Option<f64>,
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = EndpointUse))]
pub(super) struct EndpointBody<'a> {
    /// The method and the template of the route.
    endpoint: &'a str,
    #[serde(flatten)]
    figures: EndpointFigures,
}

impl EndpointFigures {
    fn of(used: &EndpointUse, all: u64) -> EndpointFigures {
        let finished = used.latency.count();
        let percentile = |share| used.latency.percentile_ms(share);
        EndpointFigures {
            calls: used.calls,
            share: share(used.calls, all),
            errors: used.errors,
            limited: used.limited,
            mean_ms: (finished > 0).then(|| used.duration_us as f64 / finished as f64 / 1_000.0),
            p50_ms: percentile(0.5),
            p95_ms: percentile(0.95),
            p99_ms: percentile(0.99),
        }
    }
}

/// The rows of a ranking, and the rest together.
pub(super) fn rows<'a>(ranked: &Ranked<'a, String, EndpointUse>) -> (Vec<EndpointBody<'a>>, EndpointFigures) {
    let all = ranked.calls;
    let row = |(name, used): &(&'a String, &EndpointUse)| EndpointBody {
        endpoint: name.as_str(),
        figures: EndpointFigures::of(used, all),
    };
    (ranked.shown.iter().map(row).collect(), EndpointFigures::of(&ranked.other, all))
}

pub(super) async fn of_token(context: &Context<'_>) -> Result<Reply, Fault> {
    let mut parameters = context.parameters()?;
    let period = range(&mut parameters, context.now(), DAY)?;
    let limit = parameters.limit()?;
    parameters.finish()?;
    let id = context.record().await?.id;
    let told = context.statistics(Subject::Token(id), period).await?;
    let ranked = Ranked::of(&told.detail.endpoints, limit);
    let (data, other) = rows(&ranked);
    listing(&told, &ranked, data, other)
}
