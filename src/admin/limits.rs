//! The rate limit of a body: `{per_minute, per_hour, per_day}`.

use super::fields::{Fields, Optional};
use crate::limit::Quota;
use crate::{InvalidLimit, RateLimit, Update};

/// The limit that a new token is asked for with: none where nothing is said, and the preset's or
/// the default one is meant. `null` is no limit at all.
pub(crate) fn of_new(fields: &mut Fields, per_minute: Option<u32>) -> Option<RateLimit> {
    let Some(mut inner) = fields.object("rate_limit")? else { return Some(RateLimit::unlimited()) };
    let said = Windows::read(&mut inner);
    let mut limit = None;
    if said.any() {
        let minute = said.per_minute.flatten().or(per_minute).unwrap_or(Quota::DEFAULT.limit());
        let (all, misfits) = joined(minute, said.per_hour.flatten(), said.per_day.flatten());
        for (window, error) in misfits {
            inner.error(window, "range", error.to_string());
        }
        limit = Some(all);
    }
    fields.end(inner);
    limit
}

/// The limit of these windows, and each of them that does not go with the others.
pub(crate) fn joined(
    minute: u32,
    hour: Option<u32>,
    day: Option<u32>,
) -> (RateLimit, Vec<(&'static str, InvalidLimit)>) {
    let quotas = [Some(Quota::per_minute(minute)), hour.map(Quota::per_hour), day.map(Quota::per_day)];
    let (mut all, mut misfits) = (RateLimit::unlimited(), Vec::new());
    for quota in quotas.into_iter().flatten() {
        match quota.and_then(|quota| all.and(quota)) {
            Ok(more) => all = more,
            Err(error) => misfits.push((window_of(&error), error)),
        }
    }
    (all, misfits)
}

/// The same for a change: a window that is named changes, `null` takes one away, the others stay.
pub(crate) fn of_update(fields: &mut Fields, mut update: Update) -> Update {
    let mut inner = match fields.object("rate_limit") {
        None => return update,
        Some(None) => return update.rate_limit(RateLimit::unlimited()),
        Some(Some(inner)) => inner,
    };
    let said = Windows::read(&mut inner);
    if let Some(Some(requests)) = said.per_minute {
        update = update.per_minute(requests);
    }
    if let Some(requests) = said.per_hour {
        update = update.per_hour(requests);
    }
    if let Some(requests) = said.per_day {
        update = update.per_day(requests);
    }
    fields.end(inner);
    update
}

struct Windows {
    per_minute: Optional<u32>,
    per_hour: Optional<u32>,
    per_day: Optional<u32>,
}

impl Windows {
    fn read(inner: &mut Fields) -> Windows {
        let windows = Windows {
            per_minute: inner.requests("per_minute"),
            per_hour: inner.requests("per_hour"),
            per_day: inner.requests("per_day"),
        };
        if windows.per_minute == Some(None) {
            let detail =
                "a limit per minute cannot be taken away alone; \"rate_limit\": null is no limit at all";
            inner.error("per_minute", "required", detail);
        }
        windows
    }

    fn any(&self) -> bool {
        let said = |window: &Optional<u32>| window.flatten().is_some();
        said(&self.per_minute) || said(&self.per_hour) || said(&self.per_day)
    }
}

fn window_of(error: &InvalidLimit) -> &'static str {
    match error {
        InvalidLimit::LongerIsSmaller { longer, .. } if longer.window_ms() == 86_400_000 => "per_day",
        InvalidLimit::LongerIsSmaller { .. } => "per_hour",
        _ => "per_minute",
    }
}
