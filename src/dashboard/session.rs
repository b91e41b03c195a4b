//! The dashboard's own sign-in: a session that a token has opened, and that dies with it.
//!
//! Nothing is kept of it: the cookie names the token, the version of its secret and the moment,
//! signed under the service's key, so that every node knows it. No secret is in it.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use subtle::ConstantTimeEq;

use super::Dashboard;
use super::cookie::{self, Cookie};
use crate::admin::viewer::Recheck;
use crate::admin::{Access, AdminRequest};
use crate::keyed_hash::keyed_hash;
use crate::web::Reply;
use crate::{Error, TokenId, Tokens};

const NAME: &str = "tokenward_session";
/// How long somebody stays signed in.
const SECONDS: u32 = 12 * 60 * 60;

/// Somebody who has signed in.
pub(super) struct Known {
    pub(super) access: Access,
    /// The same question asked again, for a live tail.
    pub(super) recheck: Arc<Recheck>,
}

/// What a cookie stands for.
#[derive(Clone, Copy)]
struct Session {
    token: TokenId,
    secret_version: u32,
    /// When it began, in seconds since 1970.
    since: i64,
    address: Option<IpAddr>,
}

/// Whoever has signed in before, if its token still lives.
pub(super) async fn access(
    dashboard: &Dashboard,
    request: &AdminRequest<'_>,
) -> Result<Option<Known>, Error> {
    let Some(value) = cookie::value(request, NAME) else { return Ok(None) };
    let key = dashboard.tokens().service_key().await?;
    let Some(session) = Session::read(value, &key, request.http.address) else { return Ok(None) };
    let tokens = dashboard.tokens();
    let Some(access) = session.access(tokens).await? else { return Ok(None) };
    let tokens = tokens.clone();
    let recheck: Arc<Recheck> = Arc::new(move || {
        let tokens = tokens.clone();
        Box::pin(async move {
            match session.access(&tokens).await {
                Ok(access) => access.unwrap_or(Access::Nobody),
                Err(error) => {
                    tracing::warn!(%error, "whether somebody is still signed in cannot be asked");
                    Access::Nobody
                }
            }
        })
    });
    Ok(Some(Known { access, recheck }))
}

/// Signs the holder of a token in, with the answer that is sent.
pub(super) async fn begin(
    tokens: &Tokens,
    token: TokenId,
    secret_version: u32,
    is_secure: bool,
    reply: Reply,
) -> Result<Reply, Error> {
    let since = tokens.clock().now().wall().timestamp();
    let key = tokens.service_key().await?;
    let value = Session { token, secret_version, since, address: None }.written(&key);
    Ok(set(&value, SECONDS, is_secure, reply))
}

/// Signs whoever it is out, with the answer that is sent.
pub(super) fn end(reply: Reply) -> Reply {
    set("", 0, false, reply)
}

/// For the pages beside the sign-in: all of them.
fn set(value: &str, seconds: u32, is_secure: bool, reply: Reply) -> Reply {
    Cookie { name: NAME, value, path: None, seconds: Some(seconds), is_hidden: true, is_secure }.set_on(reply)
}

impl Session {
    /// Whoever it is, with what its token may now; none if the token would not be let in, or the
    /// session is over.
    async fn access(&self, tokens: &Tokens) -> Result<Option<Access>, Error> {
        let now = tokens.clock().now().wall().timestamp();
        // One from the future was signed by a clock that ran ahead: it is not believed for longer.
        if !(0..i64::from(SECONDS)).contains(&(now - self.since)) {
            return Ok(None);
        }
        let access = Access::of_token(tokens, &self.token, self.secret_version, self.address).await?;
        Ok(Some(access).filter(|access| *access != Access::Nobody))
    }

    fn written(&self, key: &[u8; 32]) -> String {
        let text = format!("{}.{}.{}", self.token, self.secret_version, self.since);
        format!("{text}.{}", signature(key, &text))
    }

    fn read(value: &str, key: &[u8; 32], address: Option<IpAddr>) -> Option<Session> {
        let (text, signed) = value.rsplit_once('.')?;
        if !bool::from(signature(key, text).as_bytes().ct_eq(signed.as_bytes())) {
            return None;
        }
        let mut parts = text.split('.');
        let (token, version, since) = (parts.next()?, parts.next()?, parts.next()?);
        DateTime::<Utc>::from_timestamp(since.parse().ok()?, 0)?;
        Some(Session {
            token: token.parse().ok()?,
            secret_version: version.parse().ok()?,
            since: since.parse().ok()?,
            address,
        })
    }
}

fn signature(key: &[u8; 32], text: &str) -> String {
    URL_SAFE_NO_PAD.encode(keyed_hash(key, "session of the dashboard", &[text]))
}
