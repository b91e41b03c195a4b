//! Bodies that requests have: what the parsers take, field by field. A test holds both together.
//!
//! And the bodies of answers whose types are not of the API alone.

#![expect(dead_code, reason = "these types are told of, and never made")]

use utoipa::ToSchema;

use super::words::{AddressText, AttributeMap, Id, Line, ScopeName};
use crate::admin::endpoints::{EndpointBody, EndpointFigures};
use crate::admin::figures::{FiguresBody, StrangersBody};
use crate::admin::health;
use crate::admin::impact::ImpactBody;
use crate::admin::overview::{StatusBody, TokenBody, TokenFigures};
use crate::admin::ranked::Listing;
use crate::admin::secrets::{SecretBody, UsedBody};
use crate::admin::shape::Moment;

/// What a new token is to be. Beside a preset, what is said holds.
#[derive(ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct NewTokenBody {
    /// What people know it by.
    name: Line<100>,
    /// What it is for; may have lines.
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// What it may do: scopes of the catalogue, none of them beyond what whoever creates it holds.
    #[schema(nullable)]
    scopes: Option<Vec<ScopeName>>,
    /// The id of a preset, whose scopes, limit and lifetime hold where nothing else is said.
    preset: Option<String>,
    /// How often it may be used. Left out, or `{}`: the preset's limit or the default one. `null` is no
    /// limit at all, if the service allows that.
    rate_limit: Option<NewRateLimit>,
    /// When it stops working, at most ten years ahead. `null` is never, if the service allows that. Not
    /// together with `expires_in`.
    expires_at: Option<Moment>,
    /// The same as a number of seconds from now.
    #[schema(minimum = 1, maximum = 315_619_200)]
    expires_in: Option<i64>,
    /// When it begins to work.
    not_before: Option<Moment>,
    /// The addresses and blocks from which it may be used; none are all.
    #[schema(max_items = 100)]
    ip_allow: Option<Vec<AddressText>>,
    /// The environment that it is for.
    env: Option<Line<40>>,
    /// Whatever the service keeps about it.
    metadata: Option<AttributeMap>,
    /// Whose it is.
    owner: Option<Line<200>>,
}

/// The limit of a new token. A longer window holds no less than a shorter one.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct NewRateLimit {
    /// Requests in any 60 seconds.
    #[schema(minimum = 1, maximum = 1_000_000)]
    per_minute: Option<u32>,
    /// Requests in any hour.
    #[schema(minimum = 1)]
    per_hour: Option<u32>,
    /// Requests in any day.
    #[schema(minimum = 1)]
    per_day: Option<u32>,
}

/// A JSON Merge Patch (RFC 7396): what is named changes, `null` takes away, the rest stays.
#[derive(ToSchema)]
#[schema(as = TokenChange)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct TokenChangeBody {
    /// What people know it by.
    #[schema(required = false, nullable = false)]
    name: Option<Line<100>>,
    /// What it is for; may have lines.
    #[schema(max_length = 1000)]
    description: Option<String>,
    /// What it may do, all of it: a scope that is not named goes. `null` is none.
    scopes: Option<Vec<ScopeName>>,
    /// How often it may be used. A window that is named changes; `null` is no limit at all, if the service
    /// allows that.
    rate_limit: Option<RateLimitChange>,
    /// When it stops working, at most ten years ahead; what lies behind now is now. `null` is never. Not
    /// together with `expires_in`.
    expires_at: Option<Moment>,
    /// The same as a number of seconds from now.
    #[schema(minimum = 1, maximum = 315_619_200)]
    expires_in: Option<i64>,
    /// When it begins to work. `null` is at once.
    not_before: Option<Moment>,
    /// The addresses and blocks from which it may be used; none and `null` are all.
    #[schema(max_items = 100)]
    ip_allow: Option<Vec<AddressText>>,
    /// The environment that it is for.
    env: Option<Line<40>>,
    /// Attributes by their keys: `null` takes one away, and the others stay. `null` for all of them takes
    /// all away.
    metadata: Option<AttributeChanges>,
    /// Whose it is.
    owner: Option<Line<200>>,
}

/// A change of a limit: a window that is named changes, `null` takes one away, the others stay. A longer
/// window holds no less than a shorter one.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct RateLimitChange {
    /// Requests in any 60 seconds.
    #[schema(minimum = 1, maximum = 1_000_000, required = false, nullable = false)]
    per_minute: Option<u32>,
    /// Requests in any hour.
    #[schema(minimum = 1)]
    per_hour: Option<u32>,
    /// Requests in any day.
    #[schema(minimum = 1)]
    per_day: Option<u32>,
}

/// Changes of attributes: by their keys texts, or `null`.
#[derive(ToSchema)]
#[schema(value_type = std::collections::BTreeMap<String, Option<String>>)]
pub(in crate::admin) struct AttributeChanges(());

/// Why a token is revoked.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Revocation {
    /// Why, for history.
    reason: Option<Line<480>>,
    /// Whether somebody else may have it; history says so.
    compromised: Option<bool>,
}

/// For how long a token is paused: until it is resumed, unless an end is said.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Pause {
    /// When it goes on by itself, ahead of now. Not together with `for`.
    resume_at: Option<Moment>,
    /// The same as a number of seconds from now.
    #[schema(minimum = 1, maximum = 31_536_000_000_i64)]
    r#for: Option<i64>,
    /// Why, for history.
    reason: Option<Line<500>>,
}

/// Why a token is resumed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Resumption {
    /// Why, for history.
    reason: Option<Line<500>>,
}

/// How a token gets a new secret.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct Rotation {
    /// For how many seconds the old secret still works, at most 30 days; unless said it is dead at once.
    #[schema(minimum = 0, maximum = 2_592_000)]
    grace: Option<i64>,
}

/// The text of a token that somebody has found.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct FoundText {
    /// The whole text.
    secret: String,
}

/// What went wrong (RFC 9457).
#[derive(ToSchema)]
pub(in crate::admin) struct Problem {
    /// A URL that explains the code.
    #[schema(format = "uri")]
    r#type: String,
    /// What is wrong, in a few words that are the same each time.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong this time, and what to do.
    detail: String,
    /// A word for programs.
    code: String,
    /// Which request it was about; left out where the request is not let in.
    #[schema(required = false, nullable = false)]
    instance: Option<String>,
    /// For `validation`: what is wrong with which field.
    #[schema(required = false, nullable = false)]
    errors: Option<Vec<FieldErrorBody>>,
    /// For `malformed`: which parameter of the query is not right, if one is.
    #[schema(required = false, nullable = false)]
    parameter: Option<String>,
    /// For `not-grantable`: which fields are more than may be granted.
    #[schema(required = false, nullable = false)]
    exceeds: Option<Vec<String>>,
    /// For `not-grantable`: which scopes are.
    #[schema(required = false, nullable = false)]
    scopes: Option<Vec<ScopeName>>,
    /// For `stale-version`: the ETag that the token has now.
    #[schema(required = false, nullable = false)]
    current_etag: Option<String>,
    /// For `secret-already-revealed`: the token that was created or rotated.
    #[schema(required = false, nullable = false)]
    id: Option<Id>,
    /// For `too-many-tokens`: how many there may be.
    #[schema(required = false, nullable = false, example = 50)]
    greatest: Option<u32>,
    /// For `insufficient-scope`: the scopes that are needed.
    #[schema(required = false, nullable = false)]
    required: Option<Vec<ScopeName>>,
    /// For `insufficient-scope`: those of them that are missing.
    #[schema(required = false, nullable = false)]
    missing: Option<Vec<ScopeName>>,
    /// For `rate-limited`: the names of the limits that were reached.
    #[schema(required = false, nullable = false, rename = "violated-policies")]
    violated_policies: Option<Vec<String>>,
    /// For `rate-limited` and `store-unavailable`: seconds until it is worth another try.
    #[schema(required = false, nullable = false)]
    retry_after: Option<u64>,
}

/// What is wrong with a field.
#[derive(ToSchema)]
#[schema(as = FieldError)]
pub(in crate::admin) struct FieldErrorBody {
    /// The field, as a JSON pointer (RFC 6901) into the body.
    pointer: String,
    /// A word for programs: `range`, `length`, `characters`, `unknown`, `required`, `format`, `type`,
    /// `conflict`.
    code: String,
    /// What would be right.
    detail: String,
}

/// One field that a change touched, as people read it.
#[derive(ToSchema)]
#[schema(as = FieldChange)]
pub(in crate::admin) struct FieldChangeBody {
    /// The field.
    field: String,
    /// What it was; null where there was nothing.
    from: Option<String>,
    /// What it became; null where there is nothing.
    to: Option<String>,
}

/// What was given up since the start, because the store did not take what was counted.
#[derive(ToSchema)]
#[schema(as = GivenUp)]
pub(in crate::admin) struct GivenUpBody {
    /// Calls that are not among the most recent ones.
    calls: u64,
    /// Calls whose endpoint or client counts as another.
    names: u64,
    /// Calls that count in their hour, and in no minute.
    minutes: u64,
    /// Calls that count in the totals of their token alone.
    figures: u64,
}

/// How the limiter does that nodes share.
#[derive(ToSchema)]
#[schema(as = LimiterHealth)]
pub(in crate::admin) struct LimiterBody {
    /// Whether it works.
    state: LimiterStateBody,
    /// What the last failure said.
    #[schema(example = "the connection was refused")]
    last_error: Option<String>,
    /// What becomes of requests while it fails.
    #[schema(example = "local_share")]
    when_it_fails: String,
    /// Calls that it has answered since the start.
    #[schema(example = 1200)]
    answered: u64,
    /// Calls that failed since the start.
    #[schema(example = 3)]
    failed: u64,
    /// Requests that were decided without it since the start.
    #[schema(example = 3)]
    decided_without: u64,
}

/// Whether a limiter works.
#[derive(ToSchema)]
#[schema(as = LimiterState)]
pub(in crate::admin) struct LimiterStateBody {
    /// `working`, `failing` or `recovering`.
    #[schema(example = "working")]
    is: String,
    /// Since when it fails or has recovered.
    #[schema(required = false, nullable = false, example = "2026-11-24T13:58:00Z")]
    since: Option<Moment>,
}

/// How a node stands: a word for anybody, and figures for whoever may look at tokens.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::admin) enum HealthAnswer {
    /// For whoever may look at tokens.
    Told(health::Told<'static>),
    /// For anybody.
    Bare(health::Bare),
}

/// An OpenAPI 3.1 document.
#[derive(ToSchema)]
pub(in crate::admin) struct Document {
    /// The version of OpenAPI.
    #[schema(example = "3.1.0")]
    openapi: String,
    /// What it is about.
    #[schema(value_type = Object, example = json!({ "title": "Tokens", "version": "1.0.0" }))]
    info: (),
    /// Where the API is.
    #[schema(value_type = Vec<Object>, example = json!([{ "url": "." }]))]
    servers: (),
    /// What protects it.
    #[schema(value_type = Vec<Object>, example = json!([{ "bearer": [] }]))]
    security: (),
    /// The groups of operations.
    #[schema(value_type = Vec<Object>, example = json!([{ "name": "tokens" }]))]
    tags: (),
    /// More to read.
    #[schema(rename = "externalDocs", value_type = Object, example = json!({ "url": "https://docs.rs/tokenward" }))]
    external_docs: (),
    /// The operations.
    #[schema(value_type = Object, example = json!({ "/me": { "get": {} } }))]
    paths: (),
    /// What they refer to.
    #[schema(value_type = Object, example = json!({ "schemas": {} }))]
    components: (),
}

/// A server-sent event. Its data is JSON of the schema that the event's name says.
#[derive(ToSchema)]
pub(in crate::admin) struct StreamEvent {
    /// The id of the call, for `Last-Event-ID`.
    #[schema(required = false, nullable = false, example = "41")]
    id: Option<String>,
    /// `call` (`Call`), `lagged` (`LaggedEvent`) or `state` (`StateEvent`).
    #[schema(required = false, nullable = false, example = "state")]
    event: Option<String>,
    /// JSON.
    #[schema(
        required = false,
        nullable = false,
        example = "{\"state\":\"opened\",\"as_of\":\"2026-11-24T14:00:00.000Z\"}"
    )]
    data: Option<String>,
    /// After how many milliseconds a client that was cut off comes back.
    #[schema(required = false, nullable = false, example = 2000)]
    retry: Option<u32>,
}

/// Another end for the grace period of the secret before.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct SecretEnd {
    /// When it stops working, ahead of now. Not together with `expires_in`.
    #[schema(required = false, nullable = false)]
    expires_at: Option<Moment>,
    /// The same as a number of seconds from now, at most 30 days.
    #[schema(minimum = 1, maximum = 2_592_000, required = false, nullable = false)]
    expires_in: Option<i64>,
}

/// The secrets of a token, and how they are used.
#[derive(ToSchema)]
pub(in crate::admin) struct SecretList {
    /// The current one first.
    data: Vec<SecretAndUse>,
    /// The moment as of which it is true.
    as_of: Moment,
}

/// A secret, and how it is used.
#[derive(ToSchema)]
pub(in crate::admin) struct SecretAndUse {
    #[serde(flatten)]
    secret: SecretBody<'static>,
    #[serde(flatten)]
    used: UsedBody<'static>,
}

/// What is done to many tokens.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::admin) enum BulkChange {
    /// For good.
    Revoke(BulkRevocation),
    /// Until they are resumed, or until an end.
    Pause(BulkPause),
    /// They work again.
    Resume(BulkResumption),
    /// They live longer.
    Extend(BulkExtension),
}

/// Tokens are revoked.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct BulkRevocation {
    /// `revoke`.
    action: String,
    /// The ids of the tokens, each once.
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Id>,
    /// Why, for history: one line. One that is none is told in the result of each token.
    reason: Option<String>,
    /// Whether somebody else may have them; history says so.
    compromised: Option<bool>,
}

/// Tokens are paused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct BulkPause {
    /// `pause`.
    action: String,
    /// The ids of the tokens, each once.
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Id>,
    /// Why, for history: one line. One that is none is told in the result of each token.
    reason: Option<String>,
    /// When they go on by themselves. Not together with `for`.
    resume_at: Option<Moment>,
    /// The same as a number of seconds from now. One that is too small or too large is told in the result
    /// of each token.
    #[schema(minimum = -9_223_372_036_854_775_i64, maximum = 9_223_372_036_854_775_i64)]
    r#for: Option<i64>,
}

/// Tokens are resumed.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct BulkResumption {
    /// `resume`.
    action: String,
    /// The ids of the tokens, each once.
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Id>,
    /// Why, for history: one line. One that is none is told in the result of each token.
    reason: Option<String>,
}

/// Tokens live longer: none of them is made shorter, and one that never ends stays so.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct BulkExtension {
    /// `extend`.
    action: String,
    /// The ids of the tokens, each once.
    #[schema(min_items = 1, max_items = 200)]
    ids: Vec<Id>,
    /// Why, for history: one line. One that is none is told in the result of each token.
    reason: Option<String>,
    /// Until when. Not together with `expires_in`.
    #[schema(required = false, nullable = false)]
    expires_at: Option<Moment>,
    /// The same as a number of seconds from now. What a token cannot take is told in its result.
    #[schema(
        minimum = -200_000_000_i64,
        maximum = 200_000_000_000_i64,
        required = false,
        nullable = false
    )]
    expires_in: Option<i64>,
}

/// A token that is asked about (RFC 7662).
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::admin) struct IntrospectionRequest {
    /// The whole text of the token.
    token: String,
    /// Of what kind the token may be. It is passed over.
    token_type_hint: Option<String>,
}

/// The same as a form. Whatever else it has is passed over.
#[derive(ToSchema)]
pub(in crate::admin) struct IntrospectionForm {
    /// The whole text of the token.
    token: String,
    /// Of what kind the token may be. It is passed over.
    #[schema(required = false, nullable = false, example = "access_token")]
    token_type_hint: Option<String>,
}

/// Whether a token works now (RFC 7662), and only then the rest.
#[derive(ToSchema)]
pub(in crate::admin) struct Introspection {
    /// Whether it works now.
    active: bool,
    /// What it may do, implications included, with a space between the names.
    #[schema(required = false, nullable = false)]
    scope: Option<String>,
    /// The token's id.
    #[schema(required = false, nullable = false)]
    client_id: Option<Id>,
    /// Whose it is; left out where it is nobody's.
    #[schema(required = false, nullable = false)]
    sub: Option<String>,
    /// `Bearer`.
    #[schema(required = false, nullable = false)]
    token_type: Option<String>,
    /// When it expires, in seconds since 1970; left out where it never does.
    #[schema(required = false, nullable = false)]
    exp: Option<i64>,
    /// When it was issued, in seconds since 1970.
    #[schema(required = false, nullable = false)]
    iat: Option<i64>,
}

/// A token that was changed, or would be.
#[derive(ToSchema)]
pub(in crate::admin) struct ChangedToken {
    #[serde(flatten)]
    token: crate::admin::shape::TokenBody<'static>,
    /// With `dry_run`: what the change would break, told from recorded use.
    /// Nothing for what breaks nothing; null where use cannot be read.
    #[schema(required = false)]
    impact: Option<Vec<ImpactBody>>,
}

/// The use of all tokens within reach, and parts of it if `group_by` asks for them.
#[derive(ToSchema)]
pub(in crate::admin) struct UsageOfAll {
    /// The beginning of the range.
    from: Moment,
    /// Its end.
    to: Moment,
    #[serde(flatten)]
    figures: FiguresBody,
    /// Requests of whoever did not prove a secret: only for whoever reaches every tenant.
    #[schema(required = false, nullable = false)]
    strangers: Option<StrangersBody>,
    /// The parts, those with the most calls first.
    #[schema(required = false, nullable = false)]
    groups: Option<Vec<UsageGroup>>,
    /// What the parts leave out.
    #[schema(required = false, nullable = false)]
    other: Option<OtherGroup>,
    /// By how many calls a part may lie below the truth: those are then in `other`.
    #[schema(required = false, nullable = false)]
    error: Option<u64>,
    /// The beginning of the range that the parts are about: names are told by the hour.
    #[schema(required = false, nullable = false)]
    groups_from: Option<Moment>,
    /// Its end.
    #[schema(required = false, nullable = false)]
    groups_to: Option<Moment>,
    /// The moment as of which it is true.
    as_of: Moment,
}

/// A part of the use: of a token, of an endpoint, or of what became of calls.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::admin) enum UsageGroup {
    /// By token.
    Token(TokenBody<'static>),
    /// By endpoint.
    Endpoint(EndpointBody<'static>),
    /// By what became of calls.
    Status(StatusBody),
}

/// What the parts leave out.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::admin) enum OtherGroup {
    /// By token.
    Tokens(TokenFigures),
    /// By endpoint.
    Endpoints(EndpointFigures),
}

pub(in crate::admin) type EndpointList = Listing<EndpointBody<'static>, EndpointFigures>;
pub(in crate::admin) type ClientList =
    Listing<crate::admin::clients::Row<'static>, crate::admin::clients::Used>;
