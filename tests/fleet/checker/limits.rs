//! Whether no window of any token holds more than its limit, over all nodes.
//!
//! A grant was counted at some moment between its begin and its end, so a window holds for certain only those that
//! begin and end within it. Where the limiter lost what it had counted within a window, or was left out of a grant
//! in it (which the answer tells), it may hold the limit twice. Where somebody has emptied the limiter by hand, which
//! no node can notice, it may hold it once more for each time.

use super::{Rule, Violation, broken_within};
use crate::history::{Answer, History, LimitedToken, Lost, Moment, Verification, seconds};

/// The clock of the limiter and ours need not run alike to the microsecond, and the limiter counts in whole
/// milliseconds.
const BLUR: Moment = 5_000;

pub(super) fn check(history: &History, violations: &mut Vec<Violation>) {
    for limited in &history.limited {
        let mut granted: Vec<_> = history
            .verifications
            .iter()
            .filter(|asked| asked.token == limited.token && matches!(asked.answer, Answer::Granted { .. }))
            .collect();
        granted.sort_by_key(|asked| asked.begin);
        for (index, first) in granted.iter().enumerate() {
            let end = first.begin + limited.window.saturating_sub(BLUR);
            let later = granted[index..].iter().take_while(|asked| asked.begin < end);
            let count = later.filter(|asked| asked.end < end).count();
            let allowed = limited.limit * times(history, limited, &granted, first.begin, end);
            if count > allowed {
                violations.push(Violation {
                    rule: Rule::WithinLimit,
                    story: story(history, limited, first.begin, end, count, allowed),
                });
                // The windows that follow say the same.
                break;
            }
        }
    }
}

/// How often the limit may pass in this window.
fn times(
    history: &History,
    limited: &LimitedToken,
    granted: &[&Verification],
    begin: Moment,
    end: Moment,
) -> usize {
    let within = || history.faults.iter().filter(|fault| fault.begin <= end && begin <= fault.end);
    let was_noticed = within().any(|fault| fault.lost == Lost::Noticed);
    let unnoticed = within().filter(|fault| fault.lost == Lost::Unnoticed).count();
    // Whoever is decided without the limiter may be so within the window, though its answer came after.
    let was_left_out = granted.iter().any(|asked| {
        asked.answer == Answer::Granted { degraded: true } && asked.begin <= end && begin <= asked.end
    });
    let twice = usize::from(was_noticed || was_left_out);
    if twice + unnoticed == 0 {
        return 1;
    }
    // A node that was killed has forgotten what it has passed of its share.
    let has_forgotten = history.kills.iter().any(|kill| kill.at <= end && begin <= kill.at + limited.window);
    1 + twice + unnoticed + usize::from(has_forgotten)
}

fn story(
    history: &History,
    limited: &LimitedToken,
    begin: Moment,
    end: Moment,
    count: usize,
    allowed: usize,
) -> String {
    let LimitedToken { token, limit, window } = limited;
    let mut story = format!(
        "token {token} may pass {limit} times in {}, here at most {allowed}, and passed {count} times from {} to {}:",
        seconds(*window),
        seconds(begin),
        seconds(end)
    );
    let within = history.verifications.iter().filter(|asked| {
        asked.token == *token
            && matches!(asked.answer, Answer::Granted { .. })
            && asked.begin >= begin
            && asked.end < end
    });
    within.for_each(|asked| story.push_str(&format!("\n  {asked}")));
    story + &broken_within(&history.faults, begin, end)
}
