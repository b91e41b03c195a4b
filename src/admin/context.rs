//! What every route needs of its request.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::access::Who;
use super::conditions::etag;
use super::fields::Fields;
use super::parameters::Parameters;
use super::permissions::Permissions;
use super::request::BODY_LIMIT;
use super::shape::TokenBody;
use super::streams::Streams;
use super::viewer::Viewer;
use super::{AdminRequest, Fault, json};
use crate::web::{Reply, Request, path_segments};
use crate::{Actor, Error, Period, Statistics, Subject, TokenId, TokenRecord, Tokens, Usage};

/// A request that was let in, on its way to its route.
pub(crate) struct Context<'a> {
    pub(crate) tokens: &'a Tokens,
    pub(crate) actor: Actor,
    pub(crate) permissions: Permissions,
    pub(crate) http: Request<'a>,
    /// Who comes, for a stream to ask again.
    pub(crate) viewer: Viewer,
    pub(crate) streams: &'a Arc<Streams>,
    body: &'a [u8],
    id: Option<String>,
}

/// Which media type a body has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    /// JSON, or a JSON Merge Patch (RFC 7396).
    MergePatch,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        tokens: &'a Tokens,
        streams: &'a Arc<Streams>,
        who: Who,
        viewer: Viewer,
        request: &AdminRequest<'a>,
        request_id: Option<&str>,
        id: Option<String>,
    ) -> Context<'a> {
        let mut actor = who.actor;
        if let Some(address) = request.http.address {
            actor = actor.address(address);
        }
        if let Some(request_id) = request_id {
            actor = actor.request_id(request_id);
        }
        let AdminRequest { http, body } = *request;
        Context { tokens, actor, permissions: who.permissions, http, viewer, streams, body, id }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.tokens.clock().now().wall()
    }

    /// All tokens within the actor's reach.
    pub(crate) fn subject(&self) -> Subject {
        self.actor.subject()
    }

    /// How a subject was used in a span of time.
    pub(crate) async fn statistics(&self, subject: Subject, period: Period) -> Result<Statistics, Fault> {
        self.tokens.statistics(subject, period).await.map_err(Fault::usage_unavailable)
    }

    pub(crate) fn check_body_length(&self) -> Result<(), Fault> {
        if self.body.len() > BODY_LIMIT { Err(Fault::too_large()) } else { Ok(()) }
    }

    /// The id in the path. One that does not read is no token's.
    pub(crate) fn token_id(&self) -> Result<TokenId, Fault> {
        self.id.as_deref().and_then(|id| id.parse().ok()).ok_or_else(Fault::no_such_token)
    }

    /// The version that `sec_2` at the end of the path stands for. One that does not read is no secret's.
    pub(crate) fn secret_version(&self) -> Option<u32> {
        let segments = path_segments(self.http.path).ok()?;
        let digits = segments.last()?.strip_prefix("sec_")?;
        let version: u32 = digits.parse().ok()?;
        (version.to_string() == digits).then_some(version)
    }

    /// The token of the path, if it is there for this actor.
    pub(crate) async fn record(&self) -> Result<TokenRecord, Fault> {
        let record = self.tokens.find(&self.token_id()?).await?.ok_or_else(Fault::no_such_token)?;
        self.actor.reaches(&record)?;
        Ok(record)
    }

    /// The token with this whole text, if it is there for this actor.
    pub(crate) async fn record_by_text(&self, text: &str) -> Result<Option<TokenRecord>, Fault> {
        let found = self.tokens.find_by_text(text.trim()).await?;
        Ok(found.filter(|record| self.actor.reaches(record).is_ok()))
    }

    pub(crate) fn parameters(&self) -> Result<Parameters, Fault> {
        Parameters::read(self.http.query)
    }

    /// For a route without parameters.
    pub(crate) fn no_parameters(&self) -> Result<(), Fault> {
        self.parameters()?.finish()
    }

    /// The fields of the body, which has to be there.
    pub(crate) fn fields(&self, media: Media) -> Result<Fields, Fault> {
        let essence = self.media_type()?;
        let is_right = essence.eq_ignore_ascii_case("application/json")
            || (media == Media::MergePatch && essence.eq_ignore_ascii_case("application/merge-patch+json"));
        if !is_right {
            return Err(Fault::media_type(match media {
                Media::Json => "application/json",
                Media::MergePatch => "application/merge-patch+json",
            }));
        }
        json::object(self.body).map(Fields::new)
    }

    /// The body as a form (`application/x-www-form-urlencoded`), if it is one.
    pub(crate) fn form(&self) -> Result<Option<Parameters>, Fault> {
        if !self.media_type()?.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Ok(None);
        }
        let text = std::str::from_utf8(self.body)
            .map_err(|_| Fault::malformed("The body has a part that is no UTF-8 text."))?;
        Parameters::read(Some(text)).map(Some)
    }

    /// What the body is said to be, without parameters; empty where nothing is said.
    fn media_type(&self) -> Result<&str, Fault> {
        let sent = match self.http.only_header("content-type") {
            Ok(value) => value.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or(""),
            Err(_) => return Err(Fault::malformed("Send one Content-Type header, not several.")),
        };
        Ok(sent.split(';').next().unwrap_or("").trim())
    }

    /// The fields of a body that may be left out.
    pub(crate) fn optional_fields(&self) -> Result<Fields, Fault> {
        if self.body.is_empty() { Ok(Fields::new(Default::default())) } else { self.fields(Media::Json) }
    }

    /// One token as an answer, with its ETag.
    pub(crate) async fn one(&self, status: u16, record: &TokenRecord) -> Reply {
        let usage = self.usage_if_there(record.id).await;
        let body = TokenBody::new(record, self.now(), usage.as_ref());
        Reply::json(status, &body).header("etag", etag(record.version))
    }

    /// How a token is used. None where that cannot be read: what was done to it is told all the
    /// same.
    pub(crate) async fn usage_if_there(&self, id: TokenId) -> Option<Usage> {
        match self.tokens.usage_of(&[id]).await {
            Ok(mut usage) => usage.remove(&id),
            Err(error) => {
                tracing::warn!(%error, "the use of a token cannot be read");
                None
            }
        }
    }

    /// A change that failed: where `If-Match` was sent and the token is another one by now, that is
    /// what is told.
    pub(crate) async fn change_fault(&self, error: Error, conditional: Option<u64>) -> Fault {
        if let (Error::Conflict, Some(expected)) = (&error, conditional)
            && let Ok(current) = self.record().await
            && current.version != expected
        {
            return Fault::stale(&etag(current.version));
        }
        error.into()
    }
}
