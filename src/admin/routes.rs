//! Every route of the API, in one table.

use std::borrow::Cow;

use super::context::Context;
use super::permissions::Right;
use super::{
    Fault, audit, calls, catalogue, changes, clients, create, endpoints, health, listing, overview, rotate,
    scope_use, series, stream, tokens, usage,
};
use crate::web::{Reply, path_segments};

/// One route.
pub(super) struct Route {
    pub(super) method: &'static str,
    /// Below the mount; `{id}` is a token's.
    pub(super) template: &'static str,
    /// What whoever comes must be allowed to do.
    pub(super) needs: Right,
    pub(super) row: Row,
}

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
    UsageOfAll,
    TimeSeriesOfAll,
    StreamOfAll,
    Audit,
    Scopes,
    Presets,
    Me,
    Health,
}

const fn reads(method: &'static str, template: &'static str, row: Row) -> Route {
    needs(Right::Look, method, template, row)
}

const fn needs(needs: Right, method: &'static str, template: &'static str, row: Row) -> Route {
    Route { method, template, needs, row }
}

/// The table.
pub(super) const ROUTES: [Route; 25] = [
    reads("GET", "/tokens", Row::List),
    needs(Right::Create, "POST", "/tokens", Row::Create),
    reads("POST", "/tokens/find", Row::Find),
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
    reads("GET", "/usage", Row::UsageOfAll),
    reads("GET", "/usage/timeseries", Row::TimeSeriesOfAll),
    needs(Right::ViewCalls, "GET", "/calls/stream", Row::StreamOfAll),
    reads("GET", "/scopes", Row::Scopes),
    reads("GET", "/presets", Row::Presets),
    reads("GET", "/me", Row::Me),
    // The only one that answers anybody, if with less.
    reads("GET", "/healthz", Row::Health),
];

impl Route {
    pub(super) async fn run(&self, context: &Context<'_>) -> Result<Reply, Fault> {
        context.check_body_length()?;
        self.needs.check(&context.permissions)?;
        match self.row {
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
            Row::UsageOfAll => overview::usage(context).await,
            Row::TimeSeriesOfAll => series::of_all(context).await,
            Row::StreamOfAll => stream::of_all(context).await,
            Row::Audit => audit::of_token(context).await,
            Row::Scopes => catalogue::scopes(context),
            Row::Presets => catalogue::presets(context),
            Row::Me => catalogue::me(context),
            Row::Health => health::told(context).await,
        }
    }
}

/// Where a request leads.
pub(super) enum Found {
    Nothing,
    /// The path is known, and the method is none of these.
    OtherMethods(String),
    /// A route, and the id in its path.
    Route(&'static Route, Option<String>),
}

impl Found {
    pub(super) fn route(&self) -> Option<&'static Route> {
        match self {
            Found::Route(route, _) => Some(route),
            Found::Nothing | Found::OtherMethods(_) => None,
        }
    }
}

/// Finds the route of a method and a path below the mount, with or without a slash at its end.
pub(super) fn find(method: &str, path: &str) -> Result<Found, Fault> {
    let path = if path.is_empty() { "/" } else { path };
    let segments = path_segments(path).map_err(|unclear| Fault::malformed(unclear.0))?;
    let mut matching: Vec<_> =
        ROUTES.iter().filter_map(|route| Some((route, matches(route.template, &segments)?))).collect();
    // `/tokens/find` is no token of that name.
    if matching.iter().any(|(_, id)| id.is_none()) {
        matching.retain(|(_, id)| id.is_none());
    }
    let wanted = if method == "HEAD" { "GET" } else { method };
    if matching.is_empty() {
        return Ok(Found::Nothing);
    }
    if let Some((route, id)) = matching.iter().find(|(route, _)| route.method == wanted) {
        return Ok(Found::Route(route, id.map(str::to_owned)));
    }
    let mut methods: Vec<_> = matching.iter().map(|(route, _)| route.method).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    Ok(Found::OtherMethods(methods.join(", ")))
}

/// Whether a template is all of a path, and the id in it.
fn matches<'p>(template: &str, path: &'p [Cow<'_, str>]) -> Option<Option<&'p str>> {
    let mut parts = template.split('/').skip(1);
    let mut id = None;
    for segment in path {
        match parts.next()? {
            "{id}" => id = Some(&**segment),
            literal if literal == segment => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(id)
}
