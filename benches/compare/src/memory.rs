//! Building the contenders, and what each of them claims for an idle token.

use std::time::Instant;

use crate::contender::Contender;
use crate::report::Report;
use crate::sample::Sample;
use crate::{allocations, contenders};

/// Builds each contender, and counts what it keeps.
pub fn build_all(sample: &Sample, report: &mut Report) -> Vec<Box<dyn Contender>> {
    let mut built = Vec::new();
    for build in contenders::ALL {
        let (bytes_before, started) = (allocations::bytes(), Instant::now());
        let contender = build(sample);
        let bytes = allocations::bytes() - bytes_before;
        report
            .time(&format!("load/{}", contender.name()), per(started.elapsed().as_nanos() as usize, sample));
        report.memory(contender.name(), per(bytes, sample));
        built.push(contender);
    }
    built
}

fn per(total: usize, sample: &Sample) -> f64 {
    total as f64 / sample.size() as f64
}
