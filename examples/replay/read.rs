//! The thread that reads: from lines to batches for the threads that push.

use std::io::{self, BufRead};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokenward::Error;

use crate::batch::Batch;
use crate::clock::LogClock;
use crate::format::Format;
use crate::lines::Lines;
use crate::pace::Pace;
use crate::progress::Counters;
use crate::users::{Place, Users};

/// So many lines that cannot be read are shown.
const MOST_SHOWN: usize = 5;
const LONGEST_SHOWN: usize = 100;

/// What was read.
#[derive(Default)]
pub struct Reading {
    pub lines: u64,
    pub calls: u64,
    /// Of those, the ones of which the log says how long they took.
    pub timed: u64,
    /// Calls that the database had already.
    pub left_out: u64,
    /// Calls that were made.
    pushed: u64,
    pub unreadable: u64,
    /// The first of those.
    pub shown: Vec<Shown>,
    /// The first and the last moment, in milliseconds since 1970.
    pub times: Option<(i64, i64)>,
    /// How long parsing took: without reading, waiting and making secrets.
    pub parsing: Duration,
}

/// A line that cannot be read.
#[derive(Serialize)]
pub struct Shown {
    pub line: u64,
    pub reason: &'static str,
    pub text: String,
}

/// Why reading has ended early.
pub enum Ended {
    Log(io::Error),
    Store(Error),
    /// A thread that pushes has ended, and says why.
    Pusher,
}

/// Where the lines go.
pub struct Reader<'a> {
    pub format: Format,
    pub users: Users<'a>,
    pub clock: Option<LogClock>,
    pub counters: &'a Counters,
    pub pushers: Vec<SyncSender<Batch>>,
    pub pace: &'a Pace,
    pub wake: SyncSender<()>,
}

/// By so much the log's time goes on at most between two flushes. A flush goes by the slowest thread's
/// time, and what lies more than an hour ahead of it is no time that it believes: a quiet log may go
/// through years in a second.
const LONGEST_SPAN_MS: i64 = 45 * 60_000;

impl Reader<'_> {
    /// Reads to the log's end.
    pub fn run<R: BufRead>(&mut self, lines: &mut Lines<R>) -> Result<Reading, Ended> {
        let mut reading = Reading::default();
        let (mut span_until, recorded) = (i64::MIN, self.counters.pushed());
        let mut batches: Vec<Batch> = self.pushers.iter().map(|_| Batch::default()).collect();
        while let Some(line) = lines.next().map_err(Ended::Log)? {
            reading.lines += 1;
            self.counters.add_read(line.bytes);
            if line.text.is_empty() {
                continue;
            }
            let (start, aside) = (Instant::now(), self.users.secrets.1);
            let text = String::from_utf8_lossy(line.text);
            let entry = match self.format.read(&text) {
                _ if line.is_cut => {
                    reading.refuse("it is longer than 64 KiB", &text);
                    continue;
                }
                Err(unreadable) => {
                    reading.refuse(unreadable.0, &text);
                    continue;
                }
                Ok(entry) if entry.at_ms < 0 => {
                    reading.refuse("it is from before 1970", &text);
                    continue;
                }
                Ok(entry) => entry,
            };
            reading.timed += u64::from(entry.duration.is_some());
            reading.calls += 1;
            let (first, last) = reading.times.unwrap_or((entry.at_ms, entry.at_ms));
            // Servers write a line when a call ends, and not quite in order: time stands still then.
            let at_ms = last.max(entry.at_ms);
            reading.times = Some((first, at_ms));
            if let Some(clock) = self.clock.clone() {
                if at_ms > span_until {
                    self.send_all(&mut batches)?;
                    self.pace.drain(self.counters, recorded + reading.pushed, &self.wake);
                    clock.all_are_at(at_ms);
                    span_until = at_ms.saturating_add(LONGEST_SPAN_MS);
                }
                clock.at(at_ms);
            }
            match self.users.place(&entry.user).map_err(Ended::Store)? {
                Place::LeftOut => reading.left_out += 1,
                Place::Token(number, secret) => {
                    // All calls with a token go one way, in their order.
                    let threads = batches.len();
                    let (way, number) = (number as usize % threads, number / threads as u32);
                    batches[way].tokens.extend(secret);
                    batches[way].push(number, at_ms, &entry);
                    reading.pushed += 1;
                    reading.parsing += start.elapsed().saturating_sub(self.users.secrets.1 - aside);
                    if batches[way].is_full() {
                        send(&self.pushers[way], &mut batches[way])?;
                    }
                }
            }
        }
        self.send_all(&mut batches)?;
        Ok(reading)
    }

    fn send_all(&self, batches: &mut [Batch]) -> Result<(), Ended> {
        self.pushers.iter().zip(batches).try_for_each(|(pusher, batch)| send(pusher, batch))
    }
}

fn send(pusher: &SyncSender<Batch>, batch: &mut Batch) -> Result<(), Ended> {
    pusher.send(std::mem::take(batch)).map_err(|_| Ended::Pusher)
}

impl Reading {
    fn refuse(&mut self, reason: &'static str, text: &str) {
        self.unreadable += 1;
        if self.shown.len() < MOST_SHOWN {
            let cut: String = text.chars().take(LONGEST_SHOWN).collect();
            // Escaped: a log may hold whatever a stranger has sent, and a terminal obeys much of it.
            self.shown.push(Shown { line: self.lines, reason, text: cut.escape_debug().to_string() });
        }
    }

    /// How many calls were timed while they were parsed.
    pub fn parsed(&self) -> u64 {
        self.pushed
    }
}
