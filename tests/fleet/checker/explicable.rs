//! Whether each answer is explained by some order of the changes.
//!
//! What decides about a token are four registers: its secret, whether it is revoked, whether it is paused, and its
//! scopes. A change that is done took effect at one moment between its begin and its end; one whose outcome is unknown,
//! at any moment from its begin on, or never. An answer is explained if there is a moment between its begin and its
//! end, and an order of the changes that respects all this, such that what each register holds then leads to it.
//!
//! For that it is enough to choose, for each register that matters, the change that wrote it last. The choice holds if
//! no other change of that register has to come between: one that begins after the chosen one was done, and that was
//! itself done before the verification began, or before another of the chosen began. (The order then exists: a cycle
//! would have to go back in time.)

use std::collections::HashMap;

use super::{Rule, Violation, broken_within};
use crate::history::{Answer, Change, History, Verification, What};

/// A register, and what it must have been written with.
type Wanted = (Register, fn(&Verification, &Change) -> bool);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Register {
    Secret,
    Revoked,
    Paused,
    Scopes,
}

impl Register {
    fn is_written_by(self, change: &Change) -> bool {
        match change.what {
            What::Issue(_) => true,
            What::Revoke => self == Register::Revoked,
            What::Rotate => self == Register::Secret,
            What::Pause | What::Resume => self == Register::Paused,
            What::Scopes(_) => self == Register::Scopes,
        }
    }
}

pub(super) fn check(
    history: &History,
    changes: &HashMap<u32, Vec<&Change>>,
    violations: &mut Vec<Violation>,
) {
    let none = Vec::new();
    for verification in &history.verifications {
        let changes = changes.get(&verification.token).unwrap_or(&none);
        let Some(wanted) = wanted(&verification.answer) else { continue };
        if is_explained(verification, changes, &wanted) {
            continue;
        }
        let is_granted = matches!(verification.answer, Answer::Granted { .. });
        let was_revoked = changes
            .iter()
            .any(|change| change.what == What::Revoke && change.is_done_before(verification.begin));
        let rule = if is_granted && was_revoked { Rule::RevokedForGood } else { Rule::Explicable };
        violations.push(Violation { rule, story: story(history, verification, changes, &wanted) });
    }
}

/// What the registers must have held for this answer; none if it says nothing about them.
fn wanted(answer: &Answer) -> Option<Vec<Wanted>> {
    const SAME_SECRET: Wanted = (Register::Secret, |asked, change| change.number == asked.secret);
    const OTHER_SECRET: Wanted = (Register::Secret, |asked, change| change.number != asked.secret);
    const REVOKED: Wanted = (Register::Revoked, |_, change| change.what == What::Revoke);
    const NOT_REVOKED: Wanted = (Register::Revoked, |_, change| change.what != What::Revoke);
    const PAUSED: Wanted = (Register::Paused, |_, change| change.what == What::Pause);
    const NOT_PAUSED: Wanted = (Register::Paused, |_, change| change.what != What::Pause);
    const IN_SCOPE: Wanted = (Register::Scopes, |asked, change| scopes(change) & asked.need != 0);
    const OUT_OF_SCOPE: Wanted = (Register::Scopes, |asked, change| scopes(change) & asked.need == 0);
    Some(match answer {
        Answer::Granted { .. } | Answer::Limited => vec![SAME_SECRET, NOT_REVOKED, NOT_PAUSED, IN_SCOPE],
        Answer::DeadSecret | Answer::Rotated => vec![OTHER_SECRET],
        Answer::Revoked => vec![SAME_SECRET, REVOKED],
        Answer::Paused => vec![SAME_SECRET, NOT_REVOKED, PAUSED],
        Answer::OutOfScope => vec![SAME_SECRET, NOT_REVOKED, NOT_PAUSED, OUT_OF_SCOPE],
        Answer::Unavailable | Answer::Nothing | Answer::Unexpected(_) => return None,
    })
}

fn scopes(change: &Change) -> u8 {
    match change.what {
        What::Issue(scopes) | What::Scopes(scopes) => scopes,
        _ => 0,
    }
}

fn is_explained(verification: &Verification, changes: &[&Change], wanted: &[Wanted]) -> bool {
    let candidates: Vec<Vec<&Change>> =
        wanted.iter().map(|wanted| candidates(verification, changes, wanted)).collect();
    let mut chosen = Vec::new();
    choose(verification, changes, wanted, &candidates, &mut chosen)
}

/// Those that may have written the register last, each by itself.
fn candidates<'a>(
    verification: &Verification,
    changes: &[&'a Change],
    (register, holds): &Wanted,
) -> Vec<&'a Change> {
    let may_be = |change: &&Change| {
        register.is_written_by(change)
            && change.may_have_happened()
            && change.begin <= verification.end
            && holds(verification, change)
            && is_last(verification, changes, *register, change, &[])
    };
    changes.iter().copied().filter(may_be).collect()
}

/// Tries each choice of one change for each register.
fn choose<'a>(
    verification: &Verification,
    changes: &[&'a Change],
    wanted: &[Wanted],
    candidates: &[Vec<&'a Change>],
    chosen: &mut Vec<&'a Change>,
) -> bool {
    let Some(next) = candidates.get(chosen.len()) else {
        let mut pairs = wanted.iter().zip(chosen.iter());
        return pairs
            .all(|((register, _), change)| is_last(verification, changes, *register, change, chosen));
    };
    next.iter().any(|candidate| {
        chosen.push(candidate);
        let is_explained = choose(verification, changes, wanted, candidates, chosen);
        chosen.pop();
        is_explained
    })
}

/// Whether no other change of the register has to come after this one, given that those chosen have happened.
fn is_last(
    verification: &Verification,
    changes: &[&Change],
    register: Register,
    change: &Change,
    chosen: &[&Change],
) -> bool {
    let has_happened = |other: &Change| {
        other.is_done_before(verification.begin) || chosen.iter().any(|chosen| other.precedes(chosen))
    };
    !changes
        .iter()
        .any(|other| register.is_written_by(other) && change.precedes(other) && has_happened(other))
}

/// What one needs to see that it is not explained: the changes that may have written what it needed last.
fn story(history: &History, verification: &Verification, changes: &[&Change], wanted: &[Wanted]) -> String {
    let mut story = verification.to_string();
    let made_it = |change: &&Change| change.number == verification.secret;
    let mut told: Vec<&Change> = changes.iter().copied().filter(made_it).collect();
    for (register, _) in wanted {
        let may_be_last = |change: &&&Change| {
            register.is_written_by(change)
                && change.may_have_happened()
                && change.begin <= verification.end
                && is_last(verification, changes, *register, change, &[])
        };
        told.extend(changes.iter().filter(may_be_last));
    }
    told.sort_by_key(|change| (change.begin, change.number));
    told.dedup_by_key(|change| change.number);
    story.push_str("\n  but its token may then be only as these have left it:");
    told.iter().for_each(|change| story.push_str(&format!("\n  {change}")));
    story + &broken_within(&history.faults, verification.begin, verification.end)
}
