//! Whether use in the store is what it was, but for what kills have lost.

use super::{Rule, Violation};
use crate::history::{Answer, History, Usage, Verification, seconds};

pub(super) fn check(history: &History, violations: &mut Vec<Violation>) {
    for Usage { token, calls } in &history.usage {
        let most =
            history.verifications.iter().filter(|asked| asked.token == *token && may_count(asked)).count();
        let least = least(history, *token);
        if *calls > most as u64 {
            violations.push(Violation {
                rule: Rule::NoMoreUse,
                story: format!(
                    "the store has {calls} calls of token {token}, of which there were {most} at most"
                ),
            });
        }
        if *calls < least as u64 {
            let kills = history.kills.iter();
            let kills: String = kills
                .map(|kill| {
                    let (since, at) = (seconds(kill.unwritten_since), seconds(kill.at));
                    format!(
                        "\n  node {} was killed at {at}, and may not have written what came since {since}",
                        kill.node
                    )
                })
                .collect();
            violations.push(Violation {
                rule: Rule::NoLessUse,
                story: format!(
                    "the store has {calls} calls of token {token}, and must have {least} at least{kills}"
                ),
            });
        }
    }
}

/// How many calls of a token the store must have in the end.
pub fn least(history: &History, token: u32) -> usize {
    let counted =
        |asked: &&Verification| asked.token == token && must_count(asked) && !may_be_lost(history, asked);
    history.verifications.iter().filter(counted).count()
}

/// Whoever proved the secret, or the one before it, is counted, whatever became of the request.
fn must_count(asked: &Verification) -> bool {
    let is_not_told = matches!(asked.answer, Answer::Unavailable | Answer::Nothing | Answer::Unexpected(_));
    !is_not_told && may_count(asked)
}

/// What was not decided may have been, without anybody being told.
fn may_count(asked: &Verification) -> bool {
    asked.answer != Answer::DeadSecret
}

fn may_be_lost(history: &History, asked: &Verification) -> bool {
    history
        .kills
        .iter()
        .any(|kill| kill.node == asked.node && asked.end >= kill.unwritten_since && asked.begin <= kill.at)
}
