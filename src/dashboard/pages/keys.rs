//! Help: what the words of the pages mean, for how long use is kept, and the keys.

use askama::Template;
use chrono::TimeDelta;

use crate::Status;
use crate::admin::fault::Fault;
use crate::dashboard::frame::{Frame, Place};
use crate::dashboard::show::{count, number};
use crate::dashboard::visit::Visit;
use crate::web::Reply;

#[derive(Template)]
#[template(path = "keys.html")]
struct HelpPage<'a> {
    frame: Frame<'a>,
    statuses: [(Status, &'static str); 5],
    minutes_kept: String,
    hours_kept: String,
    days_kept: String,
    clients_kept: String,
    calls_kept: String,
    calls_per_token: String,
}

pub(in crate::dashboard) fn show(visit: &Visit<'_>) -> Result<Reply, Fault> {
    let kept = visit.context.tokens.retention();
    let days = |time: TimeDelta| count(time.num_days().max(0).unsigned_abs(), "day");
    let page = HelpPage {
        frame: visit.frame("Help", Place::Help),
        statuses: Status::ALL.map(|status| (status, meaning(status))),
        minutes_kept: days(kept.minutes),
        hours_kept: days(kept.hours),
        days_kept: days(kept.days),
        clients_kept: days(kept.clients),
        calls_kept: days(kept.calls.min(kept.clients)),
        calls_per_token: number(kept.calls_per_token.into()),
    };
    Ok(visit.page(200, &page))
}

fn meaning(status: Status) -> &'static str {
    match status {
        Status::Active => "It works.",
        Status::Paused => {
            "Its calls are answered 403 until somebody resumes it, or until the pause ends by itself. Nothing about it is lost."
        }
        Status::NotYetValid => "Its first moment is still to come. Until then its calls are answered 401.",
        Status::Expired => "Its time is over, and its calls are answered 401. Extend it, and it works again.",
        Status::Revoked => "It is dead for good: its calls are answered 401, and nothing brings it back.",
    }
}
