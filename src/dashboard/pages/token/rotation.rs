//! A rotation that is under way: who still calls with the old secret.
//!
//! Secrets are told apart by the hour, so that what stands here names the full hour that it counts
//! from. That is never less than what was called since the rotation.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::facts::Facts;
use crate::dashboard::show::{Time, count, number, percent, span, visible};
use crate::usage::{Level, SecretUse};

/// A rotation that is under way.
pub(super) struct Rotation {
    pub(super) new: Side,
    pub(super) old: Side,
    pub(super) ends: Time,
    /// A day after that, or the end of the token: sent twice, it prolongs once.
    pub(super) prolonged: String,
    /// From which full hour on calls are counted.
    pub(super) since: Time,
    /// The share of calls with the new secret, in words and in tenths of hundredths; none where
    /// nothing was called, or use cannot be read.
    pub(super) moved: Option<(String, u64)>,
    /// Whether use can be read.
    pub(super) is_known: bool,
    /// What would happen if the old secret ended now.
    pub(super) verdict: String,
    /// Whether nothing has called with the old secret for a while.
    pub(super) is_safe: bool,
}

/// One of the two secrets.
pub(super) struct Side {
    pub(super) last4: String,
    pub(super) calls: String,
    pub(super) last: Option<Time>,
    /// Who made the last call, for whoever may see it.
    pub(super) client: Option<String>,
}

/// Without a call for so long, the old secret is called safe to end.
const SAFE_AFTER: TimeDelta = TimeDelta::hours(6);

pub(super) fn of(facts: &Facts, tells_addresses: bool) -> Option<Rotation> {
    let old = facts.old_secret()?;
    let now = facts.now;
    let new = &facts.record.secret;
    let prolonged = facts.record.expires_at.into_iter().fold(old.ends_at + TimeDelta::days(1), Ord::min);
    let told = facts.used.as_ref().and_then(|used| used.rotation.as_ref());
    let of_version =
        |version: u32| told.and_then(|told| told.detail.secrets.get(&version)).cloned().unwrap_or_default();
    let side = |last4: &str, used: &SecretUse| Side {
        last4: last4.to_owned(),
        calls: count(used.calls, "call"),
        last: used.last_seen_at.map(|time| Time::of(time, now)),
        client: used.last_client.as_ref().and_then(|client| {
            let shown = [Some(&client.address).filter(|_| tells_addresses), Some(&client.agent)];
            shown.into_iter().flatten().find(|text| !text.is_empty()).map(|text| visible(text).into_owned())
        }),
    };
    let (with_new, with_old) = (of_version(new.version), of_version(old.version));
    let since = told.map_or(new.created_at, |told| told.period.widened_to(Level::Hour).from());
    let (verdict, is_safe) = match told {
        Some(_) => verdict(&with_old, new.created_at, since, now),
        None => ("Whether anything still uses it cannot be read right now".to_owned(), false),
    };
    Some(Rotation {
        moved: moved(with_new.calls, with_old.calls),
        new: side(&new.last4, &with_new),
        old: side(&old.last4, &with_old),
        ends: Time::of(old.ends_at, now),
        prolonged: prolonged.to_rfc3339_opts(SecondsFormat::Millis, true),
        since: Time::of(since, now),
        is_known: told.is_some(),
        verdict,
        is_safe,
    })
}

/// What would happen if the old secret ended now.
fn verdict(
    old: &SecretUse,
    rotated_at: DateTime<Utc>,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> (String, bool) {
    let last = old.last_seen_at.filter(|last| *last >= rotated_at);
    let quiet = now - last.unwrap_or(rotated_at);
    let quiet_for = span(quiet.num_seconds().max(0) as u64);
    match last {
        None if quiet >= SAFE_AFTER => {
            ("Safe: no call on the old secret since the rotation".to_owned(), true)
        }
        None => ("No call on the old secret since the rotation".to_owned(), false),
        Some(_) if quiet >= SAFE_AFTER => (format!("Safe: no call on the old secret for {quiet_for}"), true),
        Some(_) if quiet >= TimeDelta::hours(1) => {
            (format!("No call on the old secret for {quiet_for}"), false)
        }
        Some(_) => {
            let calls = match old.calls {
                1 => "1 call".to_owned(),
                calls => format!("{} calls", number(calls)),
            };
            (format!("{calls} since {} would have failed", since.format("%-d %b, %H:%M UTC")), false)
        }
    }
}

fn moved(new: u64, old: u64) -> Option<(String, u64)> {
    let all = new.saturating_add(old);
    if all == 0 {
        return None;
    }
    let share = new as f64 / all as f64;
    // Not whole while any call came with the old one, however few.
    let tenths = ((share * 1_000.0).floor() as u64).min(if old > 0 { 999 } else { 1_000 });
    Some((percent(Some(if old > 0 { share.min(0.999) } else { share })), tenths))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn told(last: Option<&str>, now: &str) -> (String, bool) {
        let old = SecretUse { calls: 14, last_seen_at: last.map(at), ..SecretUse::default() };
        verdict(&old, at("2026-11-24T10:20:00Z"), at("2026-11-24T10:00:00Z"), at(now))
    }

    #[test]
    fn ending_an_old_secret_is_called_safe_after_six_quiet_hours() {
        let text = |last, now| told(last, now).0;
        let last = Some("2026-11-24T10:30:00Z");
        assert_eq!(text(last, "2026-11-24T10:30:10Z"), "14 calls since 24 Nov, 10:00 UTC would have failed");
        assert_eq!(text(last, "2026-11-24T11:30:00Z"), "No call on the old secret for 1 h");
        assert_eq!(text(last, "2026-11-24T16:30:00Z"), "Safe: no call on the old secret for 6 h");
        assert!(told(last, "2026-11-24T16:30:00Z").1 && !told(last, "2026-11-24T16:29:59Z").1);
    }

    #[test]
    fn calls_before_the_rotation_do_not_count_as_calls_on_the_old_secret() {
        let before = Some("2026-11-24T10:19:59Z");
        assert_eq!(told(before, "2026-11-24T11:00:00Z").0, "No call on the old secret since the rotation");
        assert!(told(before, "2026-11-24T16:20:00Z").1);
        assert_eq!(told(None, "2026-11-24T16:20:00Z"), told(before, "2026-11-24T16:20:00Z"));
    }

    #[test]
    fn a_share_is_whole_only_without_any_call_on_the_old_secret() {
        assert_eq!(moved(0, 0), None);
        assert_eq!(moved(1_102, 14), Some(("98.7 %".to_owned(), 987)));
        assert_eq!(moved(1_000_000, 1), Some(("99.9 %".to_owned(), 999)));
        assert_eq!(moved(3, 0), Some(("100 %".to_owned(), 1_000)));
        assert_eq!(moved(0, 5), Some(("0.0 %".to_owned(), 0)));
    }
}
