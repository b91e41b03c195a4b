//! Hits, on one thread.

use crate::allocations;
use crate::contender::Contender;
use crate::measure::{Course, Spread};
use crate::report::Report;
use crate::sample::Sample;

const SUBJECT: &str = "tokenward";

/// All contenders in turn. The one that begins changes with each round.
pub fn compare(contenders: &[&dyn Contender], sample: &Sample, rounds: usize, report: &mut Report) {
    let number = contenders.len();
    let mut courses: Vec<_> = contenders
        .iter()
        .enumerate()
        .map(|(place, contender)| Course::new(*contender, sample, place * sample.size() / number, true))
        .collect();
    courses.iter_mut().for_each(|course| course.settle(sample));
    let mut times = vec![Vec::new(); number];
    for round in 0..rounds {
        for turn in 0..number {
            let place = (round + turn) % number;
            times[place].push(courses[place].round());
        }
    }
    let of = |name: &str| contenders.iter().position(|contender| contender.name() == name);
    let Some(subject) = of(SUBJECT) else { return };
    for (place, contender) in contenders.iter().enumerate() {
        report.spread_time(&format!("verify/{}", contender.name()), Spread::of(times[place].iter().copied()));
        if place != subject {
            let ratio = Spread::of_ratios(&times[subject], &times[place]);
            report.ratio(&format!("verify/{}", contender.name()), ratio);
        }
    }
    let before = allocations::count();
    let done = courses[subject].run(100_000);
    report.allocations("verify", (allocations::count() - before) as f64 / done as f64);
}
