//! What can be granted, and by whoever asks.

use serde::Serialize;

use super::Fault;
use super::context::Context;
use super::shape::{Moment, RateLimitBody, moment};
use crate::limit::Quota;
use crate::web::Reply;
use crate::{AddressRange, Catalog, Declaration, Scope, TokenId};

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ScopeCatalogue))]
pub(super) struct Scopes<'a> {
    groups: Vec<GroupBody<'a>>,
    data: Vec<ScopeBody>,
    built_in: Vec<ScopeBody>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ScopeGroup))]
struct GroupBody<'a> {
    resource: &'a str,
    title: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Scope))]
struct ScopeBody {
    scope: String,
    resource: String,
    title: String,
    sentence: String,
    sensitive: bool,
    implies: Vec<String>,
    grantable: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PresetList))]
pub(super) struct Presets<'a> {
    data: Vec<PresetBody<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Preset))]
struct PresetBody<'a> {
    id: &'a str,
    title: &'a str,
    description: &'a str,
    scopes: &'a [String],
    rate_limit: PresetLimit,
    expires_in: Option<i64>,
    grantable: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = PresetRateLimit))]
struct PresetLimit {
    per_minute: u32,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Me<'a> {
    actor: ActorBody<'a>,
    permissions: Permissions,
    grantable_scopes: Vec<String>,
    limits: Bounds<'a>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = Actor))]
struct ActorBody<'a> {
    name: &'a str,
    /// The token that acts, if one does.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<super::openapi::Id>))]
    token: Option<TokenId>,
    tenant: Option<String>,
    all_tenants: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Permissions {
    read: bool,
    manage: bool,
}

/// What a token that the actor creates may have at most; null and an empty list are no bound.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Bounds<'a> {
    rate_limit: Option<RateLimitBody>,
    expires_at: Option<Moment>,
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<super::openapi::AddressText>))]
    ip_allow: &'a [AddressRange],
}

pub(crate) fn scopes(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let catalog = context.tokens.catalog();
    let groups =
        catalog.groups().map(|group| GroupBody { resource: &group.resource, title: &group.title }).collect();
    let body = |declaration| scope_body(context, declaration);
    let data = catalog.declarations().map(body).collect();
    let built_in = Catalog::built_in().iter().map(body).collect();
    Ok(Reply::json(200, &Scopes { groups, data, built_in }))
}

fn scope_body(context: &Context<'_>, declaration: &Declaration) -> ScopeBody {
    let resource = declaration.scope.parse().map(|scope: Scope| scope.resource().to_owned());
    ScopeBody {
        scope: declaration.scope.clone(),
        resource: resource.unwrap_or_default(),
        title: declaration.title.clone(),
        sentence: declaration.sentence.clone(),
        sensitive: declaration.sensitive,
        implies: declaration.implies.clone(),
        grantable: is_grantable(context, &declaration.scope),
    }
}

/// Whoever may only look grants nothing.
fn is_grantable(context: &Context<'_>, scope: &str) -> bool {
    context.permissions.create && context.tokens.may_grant(&context.actor, scope)
}

pub(crate) fn presets(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let data = context
        .tokens
        .catalog()
        .presets()
        .map(|preset| PresetBody {
            id: &preset.id,
            title: &preset.title,
            description: &preset.description,
            scopes: &preset.scopes,
            rate_limit: PresetLimit { per_minute: preset.per_minute.unwrap_or(Quota::DEFAULT.limit()) },
            expires_in: preset.expires_in.map(|time| time.num_seconds()),
            grantable: preset.scopes.iter().all(|scope| is_grantable(context, scope)),
        })
        .collect();
    Ok(Reply::json(200, &Presets { data }))
}

pub(crate) fn me(context: &Context<'_>) -> Result<Reply, Fault> {
    context.no_parameters()?;
    let actor = &context.actor;
    let (tenant, all_tenants) = match actor.tenants() {
        crate::TenantFilter::Any => (None, true),
        crate::TenantFilter::Only(tenant) => (tenant, false),
    };
    let built_in = Catalog::built_in();
    let declared = context.tokens.catalog().declarations().chain(&built_in);
    let me = Me {
        actor: ActorBody { name: actor.name(), token: actor.token, tenant, all_tenants },
        permissions: Permissions { read: true, manage: context.permissions.changes() },
        grantable_scopes: declared
            .map(|declaration| &declaration.scope)
            .filter(|scope| is_grantable(context, scope))
            .cloned()
            .collect(),
        limits: Bounds {
            rate_limit: actor.greatest_limit().and_then(|limit| RateLimitBody::of(&limit)),
            expires_at: moment(actor.latest_expiry()),
            ip_allow: &actor.bounds.addresses,
        },
    };
    Ok(Reply::json(200, &me))
}
