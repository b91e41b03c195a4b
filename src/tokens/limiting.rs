//! How a limiter is asked, and what is known of how it does.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::refusals::count;
use super::{Engine, Tokens};
use crate::clock::Reading;
use crate::limit::RateLimit;
use crate::limiter::{Breaker, LimiterHealth, LimiterState, Permit, Take, Taken, Turn, WhenLimiterFails};
use crate::{Limiter, LimiterError};

/// A limiter, with what keeps requests from waiting for it while it fails.
pub(super) struct Limiting {
    limiter: Arc<dyn Limiter>,
    pub(super) when_it_fails: WhenLimiterFails,
    /// How many nodes there are, as the service has said.
    pub(super) nodes: u32,
    breaker: Mutex<Breaker>,
    last_error: Mutex<Option<String>>,
    /// The longest window that it was asked about.
    longest_ms: AtomicU32,
    pub(super) counted: Counted,
}

/// What was counted from the start.
#[derive(Default)]
pub(super) struct Counted {
    admitted: AtomicU64,
    limited: AtomicU64,
    failed: AtomicU64,
    pub(super) granted_without: AtomicU64,
    pub(super) limited_without: AtomicU64,
    pub(super) unavailable: AtomicU64,
}

/// The same, as figures.
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "told to the metrics facade alone"))]
#[derive(Clone, Copy, Default)]
pub(super) struct LimiterFigures {
    pub(super) admitted: u64,
    pub(super) limited: u64,
    pub(super) failed: u64,
    pub(super) granted_without: u64,
    pub(super) limited_without: u64,
    pub(super) unavailable: u64,
}

impl Counted {
    pub(super) fn now(&self) -> LimiterFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LimiterFigures {
            admitted: of(&self.admitted),
            limited: of(&self.limited),
            failed: of(&self.failed),
            granted_without: of(&self.granted_without),
            limited_without: of(&self.limited_without),
            unavailable: of(&self.unavailable),
        }
    }
}

/// A question that is under way. One that is given up tells the breaker.
struct Question<'a> {
    limiting: &'a Limiting,
    permit: Permit,
    is_answered: bool,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.limiting.breaker().abandoned(self.permit);
        }
    }
}

impl Limiting {
    pub(super) fn new(limiter: Arc<dyn Limiter>, when_it_fails: WhenLimiterFails, nodes: u32) -> Limiting {
        Limiting {
            limiter,
            when_it_fails,
            nodes: nodes.max(1),
            breaker: Mutex::default(),
            last_error: Mutex::default(),
            longest_ms: AtomicU32::new(0),
            counted: Counted::default(),
        }
    }

    /// Asks it, unless it has failed; `clock` is looked at again when it has answered.
    pub(super) async fn ask(
        &self,
        request: &Take<'_>,
        clock: &dyn crate::Clock,
    ) -> Result<Taken, LimiterError> {
        let permit = self.breaker().ask(clock.now().monotonic_ms);
        if permit == Permit::No {
            return Err(LimiterError::unreachable("it has failed, and is asked again in a moment"));
        }
        let mut question = Question { limiting: self, permit, is_answered: false };
        let answer = self.limiter.take(request).await;
        question.is_answered = true;
        let now = clock.now();
        match answer {
            Ok(taken) => {
                count(match taken {
                    Taken::Admitted(_) => &self.counted.admitted,
                    Taken::Limited(_) | Taken::SharedLimited(_) => &self.counted.limited,
                });
                let turn = self.breaker().succeeded(permit, self.limiter.losses(), now.monotonic_ms);
                if turn == Turn::Closed {
                    tracing::info!("the limiter answers again");
                }
                Ok(taken)
            }
            Err(error) => {
                count(&self.counted.failed);
                let is_unreachable = error.is_unreachable();
                let turn = self.breaker().failed(permit, is_unreachable, now.monotonic_ms);
                if turn == Turn::Opened {
                    tracing::warn!(%error, when_it_fails = ?self.when_it_fails, "limits are decided without the limiter");
                }
                *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// How long ago the last fault has ended, where the local share is to hold for some time after.
    pub(super) fn since_fault_ms(&self, now: Reading) -> Option<u64> {
        match self.when_it_fails {
            WhenLimiterFails::LocalShare => self.breaker().since_fault_ms(now.monotonic_ms),
            WhenLimiterFails::Refuse | WhenLimiterFails::Allow => None,
        }
    }

    pub(super) fn pause_left_ms(&self, now: Reading) -> u64 {
        self.breaker().pause_left_ms(now.monotonic_ms)
    }

    /// Notes how long windows are.
    pub(super) fn note_windows(&self, limit: &RateLimit) {
        let longest_ms = limit.quotas().last().map_or(0, |quota| quota.window_ms());
        if longest_ms > self.longest_ms.load(Ordering::Relaxed) {
            self.longest_ms.fetch_max(longest_ms, Ordering::Relaxed);
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_failing(&self, now: Reading) -> bool {
        self.breaker().failing_for_ms(now.monotonic_ms).is_some()
    }

    fn health(&self, now: Reading) -> LimiterHealth {
        let ago = |ms: u64| now.wall() - TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(0));
        let failing_for_ms = self.breaker().failing_for_ms(now.monotonic_ms);
        let longest_ms = u64::from(self.longest_ms.load(Ordering::Relaxed));
        let state = match (failing_for_ms, self.since_fault_ms(now)) {
            (Some(ms), _) => LimiterState::Failing { since: ago(ms) },
            (None, Some(ms)) if ms < longest_ms => LimiterState::Recovering { since: ago(ms) },
            _ => LimiterState::Working,
        };
        let figures = self.counted.now();
        LimiterHealth {
            state,
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            when_it_fails: self.when_it_fails,
            answered: figures.admitted.saturating_add(figures.limited),
            failed: figures.failed,
            decided_without: figures
                .granted_without
                .saturating_add(figures.limited_without)
                .saturating_add(figures.unavailable),
        }
    }
}

impl Tokens {
    /// How the limiter does that counts for all nodes; none where each node counts for itself.
    pub fn limiter_health(&self) -> Option<LimiterHealth> {
        let engine: &Engine = self.engine();
        engine.limiting.as_ref().map(|limiting| limiting.health(engine.clock.now()))
    }
}
