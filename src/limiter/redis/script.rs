//! The script: what it is given, and what it answers.

use super::{Take, Taken};
use crate::limit::{Limited, Quota, QuotaStanding, RateLimit, Standing};

pub(super) const TAKE: &str = include_str!("take.lua");

/// What the script is given beside the keys.
pub(super) fn arguments(request: &Take<'_>) -> Vec<u32> {
    let own = request.limit.quotas();
    let shared = shared(request);
    let mut arguments = vec![own.count() as u32];
    for quota in request.limit.quotas().chain(shared.quotas()) {
        arguments.extend([quota.limit(), quota.window_ms()]);
    }
    arguments
}

/// What the script has answered; none where that does not read.
pub(super) fn read(request: &Take<'_>, answer: &[i64]) -> Option<Taken> {
    let (verdict, rest) = answer.split_first()?;
    match verdict {
        0 => Some(Taken::Limited(limited(&request.limit, rest)?)),
        1 => Some(Taken::Admitted(admitted(&request.limit, rest)?)),
        2 => Some(Taken::SharedLimited(limited(&shared(request), rest)?)),
        _ => None,
    }
}

fn shared(request: &Take<'_>) -> RateLimit {
    request.shared.map_or(RateLimit::unlimited(), |(_, limit)| limit)
}

/// What counts longest is the request itself, so that all is back after the window.
fn admitted(limit: &RateLimit, answer: &[i64]) -> Option<Standing> {
    let standing = |(quota, remaining): (Quota, &i64)| {
        let remaining = u32::try_from(*remaining).ok()?;
        Some(QuotaStanding { quota, remaining, reset_ms: quota.window_ms() })
    };
    (answer.len() == limit.quotas().count()).then_some(())?;
    limit.quotas().zip(answer).map(standing).collect()
}

fn limited(limit: &RateLimit, answer: &[i64]) -> Option<Limited> {
    let (answers, []) = answer.as_chunks::<3>() else { return None };
    (answers.len() == limit.quotas().count()).then_some(())?;
    let mut longest: Option<(u32, QuotaStanding)> = None;
    let mut standings = Vec::with_capacity(answers.len());
    for (quota, numbers) in limit.quotas().zip(answers) {
        let [remaining, reset_ms, wait_ms] = numbers.map(|number| u32::try_from(number).ok());
        let standing = QuotaStanding { quota, remaining: remaining?, reset_ms: reset_ms? };
        standings.push(standing);
        let is_longer = longest.is_none_or(|(longest_ms, _)| wait_ms.is_some_and(|wait| wait > longest_ms));
        if standing.remaining == 0 && is_longer {
            longest = Some((wait_ms?, standing));
        }
    }
    let (retry_after_ms, by) = longest?;
    Some(Limited { retry_after_ms, by, standing: standings.into_iter().collect() })
}
