//! Two threads against one: what is verified in the same time, for different tokens and for one.
//! It needs two cores that nobody else uses.

use std::sync::Barrier;
use std::thread;

use crate::contender::Contender;
use crate::measure::{Course, Spread};
use crate::report::Report;
use crate::sample::Sample;

pub fn compare(contenders: &[&dyn Contender], sample: &Sample, rounds: usize, report: &mut Report) {
    let chosen = |name: &str| contenders.iter().find(|contender| contender.name() == name).copied();
    let (Some(bound), Some(tokenward)) = (chosen("bound"), chosen("tokenward")) else { return };
    let one_token = sample.only_one();
    for (kind, sample) in [("two-threads", sample), ("two-threads-hot", &one_token)] {
        let mut bound = Race::new(bound, sample);
        let mut tokenward = Race::new(tokenward, sample);
        let (bound, tokenward): (Vec<_>, Vec<_>) =
            (0..rounds).map(|_| (bound.gain(), tokenward.gain())).unzip();
        report.ratio(&format!("{kind}/one:bound"), Spread::of(bound.iter().copied()));
        report.ratio(&format!("{kind}/one:tokenward"), Spread::of(tokenward.iter().copied()));
        report.ratio(&format!("{kind}:tokenward/bound"), Spread::of_ratios(&tokenward, &bound));
    }
}

/// One thread, then two, each at a place of its own in the sample: no round finds in the cache what
/// the one before has read.
struct Race<'a> {
    one: Course<'a>,
    two: [Course<'a>; 2],
}

impl<'a> Race<'a> {
    fn new(contender: &'a dyn Contender, sample: &'a Sample) -> Race<'a> {
        let third = sample.texts().len() / 3;
        let course = |place| Course::new(contender, sample, place, true);
        Race { one: course(0), two: [course(third), course(2 * third)] }
    }

    /// How many times as much two threads verify as one does, in the same time.
    fn gain(&mut self) -> f64 {
        let one = self.one.long_round();
        let start = &Barrier::new(2);
        let slower = thread::scope(|scope| {
            let threads = self.two.each_mut().map(|course| {
                scope.spawn(move || {
                    start.wait();
                    course.long_round()
                })
            });
            threads.into_iter().map(|thread| thread.join().expect("none panics")).fold(0.0, f64::max)
        });
        2.0 * one / slower
    }
}
