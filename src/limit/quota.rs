use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const SECOND_MS: u32 = 1_000;
const MINUTE_MS: u32 = 60 * SECOND_MS;
const HOUR_MS: u32 = 60 * MINUTE_MS;
pub(super) const DAY_MS: u32 = 24 * HOUR_MS;

/// The largest limit whose requests are logged one by one. A larger one is counted in buckets.
pub(super) const LARGEST_LOGGED: u32 = 10_000;

/// A number of requests in any interval of one length.
///
/// As serde data: `{"limit":60,"window_ms":60000}`, with the same checks as [`Quota::new`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "QuotaFields", into = "QuotaFields")]
pub struct Quota {
    limit: NonZeroU32,
    window_ms: u32,
}

impl Quota {
    /// 60 requests per minute: what a token has unless something else is said.
    pub const DEFAULT: Quota = match Quota::per_minute(60) {
        Ok(quota) => quota,
        Err(_) => panic!("60 is more than none"),
    };

    /// `limit` requests in any interval of `window`.
    ///
    /// # Errors
    /// If `limit` is 0, or `window` is not a whole number of milliseconds from one second to one day.
    pub const fn new(limit: u32, window: Duration) -> Result<Quota, InvalidLimit> {
        let window_ms = window.as_millis();
        if window_ms < SECOND_MS as u128 || window_ms > DAY_MS as u128 {
            return Err(InvalidLimit::WindowOutOfRange(window));
        }
        if !window.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(InvalidLimit::WindowNotWhole(window));
        }
        match NonZeroU32::new(limit) {
            Some(limit) => Ok(Quota { limit, window_ms: window_ms as u32 }),
            None => Err(InvalidLimit::Zero),
        }
    }

    /// `limit` requests in any minute.
    ///
    /// # Errors
    /// If `limit` is 0.
    pub const fn per_minute(limit: u32) -> Result<Quota, InvalidLimit> {
        Quota::new(limit, Duration::from_millis(MINUTE_MS as u64))
    }

    /// `limit` requests in any hour.
    ///
    /// # Errors
    /// If `limit` is 0.
    pub const fn per_hour(limit: u32) -> Result<Quota, InvalidLimit> {
        Quota::new(limit, Duration::from_millis(HOUR_MS as u64))
    }

    /// `limit` requests in any 24 hours.
    ///
    /// # Errors
    /// If `limit` is 0.
    pub const fn per_day(limit: u32) -> Result<Quota, InvalidLimit> {
        Quota::new(limit, Duration::from_millis(DAY_MS as u64))
    }

    /// How many requests pass in any one window; at least 1.
    pub const fn limit(self) -> u32 {
        self.limit.get()
    }

    /// The length of the window in milliseconds, from 1,000 to 86,400,000.
    pub const fn window_ms(self) -> u32 {
        self.window_ms
    }

    /// The length of the window.
    pub const fn window(self) -> Duration {
        Duration::from_millis(self.window_ms as u64)
    }

    pub(super) const fn is_logged(self) -> bool {
        self.limit() <= LARGEST_LOGGED
    }
}

/// In words: `60 requests per minute`, `1,000 requests per hour`, `5 requests per 2 seconds`.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests = if self.limit() == 1 { "request" } else { "requests" };
        write!(f, "{} {requests} per ", Grouped(self.limit()))?;
        let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second")];
        let unit = units.into_iter().find(|(unit_ms, _)| self.window_ms.is_multiple_of(*unit_ms));
        let (unit_ms, name) = unit.unwrap_or((1, "millisecond"));
        match self.window_ms / unit_ms {
            1 => f.write_str(name),
            several => write!(f, "{} {name}s", Grouped(several)),
        }
    }
}

/// The rate limit of a token: up to three [`Quota`]s with different windows, shortest first, or none at all.
///
/// A request must pass all of them, and is counted in all of them or in none. Quotas of at most 10,000
/// requests are exact. A larger one is counted in at least 60 buckets, of which the oldest counts whole: it
/// never admits too much, and refuses less than one bucket (1.7 % of an even load) too early. A bucket is as
/// wide as the largest power of two, in milliseconds, that is at most a sixtieth of the window and the clock's
/// granularity together: 512 ms for a minute.
///
/// As serde data it is the list of its quotas, in any order; the empty list is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RateLimit {
    /// The quotas in order of their windows, without gaps.
    quotas: [Option<Quota>; 3],
}

impl RateLimit {
    /// `limit` requests in any minute.
    ///
    /// # Errors
    /// If `limit` is 0.
    pub const fn per_minute(limit: u32) -> Result<RateLimit, InvalidLimit> {
        match Quota::per_minute(limit) {
            Ok(quota) => Ok(RateLimit::of(quota)),
            Err(invalid) => Err(invalid),
        }
    }

    /// This one quota.
    pub const fn of(quota: Quota) -> RateLimit {
        RateLimit { quotas: [Some(quota), None, None] }
    }

    /// `quota` beside those that are there.
    ///
    /// # Errors
    /// If there is one with the same window, if there are three, or if of two quotas the one with the longer
    /// window had the smaller limit (the shorter window could then never be used up).
    pub fn and(self, quota: Quota) -> Result<RateLimit, InvalidLimit> {
        if let Some(present) = self.quota_for(quota.window()) {
            return Err(InvalidLimit::SameWindow { present, added: quota });
        }
        let count = self.quotas().count();
        if count == self.quotas.len() {
            return Err(InvalidLimit::TooMany);
        }
        for present in self.quotas() {
            let (shorter, longer) =
                if present.window_ms < quota.window_ms { (present, quota) } else { (quota, present) };
            if longer.limit < shorter.limit {
                return Err(InvalidLimit::LongerIsSmaller { shorter, longer });
            }
        }
        let mut quotas = self.quotas;
        quotas[count] = Some(quota);
        quotas[..=count].sort_by_key(|quota| quota.map(Quota::window_ms));
        Ok(RateLimit { quotas })
    }

    /// No limit at all.
    pub const fn unlimited() -> RateLimit {
        RateLimit { quotas: [None; 3] }
    }

    /// Whether there is no limit at all.
    pub const fn is_unlimited(&self) -> bool {
        self.quotas[0].is_none()
    }

    /// The quotas, shortest window first.
    pub fn quotas(&self) -> impl Iterator<Item = Quota> {
        self.quotas.into_iter().flatten()
    }

    /// The quota whose window has exactly this length.
    pub fn quota_for(&self, window: Duration) -> Option<Quota> {
        self.quotas().find(|quota| quota.window() == window)
    }

    /// Whether `bound` would have admitted whatever this limit admits: a child's limit must lie within its
    /// parent's.
    ///
    /// Never true where it does not hold. It may be false where it holds, since the quotas are laid end to
    /// end to cover a window of `bound` and finer interplays of several quotas are not looked for.
    pub fn is_within(&self, bound: &RateLimit) -> bool {
        bound.quotas().all(|quota| {
            most_within(&self.quotas, quota.window_ms).is_some_and(|most| most <= u64::from(quota.limit()))
        })
    }

    /// The quotas by place, shortest window first, without gaps.
    pub(super) const fn places(&self) -> &[Option<Quota>; 3] {
        &self.quotas
    }

    /// The longest window in milliseconds; 0 without a limit.
    pub(super) fn longest_ms(&self) -> u32 {
        self.quotas.iter().rev().flatten().next().map_or(0, |quota| quota.window_ms)
    }

    /// Whether a log of single times serves all quotas.
    pub(super) fn is_logged(&self) -> bool {
        self.quotas.iter().flatten().all(|quota| quota.is_logged())
    }

    /// How many times a log must hold to serve the quotas that it can serve.
    pub(super) fn log_slots(&self) -> usize {
        let logged = self.quotas.iter().rev().flatten().find(|quota| quota.is_logged());
        logged.map_or(0, |quota| quota.limit() as usize)
    }
}

/// 60 requests per minute.
impl Default for RateLimit {
    fn default() -> RateLimit {
        const { RateLimit::of(Quota { limit: NonZeroU32::new(60).unwrap(), window_ms: MINUTE_MS }) }
    }
}

impl From<Quota> for RateLimit {
    fn from(quota: Quota) -> RateLimit {
        RateLimit::of(quota)
    }
}

/// In words: `60 requests per minute and 1,000 requests per hour`, or `unlimited`.
impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_unlimited() {
            return f.write_str("unlimited");
        }
        for (place, quota) in self.quotas().enumerate() {
            let joint = if place == 0 { "" } else { " and " };
            write!(f, "{joint}{quota}")?;
        }
        Ok(())
    }
}

impl Serialize for RateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.quotas())
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RateLimit, D::Error> {
        let quotas = Vec::<Quota>::deserialize(deserializer)?;
        quotas.into_iter().try_fold(RateLimit::unlimited(), RateLimit::and).map_err(serde::de::Error::custom)
    }
}

/// Why a limit cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLimit {
    /// The number of requests was 0.
    #[error("a limit of 0 would refuse every request: give at least 1, or pause the token")]
    Zero,
    /// The window was shorter than one second or longer than one day.
    #[error("a window of {0:?} is out of range: give one second to one day")]
    WindowOutOfRange(Duration),
    /// The window had a fraction of a millisecond.
    #[error("a window of {0:?} has a fraction of a millisecond: give whole milliseconds")]
    WindowNotWhole(Duration),
    /// Two quotas had the same window.
    #[error("\"{added}\" and \"{present}\" have the same window: give one limit for each window")]
    SameWindow {
        /// The quota that was there.
        present: Quota,
        /// The quota that was to be added.
        added: Quota,
    },
    /// There were more than three quotas.
    #[error("a rate limit has at most three windows: leave one out")]
    TooMany,
    /// The longer of two windows had the smaller limit.
    #[error(
        "\"{longer}\" allows less than \"{shorter}\": give the longer window at least the shorter one's limit"
    )]
    LongerIsSmaller {
        /// The quota with the shorter window and the larger limit.
        shorter: Quota,
        /// The quota with the longer window and the smaller limit.
        longer: Quota,
    },
}

/// A number that the requests admitted by `quotas` in an interval of `span_ms` never exceed; `None` without
/// a quota.
///
/// An interval covered by intervals as long as the windows holds at most the sum of their limits. So each
/// way to cover it is a bound: with one kind only, rounding up, or with as many of the longest as fit and
/// the rest covered by shorter ones. A clock's granularity lengthens all windows alike, and a cover stays one.
fn most_within(quotas: &[Option<Quota>], span_ms: u32) -> Option<u64> {
    let (longest, shorter) = quotas.split_last()?;
    let without = most_within(shorter, span_ms);
    let Some(longest) = longest else { return without };
    let limit = u64::from(longest.limit());
    let alone = u64::from(span_ms.div_ceil(longest.window_ms)) * limit;
    let mixed = most_within(shorter, span_ms % longest.window_ms)
        .map(|rest| u64::from(span_ms / longest.window_ms) * limit + rest);
    [Some(alone), mixed, without].into_iter().flatten().min()
}

/// A quota as it is written down, before it is checked.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Quota", deny_unknown_fields)]
struct QuotaFields {
    limit: u32,
    window_ms: u32,
}

impl TryFrom<QuotaFields> for Quota {
    type Error = InvalidLimit;

    fn try_from(fields: QuotaFields) -> Result<Quota, InvalidLimit> {
        Quota::new(fields.limit, Duration::from_millis(u64::from(fields.window_ms)))
    }
}

impl From<Quota> for QuotaFields {
    fn from(quota: Quota) -> QuotaFields {
        QuotaFields { limit: quota.limit(), window_ms: quota.window_ms }
    }
}

/// A number with a comma between its thousands.
struct Grouped(u32);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1_000 {
            return write!(f, "{}", self.0);
        }
        write!(f, "{},{:03}", Grouped(self.0 / 1_000), self.0 % 1_000)
    }
}
