//! Whether a history is one that the promises of a fleet allow. Nothing here looks at a clock, a server or a
//! store.

mod explicable;
mod limits;
mod tests;
pub mod usage;

use std::collections::HashMap;
use std::fmt;

use crate::history::{Answer, Change, Fault, History, Outcome};

/// Something that must not be, and what one needs to see it.
#[derive(Debug)]
pub struct Violation {
    pub rule: Rule,
    pub story: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rule {
    /// Every answer has some order of the changes that explains it.
    Explicable,
    /// No grant after a revoke returned.
    RevokedForGood,
    /// Never more than the limit in any window.
    WithinLimit,
    /// Never more use in the store than there was.
    NoMoreUse,
    /// Of use, no more is lost than by the kills.
    NoLessUse,
    /// Every answer is one of those that there are.
    Expected,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.rule, self.story)
    }
}

/// Everything that must not be, in the order in which it happened within each rule.
pub fn check(history: &History) -> Vec<Violation> {
    let mut violations = Vec::new();
    unexpected(history, &mut violations);
    let mut changes: HashMap<u32, Vec<&Change>> = HashMap::new();
    for change in &history.changes {
        changes.entry(change.token).or_default().push(change);
    }
    for changes in changes.values_mut() {
        changes.sort_by_key(|change| change.begin);
    }
    explicable::check(history, &changes, &mut violations);
    limits::check(history, &mut violations);
    usage::check(history, &mut violations);
    violations
}

fn unexpected(history: &History, violations: &mut Vec<Violation>) {
    for verification in &history.verifications {
        if matches!(verification.answer, Answer::Unexpected(_)) {
            violations.push(Violation { rule: Rule::Expected, story: verification.to_string() });
        }
    }
    for change in &history.changes {
        if matches!(change.outcome, Outcome::Unexpected(_)) {
            violations.push(Violation { rule: Rule::Expected, story: change.to_string() });
        }
    }
}

/// What was broken at some time within this span, a line each.
fn broken_within(faults: &[Fault], begin: u64, end: u64) -> String {
    let within = faults.iter().filter(|fault| fault.begin <= end && begin <= fault.end);
    within.map(|fault| format!("\n  broken {fault}")).collect()
}
