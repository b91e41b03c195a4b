//! One live token: what every hit needs, in one place.

use super::checks::{check_life, check_tenant, take, wrong_secret};
use super::decision::{Asked, Decided, Granted, Needed, Open, Refusal, Refused};
use super::elsewhere::{Counting, Taking};
use super::shared::SharedLimit;
use crate::clock::Reading;
use crate::limit::{Quota, RateLimit, Standing, Tick, Window};
use crate::record::{Life, Status};
use crate::scope::{CompiledCatalog, Scopes, contains_all};
use crate::{AddressRange, Digest, Scope, StoredToken};

/// One live token: what every hit needs, in two cache lines. What only some need hangs on one
/// pointer.
///
/// A new record replaces what was known of the token, and never its window nor its counters.
pub(super) struct Entry {
    digest: Digest,
    scopes: u64,
    expires_ms: i64,
    window: Window,
    cold: Option<Box<Cold>>,
    /// The only quota of a plain token; [`Flags::SPECIAL`] says to look for more.
    quota: Quota,
    tenant: u32,
    granted: u32,
    /// The low bits of the wall clock's hand at the last grant.
    last_granted: u32,
    /// The low 24 bits are the version of the secret, for statistics; above them the flags.
    version_and_flags: u32,
}

const _: () = assert!(size_of::<Entry>() <= 120);

/// What only some tokens have, or only now and then.
#[derive(Default)]
struct Cold {
    special: Option<Box<Special>>,
    /// The name, once a refusal had to tell it.
    name: Option<Box<str>>,
    /// Tries with a wrong secret since the last flush. They are counted here and not noted one by
    /// one, so that they take the work that other strangers take.
    wrong_secrets: u32,
    /// When the record was read, on the monotonic hand. In full: a token may lie idle for longer
    /// than 32 bits of milliseconds hold.
    filled_ms: u64,
}

/// What makes a token's decision longer.
struct Special {
    life: Life,
    revoked_ms: Option<i64>,
    addresses: Box<[AddressRange]>,
    more_scopes: Option<Box<[u64]>>,
    rate_limit: RateLimit,
    previous: Option<Previous>,
}

struct Previous {
    digest: Digest,
    version: u32,
    ends_ms: i64,
    told_until_ms: i64,
}

struct Flags;

impl Flags {
    /// The record may be believed.
    const TRUSTED: u32 = 1 << 24;
    /// It stands on the list for the next flush.
    const DIRTY: u32 = 1 << 25;
    /// The decision needs [`Special`].
    const SPECIAL: u32 = 1 << 26;
    /// The cold part holds the moment at which the record was read.
    const FILLED: u32 = 1 << 27;
    /// It stands on the list of those whose window is to give its memory back.
    const LINGERING: u32 = 1 << 28;
}

const VERSION: u32 = (1 << 24) - 1;

/// What counting a grant asks for.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    /// The entry has to be put on the list for the next flush.
    pub(super) newly_dirty: bool,
    /// Grants of an earlier minute, which are to be noted before those of this one.
    pub(super) earlier: Option<Grants>,
}

/// Grants of one minute.
#[derive(Clone, Copy)]
pub(super) struct Grants {
    pub(super) number: u32,
    /// How long ago the last of them was. Negative where the clock was read before that, by a flush
    /// that has come to the entry only now or by a thread that another has overtaken, and where it
    /// was set back.
    pub(super) ago_ms: i32,
}

const MINUTE_MS: i64 = 60_000;
const FARTHEST_AHEAD_MS: i32 = 60 * 60_000;

impl Entry {
    pub(super) fn new(token: &StoredToken, tenant: u32, catalog: &CompiledCatalog) -> Entry {
        let record = &token.record;
        let life = record.life();
        let (scopes, more_scopes) = catalog.effective(record.scopes.iter().map(Scope::as_str)).into_parts();
        let mut quotas = record.rate_limit.quotas();
        let (first, second) = (quotas.next(), quotas.next());
        let previous = token.previous_digest.as_ref().zip(record.previous_secret.as_ref());
        let is_plain = first.is_some()
            && second.is_none()
            && previous.is_none()
            && record.addresses.is_empty()
            && more_scopes.is_none()
            && !life.revoked
            && life.not_before_ms == i64::MIN
            && life.paused_until_ms == i64::MIN;
        let special = || {
            Box::new(Special {
                life,
                revoked_ms: record.revoked_at.map(|at| at.timestamp_millis()),
                addresses: record.addresses.clone().into(),
                more_scopes,
                rate_limit: record.rate_limit,
                previous: previous.map(|(digest, previous)| Previous {
                    digest: *digest,
                    version: previous.version,
                    ends_ms: previous.ends_at.timestamp_millis(),
                    told_until_ms: (previous.ends_at + StoredToken::PREDECESSOR_TOLD).timestamp_millis(),
                }),
            })
        };
        let cold = (!is_plain).then(|| Box::new(Cold { special: Some(special()), ..Cold::default() }));
        let flags = if is_plain { 0 } else { Flags::SPECIAL };
        Entry {
            digest: token.digest,
            scopes,
            expires_ms: life.expires_ms,
            window: Window::default(),
            cold,
            quota: first.unwrap_or(Quota::DEFAULT),
            tenant,
            granted: 0,
            last_granted: 0,
            version_and_flags: (record.secret.version & VERSION) | flags,
        }
    }

    /// Takes over the record of `fresh`, and keeps the window and the counters.
    pub(super) fn replace_record(&mut self, fresh: Entry) {
        let kept = self.version_and_flags & (Flags::DIRTY | Flags::LINGERING);
        let special = fresh.cold.and_then(|cold| cold.special);
        if special.is_some() || self.cold.is_some() {
            let cold = self.cold.get_or_insert_default();
            cold.special = special;
            cold.name = None;
        }
        self.digest = fresh.digest;
        self.scopes = fresh.scopes;
        self.expires_ms = fresh.expires_ms;
        self.quota = fresh.quota;
        self.tenant = fresh.tenant;
        self.version_and_flags = fresh.version_and_flags | kept;
    }

    #[inline]
    pub(super) fn is_trusted(&self) -> bool {
        self.has(Flags::TRUSTED)
    }

    pub(super) fn trust(&mut self) {
        self.version_and_flags |= Flags::TRUSTED;
    }

    pub(super) fn distrust(&mut self) {
        self.version_and_flags &= !Flags::TRUSTED;
    }

    /// Notes when the record was read, for a service that says how stale an answer may be.
    pub(super) fn note_filled(&mut self, now: Reading) {
        self.cold.get_or_insert_default().filled_ms = now.monotonic_ms;
        self.version_and_flags |= Flags::FILLED;
    }

    /// How long ago the record was read; without end where that was not noted.
    pub(super) fn age_ms(&self, now: Reading) -> u64 {
        match &self.cold {
            Some(cold) if self.has(Flags::FILLED) => now.monotonic_ms.saturating_sub(cold.filled_ms),
            _ => u64::MAX,
        }
    }

    /// The grant for a plain token whose request passes every check, counted; and whether the entry
    /// has to be put on the list for the next flush. `None` leaves all as it was, and
    /// [`Entry::decide`] has to decide: also on the first request of a minute, where the grants of
    /// an earlier one are to be noted.
    ///
    /// Most requests pass, and here no refusal is ever made: moving an answer that may be either
    /// from hand to hand costs as much as the look-up.
    #[inline]
    pub(super) fn grant_plain(&mut self, asked: &Asked<'_>) -> Option<(Granted, bool)> {
        let Needed::Scopes(needed) = asked.needed else { return None };
        let passes = !self.has(Flags::SPECIAL)
            && !self.has_earlier_grants(asked.now)
            && self.digest.matches(asked.digest)
            && check_tenant(self.tenant, asked.tenant).is_ok()
            && self.plain_life().status(asked.now.wall_ms) == Status::Active
            && contains_all(self.scopes, None, needed);
        if !passes {
            return None;
        }
        let now = Tick { ms: asked.now.monotonic_ms, granularity_ms: asked.granularity_ms };
        let standing = self.window.take_one(self.quota, now)?;
        let newly_dirty = self.count_grant(asked.now);
        let granted = Granted {
            scopes: Scopes::from_parts(self.scopes, None),
            tenant: self.tenant,
            secret_version: self.version_and_flags & VERSION,
            standing: Standing::of(standing),
        };
        Some((granted, newly_dirty))
    }

    /// Counts a hit, in the minute that it falls in; says whether the entry has to be put on the
    /// list for the next flush. Grants of an earlier minute are to be taken before.
    #[inline]
    fn count_grant(&mut self, now: Reading) -> bool {
        let newly_dirty = !self.has(Flags::DIRTY);
        self.granted = self.granted.saturating_add(1);
        self.last_granted = now.wall_ms as u32;
        self.version_and_flags |= Flags::DIRTY;
        newly_dirty
    }

    /// Counts a grant, after those of an earlier minute.
    fn count_any_grant(&mut self, now: Reading) -> Counted {
        let earlier = self.has_earlier_grants(now).then(|| self.take_grants(now));
        Counted { newly_dirty: self.count_grant(now), earlier }
    }

    /// Counts a request for which the limit was taken elsewhere, if what this node is held to has
    /// room.
    pub(super) fn count_elsewhere(
        &mut self,
        counting: &Counting,
        shared: Option<&SharedLimit>,
        now: Reading,
        tick: Tick,
    ) -> Result<Counted, Refusal> {
        counting.count(&mut self.window, shared, self.tenant, tick)?;
        Ok(self.count_any_grant(now))
    }

    /// Whether what this node is held to has room. Counts nothing.
    pub(super) fn check_held(
        &mut self,
        counting: &Counting,
        shared: Option<&SharedLimit>,
        tick: Tick,
    ) -> Result<(), Refusal> {
        counting.check(&mut self.window, shared, self.tenant, tick)
    }

    fn limit(&self) -> RateLimit {
        let special = self.cold.as_ref().and_then(|cold| cold.special.as_ref());
        special.map_or(RateLimit::of(self.quota), |special| special.rate_limit)
    }

    /// Whether grants of another minute than this are counted.
    #[inline]
    fn has_earlier_grants(&self, now: Reading) -> bool {
        let within_minute = now.wall_ms.rem_euclid(MINUTE_MS) - i64::from(self.granted_ago_ms(now));
        self.granted > 0 && !(0..MINUTE_MS).contains(&within_minute)
    }

    /// How long ago the last grant was, as the wall clock said then. What seems to come far in the
    /// future was counted weeks ago without a flush, or before the clock was set back by far: it
    /// counts as "just now".
    #[inline]
    fn granted_ago_ms(&self, now: Reading) -> i32 {
        let ago_ms = (now.wall_ms as u32).wrapping_sub(self.last_granted) as i32;
        if ago_ms > -FARTHEST_AHEAD_MS { ago_ms } else { 0 }
    }

    #[inline]
    fn plain_life(&self) -> Life {
        Life {
            revoked: false,
            not_before_ms: i64::MIN,
            expires_ms: self.expires_ms,
            paused_until_ms: i64::MIN,
        }
    }

    /// The decision, in the order of the checks. A grant is counted.
    #[inline(never)]
    pub(super) fn decide(&mut self, asked: &Asked<'_>, taking: Taking<'_>) -> (Decided, Counted) {
        let decided = if self.has(Flags::SPECIAL) {
            self.decide_special(asked, taking)
        } else {
            self.decide_plain(asked, taking)
        };
        match decided {
            Ok(granted) => match taking {
                Taking::Elsewhere { shares } if shares || !self.limit().is_unlimited() => {
                    let open = Box::new(Open { granted, limit: self.limit() });
                    (Decided::Open(open), Counted::default())
                }
                _ => (Decided::Granted(granted), self.count_any_grant(asked.now)),
            },
            Err(refusal) => {
                let secret_version = self.version_shown(&refusal, asked.digest);
                let newly_dirty = matches!(refusal, Refusal::WrongSecret) && self.count_wrong_secret();
                let refused = Refused { refusal, tenant: self.tenant, secret_version };
                (Decided::Refused(refused), Counted { newly_dirty, earlier: None })
            }
        }
    }

    fn count_wrong_secret(&mut self) -> bool {
        let counter = &mut self.cold.get_or_insert_default().wrong_secrets;
        *counter = counter.saturating_add(1);
        let newly_dirty = !self.has(Flags::DIRTY);
        self.version_and_flags |= Flags::DIRTY;
        newly_dirty
    }

    /// Which secret was shown by whoever was refused after having shown a right one.
    fn version_shown(&self, refusal: &Refusal, shown: &Digest) -> u32 {
        let previous = self.cold.as_ref().and_then(|cold| cold.special.as_ref()?.previous.as_ref());
        match (refusal, previous) {
            // Whoever shows a wrong one is to cause no work beyond that of any other refusal.
            (Refusal::WrongSecret | Refusal::ForeignTenant, _) => 0,
            (_, Some(previous)) if previous.digest.matches(shown) => previous.version,
            _ => self.version_and_flags & VERSION,
        }
    }

    fn decide_plain(&mut self, asked: &Asked<'_>, taking: Taking<'_>) -> Result<Granted, Refusal> {
        if !self.digest.matches(asked.digest) {
            return Err(wrong_secret(asked));
        }
        check_tenant(self.tenant, asked.tenant)?;
        check_life(&self.plain_life(), None, asked.now.wall_ms)?;
        self.check_scopes(asked.needed)?;
        let limit = RateLimit::of(self.quota);
        let standing = take(&mut self.window, &limit, taking, self.tenant, asked)?;
        Ok(Granted {
            scopes: Scopes::from_parts(self.scopes, None),
            tenant: self.tenant,
            secret_version: self.version_and_flags & VERSION,
            standing,
        })
    }

    fn decide_special(&mut self, asked: &Asked<'_>, taking: Taking<'_>) -> Result<Granted, Refusal> {
        let special = self.cold.as_ref().and_then(|cold| cold.special.as_ref());
        // The flag says that it is there. Were it not, refusing would be the answer to give.
        let Some(special) = special else { return Err(wrong_secret(asked)) };
        let current = self.digest.matches(asked.digest);
        let previous = special.previous.as_ref().filter(|previous| {
            previous.digest.matches(asked.digest) && asked.now.wall_ms < previous.told_until_ms
        });
        let secret_version = match (current, previous) {
            (true, _) => self.version_and_flags & VERSION,
            (false, Some(previous)) => previous.version,
            (false, None) => return Err(Refusal::WrongSecret),
        };
        check_tenant(self.tenant, asked.tenant)?;
        if let Some(previous) = previous.filter(|previous| asked.now.wall_ms >= previous.ends_ms) {
            return Err(Refusal::Rotated(previous.ends_ms));
        }
        check_life(&special.life, special.revoked_ms, asked.now.wall_ms)?;
        if !special.addresses.is_empty() {
            // An unknown address is none of those that are allowed.
            let allowed = asked
                .address
                .is_some_and(|address| special.addresses.iter().any(|range| range.contains(address)));
            if !allowed {
                return Err(Refusal::Address);
            }
        }
        self.check_scopes(asked.needed)?;
        let standing = take(&mut self.window, &special.rate_limit, taking, self.tenant, asked)?;
        Ok(Granted {
            scopes: Scopes::from_parts(self.scopes, special.more_scopes.clone()),
            tenant: self.tenant,
            secret_version,
            standing,
        })
    }

    #[inline]
    fn check_scopes(&self, needed: Needed<'_>) -> Result<(), Refusal> {
        let more = self.cold.as_ref().and_then(|cold| cold.special.as_ref()?.more_scopes.as_ref());
        match needed {
            Needed::Closed => Err(Refusal::Closed),
            Needed::Scopes(needed) if contains_all(self.scopes, more.map(|more| &**more), needed) => Ok(()),
            Needed::Scopes(_) => Err(Refusal::Scope {
                held: Scopes::from_parts(self.scopes, more.cloned()),
                name: self.cold.as_ref().and_then(|cold| cold.name.clone()),
            }),
        }
    }

    pub(super) fn keep_name(&mut self, name: &str) {
        self.cold.get_or_insert_default().name = Some(name.into());
    }

    /// Takes what was counted since the last flush: grants, all of one minute, and tries with a
    /// wrong secret. Says whether the entry has to be put on the list of those whose window is to
    /// give its memory back.
    pub(super) fn take_counts(&mut self, now: Reading) -> (Grants, u32, bool) {
        let grants = self.take_grants(now);
        let wrong_secrets = self.cold.as_mut().map_or(0, |cold| std::mem::take(&mut cold.wrong_secrets));
        self.version_and_flags &= !Flags::DIRTY;
        let cold_is_empty =
            self.cold.as_ref().is_some_and(|cold| cold.special.is_none() && cold.name.is_none());
        if cold_is_empty && !self.has(Flags::FILLED) {
            self.cold = None;
        }
        let newly_lingering = self.window.heap_bytes() > 0 && !self.has(Flags::LINGERING);
        self.version_and_flags |= if newly_lingering { Flags::LINGERING } else { 0 };
        (grants, wrong_secrets, newly_lingering)
    }

    fn take_grants(&mut self, now: Reading) -> Grants {
        Grants { number: std::mem::take(&mut self.granted), ago_ms: self.granted_ago_ms(now) }
    }

    pub(super) fn tenant(&self) -> u32 {
        self.tenant
    }

    /// Gives back the memory that the window claimed, if it is idle; says whether to try again.
    pub(super) fn release_window(&mut self, now: Tick) -> bool {
        self.window.release(now);
        let lingers = self.window.heap_bytes() > 0;
        if !lingers {
            self.version_and_flags &= !Flags::LINGERING;
        }
        lingers
    }

    /// Whether it can be dropped without losing a count or a place in a window.
    pub(super) fn is_idle(&self, now: Reading, granularity_ms: u32) -> bool {
        !self.has(Flags::DIRTY) && self.window.is_idle(Tick { ms: now.monotonic_ms, granularity_ms })
    }

    /// The memory that it claims beyond itself.
    pub(super) fn heap_bytes(&self) -> usize {
        let cold = self.cold.as_ref().map_or(0, |cold| {
            let special = cold.special.as_ref().map_or(0, |_| size_of::<Special>());
            size_of::<Cold>() + special + cold.name.as_ref().map_or(0, |name| name.len())
        });
        cold + self.window.heap_bytes()
    }

    #[inline]
    fn has(&self, flag: u32) -> bool {
        self.version_and_flags & flag != 0
    }
}
