//! Every route of the API, in one table.

use super::context::Context;
use super::permissions::Right;
use super::{
    Fault, attention, audit, bulk, calls, catalogue, changes, clients, create, endpoints, health, impact,
    introspect, listing, overview, rotate, scope_use, secrets, series, stream, table, tokens, usage,
};
use crate::web::{Reply, path_segments};

/// One route.
pub(super) type Route = table::Route<Row>;

/// Where a request leads.
pub(super) type Found = table::Found<Row>;

/// What a route does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Row {
    List,
    Create,
    Find,
    Show,
    Change,
    Purge,
    Revoke,
    Pause,
    Resume,
    Rotate,
    Usage,
    TimeSeries,
    Endpoints,
    Clients,
    ScopeUse,
    Calls,
    Stream,
    Impact,
    Secrets,
    SetSecretEnd,
    EndSecret,
    Bulk,
    UsageOfAll,
    TimeSeriesOfAll,
    StreamOfAll,
    Audit,
    AuditOfAll,
    VerifyAudit,
    Attention,
    Introspect,
    Scopes,
    Presets,
    Me,
    Health,
    #[cfg(feature = "openapi")]
    OpenApi,
}

const fn reads(method: &'static str, template: &'static str, row: Row) -> Route {
    needs(Right::Look, method, template, row)
}

const fn needs(needs: Right, method: &'static str, template: &'static str, row: Row) -> Route {
    Route { method, template, needs, row }
}

/// The table.
pub(super) const ROUTES: &[Route] = &[
    reads("GET", "/tokens", Row::List),
    needs(Right::Create, "POST", "/tokens", Row::Create),
    reads("POST", "/tokens/find", Row::Find),
    needs(Right::ChangeSome, "POST", "/tokens/bulk", Row::Bulk),
    reads("GET", "/tokens/{id}", Row::Show),
    needs(Right::Edit, "PATCH", "/tokens/{id}", Row::Change),
    needs(Right::Revoke, "DELETE", "/tokens/{id}", Row::Purge),
    needs(Right::Revoke, "POST", "/tokens/{id}/revoke", Row::Revoke),
    needs(Right::Pause, "POST", "/tokens/{id}/pause", Row::Pause),
    needs(Right::Pause, "POST", "/tokens/{id}/resume", Row::Resume),
    needs(Right::Rotate, "POST", "/tokens/{id}/rotate", Row::Rotate),
    reads("GET", "/tokens/{id}/usage", Row::Usage),
    reads("GET", "/tokens/{id}/timeseries", Row::TimeSeries),
    reads("GET", "/tokens/{id}/endpoints", Row::Endpoints),
    reads("GET", "/tokens/{id}/clients", Row::Clients),
    reads("GET", "/tokens/{id}/scopes", Row::ScopeUse),
    needs(Right::ViewCalls, "GET", "/tokens/{id}/calls", Row::Calls),
    needs(Right::ViewCalls, "GET", "/tokens/{id}/calls/stream", Row::Stream),
    needs(Right::ViewHistory, "GET", "/tokens/{id}/audit", Row::Audit),
    reads("GET", "/tokens/{id}/impact", Row::Impact),
    reads("GET", "/tokens/{id}/secrets", Row::Secrets),
    needs(Right::Rotate, "PATCH", "/tokens/{id}/secrets/{sid}", Row::SetSecretEnd),
    needs(Right::Rotate, "DELETE", "/tokens/{id}/secrets/{sid}", Row::EndSecret),
    reads("GET", "/usage", Row::UsageOfAll),
    reads("GET", "/usage/timeseries", Row::TimeSeriesOfAll),
    needs(Right::ViewCalls, "GET", "/calls/stream", Row::StreamOfAll),
    needs(Right::ViewHistory, "GET", "/audit", Row::AuditOfAll),
    needs(Right::ViewHistory, "GET", "/audit/verify", Row::VerifyAudit),
    reads("GET", "/attention", Row::Attention),
    reads("POST", "/introspect", Row::Introspect),
    reads("GET", "/scopes", Row::Scopes),
    reads("GET", "/presets", Row::Presets),
    reads("GET", "/me", Row::Me),
    // The only one that answers anybody, if with less.
    reads("GET", "/healthz", Row::Health),
    #[cfg(feature = "openapi")]
    reads("GET", "/openapi.json", Row::OpenApi),
];

impl Row {
    /// Does it, for whoever may.
    pub(super) async fn run(self, context: &Context<'_>) -> Result<Reply, Fault> {
        context.check_body_length()?;
        match self {
            Row::List => listing::list(context).await,
            Row::Create => create::create(context).await,
            Row::Find => tokens::find(context).await,
            Row::Show => tokens::show(context).await,
            Row::Change => changes::patch(context).await,
            Row::Purge => changes::purge(context).await,
            Row::Revoke => changes::revoke(context).await,
            Row::Pause => changes::pause(context).await,
            Row::Resume => changes::resume(context).await,
            Row::Rotate => rotate::rotate(context).await,
            Row::Usage => usage::of_token(context).await,
            Row::TimeSeries => series::of_token(context).await,
            Row::Endpoints => endpoints::of_token(context).await,
            Row::Clients => clients::of_token(context).await,
            Row::ScopeUse => scope_use::of_token(context).await,
            Row::Calls => calls::of_token(context).await,
            Row::Stream => stream::of_token(context).await,
            Row::Impact => impact::of_token(context).await,
            Row::Secrets => secrets::of_token(context).await,
            Row::SetSecretEnd => secrets::set_end(context).await,
            Row::EndSecret => secrets::end(context).await,
            Row::Bulk => bulk::act(context).await,
            Row::UsageOfAll => overview::usage(context).await,
            Row::TimeSeriesOfAll => series::of_all(context).await,
            Row::StreamOfAll => stream::of_all(context).await,
            Row::Audit => audit::of_token(context).await,
            Row::AuditOfAll => audit::of_all(context).await,
            Row::VerifyAudit => audit::verify(context).await,
            Row::Attention => attention::list(context).await,
            Row::Introspect => introspect::introspect(context).await,
            Row::Scopes => catalogue::scopes(context),
            Row::Presets => catalogue::presets(context),
            Row::Me => catalogue::me(context),
            Row::Health => health::told(context).await,
            #[cfg(feature = "openapi")]
            Row::OpenApi => super::openapi::told(context),
        }
    }
}

/// Finds the route of a method and a path below the mount, with or without a slash at its end.
pub(super) fn find(method: &str, path: &str) -> Result<Found, Fault> {
    let path = if path.is_empty() { "/" } else { path };
    let segments = path_segments(path).map_err(|unclear| Fault::malformed(unclear.0))?;
    Ok(table::find(ROUTES, method, &segments))
}
