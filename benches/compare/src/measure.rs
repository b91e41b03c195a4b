//! Time in short rounds that alternate, so that whatever drifts meets all contenders alike.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::contender::Contender;
use crate::sample::{Sample, Texts};

/// How many verifications are timed at once, and how many before them only warm the caches that
/// the contender before has filled.
const ROUND: usize = 8_000;
const WARM_UP: usize = 2_000;
const LONG_ROUND: usize = 40_000;
/// How many verifications go through the trait at once.
const BATCH: usize = 256;
/// The window of the tokens' limit.
const WINDOW_SECONDS: f64 = 60.0;

/// A contender on its way through a sample.
pub struct Course<'a> {
    pub contender: &'a dyn Contender,
    texts: Texts<'a>,
    batch_time: Duration,
    place: usize,
    expected: bool,
}

impl<'a> Course<'a> {
    /// Starts at a place of its own, so that none finds in the cache what another has just read.
    pub fn new(contender: &'a dyn Contender, sample: &'a Sample, place: usize, expected: bool) -> Course<'a> {
        let batch_time = sample.each_token_every().mul_f64(BATCH as f64 / sample.size() as f64);
        let texts = sample.texts();
        Course { contender, texts, batch_time, place: place % texts.len(), expected }
    }

    /// Presents every token for a whole window, so that no window grows any more and each has
    /// claimed what it needs.
    pub fn settle(&mut self, sample: &Sample) {
        let passes = WINDOW_SECONDS / sample.each_token_every().as_secs_f64();
        self.run((passes as usize + 2) * sample.size());
    }

    /// Nanoseconds for one verification, over one round.
    pub fn round(&mut self) -> f64 {
        self.run(WARM_UP);
        let started = own_nanoseconds();
        let done = self.run(ROUND);
        (own_nanoseconds() - started) as f64 / done as f64
    }

    /// Nanoseconds for one verification on the wall clock, over a round that is long enough for two
    /// threads to meet in it: only that clock says how much was done at once.
    pub fn long_round(&mut self) -> f64 {
        self.run(WARM_UP);
        let started = Instant::now();
        let done = self.run(LONG_ROUND);
        started.elapsed().as_nanos() as f64 / done as f64
    }

    pub fn run(&mut self, count: usize) -> usize {
        let mut done = 0;
        while done < count {
            let texts = self.texts.part(self.place, BATCH);
            let passed = self.contender.pass(texts);
            let expected = if self.expected { texts.len() } else { 0 };
            assert_eq!(passed, expected, "{} decided otherwise", self.contender.name());
            self.contender.let_time_pass(self.batch_time);
            self.place = (self.place + texts.len()) % self.texts.len();
            done += texts.len();
        }
        done
    }
}

/// The time that this thread has had a processor for. Where others use the machine as well, a long
/// round is interrupted more often than a short one, and on the wall clock the slower contender
/// would look slower than it is.
fn own_nanoseconds() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The value in the middle, and those that a tenth of all lie below and above.
#[derive(Clone, Copy)]
pub struct Spread {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

impl Spread {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Spread { low: at(0.1), median: at(0.5), high: at(0.9) }
    }

    /// The quotients of what was measured in the same rounds.
    pub fn of_ratios(values: &[f64], references: &[f64]) -> Spread {
        Spread::of(values.iter().zip(references).map(|(value, reference)| value / reference))
    }
}
