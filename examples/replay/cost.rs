//! What a replay costs.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde::Serialize;

/// What one thread that pushes has done.
#[derive(Default)]
pub struct Pushing {
    pub verified: u64,
    pub verification: Duration,
    pub recorded: u64,
    pub recording: Duration,
    /// For how long it has waited for flushes.
    pub waiting: Duration,
    /// By the code of the refusal.
    pub refused: BTreeMap<&'static str, u64>,
}

impl Pushing {
    pub fn add(&mut self, more: Pushing) {
        self.verified += more.verified;
        self.verification += more.verification;
        self.recorded += more.recorded;
        self.recording += more.recording;
        self.waiting += more.waiting;
        for (code, calls) in more.refused {
            *self.refused.entry(code).or_default() += calls;
        }
    }
}

/// What the flushes have cost.
#[derive(Clone, Copy, Default)]
pub struct Flushing {
    pub number: u64,
    pub time: Duration,
    pub longest: Duration,
    /// Of the threads that flush and write; none where the system does not tell.
    pub processor: Option<Duration>,
}

/// What a replay costs, as it is told.
#[derive(Serialize)]
pub struct Cost {
    pub seconds: f64,
    pub calls_per_second: f64,
    pub parsing_ns: f64,
    pub verification_ns: f64,
    pub recording_ns: f64,
    /// What reading the clock around each part costs: it is taken off each of them.
    pub timing_ns: f64,
    pub secrets: u64,
    pub secrets_seconds: f64,
    pub flushes: u64,
    pub flush_seconds: f64,
    pub longest_flush_ms: f64,
    /// For how long the threads that push have waited for flushes, one with the other.
    pub waiting_seconds: f64,
    /// The processor's time that flushing took, as a share of one core over the whole run.
    pub flush_share_of_a_core: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
}

/// Nanoseconds of each of `number`, without what it takes to measure them.
pub fn each(time: Duration, number: u64, timing_ns: f64) -> f64 {
    if number == 0 { 0.0 } else { (time.as_nanos() as f64 / number as f64 - timing_ns).max(0.0) }
}

/// What it costs to look at the clock, in nanoseconds.
pub fn timing_ns() -> f64 {
    const TIMES: u32 = 20_000;
    let start = Instant::now();
    for _ in 0..TIMES {
        std::hint::black_box(Instant::now());
    }
    start.elapsed().as_nanos() as f64 / f64::from(TIMES)
}

/// The most memory that this process had at any time, where the system tells.
pub fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// For how long threads of these names have been at work, where the system tells.
pub fn processor_time(names: &[&str]) -> Option<Duration> {
    let mut time = Duration::ZERO;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let task = task.ok()?.path();
        // A thread may end meanwhile.
        let Ok(name) = fs::read_to_string(task.join("comm")) else { continue };
        if names.contains(&name.trim_end()) {
            let schedule = fs::read_to_string(task.join("schedstat")).ok()?;
            time += Duration::from_nanos(schedule.split(' ').next()?.parse().ok()?);
        }
    }
    Some(time)
}
