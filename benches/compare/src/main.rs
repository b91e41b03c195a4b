//! How long a verification takes, as a ratio to what others take for theirs in the same run.
//!
//! `cargo run --release -p compare [-- --sizes 1000,100000,1000000 --rounds 301 --every 15 --filter verify]`
//!
//! Prints a table for people, and a line for scripts for each figure: `ratio NAME N VALUE`. Times
//! alone move with the machine and with whatever else runs on it; only the ratios say something.

mod allocations;
mod arguments;
mod contender;
mod contenders;
mod measure;
mod memory;
mod random;
mod refusals;
mod report;
mod sample;
mod threads;
mod verify;

use std::error::Error;

use arguments::Arguments;
use contender::Contender;
use report::Report;
use sample::Sample;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    for size in &arguments.sizes {
        let mut report = Report::new(*size);
        let sample = Sample::new(*size, arguments.every, &mut report)?;
        let contenders = memory::build_all(&sample, &mut report);
        let contenders: Vec<&dyn Contender> = contenders.iter().map(|contender| &**contender).collect();
        if arguments.wants("verify") {
            verify::compare(&contenders, &sample, arguments.rounds, &mut report);
        }
        if arguments.wants("refusal") {
            refusals::compare(&contenders, &sample, arguments.rounds, &mut report);
        }
        if arguments.wants("threads") {
            threads::compare(&contenders, &sample, arguments.rounds, &mut report);
        }
        report.print();
    }
    Ok(())
}
