//! What a refusal by checksum costs, against a hit of the bound in the same round.

use crate::contender::Contender;
use crate::measure::{Course, Spread};
use crate::report::Report;
use crate::sample::Sample;

pub fn compare(contenders: &[&dyn Contender], sample: &Sample, rounds: usize, report: &mut Report) {
    let of = |name: &str| contenders.iter().find(|contender| contender.name() == name);
    let (Some(bound), Some(tokenward)) = (of("bound"), of("tokenward")) else { return };
    let misspelt = sample.misspelt();
    let mut hit = Course::new(*bound, sample, 0, true);
    let mut refusal = Course::new(*tokenward, &misspelt, sample.size() / 2, false);
    let (refusals, hits): (Vec<_>, Vec<_>) = (0..rounds).map(|_| (refusal.round(), hit.round())).unzip();
    report.spread_time("refusal-by-checksum", Spread::of(refusals.iter().copied()));
    report.ratio("refusal-by-checksum/bound", Spread::of_ratios(&refusals, &hits));
}
