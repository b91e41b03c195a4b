//! How far it is.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::options::ProgressKind;

/// What is counted while it runs. Calls are counted as the database has them: those that were left
/// out are among them.
#[derive(Default)]
pub struct Counters {
    read_bytes: AtomicU64,
    pushed: AtomicU64,
    flushed: AtomicU64,
}

impl Counters {
    pub fn add_read(&self, bytes: u64) {
        self.read_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many calls are recorded.
    pub fn add_pushed(&self, calls: u64) {
        self.pushed.fetch_add(calls, Ordering::Release);
    }

    pub fn pushed(&self) -> u64 {
        self.pushed.load(Ordering::Acquire)
    }

    pub fn flushed(&self) -> u64 {
        self.flushed.load(Ordering::Acquire)
    }

    /// So many calls are written.
    pub fn set_flushed(&self, calls: u64) {
        self.flushed.store(calls, Ordering::Release);
    }
}

/// Shows it on standard error.
pub struct Progress {
    kind: Kind,
    start: Instant,
    /// How long the log is, where that is known.
    bytes: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bar,
    Plain,
    None,
}

const WIDTH: usize = 30;
/// How often the bar is drawn.
pub const PAUSE: Duration = Duration::from_millis(200);

impl Progress {
    pub fn new(kind: ProgressKind, bytes: Option<u64>) -> Progress {
        let kind = match kind {
            ProgressKind::Auto if std::io::stderr().is_terminal() => Kind::Bar,
            ProgressKind::Plain => Kind::Plain,
            _ => Kind::None,
        };
        Progress { kind, start: Instant::now(), bytes }
    }

    /// A flush has ended.
    pub fn flushed(&self, counters: &Counters) {
        if self.kind == Kind::Plain {
            _ = writeln!(std::io::stderr(), "pushed {} flushed {}", counters.pushed(), counters.flushed());
        }
    }

    /// Time has gone by.
    pub fn draw(&self, counters: &Counters) {
        if self.kind != Kind::Bar {
            return;
        }
        let (pushed, flushed) = (counters.pushed(), counters.flushed());
        let speed = pushed as f64 / self.start.elapsed().as_secs_f64().max(0.001);
        let bar = self.bytes.filter(|bytes| *bytes > 0).map_or_else(String::new, |bytes| {
            let read = counters.read_bytes.load(Ordering::Relaxed);
            let share = (read as f64 / bytes as f64).min(1.0);
            let full = (share * WIDTH as f64) as usize;
            format!("[{}{}] {:3.0} %  ", "#".repeat(full), " ".repeat(WIDTH - full), share * 100.0)
        });
        // To the line's end, so that nothing of a longer one stays.
        let mut terminal = std::io::stderr();
        _ = write!(terminal, "\r{bar}{pushed} calls, {flushed} written, {speed:.0} a second\x1b[K");
        _ = terminal.flush();
    }

    /// Nothing more comes.
    pub fn end(&self, counters: &Counters) {
        self.draw(counters);
        if self.kind == Kind::Bar {
            eprintln!();
        }
    }
}
