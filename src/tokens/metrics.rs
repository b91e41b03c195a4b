//! Figures for the `metrics` facade, told at each flush and never on a request's path.
//!
//! The names are part of the crate's promise; the chapter [`watching`](crate::guide::watching) lists
//! them. No label holds a token, a tenant, a route or a client, so that their number is small and
//! known beforehand.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use super::Engine;
use super::limiting::LimiterFigures;
use crate::recording::GivenUp;
use crate::usage::{Outcome, Strangers, Tally};

const REQUESTS: &str = "tokenward_requests_total";
const STRANGERS: &str = "tokenward_strangers_total";
const RESPONSES: &str = "tokenward_responses_total";
const DURATION: &str = "tokenward_response_duration_seconds";
const LIVE: &str = "tokenward_live_tokens";
const WAITING: &str = "tokenward_usage_waiting_bytes";
const LAG: &str = "tokenward_usage_lag_seconds";
const GIVEN_UP: &str = "tokenward_usage_given_up_total";
const LIMITER_CALLS: &str = "tokenward_limiter_calls_total";
const LIMITER_WITHOUT: &str = "tokenward_limiter_decided_without_total";
const LIMITER_FAILING: &str = "tokenward_limiter_failing";
const LEASE: &str = "tokenward_lease_left_seconds";
const APPLIED: &str = "tokenward_changes_applied";
const FLUSHES: &str = "tokenward_usage_flushes_total";

/// What was told before, of what is counted from the start.
#[derive(Default)]
pub(super) struct Told {
    strangers: Strangers,
    given_up: GivenUp,
    limiter: LimiterFigures,
}

/// Says what the names mean, to whichever exporter there is.
pub(super) fn describe() {
    describe_counter!(REQUESTS, "Requests of whoever showed the right secret, by outcome");
    describe_counter!(STRANGERS, "Requests of whoever showed none, by reason");
    describe_counter!(RESPONSES, "Finished responses to granted requests, by class of status");
    describe_histogram!(DURATION, Unit::Seconds, "How long finished responses took");
    describe_gauge!(LIVE, "Tokens in memory");
    describe_gauge!(WAITING, Unit::Bytes, "What was counted and is not in the store yet");
    describe_gauge!(LAG, Unit::Seconds, "How old the newest figures in the store are");
    describe_counter!(GIVEN_UP, "Calls of which detail was given up while the store was away");
    describe_counter!(LIMITER_CALLS, "Questions to the limiter, by result");
    describe_counter!(LIMITER_WITHOUT, "Requests decided without the limiter, by decision");
    describe_gauge!(LIMITER_FAILING, "1 while the limiter does not answer, 0 while it does");
    describe_gauge!(LEASE, Unit::Seconds, "For how long the lease of this node lasts");
    describe_gauge!(APPLIED, "The number up to which this node has applied every change");
    describe_counter!(FLUSHES, "Batches handed to the store, by result");
}

/// A batch was handed to the store.
pub(super) fn flushed(is_ok: bool) {
    counter!(FLUSHES, "result" => if is_ok { "ok" } else { "error" }).increment(1);
}

impl Engine {
    /// Tells what was counted since the last time.
    pub(super) fn tell_metrics(&self) {
        let tally = self.recorder.take_service();
        for outcome in Outcome::ALL {
            let number = tally.of_outcome(outcome);
            if number > 0 {
                counter!(REQUESTS, "outcome" => outcome.as_str()).increment(number);
            }
        }
        tell_responses(&tally);

        let mut told = self.flush.told_metrics();
        let strangers = self.strangers.now();
        let new = strangers.since(&told.strangers);
        for (reason, number) in [
            ("malformed", new.malformed),
            ("unknown", new.unknown),
            ("wrong_secret", new.wrong_secret),
            ("foreign_tenant", new.foreign_tenant),
        ] {
            counter!(STRANGERS, "reason" => reason).increment(number);
        }
        let (waiting_bytes, given_up) = self.recorder.standing();
        for (what, before, now) in [
            ("calls", told.given_up.calls, given_up.calls),
            ("names", told.given_up.names, given_up.names),
            ("minutes", told.given_up.minutes, given_up.minutes),
            ("figures", told.given_up.figures, given_up.figures),
        ] {
            counter!(GIVEN_UP, "what" => what).increment(now - before);
        }
        let limiter = self.tell_of_limiter(&told.limiter);
        *told = Told { strangers, given_up, limiter };
        drop(told);

        gauge!(LIVE).set(self.live.len() as f64);
        gauge!(WAITING).set(waiting_bytes as f64);
        let lag = self.clock.now().wall() - self.flush.written_until();
        gauge!(LAG).set(lag.num_milliseconds().max(0) as f64 / 1_000.0);
        if let Some(fleet) = &self.fleet {
            let left_ms = fleet.trusted_for_ms(self.clock.boottime_ms());
            gauge!(LEASE).set(left_ms as f64 / 1_000.0);
            gauge!(APPLIED).set(fleet.applied().unwrap_or(0) as f64);
        }
    }
}

impl Engine {
    /// Nothing where there is no limiter.
    fn tell_of_limiter(&self, told: &LimiterFigures) -> LimiterFigures {
        let Some(limiting) = &self.limiting else { return LimiterFigures::default() };
        let now = limiting.counted.now();
        for (result, number) in [
            ("admitted", now.admitted - told.admitted),
            ("limited", now.limited - told.limited),
            ("error", now.failed - told.failed),
        ] {
            counter!(LIMITER_CALLS, "result" => result).increment(number);
        }
        for (decision, number) in [
            ("granted", now.granted_without - told.granted_without),
            ("limited", now.limited_without - told.limited_without),
            ("unavailable", now.unavailable - told.unavailable),
        ] {
            counter!(LIMITER_WITHOUT, "decision" => decision).increment(number);
        }
        gauge!(LIMITER_FAILING).set(f64::from(u8::from(limiting.is_failing(self.clock.now()))));
        now
    }
}

fn tell_responses(tally: &Tally) {
    for (class, number) in [
        ("1xx", tally.statuses.informational),
        ("2xx", tally.statuses.success),
        ("3xx", tally.statuses.redirection),
        ("4xx", tally.statuses.client_error),
        ("5xx", tally.statuses.server_error),
    ] {
        if number > 0 {
            counter!(RESPONSES, "status" => class).increment(number);
        }
    }
    let durations = histogram!(DURATION);
    for (least_us, most_us, number) in tally.latency.buckets() {
        let middle_us = least_us + (most_us - least_us) / 2;
        durations.record_many(middle_us as f64 / 1_000_000.0, number as usize);
    }
}
