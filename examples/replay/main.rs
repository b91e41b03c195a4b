//! Replays an access log through tokenward: each call is verified and recorded the way a service does it,
//! at full speed, and then the statistics are printed, with what a call has cost.
//!
//! `cargo run --release --example replay --features sqlite -- --help`

mod batch;
mod clock;
mod combined;
mod cost;
mod entry;
mod flush;
mod format;
mod json_lines;
mod lines;
mod options;
mod pace;
mod print;
mod progress;
mod push;
mod read;
mod report;
mod template;
mod users;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use tokenward::{
    Catalog, MemoryStore, Policy, RateLimit, Recording, SqliteStore, Tokens, TokensBuilder, block_on,
};

use crate::clock::LogClock;
use crate::cost::{Cost, Flushing, Pushing, each, peak_memory, timing_ns};
use crate::flush::Flusher;
use crate::format::Format;
use crate::lines::Lines;
use crate::options::{ClockKind, HELP, Options};
use crate::pace::{MEMORY, Pace};
use crate::progress::{Counters, Progress};
use crate::push::Pusher;
use crate::read::{Ended, Reader, Reading};
use crate::report::Report;
use crate::users::{READ, Users, WRITE};

/// The log is read in blocks of so many bytes.
const BLOCK: usize = 256 << 10;
/// So many batches may wait for a thread that pushes.
const WAITING: usize = 4;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(mistake) => return fail(&mistake),
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistake) => fail(&mistake),
    }
}

fn fail(mistake: &str) -> ExitCode {
    eprintln!("{mistake}");
    ExitCode::FAILURE
}

fn run(options: &Options) -> Result<(), String> {
    let (mut source, bytes) = open_log(options)?;
    let first = source.fill_buf().map_err(|error| format!("the log cannot be read: {error}"))?;
    let format = options.format.unwrap_or_else(|| Format::guessed(first));
    let clock = (options.clock == ClockKind::Log).then(|| LogClock::new(options.threads));
    let tokens = open_tokens(options, clock.as_ref())?;
    let begin_ms = tokens.clock().now().wall_ms;
    let timing_ns = timing_ns();

    let start = Instant::now();
    let progress = Progress::new(options.progress, bytes);
    let (reading, pushing, flushing, secrets) =
        replay(options, &tokens, clock.as_ref(), &progress, format, source)?;
    let took = start.elapsed();
    if reading.calls == 0 {
        return Err(nothing_read(&reading));
    }

    let between = match (options.clock, reading.times) {
        (ClockKind::Log, Some(times)) => times,
        _ => (begin_ms, tokens.clock().now().wall_ms),
    };
    let cost = cost_of(&reading, &pushing, &flushing, secrets, took, timing_ns);
    let report = Report::of(&tokens, reading, pushing.refused, between, options.json, cost);
    let report = report.map_err(|error| explain(&error))?;
    let text = match options.json {
        true => serde_json::to_string(&report).map_err(|error| error.to_string())?,
        false => report.to_string(),
    };
    // Whoever reads only the beginning, such as `head`, hangs up before the end.
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

/// Reads, pushes and flushes, each on threads of its own, to the end of the log.
fn replay(
    options: &Options,
    tokens: &Tokens,
    clock: Option<&LogClock>,
    progress: &Progress,
    format: Format,
    source: Box<dyn BufRead>,
) -> Result<(Reading, Pushing, Flushing, (u32, Duration)), String> {
    let limit = options.per_minute.map_or(Ok(RateLimit::unlimited()), RateLimit::per_minute);
    let limit = limit.map_err(|error| error.to_string())?;
    let users = Users::new(tokens, options.tokens, limit, options.resume).map_err(|error| explain(&error))?;
    let (counters, pace) = (Counters::default(), Pace::default());
    counters.add_pushed(users.recorded());
    counters.set_flushed(users.recorded());
    progress.flushed(&counters);
    thread::scope(|scope| {
        // One that is asked for and has not begun is enough.
        let (wake, woken) = sync_channel(1);
        let (interval, counters, pace) = (options.interval, &counters, &pace);
        let flusher = Flusher { tokens, interval, counters, progress, pace };
        let flush = move || flusher.run(&woken);
        let flushing = thread::Builder::new().name(flush::NAME.to_owned());
        let flushing = flushing.spawn_scoped(scope, flush).map_err(|error| error.to_string())?;
        let (mut ways, mut pushing) = (Vec::new(), Vec::new());
        for number in 0..options.threads {
            let (way, batches) = sync_channel(WAITING);
            let clock = clock.cloned();
            let pusher = Pusher { tokens, clock, counters, pace, wake: wake.clone(), number };
            let thread = thread::Builder::new().name(format!("replay-push-{number}"));
            let thread = thread.spawn_scoped(scope, move || pusher.run(batches));
            ways.push(way);
            pushing.push(thread.map_err(|error| error.to_string())?);
        }
        let (clock_of_lines, pushers) = (clock.cloned(), ways);
        let mut reader = Reader { format, users, clock: clock_of_lines, counters, pushers, pace, wake };
        let read = reader.run(&mut Lines::new(source));
        // The pushers end when nobody can hand them anything, and the flushes when nobody can ask for one.
        let secrets = reader.users.secrets;
        drop(reader);
        let mut pushed = Pushing::default();
        for thread in pushing {
            let cost = thread.join().map_err(|_| "a thread that pushes has failed".to_owned())?;
            pushed.add(cost.map_err(|error| explain(&error))?);
        }
        let reading = match read {
            Ok(reading) => reading,
            Err(Ended::Log(error)) => return Err(format!("the log cannot be read: {error}")),
            Err(Ended::Store(error)) => return Err(explain(&error)),
            Err(Ended::Pusher) => return Err("a thread that pushes has ended early".to_owned()),
        };
        if let Some((clock, (_, last))) = clock.zip(reading.times) {
            clock.all_are_at(last);
        }
        let flushed = flushing.join().map_err(|_| "the thread that flushes has failed".to_owned())?;
        let flushed = flushed.map_err(|error| explain(&error))?;
        progress.end(counters);
        Ok((reading, pushed, flushed, secrets))
    })
}

fn cost_of(
    reading: &Reading,
    pushing: &Pushing,
    flushing: &Flushing,
    secrets: (u32, Duration),
    took: Duration,
    timing_ns: f64,
) -> Cost {
    let seconds = took.as_secs_f64();
    Cost {
        seconds,
        calls_per_second: pushing.verified as f64 / seconds.max(0.001),
        parsing_ns: each(reading.parsing, reading.parsed(), timing_ns),
        verification_ns: each(pushing.verification, pushing.verified, timing_ns),
        recording_ns: each(pushing.recording, pushing.recorded, timing_ns),
        timing_ns,
        secrets: secrets.0.into(),
        secrets_seconds: secrets.1.as_secs_f64(),
        flushes: flushing.number,
        flush_seconds: flushing.time.as_secs_f64(),
        waiting_seconds: pushing.waiting.as_secs_f64(),
        longest_flush_ms: flushing.longest.as_secs_f64() * 1_000.0,
        flush_share_of_a_core: flushing.processor.map(|time| time.as_secs_f64() / seconds.max(0.001)),
        peak_memory_bytes: peak_memory(),
    }
}

fn open_log(options: &Options) -> Result<(Box<dyn BufRead>, Option<u64>), String> {
    let Some(path) = &options.file else {
        return Ok((Box::new(BufReader::with_capacity(BLOCK, io::stdin())), None));
    };
    let cannot = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let file = File::open(path).map_err(cannot)?;
    let about = file.metadata().map_err(cannot)?;
    if about.is_dir() {
        return Err(format!("{} is a folder: name a log in it", path.display()));
    }
    let bytes = about.is_file().then_some(about.len());
    let mut source = BufReader::with_capacity(BLOCK, file);
    if source.fill_buf().map_err(cannot)?.starts_with(&[0x1f, 0x8b]) {
        return Err(format!("{0} is compressed: zcat {0} | replay -", path.display()));
    }
    Ok((Box::new(source), bytes))
}

/// Nothing in the background: the flushes are ours, to be timed.
fn open_tokens(options: &Options, clock: Option<&LogClock>) -> Result<Tokens, String> {
    let builder = match &options.database {
        None => {
            let store = Arc::new(MemoryStore::new());
            Tokens::builder(store.clone()).usage_store(store)
        }
        Some(path) => {
            let store = Arc::new(SqliteStore::at(path));
            Tokens::builder(store.clone()).usage_store(store)
        }
    };
    let catalog = Catalog::new()
        .scope(READ, "Calls that read: GET and HEAD")
        .scope(WRITE, "Calls with any other method");
    let at = |builder: TokensBuilder| match clock {
        Some(clock) => builder.clock(clock.clone()),
        None => builder,
    };
    let tokens = at(builder)
        .catalog(catalog)
        .policy(Policy::new().allow_unlimited())
        .live_capacity(options.tokens + 1)
        .recording(Recording { memory: MEMORY, ..Recording::default() })
        .without_background()
        .build()
        .map_err(|error| explain(&error))?;
    block_on(tokens.open()).map_err(|error| match &options.database {
        Some(path) => format!("{} cannot be opened: {}", path.display(), explain(&error)),
        None => explain(&error),
    })?;
    Ok(tokens)
}

fn nothing_read(reading: &Reading) -> String {
    match reading.shown.first() {
        None => "the log is empty".to_owned(),
        Some(shown) => format!(
            "none of {} lines can be read; line {}: {}: {}\nAccess logs in the combined format or with a JSON object a line can be read: try --format, or --help",
            reading.lines, shown.line, shown.reason, shown.text
        ),
    }
}

/// An error with what it came from.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
