//! May this request pass?

use chrono::{DateTime, Utc};

use super::need::{NeededScopes, NeededTenant};
use super::refusals::count;
use super::{Engine, Grant, Need, Tokens, Verdict};
use crate::clock::Reading;
use crate::denied::ScopeShortage;
use crate::live::{Asked, Decided, Needed, Refusal, Refused, TenantCheck};
use crate::recording::{Noted, What};
use crate::scope::Scopes;
use crate::token::{Presented, Unreadable};
use crate::usage::Outcome;
use crate::{Denied, Digest, Error, TokenId};

impl Tokens {
    /// May a request with this text as its token pass?
    ///
    /// Checked in this order, up to the first no: shape and checksum, known, secret, tenant,
    /// revoked, not yet valid, expired, paused, address, scope, limit. A refusal of any kind takes
    /// nothing from the limit. For a token that is in memory nothing is awaited, boxed or
    /// allocated; one that is not costs one query of the store.
    ///
    /// # Errors
    /// An error is neither a yes nor a no: answer 503. [`Error::Store`] where the store failed,
    /// [`Error::Limiter`] where a limiter failed and the service wants nothing to pass then,
    /// [`Error::Overloaded`] where too many unknown tokens are being looked up,
    /// [`Error::UnknownScope`] where the need names a scope that the catalogue does not have.
    pub async fn verify(&self, text: impl AsRef<[u8]>, need: &Need<'_>) -> Result<Verdict<'_>, Error> {
        let engine = self.engine();
        let presented = match engine.present(text.as_ref()) {
            Ok(presented) => presented,
            Err(denied) => return Ok(Verdict::Denied(denied)),
        };
        let needed = engine.resolve(need)?;
        let now = engine.clock.now();
        let decided = match engine.decide_live(&presented, &needed, now) {
            Some(decided) => decided,
            None => engine.decide_miss(&presented, &needed, now).await?,
        };
        let refused = match decided {
            Decided::Granted(granted) => {
                return Ok(Verdict::Granted(Grant::new(self, presented.id, granted, needed.scopes, now)));
            }
            Decided::Refused(refused) => refused,
            Decided::Open(open) => match self.take_limit(presented.id, *open).await? {
                Ok((granted, is_degraded)) => {
                    let grant = Grant::new(self, presented.id, granted, needed.scopes, now);
                    return Ok(Verdict::Granted(grant.degraded(is_degraded)));
                }
                Err(refused) => refused,
            },
        };
        let mut denied = engine.refuse(presented.id, refused, need, &needed, now);
        if let Denied::InsufficientScope(shortage) = &mut denied
            && shortage.token_name.is_none()
        {
            shortage.token_name = engine.name_of(presented.id).await;
        }
        Ok(Verdict::Denied(denied))
    }

    /// [`Tokens::verify`] without waiting: for a token that is in memory. `None` says that the
    /// store has to be asked, or the limiter.
    ///
    /// # Errors
    /// [`Error::UnknownScope`] where the need names a scope that the catalogue does not have.
    pub fn try_verify(&self, text: impl AsRef<[u8]>, need: &Need<'_>) -> Result<Option<Verdict<'_>>, Error> {
        let engine = self.engine();
        let presented = match engine.present(text.as_ref()) {
            Ok(presented) => presented,
            Err(denied) => return Ok(Some(Verdict::Denied(denied))),
        };
        let needed = engine.resolve(need)?;
        let now = engine.clock.now();
        match engine.decide_live(&presented, &needed, now) {
            Some(Decided::Granted(granted)) => {
                Ok(Some(Verdict::Granted(Grant::new(self, presented.id, granted, needed.scopes, now))))
            }
            Some(Decided::Refused(refused)) => {
                Ok(Some(Verdict::Denied(engine.refuse(presented.id, refused, need, &needed, now))))
            }
            Some(Decided::Open(_)) | None => Ok(None),
        }
    }
}

/// A token as it was presented, with the digest that is computed before any look-up.
pub(super) struct Proof {
    pub(super) id: TokenId,
    pub(super) digest: Digest,
}

/// A need, looked up.
pub(super) struct ResolvedNeed<'a> {
    scopes: Scopes,
    closed: bool,
    tenant: NeededTenant<'a>,
    address: Option<std::net::IpAddr>,
    pub(super) believes: bool,
}

impl Engine {
    #[inline]
    fn present(&self, text: &[u8]) -> Result<Proof, Denied> {
        match Presented::read(text, &self.prefix) {
            Ok(presented) => Ok(Proof { id: presented.id(), digest: presented.digest() }),
            Err(Unreadable::NotOurs) => Err(Denied::Missing),
            Err(Unreadable::Malformed) => {
                count(&self.strangers.malformed);
                Err(Denied::Invalid)
            }
        }
    }

    #[inline]
    fn resolve<'a>(&self, need: &Need<'a>) -> Result<ResolvedNeed<'a>, Error> {
        Ok(ResolvedNeed {
            scopes: self.needed_bits(need.scopes)?,
            closed: matches!(need.scopes, NeededScopes::Closed),
            tenant: need.tenant,
            address: need.address,
            believes: self.believes_memory(),
        })
    }

    #[inline]
    fn decide_live(&self, proof: &Proof, need: &ResolvedNeed<'_>, now: Reading) -> Option<Decided> {
        self.live.decide(proof.id, &self.asked(proof, need, now))
    }

    /// What the live table is asked. The tenant is looked up anew each time: it may have become
    /// known meanwhile.
    #[inline]
    pub(super) fn asked<'a>(&self, proof: &'a Proof, need: &'a ResolvedNeed<'_>, now: Reading) -> Asked<'a> {
        let needed = if need.closed { Needed::Closed } else { Needed::Scopes(&need.scopes) };
        let tenant = match need.tenant {
            NeededTenant::Without => TenantCheck::Exactly(0),
            NeededTenant::Named(name) => self.live.tenant(name),
            NeededTenant::Any => TenantCheck::Any,
            NeededTenant::Nobody => TenantCheck::Nobody,
        };
        let granularity_ms = self.granularity_ms;
        let (address, believes) = (need.address, need.believes);
        Asked { digest: &proof.digest, needed, tenant, address, now, granularity_ms, believes }
    }

    /// Counts a refusal, and puts it into the words for the one who reads it.
    #[cold]
    fn refuse(
        &self,
        id: TokenId,
        refused: Refused,
        need: &Need<'_>,
        needed: &ResolvedNeed<'_>,
        now: Reading,
    ) -> Denied {
        let Refused { refusal, tenant, secret_version } = refused;
        let what = what(&refusal);
        let scopes = match &refusal {
            Refusal::Scope { held, .. } => needed.scopes.without(held),
            _ => Scopes::none(),
        };
        let denied = self.denied(refusal, need);
        if let Some(what) = what {
            let noted = Noted {
                secret_version,
                status: denied.status(),
                scopes,
                address: need.address,
                ..Noted::new(id, tenant, what, now.wall_ms)
            };
            self.recorder.note(noted, need.route, need.agent);
        }
        denied
    }

    /// A refusal, in the words for the one who reads it.
    fn denied(&self, refusal: Refusal, need: &Need<'_>) -> Denied {
        match refusal {
            Refusal::Unknown => {
                count(&self.strangers.unknown);
                Denied::Invalid
            }
            Refusal::WrongSecret => {
                count(&self.strangers.wrong_secret);
                Denied::Invalid
            }
            Refusal::ForeignTenant => {
                count(&self.strangers.foreign_tenant);
                Denied::Invalid
            }
            Refusal::Rotated(at) => Denied::Rotated(time(at)),
            Refusal::Revoked(at) => Denied::Revoked(at.map(time)),
            Refusal::NotYetValid(from) => Denied::NotYetValid(time(from)),
            Refusal::Expired(at) => Denied::Expired(time(at)),
            Refusal::Paused(until) => Denied::Paused(until.map(time)),
            Refusal::Address => Denied::AddressNotAllowed,
            Refusal::Closed => Denied::NotForTokens,
            Refusal::Scope { held, name } => {
                Denied::InsufficientScope(Box::new(self.shortage(&held, name, need)))
            }
            Refusal::Limit(limited) => Denied::RateLimited(limited),
            Refusal::SharedLimit(limited) => Denied::SharedLimit(limited),
        }
    }

    fn shortage(&self, held: &Scopes, name: Option<Box<str>>, need: &Need<'_>) -> ScopeShortage {
        let names: Vec<&str> = match need.scopes {
            NeededScopes::One(name) => vec![name],
            NeededScopes::All(names) => names.to_vec(),
            NeededScopes::Resolved(requirement) => requirement.names().iter().map(AsRef::as_ref).collect(),
            NeededScopes::None | NeededScopes::Closed => Vec::new(),
        };
        let required: Vec<_> = names.iter().filter_map(|name| self.catalog.find(name)).cloned().collect();
        let is_held = |name: &str| self.catalog.needed(name).is_some_and(|needed| held.contains_all(&needed));
        let missing = required.iter().filter(|scope| !is_held(scope.as_str())).cloned().collect();
        let mut granted = self.catalog.names(held);
        granted.sort();
        ScopeShortage { token_name: name.map(String::from), granted, required, missing, operation: None }
    }

    /// The name of a token for a refusal that tells it, kept in memory from then on. A refusal
    /// without it is still a refusal, so that a store that fails here is no matter.
    async fn name_of(&self, id: TokenId) -> Option<String> {
        let token = self.load(id).await.ok().flatten()?;
        self.live.keep_name(&id, &token.record.name);
        Some(token.record.name)
    }
}

/// What a refusal is noted as. A foreign tenant's try is no call of the token, an unknown id is
/// nobody's, and a wrong secret the live table has counted.
fn what(refusal: &Refusal) -> Option<What> {
    Some(What::Ended(match refusal {
        Refusal::Unknown | Refusal::ForeignTenant | Refusal::WrongSecret => return None,
        Refusal::Rotated(_) => Outcome::Rotated,
        Refusal::Revoked(_) => Outcome::Revoked,
        Refusal::NotYetValid(_) => Outcome::NotYetValid,
        Refusal::Expired(_) => Outcome::Expired,
        Refusal::Paused(_) => Outcome::Paused,
        Refusal::Address => Outcome::Address,
        Refusal::Closed => Outcome::NotForTokens,
        Refusal::Scope { .. } => Outcome::MissingScope,
        Refusal::Limit(_) | Refusal::SharedLimit(_) => Outcome::Limited,
    }))
}

fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
