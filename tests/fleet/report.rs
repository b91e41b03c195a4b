//! What a run has measured, as a table.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::checker::Violation;
use crate::history::{Answer, Fault, History, Moment, Outcome, What, seconds};

/// For so long after a fault its effects may last: a lease, and a tenth.
const AFTERWARDS: Moment = 2_200_000;
/// So many violations are told in full.
const TOLD: usize = 3;

/// How long revocations took until every node knew, by what was broken.
pub fn revocations(history: &History) -> String {
    let mut took: BTreeMap<(u8, String), Vec<Moment>> = BTreeMap::new();
    for change in &history.changes {
        if change.what == What::Revoke && change.outcome == Outcome::Done {
            let broken = situation(&history.faults, change.begin, change.end);
            took.entry(broken).or_default().push(change.end - change.begin);
        }
    }
    let mut table = format!(
        "revocation to the last node, in ms, by what was broken meanwhile:\n  {:<46} {:>5} {:>9} {:>9} {:>9}\n",
        "", "count", "median", "99 %", "worst"
    );
    for ((_, name), mut took) in took {
        took.sort_unstable();
        let at = |share: f64| {
            let index = (took.len() as f64 * share).ceil() as usize;
            took[index.clamp(1, took.len()) - 1] as f64 / 1_000.0
        };
        let count = took.len();
        let (median, percentile, worst) = (at(0.5), at(0.99), at(1.0));
        _ = writeln!(table, "  {name:<46} {count:>5} {median:>9.1} {percentile:>9.1} {worst:>9.1}");
    }
    table
}

/// The fault that was there at some time within, or that was over shortly before.
fn situation(faults: &[Fault], begin: Moment, end: Moment) -> (u8, String) {
    let touches = |fault: &&Fault| fault.begin <= end && begin <= fault.end;
    if let Some(fault) = faults.iter().find(touches) {
        return (1, fault.name.clone());
    }
    let is_after = |fault: &&Fault| fault.end < begin && begin < fault.end + AFTERWARDS;
    match faults.iter().find(is_after) {
        Some(_) => (2, "nothing, but shortly before".to_owned()),
        None => (0, "nothing".to_owned()),
    }
}

/// How much was done, and what became of it.
pub fn counts(history: &History) -> String {
    let mut answers: BTreeMap<&str, u64> = BTreeMap::new();
    for asked in &history.verifications {
        let name = match &asked.answer {
            Answer::Granted { degraded: false } => "granted",
            Answer::Granted { degraded: true } => "granted without the limiter",
            Answer::Limited => "limited",
            Answer::DeadSecret => "dead secret",
            Answer::Rotated => "rotated",
            Answer::Revoked => "revoked",
            Answer::Paused => "paused",
            Answer::OutOfScope => "out of scope",
            Answer::Unavailable => "503",
            Answer::Nothing => "no answer",
            Answer::Unexpected(_) => "unexpected",
        };
        *answers.entry(name).or_default() += 1;
    }
    let outcome = |wanted: fn(&Outcome) -> bool| {
        history.changes.iter().filter(|change| wanted(&change.outcome)).count()
    };
    let answers: Vec<_> = answers.iter().map(|(name, count)| format!("{count} {name}")).collect();
    format!(
        "{} verifications checked: {}\n{} changes: {} done, {} refused, {} of unknown outcome\n{} faults, {} kills",
        history.verifications.len(),
        answers.join(", "),
        history.changes.len(),
        outcome(|outcome| *outcome == Outcome::Done),
        outcome(|outcome| *outcome == Outcome::Refused),
        outcome(|outcome| *outcome == Outcome::Unknown),
        history.faults.len(),
        history.kills.len(),
    )
}

/// The first violations, the shortest first, and how many there are.
pub fn violations(violations: &[Violation]) -> String {
    let mut shortest: Vec<String> = violations.iter().map(ToString::to_string).collect();
    shortest.sort_by_key(|story| story.lines().count());
    let mut text = format!("{} violations; the shortest:\n", violations.len());
    for story in shortest.iter().take(TOLD) {
        _ = writeln!(text, "\n{story}");
    }
    text
}

/// All faults, a line each.
pub fn faults(history: &History) -> String {
    let line = |fault: &Fault| {
        format!("{:>12} to {:>12}  {}\n", seconds(fault.begin), seconds(fault.end), fault.name)
    };
    history.faults.iter().map(line).collect()
}
