use super::counted::Counted;
use super::log::Log;
use super::tick::Moment;
use super::{Limited, Quota, QuotaStanding, RateLimit, Standing, Tick};

/// The requests of one token that its rate limit counts: an exact sliding window.
///
/// A request admitted at `t` counts in `[t, t + window + granularity)` of the [`Tick`]s it is given. A request
/// is admitted when fewer than the limit count, in each quota. So no interval of true time as long as the
/// window ever holds more than the limit, and with an exact clock a request is free again exactly one window
/// later. What is refused is not counted.
///
/// # Time
/// A tick before the latest admitted request counts as that request's time. Standing still and jumps ahead
/// of any length are fine.
///
/// # Changes of the limit
/// The limit is given with each question and may differ from the last one. A raised limit gives room at once.
/// A lowered one refuses until fewer than the new number count. All quotas share what is remembered, so a
/// quota with another window starts with the requests that are still known: those within the longest window
/// in use until then, but no more than its limit asked for. Under [`RateLimit::unlimited`] nothing is counted
/// and nothing forgotten.
///
/// Limits above 10,000 are counted more coarsely, see [`RateLimit`]. After changes from one form to the
/// other, or of the windows, requests may count too long under any quota, by less than one bucket of the
/// longest window they were counted in, however many changes there were; they never count too short.
///
/// # Cost
/// 40 bytes for up to six requests. Beyond that 4 bytes for each request within the longest window, in memory
/// that grows by doubling up to the largest limit of at most 10,000; and about a kilobyte for each quota
/// above. [`Window::release`] gives it back. Each call takes constant time on average; the worst takes a
/// logarithm of the limit, and the copying of the memory when it grows.
#[derive(Clone, Debug)]
pub struct Window {
    /// When the latest request was admitted; 0 if none was.
    latest_ms: u64,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Logged(Log),
    Counted(Box<Counted>),
}

const _: () = assert!(size_of::<Window>() <= 40);

/// How many requests count under each quota, by its place in the limit.
type Counts = [u64; 3];

/// Nothing admitted yet.
impl Default for Window {
    fn default() -> Window {
        Window { latest_ms: 0, form: Form::Logged(Log::new()) }
    }
}

impl Window {
    /// Whether a request would be admitted now. Counts nothing.
    ///
    /// # Errors
    /// If a quota is used up.
    pub fn check(&mut self, limit: &RateLimit, now: Tick) -> Result<(), Limited> {
        self.judge(limit, now).map(|_| ())
    }

    /// Counts one request, whether or not there is room for it: ask [`Window::check`] first, at the same
    /// instant and under the same lock.
    pub fn admit(&mut self, limit: &RateLimit, now: Tick) -> Standing {
        let moment = self.suit(limit, now);
        let counts = self.counts(limit, moment);
        self.record(limit, now, moment, counts)
    }

    /// Counts one request if there is room for it in every quota, and otherwise nothing.
    ///
    /// # Errors
    /// If a quota is used up.
    #[inline]
    pub fn take(&mut self, limit: &RateLimit, now: Tick) -> Result<Standing, Limited> {
        match self.take_usual(limit, now) {
            Some(standing) => Ok(standing),
            None => self.take_any(limit, now),
        }
    }

    /// Where the token stands now. Counts nothing.
    pub fn standing(&mut self, limit: &RateLimit, now: Tick) -> Standing {
        let moment = self.suit(limit, now);
        standing(limit, moment, self.counts(limit, moment))
    }

    /// Whether nothing lies any more within the longest window in use since it was last idle: the state may
    /// then be dropped without loss.
    ///
    /// A longer window that is given to the token afterwards counts only from there.
    pub fn is_idle(&self, now: Tick) -> bool {
        let longest_ms = self.log().longest_ms();
        let moment = Moment::after(self.latest_ms, now);
        longest_ms == 0 || moment.since_latest_ms >= moment.reach_ms(longest_ms)
    }

    /// Gives the memory beyond the value itself back, if the window is idle.
    pub fn release(&mut self, now: Tick) {
        if self.is_idle(now) {
            *self = Window::default();
        }
    }

    /// How many bytes are in use beyond the value itself.
    pub fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Logged(log) => log.heap_bytes(),
            Form::Counted(counted) => counted.heap_bytes(),
        }
    }

    /// The short way for the usual cases: no limit, or one logged quota with room. `None` leaves all as it was.
    #[inline]
    fn take_usual(&mut self, limit: &RateLimit, now: Tick) -> Option<Standing> {
        match *limit.places() {
            [Some(quota), None, None] => self.take_one(quota, now).map(Standing::of),
            [None, ..] => Some(Standing::EMPTY),
            _ => None,
        }
    }

    /// The short way for one logged quota with room. `None` leaves all as it was, and says nothing of whether
    /// [`Window::take`] would find room.
    #[inline]
    pub(crate) fn take_one(&mut self, quota: Quota, now: Tick) -> Option<QuotaStanding> {
        let Form::Logged(log) = &mut self.form else { return None };
        if !quota.is_logged() || log.longest_ms() > quota.window_ms() {
            return None;
        }
        let moment = Moment::after(self.latest_ms, now);
        let reach_ms = moment.reach_ms(quota.window_ms());
        let count = log.count_one(quota.limit(), reach_ms, moment)?;
        log.set_longest_ms(quota.window_ms());
        self.latest_ms = self.latest_ms.max(now.ms);
        let remaining = quota.limit() - count;
        Some(QuotaStanding { quota, remaining, reset_ms: reach_ms })
    }

    fn take_any(&mut self, limit: &RateLimit, now: Tick) -> Result<Standing, Limited> {
        let (moment, counts) = self.judge(limit, now)?;
        Ok(self.record(limit, now, moment, counts))
    }

    #[inline]
    fn judge(&mut self, limit: &RateLimit, now: Tick) -> Result<(Moment, Counts), Limited> {
        let moment = self.suit(limit, now);
        let counts = self.counts(limit, moment);
        let has_room = |(quota, count): (&Option<_>, &u64)| {
            quota.is_none_or(|quota: super::Quota| *count < u64::from(quota.limit()))
        };
        if limit.places().iter().zip(&counts).all(has_room) {
            return Ok((moment, counts));
        }
        Err(self.refuse(limit, moment, counts))
    }

    /// Brings the state into the form that the limit needs.
    #[inline]
    fn suit(&mut self, limit: &RateLimit, now: Tick) -> Moment {
        let moment = Moment::after(self.latest_ms, now);
        let is_suited = match &self.form {
            Form::Logged(_) => limit.is_logged(),
            Form::Counted(counted) => counted.is_suited_to(limit) || limit.is_unlimited(),
        };
        if !is_suited {
            self.reshape(limit, moment);
        }
        moment
    }

    #[cold]
    fn reshape(&mut self, limit: &RateLimit, now: Moment) {
        let form = std::mem::replace(&mut self.form, Form::Logged(Log::new()));
        let counted = match form {
            Form::Logged(log) => Counted::from_log(log, limit, now),
            Form::Counted(counted) => counted.suited_to(limit, now),
        };
        self.form = Form::Counted(Box::new(counted));
        self.simplify();
    }

    /// Goes back to the plain log once it knows all.
    fn simplify(&mut self) {
        if let Form::Counted(counted) = &mut self.form
            && let Some(log) = counted.only_log()
        {
            self.form = Form::Logged(log);
        }
    }

    #[inline]
    fn counts(&self, limit: &RateLimit, now: Moment) -> Counts {
        let mut counts = [0; 3];
        for (place, quota) in limit.places().iter().enumerate() {
            let Some(quota) = quota else { break };
            counts[place] = match &self.form {
                Form::Logged(log) => log.within(place, now.reach_ms(quota.window_ms()), now) as u64,
                Form::Counted(counted) => counted.within(place, *quota, now),
            };
        }
        counts
    }

    #[inline]
    fn record(&mut self, limit: &RateLimit, now: Tick, moment: Moment, mut counts: Counts) -> Standing {
        if limit.is_unlimited() {
            return Standing::EMPTY;
        }
        let longest_ms = self.longest_ms_under(limit, moment);
        match &mut self.form {
            Form::Logged(log) => {
                let times = log.times();
                let kept = times.within(times.count(), moment.reach_ms(longest_ms), moment);
                log.push(moment.low_ms, times.count() - kept, limit.log_slots());
                log.set_longest_ms(longest_ms);
            }
            Form::Counted(counted) => {
                counted.add(longest_ms, moment);
                counted.log_mut().set_longest_ms(longest_ms);
                self.simplify();
            }
        }
        for count in &mut counts {
            *count += 1;
        }
        self.log_mut().remember_within(&counts);
        self.latest_ms = self.latest_ms.max(now.ms);
        standing(limit, Moment { since_latest_ms: 0, ..moment }, counts)
    }

    #[cold]
    fn refuse(&mut self, limit: &RateLimit, now: Moment, counts: Counts) -> Limited {
        // The limit may have been given a longer window since the last request: it is in use from now on.
        let longest_ms = self.longest_ms_under(limit, now);
        self.log_mut().set_longest_ms(longest_ms);
        let standing = standing(limit, now, counts);
        let mut longest: Option<(u32, QuotaStanding)> = None;
        for by in standing.quotas().filter(|standing| standing.remaining == 0) {
            let wait_ms = match &self.form {
                Form::Logged(log) => log.wait_ms(by.quota, now),
                Form::Counted(counted) => counted.wait_ms(by.quota, now),
            };
            if longest.is_none_or(|(longest_ms, _)| wait_ms > longest_ms) {
                longest = Some((wait_ms, by));
            }
        }
        let (retry_after_ms, by) = longest.expect("it is refused because a quota is used up");
        Limited { retry_after_ms, by, standing }
    }

    /// The longest window in use: that of the limit, or of an earlier one as long as its requests count.
    #[inline]
    fn longest_ms_under(&self, limit: &RateLimit, now: Moment) -> u32 {
        let before_ms = self.log().longest_ms();
        let still_counts = now.since_latest_ms < now.reach_ms(before_ms);
        limit.longest_ms().max(if still_counts { before_ms } else { 0 })
    }

    #[inline]
    fn log(&self) -> &Log {
        match &self.form {
            Form::Logged(log) => log,
            Form::Counted(counted) => counted.log(),
        }
    }

    #[inline]
    fn log_mut(&mut self) -> &mut Log {
        match &mut self.form {
            Form::Logged(log) => log,
            Form::Counted(counted) => counted.log_mut(),
        }
    }
}

#[inline]
fn standing(limit: &RateLimit, now: Moment, counts: Counts) -> Standing {
    let mut standing = Standing::EMPTY;
    for (place, quota) in limit.places().iter().enumerate() {
        let Some(quota) = *quota else { break };
        let used = u32::try_from(counts[place]).unwrap_or(u32::MAX);
        // Whatever counts, the latest request counts longest.
        let reset_ms = if used == 0 { 0 } else { now.reach_ms(quota.window_ms()) - now.since_latest_ms };
        let remaining = quota.limit().saturating_sub(used);
        standing.set(place, QuotaStanding { quota, remaining, reset_ms });
    }
    standing
}
